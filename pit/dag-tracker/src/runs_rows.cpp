// SPDX-License-Identifier: Apache-2.0
#include "runs_rows.hpp"

#include "tell_findings.hpp"

#include <algorithm>
#include <charconv>

namespace symphony::tracker {

namespace {

void begin(ValueBuilder& out, std::string_view kind) {
    out.map(12);
    if (!kind.empty()) out.add("kind", kind);
}

} // namespace

void add_run(ValueBuilder& out, const RunSummary& run, std::string_view kind) {
    begin(out, kind);
    out.add("id", std::string_view(run.id)).add("state", name_of(run.state)).add("workflow", std::string_view(run.workflow)).add("version", std::string_view(run.version));
    out.add("path", std::string_view(run.path)).add("durability", name_of(run.durability)).add("steps", run.steps).add("steps_done", run.steps_done);
    out.add("parts", run.parts).add("created_ms", run.created_ms).add("ended_ms", run.ended_ms).end();
}

void add_step(ValueBuilder& out, const StepRow& step, std::string_view kind, const Value* answers) {
    begin(out, kind);
    if (answers != nullptr) out.add("output", answers->view());
    out.add("node", std::string_view(step.node)).add("state", name_of(step.state)).add("calls", step.calls).add("cached", step.recalled).add("attempts", step.attempts);
    out.add("ended_ms", step.ended_ms).add("took_ns", step.took_ns).add("output_bytes", step.output_bytes);
    add_problems(out, step.problems);
    out.end();
}

void add_attempt(ValueBuilder& out, const AttemptRow& row, std::string_view kind) {
    const Attempt& attempt = row.attempt;
    begin(out, kind);
    out.add("node", std::string_view(row.node)).add("attempt", attempt.number).add("part", row.part).add("started_ms", attempt.started_ms);
    out.add("waited_ns", attempt.waited_ns).add("took_ns", attempt.took_ns).add("fencing_token", attempt.token);
    if (row.element != no_id) out.add("element", row.element);
    if (row.error) out.add("reason", row.error->reason()).add("message", std::string_view(row.error->message()));
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

Value answers_of(std::vector<const CallRow*> calls) {
    const auto answer = [](const CallRow& call) { return call.answer && *call.answer ? (*call.answer)->view() : ValueView(); };
    if (calls.empty()) return {};
    if (calls.size() == 1 && calls.front()->element == no_id) return Value::copy(answer(*calls.front()));
    std::sort(calls.begin(), calls.end(), [](const CallRow* a, const CallRow* b) { return a->element < b->element; });
    ValueBuilder list;
    list.list(calls.size());
    std::uint32_t next = 0;
    for (const CallRow* call : calls) {
        for (; next < call->element; ++next) list.null();
        list.value(answer(*call));
        ++next;
    }
    return list.end().build();
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
