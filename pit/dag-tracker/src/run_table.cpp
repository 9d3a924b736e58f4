// SPDX-License-Identifier: Apache-2.0
#include "run_table.hpp"

#include "markup.hpp"
#include "tracker.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace symphony::tracker {
namespace {

constexpr std::size_t rows_max = 60;

std::string result_text(const RunResult& result, Id n) {
    const NodeRun& run = result.nodes[n];
    std::string text(name_of(run.state));
    if (run.state == NodeState::completed) text = "done";
    if (run.recalled > 0) text += ", " + recalled_text(run.recalled, run.calls);
    if (run.problems > 0) text += ", " + std::to_string(run.problems) + (run.problems == 1 ? " problem" : " problems");
    if (run.attempts > 1) text += ", " + std::to_string(run.attempts) + " attempts";
    return text;
}

std::string_view color_of(const RunResult& result, Id n) noexcept {
    switch (result.nodes[n].state) {
    case NodeState::completed: return result.nodes[n].problems > 0 ? "\x1b[33m" : "\x1b[32m";
    case NodeState::failed: return "\x1b[31m";
    default: return "\x1b[2m";
    }
}

std::uint64_t time_of(const NodeRun& run) noexcept { return run.started_ns == 0 || run.ended_ns < run.started_ns ? 0 : run.ended_ns - run.started_ns; }

/// Of a long workflow the failed nodes and then the slowest, in topological order.
std::vector<Id> chosen_rows(const Plan& plan, const RunResult& result) {
    std::vector<Id> rows = plan.workflow.order;
    if (rows.size() <= rows_max) return rows;
    const auto worth = [&](Id n) {
        const auto state = result.nodes[n].state;
        return std::pair(state == NodeState::failed, time_of(result.nodes[n]));
    };
    std::vector<std::uint32_t> rank(rows.size());
    for (std::uint32_t i = 0; i < rows.size(); ++i) rank[rows[i]] = i;
    std::partial_sort(rows.begin(), rows.begin() + rows_max, rows.end(), [&](Id a, Id b) { return worth(a) != worth(b) ? worth(a) > worth(b) : rank[a] < rank[b]; });
    rows.resize(rows_max);
    std::sort(rows.begin(), rows.end(), [&](Id a, Id b) { return rank[a] < rank[b]; });
    return rows;
}

} // namespace

std::string time_text(std::uint64_t ns) {
    char text[40];
    const double ms = static_cast<double>(ns) / 1e6;
    if (ns == 0) return "-";
    if (ms < 1) std::snprintf(text, sizeof text, "%.0f µs", ms * 1000);
    else if (ms < 1000) std::snprintf(text, sizeof text, "%.1f ms", ms);
    else if (ms < 60'000) std::snprintf(text, sizeof text, "%.2f s", ms / 1000);
    else std::snprintf(text, sizeof text, "%.0f min %.0f s", static_cast<double>(static_cast<std::uint64_t>(ms) / 60'000), static_cast<double>(static_cast<std::uint64_t>(ms) % 60'000 / 1000));
    return text;
}

std::string lane_name(const Provider* provider) {
    if (provider == nullptr) return {};
    if (provider->blocking) return provider->concurrent ? "blocking" : "blocking, serial";
    return provider->concurrent ? "compute" : "serial";
}

std::string run_table(const Plan& plan, const RunResult& result, const TableStyle& style) {
    const Workflow& workflow = plan.workflow;
    using Row = std::array<std::string, 6>;
    std::vector<Row> rows{{"NODE", "PLUGIN", "LANE", "CALLS", "TIME", "RESULT"}};
    const auto shown_nodes = chosen_rows(plan, result);
    for (const Id n : shown_nodes) {
        const NodeRun& run = result.nodes[n];
        const Node& node = workflow.nodes[n];
        const Provider* provider = plan.binding.providers[n];
        const std::string what = provider != nullptr ? provider->name + "." + std::string(workflow.names[node.operation]) : std::string(name_of(node.kind));
        rows.push_back({one_line(workflow.node_name(n)), one_line(what), lane_name(provider), run.calls == 0 ? "-" : std::to_string(run.calls), time_text(time_of(run)), result_text(result, n)});
    }
    std::array<std::size_t, 6> widths{};
    for (const auto& row : rows) {
        for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], characters(row[c]));
    }
    std::string out;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        std::string line;
        for (std::size_t c = 0; c < rows[r].size(); ++c) {
            const auto& cell = rows[r][c];
            const std::string pad(widths[c] - characters(cell), ' ');
            const bool right = c == 3 || c == 4;
            line += right ? pad + cell : c + 1 == rows[r].size() ? cell : cell + pad;
            if (c + 1 < rows[r].size()) line += "  ";
        }
        if (style.columns != 0) line = cut(line, style.columns);
        if (!style.color) out += line;
        else if (r == 0) out += "\x1b[1m" + line + "\x1b[0m";
        else out += std::string(color_of(result, shown_nodes[r - 1])) + line + "\x1b[0m";
        out += '\n';
    }
    if (shown_nodes.size() < workflow.order.size()) out += "… and " + std::to_string(workflow.order.size() - shown_nodes.size()) + " more nodes (--json has all)\n";
    return out;
}

std::string problem_lines(const Plan& plan, const RunResult& result) {
    constexpr std::size_t listed_max = 200;
    std::string out;
    std::size_t listed = 0;
    for (const auto& problem : result.problems) {
        if (++listed > listed_max) continue;
        const bool failed = result.nodes[problem.node].state == NodeState::failed;
        out += failed ? "error: " : "problem: ";
        out += "node " + shown(plan.workflow.node_name(problem.node)) + ": ";
        if (!problem.path.empty()) out += one_line(problem.path) + ": ";
        // Texts of plugins are told as theirs.
        const Provider* speaker = failed ? plan.binding.providers[problem.node] : nullptr;
        const bool named = speaker == nullptr || problem.error.message().find("plugin \"" + speaker->name) != std::string::npos;
        if (!named) out += "plugin \"" + speaker->name + "\" " + speaker->version + ": ";
        out += one_line(problem.error.message()) + " [" + one_line(problem.error.reason()) + "]\n";
        std::string hint = one_line(problem.error.hint());
        if (hint.empty() && failed) {
            const Provider* provider = plan.binding.providers[problem.node];
            hint = provider == nullptr ? "symphony check " + plan.workflow.file : "symphony show " + provider->name + " tells what its operations take";
        }
        if (!hint.empty()) out += "hint: " + hint + "\n";
    }
    if (listed > listed_max) out += "problem: " + std::to_string(listed - listed_max) + " more are not listed (--json has all)\n";
    return out;
}

Value run_json(const Plan& plan, const RunResult& result, const std::vector<WrittenFile>& files) {
    const Workflow& workflow = plan.workflow;
    ValueBuilder out;
    const auto error = [&](const Error& what) {
        out.add("reason", what.reason()).add("message", std::string_view(what.message())).add("hint", std::string_view(what.hint()));
    };
    out.map(10).add("ok", result.state == RunResult::State::completed).add("state", name_of(result.state));
    out.add("workflow", std::string_view(workflow.id)).add("version", std::string_view(workflow.version));
    out.add("elapsed_ns", result.elapsed_ns).add("late", result.late).add("abandoned", result.abandoned);
    out.key("nodes").list(result.nodes.size());
    for (const Id n : workflow.order) {
        const NodeRun& run = result.nodes[n];
        const Provider* provider = plan.binding.providers[n];
        out.map(13).add("node", workflow.node_name(n)).add("kind", name_of(workflow.nodes[n].kind)).add("state", name_of(run.state));
        out.add("plugin", provider == nullptr ? std::string_view() : std::string_view(provider->id));
        out.add("operation", workflow.names[workflow.nodes[n].operation]).add("lane", std::string_view(lane_name(provider)));
        out.add("started_ns", run.started_ns).add("ended_ns", run.ended_ns).add("calls", run.calls).add("attempts", run.attempts).add("cached", run.recalled).add("problems", run.problems);
        if (const auto* failure = failure_of(result, n)) error(failure->error);
        out.end();
    }
    out.end().key("problems").list(result.problems.size());
    for (const auto& problem : result.problems) {
        out.map(6).add("node", workflow.node_name(problem.node)).add("path", std::string_view(problem.path));
        error(problem.error);
        out.end();
    }
    out.end().key("files").map(files.size());
    for (const auto& file : files) {
        if (!file.error) out.add(file.output, std::string_view(file.path));
    }
    out.end().key("outputs").map(result.outputs.size());
    for (const auto& [index, value] : result.outputs) {
        // What went into a file is not repeated.
        if (workflow.outputs[index].file.empty()) out.add(workflow.outputs[index].name, value.view());
    }
    return out.end().end().build();
}

} // namespace symphony::tracker
