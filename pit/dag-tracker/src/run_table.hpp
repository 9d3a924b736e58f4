// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "run.hpp"

#include <symphony/value.hpp>

#include <string>
#include <utility>
#include <vector>

namespace symphony::tracker {

/// A file that an output was written to, or why it was not.
struct WrittenFile {
    std::string output;
    std::string path;
    std::optional<Error> error;
};

struct TableStyle {
    bool color = false;
    std::size_t columns = 0;  ///< of the terminal; 0 = no limit
};

/// What ran where and how long, a line a node in topological order: node, plugin, lane, calls, time, result. Long workflows
/// show their slowest and their failed nodes.
std::string run_table(const Plan& plan, const RunResult& result, const TableStyle& style);
/// Every problem on a line of its own, `error:` for nodes that failed and `problem:` for elements that were left out.
std::string problem_lines(const Plan& plan, const RunResult& result);
/// The run as JSON for programs: everything of the table, problems, outputs and files.
Value run_json(const Plan& plan, const RunResult& result, const std::vector<WrittenFile>& files);
/// "compute", "serial", "blocking" or "blocking, serial"; "" for control nodes.
std::string lane_name(const Provider* provider);
/// "850 µs", "12.3 ms", "4.56 s", "3 min 20 s".
std::string time_text(std::uint64_t ns);

} // namespace symphony::tracker
