// SPDX-License-Identifier: Apache-2.0
#include "journal_rows.hpp"

#include <algorithm>
#include <unordered_map>

namespace symphony::tracker {
namespace {

std::uint32_t u32(ValueView value) noexcept { return static_cast<std::uint32_t>(std::min<std::uint64_t>(value.as_uint(), ~std::uint32_t{0})); }

void put(ValueBuilder& out, const Problem& problem) {
    const Error& error = problem.error;
    out.list(7).text(problem.path).integer(static_cast<std::int64_t>(error.code())).text(error.reason())
        .text(error.message()).text(error.hint()).boolean(error.retryable()).unsigned_integer(problem.element).end();
}
Problem problem_of(ValueView from) {
    Error error(static_cast<Code>(from.at(1).as_int(static_cast<std::int64_t>(Code::internal))), from.at(2).as_text(), std::string(from.at(3).as_text()),
                std::string(from.at(4).as_text()));
    return {no_id, std::string(from.at(0).as_text()), from.at(5).as_bool() ? std::move(error).as_retryable() : std::move(error),
            from.at(6).exists() ? u32(from.at(6)) : no_id};
}

/// Of what the call is known by only its inputs: the rest is in the list of the run's plugins.
void put(ValueBuilder& out, const CallNote& note) {
    const Attempt& attempt = note.attempt;
    out.list(attempt.number == 0 ? 5 : 10).unsigned_integer(static_cast<std::uint64_t>(note.recall));
    if (note.difference) {
        const Difference& difference = *note.difference;
        out.list(4).text(difference.component).text(difference.name).text(difference.was).text(difference.is).end();
    } else {
        out.null();
    }
    out.text(note.run).integer(note.made_ms).value(inputs_of(note.facts.parts));
    if (attempt.number != 0) out.unsigned_integer(attempt.number).integer(attempt.started_ms).unsigned_integer(attempt.waited_ns).unsigned_integer(attempt.took_ns).unsigned_integer(attempt.token);
    out.end();
}
CallNote note_of(ValueView from) {
    CallNote note;
    if (const auto recall = from.at(0).as_uint(); recall <= static_cast<std::uint64_t>(recall_last)) note.recall = static_cast<Recall>(recall);
    const auto text = [](ValueView view) { return std::string(view.as_text()); };
    if (const ValueView difference = from.at(1); difference.is_list()) note.difference = {text(difference.at(0)), text(difference.at(1)), text(difference.at(2)), text(difference.at(3))};
    note.run = text(from.at(2));
    note.made_ms = from.at(3).as_int();
    note.facts.parts = Value::copy(from.at(4));
    note.attempt = {u32(from.at(5)), from.at(6).as_int(), from.at(7).as_uint(), from.at(8).as_uint(), from.at(9).as_uint()};
    return note;
}

} // namespace

Value encode(const StepBody& body) {
    ValueBuilder out;
    const bool ended = body.kind == StepBody::Kind::ended;
    const bool answered = body.kind == StepBody::Kind::answered;
    const bool closing = body.kind == StepBody::Kind::closing;
    const bool attempted = body.kind == StepBody::Kind::attempted;
    out.list(ended ? 15 : attempted ? 6 : answered || closing ? 5 : 4).unsigned_integer(static_cast<std::uint64_t>(body.kind)).text(body.node).unsigned_integer(body.element).integer(body.at_ms);
    if (ended) {
        const StepEnd& end = body.end;
        out.unsigned_integer(static_cast<std::uint64_t>(end.state)).boolean(end.bare).unsigned_integer(end.calls).unsigned_integer(end.attempts).unsigned_integer(end.took_ns);
        out.list(end.problems.size());
        for (const Problem& problem : end.problems) put(out, problem);
        out.end().boolean(end.by_fallback).boolean(end.closing).boolean(end.each).unsigned_integer(end.recalled);
        put(out, end.note);
    }
    if (answered || attempted) put(out, body.note);
    if (attempted) put(out, body.end.problems.at(0));
    if (closing) out.boolean(body.undoes);
    return out.end().build();
}

bool decode(Bytes bytes, StepBody& out) {
    const auto checked = Value::checked(Buffer::copy(bytes));
    if (!checked || !checked->is_list() || checked->size() < 4) return false;
    const ValueView list = *checked;
    const std::uint64_t kind = list.at(0).as_uint();
    if (kind < 1 || kind > 5 || !list.at(1).is_text()) return false;
    out.kind = static_cast<StepBody::Kind>(kind);
    out.node = list.at(1).as_text();
    out.element = u32(list.at(2));
    out.at_ms = list.at(3).as_int();
    if (out.kind == StepBody::Kind::answered || out.kind == StepBody::Kind::attempted) out.note = note_of(list.at(4));
    if (out.kind == StepBody::Kind::attempted) out.end.problems.push_back(problem_of(list.at(5)));
    if (out.kind == StepBody::Kind::closing) {
        out.undoes = list.at(4).as_bool();
        return out.element <= static_cast<std::uint32_t>(RunResult::State::cancelled);
    }
    if (out.kind != StepBody::Kind::ended) return true;
    const std::uint64_t state = list.at(4).as_uint();
    if (list.size() < 10 || state < static_cast<std::uint64_t>(NodeState::pending) || state > static_cast<std::uint64_t>(NodeState::upstream_failed)) return false;
    out.end.state = static_cast<NodeState>(state);
    out.end.bare = list.at(5).as_bool();
    out.end.calls = u32(list.at(6));
    out.end.attempts = u32(list.at(7));
    out.end.took_ns = list.at(8).as_uint();
    for (const ValueView problem : list.at(9).items()) out.end.problems.push_back(problem_of(problem));
    out.end.by_fallback = list.at(10).as_bool();
    out.end.closing = list.at(11).as_bool();
    out.end.each = list.at(12).as_bool();
    out.end.recalled = u32(list.at(13));
    out.end.note = note_of(list.at(14));
    return true;
}

Value encode(const RunRow& row) {
    ValueBuilder out;
    out.list(6).text(row.workflow).text(row.version).text(row.path).unsigned_integer(row.steps)
        .unsigned_integer(static_cast<std::uint64_t>(row.durability)).integer(row.created_ms);
    return out.end().build();
}

bool decode(Bytes bytes, RunRow& out) {
    const auto checked = Value::checked(Buffer::copy(bytes));
    if (!checked || !checked->is_list() || checked->size() < 6) return false;
    const ValueView list = *checked;
    const std::uint64_t durability = list.at(4).as_uint();
    if (durability < 1 || durability > 3) return false;
    out = {std::string(list.at(0).as_text()), std::string(list.at(1).as_text()), std::string(list.at(2).as_text()), u32(list.at(3)),
           static_cast<Durability>(durability), list.at(5).as_int()};
    return true;
}

Value encode_given(const NewRun& run) {
    ValueBuilder out;
    out.list(4).bytes(bytes_of(run.source)).value(run.inputs.view()).value(run.options.view()).value(run.plugins.view());
    return out.end().build();
}

Status decode(Bytes head, Bytes given, NewRun& out) {
    RunRow row;
    const auto checked = Value::checked(Buffer::copy(given));
    if (!decode(head, row) || !checked || !checked->is_list() || checked->size() < 4) {
        return Error(Code::data_corrupt, "journal-corrupt", "the record of a run makes no sense");
    }
    const ValueView list = *checked;
    out.workflow = row.workflow;
    out.version = row.version;
    out.path = row.path;
    out.steps = row.steps;
    out.durability = row.durability;
    out.source = std::string(text_of(list.at(0).as_bytes()));
    out.inputs = Value::copy(list.at(1));
    out.options = Value::copy(list.at(2));
    out.plugins = Value::copy(list.at(3));
    return {};
}

std::size_t last_closing(const std::vector<StepBody>& steps) noexcept {
    for (std::size_t i = steps.size(); i-- > 0;) {
        if (steps[i].kind == StepBody::Kind::closing) return i;
    }
    return steps.size();
}

bool is_kept(NodeState state) noexcept { return state == NodeState::completed || state == NodeState::skipped; }

std::optional<AttemptRow> attempt_of(const StepBody& body, std::uint32_t part) {
    const bool alone = body.kind == StepBody::Kind::ended || body.element == no_id;
    const CallNote& note = body.kind == StepBody::Kind::ended ? body.end.note : body.note;
    if (body.kind == StepBody::Kind::begun || body.kind == StepBody::Kind::closing || note.attempt.number == 0) return std::nullopt;
    AttemptRow row{body.node, alone ? no_id : body.element, part, note.attempt, std::nullopt};
    // What an element failed of is on record with its step's end.
    if (body.kind != StepBody::Kind::answered && !body.end.problems.empty()) row.error = body.end.problems.front().error;
    return row;
}

std::vector<StepRow> rows_of(const std::vector<StepBody>& steps, const std::vector<std::uint64_t>& output_bytes) {
    std::vector<StepRow> rows;
    std::unordered_map<std::string_view, std::size_t> at;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const StepBody& body = steps[i];
        if (body.kind == StepBody::Kind::closing || body.kind == StepBody::Kind::attempted) continue;
        const auto [found, fresh] = at.try_emplace(body.node, rows.size());
        if (fresh) rows.push_back({body.node, NodeState::running, 0, 0, 0, 0, 0, 0, {}});
        StepRow& row = rows[found->second];
        row.output_bytes += output_bytes[i];
        if (body.kind != StepBody::Kind::ended) {
            if (row.state != NodeState::completed) row.state = NodeState::running;
            continue;
        }
        row.state = body.end.state;
        row.calls = body.end.calls;
        row.attempts = body.end.attempts;
        row.recalled = body.end.recalled;
        row.ended_ms = body.at_ms;
        row.took_ns = body.end.took_ns;
        if (!body.end.each) row.output_bytes = output_bytes[i];
        row.problems = body.end.problems;
    }
    return rows;
}

Sum::Sum(const Digest& all) noexcept { std::copy_n(all.bytes.begin(), bytes_.size(), bytes_.begin()); }
bool operator!=(const Sum& a, Bytes b) noexcept { return !std::equal(a.bytes_.begin(), a.bytes_.end(), b.begin(), b.end()); }

Sum sum_of(std::string_view id, Bytes head, Bytes given) { return Sum(Sha256().add_sized(bytes_of(id)).add_sized(head).add_sized(given).finish()); }

Sum sum_of(std::int64_t key, std::int64_t part, Bytes body, Bytes output) {
    std::array<std::uint8_t, 16> numbers{};
    for (std::size_t i = 0; i < 8; ++i) {
        numbers[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(key) >> (8 * i));
        numbers[8 + i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(part) >> (8 * i));
    }
    return Sum(Sha256().add_sized(numbers).add_sized(body).add_sized(output).finish());
}

} // namespace symphony::tracker
