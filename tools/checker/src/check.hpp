// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finding.hpp"
#include "rules.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace symphony::checker {

struct CheckOptions {
    std::uint32_t level = level_of_registries;
    std::vector<std::string> only;       ///< rules; empty = all of the level
    std::uint64_t seed = 0;
    std::chrono::seconds limit{45};      ///< of each case
    bool run_code = true;
    std::function<void(std::string_view part)> on_part;  ///< before each part; may be empty
};

/// What a check of one plugin came to.
struct Verdict {
    std::string plugin;                  ///< "redact 0.1.0", or the folder
    std::vector<Finding> broken;         ///< rules that are not held
    std::vector<Finding> advice;
    std::vector<std::string> not_tried;
    std::size_t rules_tried = 0;
    std::uint64_t seed = 0;
    std::uint32_t level = 0;
    bool ok() const noexcept { return broken.empty(); }
};

/// Holds a plugin to the rules of a level.
Verdict check(const std::filesystem::path& folder, const CheckOptions& options);

/// For people: a line for each finding with its hint, and the sum.
std::string text_of(const Verdict& verdict, const std::filesystem::path& folder);
/// One JSON object.
std::string json_of(const Verdict& verdict, const std::filesystem::path& folder);

} // namespace symphony::checker
