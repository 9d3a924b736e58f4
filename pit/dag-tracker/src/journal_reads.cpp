// SPDX-License-Identifier: Apache-2.0
#include "journal_core.hpp"

#include <map>
#include <utility>

namespace symphony::tracker {

Value with_elements(ValueView kept, const std::vector<Value>& answers) {
    if (!kept.is_map()) return {};
    ValueBuilder out;
    out.map(kept.size());
    for (const auto [port, value] : kept.entries()) {
        out.key(port);
        if (!value.is_null()) {
            out.value(value);
            continue;
        }
        out.list(answers.size());
        for (const Value& answer : answers) out.value(port == "results" ? answer.view() : answer[port]);
        out.end();
    }
    return out.end().build();
}

Result<std::vector<RunSummary>> JournalCore::list(std::size_t count_max) {
    std::vector<RunSummary> out;
    const std::lock_guard lock(database_mutex_);
    auto rows = database_->prepare("SELECT row, id, head, part, state, done, ended_ms FROM runs ORDER BY row DESC LIMIT ?");
    rows.bind(count_max == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(count_max));
    while (rows.step()) out.push_back(SYMPHONY_TRY(summary_of(rows)));
    SYMPHONY_TRY(rows.done());
    return out;
}

Result<RunDetail> JournalCore::show(std::string_view asked, std::vector<StepBody>* bodies, std::vector<KeptOutput>* outputs) {
    RunDetail out;
    const std::lock_guard lock(database_mutex_);
    const Found found = SYMPHONY_TRY(find(asked));
    out.summary = SYMPHONY_TRY(summary_at(found.row, asked));
    out.made_from = found.made_from;
    std::vector<StepBody> steps;
    std::vector<std::uint64_t> sizes;
    std::vector<std::uint32_t> parts;
    SYMPHONY_TRY(read_steps(found.row, steps, outputs, &sizes, &parts));
    out.steps = rows_of(steps, sizes);
    std::map<std::pair<std::string_view, std::uint32_t>, std::size_t> last_of;  // of elements
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (auto attempt = attempt_of(steps[i], parts[i])) {
            if (attempt->element != no_id) last_of.insert_or_assign({steps[i].node, attempt->element}, out.attempts.size());
            out.attempts.push_back(*std::move(attempt));
        }
        for (const Problem& problem : steps[i].end.problems) {
            const auto last = problem.element == no_id ? last_of.end() : last_of.find({steps[i].node, problem.element});
            if (last != last_of.end()) out.attempts[last->second].error = problem.error;
        }
    }
    if (bodies != nullptr) *bodies = std::move(steps);
    return out;
}

Result<RunDetail> JournalCore::told(std::string_view asked, std::uint32_t after, std::uint32_t rows_max, const std::function<void(const ToldRow&)>& each) {
    RunDetail out;
    const std::lock_guard lock(database_mutex_);
    SYMPHONY_TRY(in_snapshot([&]() -> Status {
        Found found = SYMPHONY_TRY(find(asked));
        out.summary = SYMPHONY_TRY(summary_at(found.row, asked));
        out.made_from = std::move(found.made_from);
        auto rows = database_->prepare("SELECT key, part, body, output, sum FROM steps WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?");
        rows.bind(key_of(found.row, after) + 1).bind(key_of(found.row, ~std::uint32_t{0})).bind(rows_max);
        StepBody body;
        for (std::uint32_t seq = after + 1; rows.step(); ++seq) {
            SYMPHONY_TRY(read_row(rows, key_of(found.row, seq), body));
            const auto stored = StoredValue::of(rows.bytes(3));
            each({seq, static_cast<std::uint32_t>(rows.number(1)), body, stored ? stored->size : rows.bytes(3).size()});
        }
        return rows.done();
    }));
    return out;
}

Result<std::int64_t> JournalCore::version() {
    std::int64_t version = 0;
    const std::lock_guard lock(database_mutex_);
    SYMPHONY_TRY(number("PRAGMA data_version", version));
    return version;
}

Result<std::map<std::string, StepEnd>> JournalCore::ends(std::string_view asked) {
    std::vector<StepBody> steps;
    std::vector<KeptOutput> outputs;
    {
        const std::lock_guard lock(database_mutex_);
        SYMPHONY_TRY(read_steps(SYMPHONY_TRY(find(asked)).row, steps, &outputs));
    }
    std::map<std::string, StepEnd> out;
    std::map<std::string, std::map<std::uint32_t, std::size_t>> elements;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        if (steps[i].kind == StepBody::Kind::answered) elements[steps[i].node].insert_or_assign(steps[i].element, i);
        if (steps[i].kind != StepBody::Kind::ended || !is_kept(steps[i].end.state)) continue;
        steps[i].end.output = SYMPHONY_TRY(value_of(outputs[i]));
        if (steps[i].end.each) {
            std::vector<Value> answers;
            for (const auto& [element, at] : elements[steps[i].node]) {
                Value answer = SYMPHONY_TRY(value_of(outputs[at]));
                if (!answer.is_null()) answers.push_back(std::move(answer));
            }
            steps[i].end.output = with_elements(steps[i].end.output, answers);
        }
        out.insert_or_assign(steps[i].node, std::move(steps[i].end));
    }
    return out;
}

Result<RunSummary> JournalCore::summary_at(std::int64_t run, std::string_view asked) {
    auto rows = database_->prepare("SELECT row, id, head, part, state, done, ended_ms FROM runs WHERE row = ?");
    rows.bind(run);
    if (!rows.step()) return rows.done() ? no_such_run(asked) : rows.done().error();
    return summary_of(rows);
}

Result<RunSummary> JournalCore::summary_of(const sqlite_files::Statement& row) {
    RunSummary out;
    out.id = row.text(1);
    RunRow head;
    if (!decode(row.bytes(2), head)) return damaged("run " + out.id);
    out.workflow = head.workflow;
    out.version = head.version;
    out.path = head.path;
    out.steps = head.steps;
    out.durability = head.durability;
    out.created_ms = head.created_ms;
    out.parts = static_cast<std::uint32_t>(row.number(3));
    out.state = static_cast<RunState>(row.number(4));
    out.steps_done = static_cast<std::uint32_t>(row.number(5));
    out.ended_ms = row.number(6);
    if (out.state == RunState::closing) out.state = RunState::running;
    if (out.state == RunState::paused && !is_held(row.number(0))) out.state = RunState::interrupted;
    if (out.state == RunState::running && !is_held(row.number(0))) out.state = RunState::interrupted;
    return out;
}

Status JournalCore::read_row(const sqlite_files::Statement& rows, std::int64_t key, StepBody& body) {
    body = {};
    const bool whole = rows.number(0) == key && !(sum_of(rows.number(0), rows.number(1), rows.bytes(2), rows.bytes(3)) != rows.bytes(4));
    if (!whole || !decode(rows.bytes(2), body)) return damaged("step " + std::to_string(key & 0xFFFFFFFF) + " of a run");
    return {};
}

Status JournalCore::read_steps(std::int64_t run, std::vector<StepBody>& steps, std::vector<KeptOutput>* outputs, std::vector<std::uint64_t>* sizes,
                  std::vector<std::uint32_t>* parts) {
    auto rows = database_->prepare("SELECT key, part, body, output, sum FROM steps WHERE key BETWEEN ? AND ? ORDER BY key");
    rows.bind(key_of(run, 1)).bind(key_of(run, ~std::uint32_t{0}));
    while (rows.step()) {
        const auto seq = static_cast<std::uint32_t>(steps.size() + 1);
        StepBody body;
        SYMPHONY_TRY(read_row(rows, key_of(run, seq), body));
        steps.push_back(std::move(body));
        KeptOutput output;
        output.stored = StoredValue::of(rows.bytes(3));
        if (parts != nullptr) parts->push_back(static_cast<std::uint32_t>(rows.number(1)));
        if (sizes != nullptr) sizes->push_back(output.stored ? output.stored->size : rows.bytes(3).size());
        if (outputs == nullptr) continue;
        if (!output.stored && !rows.bytes(3).empty()) {
            auto value = Value::checked(rows.bytes(3));
            if (!value) return damaged("step " + std::to_string(seq) + " of a run");
            output.value = *std::move(value);
        }
        outputs->push_back(std::move(output));
    }
    return rows.done();
}

} // namespace symphony::tracker
