// SPDX-License-Identifier: Apache-2.0
#include "partial.hpp"
#include "run_core.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

/// A part of a value that shares its bytes.
Value shared_part(const Value& whole, ValueView part) {
    const Bytes bytes = part.bytes();
    if (bytes.empty()) return {};
    const Buffer buffer = whole.buffer();
    const auto* first = buffer.data();
    if (bytes.data() < first || bytes.data() + bytes.size() > first + buffer.size()) return Value::copy(part);
    return Value::unchecked(buffer.slice(static_cast<std::size_t>(bytes.data() - first), bytes.size()));
}

} // namespace

Verdict Run::start_node(Id n, bool let_go) {
    const Node& node = workflow_.nodes[n];
    if (stopped(n)) {
        release_inputs(n);
        return end(n, NodeState::cancelled);
    }
    if (!let_go && paused_.load(std::memory_order_acquire) && hold_back({n, start_slot, 0}, true)) return Verdict::parked;
    if (settings_.log) {
        if (const StepEnd* before = closing_before_ ? settings_.log->last_end(n) : settings_.log->ended_before(n)) return end_as_before(n, *before);
        if (!closing_before_ && was_seen_to(n) && is_logged(n)) {
            release_inputs(n);
            return end(n, NodeState::skipped);
        }
        if (closing_before_ && !closes_run(n) && is_logged(n)) {
            release_inputs(n);
            return end(n, NodeState::cancelled);
        }
    }
    if (!workflow_.scopes.empty() && workflow_.scopes[n] != no_id && !is_left_out(workflow_.scopes[n])) {
        // With its inputs a sub-workflow is skipped, or cannot run, whatever its nodes need of them.
        const NodeState inputs = nodes_[workflow_.scopes[n]].state.load(std::memory_order_acquire);
        if (inputs != NodeState::completed) {
            release_inputs(n);
            return end(n, stopped(n) ? NodeState::cancelled : inputs == NodeState::skipped ? NodeState::skipped : NodeState::upstream_failed);
        }
    }
    if (settings_.known) {
        if (auto verdict = end_as_known(n)) return *verdict;
    }
    if (node.kind == NodeKind::merge) return merge(n);
    if (node.kind == NodeKind::gather) return gather(n);
    if (node.kind == NodeKind::rounds) return rounds(n);
    if (node.kind == NodeKind::tries) return tries(n);
    if (node.kind == NodeKind::elements) return elements(n);
    if (node.kind == NodeKind::join && !joins_.empty() && joins_.contains(n)) return join(n);
    Arrival worst = Arrival::value;
    const bool has_quorum = workflow_.extras_of(n).quorum != 0;
    std::size_t came = 0;
    bool any_failed = false;
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (edge.kind == EdgeKind::after_end) continue;
        Arrival arrival = look_at(edge);
        if (edge.kind == EdgeKind::after_failure) {
            const bool begins = nodes_[edge.from].state.load(std::memory_order_acquire) == NodeState::failed || is_left_out(edge.from);
            arrival = begins ? Arrival::value : Arrival::nothing;
        }
        if (has_quorum) {
            came += edge.from != no_id && arrival == Arrival::value ? 1 : 0;
            any_failed = any_failed || arrival == Arrival::failed;
            if (arrival == Arrival::failed) arrival = Arrival::nothing;
        }
        if (arrival == Arrival::failed) worst = Arrival::failed;
        else if (arrival == Arrival::nothing && worst == Arrival::value && needs(n, edge)) worst = Arrival::nothing;
    }
    if (has_quorum) {
        if (auto verdict = short_of_quorum(n, came, any_failed)) return *verdict;
    }
    if (worst != Arrival::value) {
        release_inputs(n);
        if (stopped(n)) return end(n, NodeState::cancelled);
        return end(n, worst == Arrival::failed ? NodeState::upstream_failed : NodeState::skipped);
    }
    switch (node.kind) {
    case NodeKind::branch: return branch(n);
    case NodeKind::join: return join(n);
    case NodeKind::delay: return begin_delay(n);
    case NodeKind::wait: return begin_wait(n);
    case NodeKind::scope: return workflow_.extras_of(n).attempt != 0 && !is_left_out(attempt_before(n)) ? begin_attempt(n) : scope(n);
    default: return begin_calls(n);
    }
}

bool Run::needs(Id n, const Edge& edge) const {
    const bool has_quorum = workflow_.extras_of(n).quorum != 0;
    if (edge.condition != no_id && !has_quorum) return true;
    if (!edge.carries()) return !has_quorum && !closes_run(n);
    if (edge.to_port == workflow_.nodes[n].each) return true;
    if (workflow_.nodes[n].kind == NodeKind::scope) return !has_constant(n, edge.to_port);
    const auto* operation = plan_->binding.operations[n];
    const auto* spec = operation == nullptr ? nullptr : operation->input(workflow_.names[edge.to_port]);
    return spec == nullptr || !spec->type.optional();
}

ValueView Run::source_value(const Edge& edge) const {
    if (edge.from == no_id) return inputs_[workflow_.inputs[edge.input].name];
    const Cell& from = nodes_[edge.from];
    if (from.bare) return workflow_.names[edge.from_port] == "value" ? from.output.view() : ValueView();
    return edge.from_port == 0 ? from.output.view() : from.output[workflow_.names[edge.from_port]];
}
Value Run::source_shared(const Edge& edge) const {
    const ValueView view = source_value(edge);
    return shared_part(edge.from == no_id ? inputs_ : nodes_[edge.from].output, view);
}

Run::Arrival Run::look_at(const Edge& edge) const {
    if (edge.from != no_id) {
        switch (nodes_[edge.from].state.load(std::memory_order_acquire)) {
        case NodeState::failed:
        case NodeState::upstream_failed:
        case NodeState::cancelled: return closes_run(edge.to) ? Arrival::nothing : Arrival::failed;
        case NodeState::completed: break;
        case NodeState::skipped:
            if (workflow_.extras_of(edge.from).otherwise.is_null()) return Arrival::nothing;
            break;
        default: return Arrival::nothing;
        }
    }
    if (edge.condition != no_id && !holds(edge)) return Arrival::nothing;
    if (!edge.carries()) return Arrival::value;
    return source_value(edge).exists() ? Arrival::value : Arrival::nothing;
}

bool Run::holds(const Edge& edge) const {
    const Expression& condition = workflow_.conditions[edge.condition];
    const ValueView inputs = inputs_of(edge.to);
    if (!condition.is_else()) return condition.holds(condition_value(edge), inputs);
    for (auto i = workflow_.out_offsets[edge.from]; i < workflow_.out_offsets[edge.from + 1]; ++i) {
        const Edge& other = workflow_.edges[workflow_.out_edges[i]];
        if (other.condition == no_id || other.from_port != edge.from_port) continue;
        const Expression& rival = workflow_.conditions[other.condition];
        if (!rival.is_else() && rival.holds(condition_value(other), inputs)) return false;
    }
    return true;
}
ValueView Run::inputs_of(Id n) const {
    const Id scope = workflow_.scopes.empty() ? no_id : workflow_.scopes[n];
    return scope == no_id ? inputs_.view() : nodes_[scope].output.view();
}

bool Run::has_constant(Id n, Id port) const {
    const Node& node = workflow_.nodes[n];
    for (auto i = node.constants_from; i < node.constants_to; ++i) {
        if (workflow_.constants[i].port == port) return true;
    }
    return false;
}

ValueView Run::condition_value(const Edge& edge) const {
    if (edge.from != no_id && edge.from_port == 0) return nodes_[edge.from].output.view();
    return source_value(edge);
}

void Run::release(Id n) {
    if (n == no_id) return;
    Cell& cell = nodes_[n];
    if (cell.uses.fetch_sub(1, std::memory_order_acq_rel) == 1) drop(cell);
}
void Run::release_inputs(Id n) {
    if (!joins_.empty()) {
        if (const auto found = joins_.find(n); found != joins_.end()) {
            // What did not come, or came too late, was let go when it ended.
            for (const Id e : found->second.came) release(workflow_.edges[e].from);
            return;
        }
    }
    const bool any = chosen_.contains(n);
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Id e = workflow_.in_edges[i];
        // Of an "any" merge `early` has released all but the chosen one.
        if (!any || chosen_edge(n) == e) release(workflow_.edges[e].from);
    }
}
void Run::drop(Cell& cell) {
    live_bytes_.fetch_sub(cell.output.bytes().size(), std::memory_order_relaxed);
    cell.output = Value();
}
bool Run::keep(Id n, Value output, bool bare) {
    Cell& cell = nodes_[n];
    if (cell.uses.load(std::memory_order_acquire) == 0) return true;
    const std::size_t bytes = output.bytes().size();
    if (live_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > settings_.value_bytes_max) {
        live_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
        return false;
    }
    cell.bare = bare;
    cell.output = std::move(output);
    return true;
}
Verdict Run::finish(Id n, Value output, bool bare) {
    log_end(n, NodeState::completed, output, bare);
    if (keep(n, std::move(output), bare)) return end(n, NodeState::completed);
    return too_large(n);
}
Verdict Run::too_large(Id n) {
    return fail_at_last(n, Error(Code::exhausted, "values-too-large",
                                 "the values of this run need more than " + std::to_string(settings_.value_bytes_max >> 20) + " MiB at a time",
                                 "let operations write files and pass their paths, or raise values_size_max of dag-tracker"));
}

Verdict Run::end_as_before(Id n, const StepEnd& before) {
    release_inputs(n);
    Times& times = times_[n];
    times.started_ns = times.ended_ns = steady_now_ns();
    times.calls.store(before.calls, std::memory_order_relaxed);
    times.attempts.store(before.attempts, std::memory_order_relaxed);
    times.recalled.store(before.recalled, std::memory_order_relaxed);
    times.problems = static_cast<std::uint32_t>(before.problems.size());
    for (const Problem& problem : before.problems) add_problem(n, problem.path, problem.error, problem.element);
    if (before.state == NodeState::completed) {
        nodes_[n].by_fallback = before.by_fallback;
        if (!before.by_fallback) note_done(n, before.order);
        if (!keep(n, before.output, before.bare)) return too_large(n);
    }
    return end(n, before.state);
}

std::optional<Verdict> Run::end_as_known(Id n) {
    const KnownSteps& known = *settings_.known;
    const auto found = known.ends.find(n);
    const bool left_out = found == known.ends.end() && !known.left_out.empty() && known.left_out[n];
    if (found == known.ends.end() && !left_out) return std::nullopt;
    StepEnd end;
    if (left_out) end.state = NodeState::skipped;
    else end = found->second;
    // On record like what was done, so that the run can go on without who asked for a part of it.
    if (settings_.log) settings_.log->ended(n, end);
    end.order = 0;
    return end_as_before(n, end);
}

bool Run::is_left_out(Id n) const {
    if (settings_.known && !settings_.known->left_out.empty() && settings_.known->left_out[n] && !settings_.known->ends.contains(n)) return true;
    if (!settings_.log) return false;
    // What is skipped for another reason is on no record.
    const StepEnd* before = settings_.log->ended_before(n);
    return before != nullptr && before->state == NodeState::skipped;
}

bool Run::is_logged(Id n) const {
    const Node& node = workflow_.nodes[n];
    if (!settings_.log) return false;
    // An element that is tried again is on record as well: its attempts that failed are not made anew.
    const bool guards = is_guard_.empty() ? false : is_guard_[n] && (!workflow_.extras_of(n).part || node.kind == NodeKind::tries);
    return calls_plugin(node.kind) || node.kind == NodeKind::delay || node.kind == NodeKind::wait || chosen_.contains(n) || joins_.contains(n) || guards;
}
void Run::log_end(Id n, NodeState state, const Value& output, bool bare, const Error* why) {
    if (!is_logged(n)) return;
    const Active* const active = nodes_[n].active.get();
    const Times& times = times_[n];
    StepEnd end;
    end.state = state;
    end.bare = bare;
    end.by_fallback = nodes_[n].by_fallback;
    end.closing = closes_run(n);
    end.calls = times.calls.load(std::memory_order_relaxed);
    end.attempts = times.attempts.load(std::memory_order_relaxed);
    end.took_ns = times.started_ns == 0 ? 0 : steady_now_ns() - times.started_ns;
    end.recalled = times.recalled.load(std::memory_order_relaxed);
    end.each = active != nullptr && !active->single && !end.by_fallback;
    if (nodes_[n].uses.load(std::memory_order_acquire) != 0) end.output = end.each ? beside_elements(n, output) : output;
    if (active != nullptr && active->single) end.note = active->slots[0].note;
    if (why != nullptr) end.problems.push_back({n, {}, *why});
    else if (times.problems != 0) end.problems = problems_of(n);
    settings_.log->ended(n, std::move(end));
}
Value Run::beside_elements(Id n, ValueView output) const {
    ValueBuilder out;
    out.map(output.size());
    for (const auto [port, value] : output.entries()) {
        out.key(port);
        if (port == "items" || (port == "problems" && workflow_.nodes[n].on_error == OnError::collect)) out.value(value);
        else out.null();
    }
    return out.end().build();
}
std::vector<Problem> Run::problems_of(Id n) {
    const std::lock_guard lock(mutex_);
    const auto found = problems_.find(n);
    return found == problems_.end() ? std::vector<Problem>() : found->second;
}

Verdict Run::end(Id n, NodeState state) {
    const NodeExtras& extras = workflow_.extras_of(n);
    // What a skipped node gives instead is there before anybody learns that it was skipped.
    if (state == NodeState::skipped && !extras.otherwise.is_null()) keep(n, extras.otherwise, false);
    set_ended(n, state);
    if (extras.fallback != no_id) skip_fallbacks(n);
    if (workflow_.role(n) == Role::standby) {
        const Id whom = workflow_.stands_in[n];
        if (nodes_[n].claimed.load(std::memory_order_acquire) && nodes_[whom].state.load(std::memory_order_acquire) <= NodeState::running) {
            engine(whom).complete_held({whom, fallback_slot, 0});
        }
    }
    return Verdict::settled;
}

void Run::set_ended(Id n, NodeState state) {
    Cell& cell = nodes_[n];
    Times& times = times_[n];
    cell.active.reset();
    times.ended_ns = steady_now_ns();
    if (times.started_ns == 0 && state == NodeState::completed) times.started_ns = times.ended_ns;
    cell.state.store(state, std::memory_order_release);
    done_.fetch_add(1, std::memory_order_relaxed);
    tell(n, state);
}

Verdict Run::fail(Id n, Error error) {
    const NodeExtras& extras = workflow_.extras_of(n);
    const bool replaced = extras.fallback != no_id || !extras.fallback_outputs.is_null();
    if (!replaced || stopped(n)) return fail_at_last(n, error);
    add_problem(n, {}, std::move(error));
    times_[n].problems = 1;
    if (extras.fallback != no_id) return fall_back(n, extras.fallback);
    nodes_[n].by_fallback = true;
    return finish(n, extras.fallback_outputs);
}

Verdict Run::fail_at_last(Id n, const Error& error) {
    log_end(n, NodeState::failed, {}, false, &error);
    add_problem(n, {}, error);
    nodes_[n].active.reset();
    failed(n, error);
    return end(n, NodeState::failed);
}

void Run::failed(Id n, const Error& error) {
    if (is_guarded(n)) note_failure(n, error);
    else if ((workflow_.fail_fast || settings_.fail_fast) && !closes_run(n)) stop(Stop::failed);
}

Verdict Run::fall_back(Id n, Id standby) {
    nodes_[n].active.reset();
    mark_running(n);
    // Held before the fallback begins: its end may let the node go on at once, on another worker.
    engine(n).hold();
    if (!claim(standby)) return Verdict::parked;
    try {
        start_node(standby);
    } catch (const std::exception& thrown) {
        fail_at_last(standby, Error(Code::exhausted, "out-of-memory", std::string("the tracker failed: ") + thrown.what()));
    }
    return Verdict::parked;
}

Verdict Run::fallen_back(Id n) {
    const Id standby = workflow_.extras_of(n).fallback;
    const NodeState state = nodes_[standby].state.load(std::memory_order_acquire);
    const Value output = nodes_[standby].output;
    release(standby);
    if (state == NodeState::completed) {
        nodes_[n].by_fallback = true;
        return finish(n, output);
    }
    if (state == NodeState::cancelled) return end(n, NodeState::cancelled);
    // The failure is listed already.
    const auto why = problems_of(n);
    log_end(n, NodeState::failed, {}, false, why.empty() ? nullptr : &why.back().error);
    times_[n].problems = 0;
    failed(n, why.empty() ? Error(Code::plugin_failed, "the fallback failed") : why.back().error);
    return end(n, NodeState::failed);
}

void Run::skip_fallbacks(Id n) {
    for (Id standby = workflow_.extras_of(n).fallback; standby != no_id && claim(standby); standby = workflow_.extras_of(standby).fallback) {
        release_inputs(standby);
        set_ended(standby, NodeState::skipped);
    }
}

std::optional<Verdict> Run::short_of_quorum(Id n, std::size_t came, bool any_failed) {
    if (came >= workflow_.extras_of(n).quorum) return std::nullopt;
    release_inputs(n);
    return end(n, stopped(n) ? NodeState::cancelled : any_failed ? NodeState::upstream_failed : NodeState::skipped);
}

void Run::note_done(Id n, std::uint64_t order) {
    if (workflow_.extras_of(n).compensate == no_id) return;
    const std::lock_guard lock(mutex_);
    undoable_.emplace_back(order != 0 ? order : undoable_next_++, n);
}

void Run::add_problem(Id n, std::string path, Error error, std::uint32_t element) {
    const std::lock_guard lock(mutex_);
    problems_[n].push_back({n, std::move(path), std::move(error), element});
}

} // namespace symphony::tracker
