// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::kit {

/// How a program is started and listened to.
struct ProgramOptions {
    std::string folder;                    ///< where it runs; "" = here
    std::vector<std::string> environment;  ///< "NAME=value", in place of what has the same name
    std::function<void(bool error, std::string_view text)> on_output;  ///< as it comes; `error`: of its stderr
    std::function<bool()> cancelled;       ///< asked ten times a second; then it is killed, with all that it started
    std::chrono::milliseconds grace{0};    ///< longest time between SIGTERM for its group and the kill; 0 = killed at once
};

/// Runs a program to its end. [blocks]
/// @param words  The program, a path or to be found in PATH, and its arguments; not empty.
/// @return Its exit status, 128 + the number for a signal; `not_found` with reason `no-program`, `io`, or `cancelled`.
Result<int> run_program(const std::vector<std::string>& words, const ProgramOptions& options);

} // namespace symphony::kit
