// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "case.hpp"
#include "finding.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace symphony::checker {

/// Runs one case in a process of its own and waits for its end; it is killed at the limit, with all that it started. A crash
/// or a hang is a finding of the case's own rule. The calling process has one thread.
Outcome run_case(const CaseEntry& entry, const std::filesystem::path& folder, std::uint64_t seed, std::chrono::seconds limit);

/// The other side: what the process does that run_case() starts. Does not return.
[[noreturn]] void case_main(std::string_view name, const std::filesystem::path& folder, std::uint64_t seed, std::chrono::seconds limit);

/// The words that start such a process: symphony-checker --case NAME SEED LIMIT FOLDER.
inline constexpr std::string_view case_word = "--case";

} // namespace symphony::checker
