// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace symphony::test_support {

/// A program that works until it is killed, in a process of its own. It says what it has acknowledged by writing lines to the
/// ledger, each with one write() of at most 4096 bytes: a line is whole or not there.
/// @return Its exit status, when it ends by itself.
using Worker = std::function<int(int ledger_fd)>;

/// A worker that is a program: `arguments`, with the ledger's descriptor in the variable SYMPHONY_LEDGER.
Worker program(std::vector<std::string> arguments);

/// For the worker: writes a line to the ledger. @return False when nobody listens any more.
bool acknowledge(int ledger_fd, const std::string& line);

struct KillOptions {
    std::uint64_t seed = 1;
    int rounds = 10;
    int lines_max = 20;        ///< the kill comes after 1 to so many acknowledgements of the round, and a little later
    int delay_us_max = 3000;   ///< how much later
    int wait_ms_max = 30'000;  ///< a worker that says nothing for so long fails the round
};

struct KillReport {
    std::uint64_t seed = 0;
    int rounds = 0, killed = 0;
    std::vector<std::string> ledger; ///< all lines of all rounds, in order
    std::vector<std::string> failures;
    bool good() const { return failures.empty() && killed > 0; }
    std::string text() const;
};

/// Starts the worker, kills it with SIGKILL in the midst of its work, and has the result looked at; again and again on the
/// same data. The ledger is read by this process, so it outlives every kill.
/// @param check  Gets all lines so far and the number of those that were there before this round. @return "" or what is wrong.
/// The process must have one thread while this runs: the worker is a fork of it.
KillReport run_kill_loop(const Worker& worker, const KillOptions& options, const std::function<std::string(const std::vector<std::string>& ledger, std::size_t before)>& check);

/// Rounds for run_kill_loop: the number in SYMPHONY_KILL_ROUNDS, or `otherwise`, which ctest runs.
int kill_rounds(int otherwise);

} // namespace symphony::test_support
