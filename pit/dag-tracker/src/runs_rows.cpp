// SPDX-License-Identifier: Apache-2.0
#include "runs_rows.hpp"

#include "tell_findings.hpp"

#include <charconv>

namespace symphony::tracker {

void add_run(ValueBuilder& out, const RunSummary& run) {
    out.map(11).add("id", std::string_view(run.id)).add("state", name_of(run.state)).add("workflow", std::string_view(run.workflow)).add("version", std::string_view(run.version));
    out.add("path", std::string_view(run.path)).add("durability", name_of(run.durability)).add("steps", run.steps).add("steps_done", run.steps_done);
    out.add("parts", run.parts).add("created_ms", run.created_ms).add("ended_ms", run.ended_ms).end();
}

void add_step(ValueBuilder& out, const StepRow& step) {
    out.map(8).add("node", std::string_view(step.node)).add("state", name_of(step.state)).add("calls", step.calls).add("attempts", step.attempts);
    out.add("ended_ms", step.ended_ms).add("took_ns", step.took_ns).add("output_bytes", step.output_bytes);
    add_problems(out, step.problems);
    out.end();
}

void add_problems(ValueBuilder& out, const std::vector<Problem>& problems) {
    out.key("problems").list(problems.size());
    for (const Problem& problem : problems) {
        out.map(4).add("path", std::string_view(problem.path)).add("reason", problem.error.reason());
        out.add("message", std::string_view(problem.error.message())).add("hint", std::string_view(problem.error.hint())).end();
    }
    out.end();
}

Result<std::size_t> count_given(const Value& arguments, std::string_view flag, std::size_t otherwise) {
    const auto word = arguments[flag].as_text();
    if (word.empty()) return otherwise;
    std::size_t count = 0;
    const auto read = std::from_chars(word.data(), word.data() + word.size(), count);
    if (read.ec == std::errc() && read.ptr == word.data() + word.size()) return count;
    return usage("--" + std::string(flag) + " " + shown(word) + " is no number", "0 is all of them");
}

} // namespace symphony::tracker
