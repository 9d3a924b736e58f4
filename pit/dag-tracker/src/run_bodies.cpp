// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <algorithm>

namespace symphony::tracker {

Verdict Run::scope(Id n) {
    const Node& node = workflow_.nodes[n];
    const std::uint32_t element = workflow_.extras_of(n).element;
    const Id whole = element == 0 ? no_id : whole_of(n);
    if (whole != no_id && workflow_.nodes[whole].on_error == OnError::fail && failure_within(whole)) {
        // An element has failed: those that have not begun do not.
        release_inputs(n);
        return end(n, NodeState::cancelled);
    }
    ValueBuilder out;
    out.map(16);
    bool past = false;
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (!edge.carries() || look_at(edge) != Arrival::value) continue;
        ValueView value = source_value(edge);
        if (element != 0 && edge.to_port == node.each) {
            past = element > value.size();
            if (past) break;
            value = value.at(element - 1);
        }
        out.add(workflow_.names[edge.to_port], value);
    }
    if (past) {
        release_inputs(n);
        return end(n, NodeState::skipped);
    }
    for (auto c = node.constants_from; c < node.constants_to; ++c) {
        const Constant& constant = workflow_.constants[c];
        bool given = constant.value().is_null();
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1] && !given; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            given = edge.to_port == constant.port && look_at(edge) == Arrival::value;
        }
        if (!given) out.add(workflow_.names[constant.port], constant.value());
    }
    Value inputs = out.end().build();
    release_inputs(n);
    if (workflow_.extras_of(n).elements_max != 0) {
        if (auto wrong = wrong_list(n, inputs)) return body_failed(n, *std::move(wrong));
    }
    return finish(n, std::move(inputs));
}

Id Run::whole_of(Id n) const noexcept {
    for (Id at = workflow_.guard(n); at != no_id; at = workflow_.guard(at)) {
        if (workflow_.nodes[at].kind == NodeKind::elements) return at;
    }
    return no_id;
}

std::optional<Error> Run::wrong_list(Id n, const Value& inputs) const {
    const std::string_view port = workflow_.names[workflow_.nodes[n].each];
    const ValueView list = inputs[port];
    const std::uint32_t most = workflow_.extras_of(n).elements_max;
    if (!list.is_list()) return Error(Code::invalid_argument, "wrong-kind", "input " + std::string(port) + " is " + std::string(symphony::name_of(list.kind())) + ", each needs a list");
    if (list.size() <= most) return std::nullopt;
    return Error(Code::exhausted, "each-bound", "input " + std::string(port) + " has " + std::to_string(list.size()) + " elements, and elements_max is " + std::to_string(most),
                 "raise elements_max, or split the list");
}

Id Run::attempt_before(Id n) const noexcept {
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (edge.kind == EdgeKind::after_failure) return edge.from;
    }
    return no_id;
}

Verdict Run::begin_attempt(Id n) {
    const NodeExtras& extras = workflow_.extras_of(n);
    const auto why = failure_within(attempt_before(n));
    const auto at = next_attempt_ns(n, extras.attempt - 1);
    if (!why || !may_pass_next_time(*why) || !at || !take_retry()) {
        release_inputs(n);
        return end(n, NodeState::skipped);
    }
    engine(n).hold();
    const std::lock_guard lock(mutex_);
    timers_.push_back({*at, {n, wake_slot, 0}});
    std::push_heap(timers_.begin(), timers_.end(), Timer::later);
    changed_.notify_all();
    return Verdict::parked;
}

void Run::note_failure(Id n, const Error& error) {
    const Id guard = workflow_.guard(n);
    const std::lock_guard lock(mutex_);
    const auto [found, added] = failures_.try_emplace(guard, n, error);
    // The same one whoever was quicker.
    if (!added && n < found->second.first) found->second = {n, error};
}

std::optional<Error> Run::failure_within(Id n) const {
    const std::lock_guard lock(mutex_);
    const auto found = failures_.find(n);
    if (found == failures_.end()) return std::nullopt;
    const auto& [node, error] = found->second;
    // Ends of attempts and elements have taken it over from the node that they name.
    const bool names_itself = !workflow_.extras_of(node).part && workflow_.nodes[node].kind != NodeKind::scope;
    return !names_itself ? error : Error(error).in(std::string(workflow_.node_name(node)));
}

bool Run::was_seen_to(Id n) const {
    for (Id guard = workflow_.guard(n); guard != no_id; guard = workflow_.guard(guard)) {
        const StepEnd* before = settings_.log->ended_before(guard);
        if (before != nullptr && before->state == NodeState::completed) return true;
    }
    return false;
}

Verdict Run::body_failed(Id n, Error error) {
    if (stopped(n)) return end(n, NodeState::cancelled);
    const bool list = workflow_.nodes[n].kind == NodeKind::scope;
    if (!list && !workflow_.extras_of(n).part) return end_single(n, std::move(error), false);
    if (!is_guarded(n)) return fail_at_last(n, error);  // who would tell of it is left out
    failed(n, error);
    return end(n, NodeState::failed);
}

Verdict Run::gather(Id n) {
    bool any_failed = false, begun = true, cancelled = false;
    ValueBuilder out;
    out.map(16);
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        const Arrival arrival = look_at(edge);
        any_failed = any_failed || arrival == Arrival::failed;
        const bool is_begin = !edge.carries() && workflow_.nodes[edge.from].kind == NodeKind::scope;
        if (is_begin && arrival == Arrival::nothing) begun = false;
        if (is_begin) cancelled = nodes_[edge.from].state.load(std::memory_order_acquire) == NodeState::cancelled;
        if (edge.carries() && arrival == Arrival::value) out.add(workflow_.names[edge.to_port], source_value(edge));
    }
    Value outputs = out.end().build();
    release_inputs(n);
    if (auto why = failure_within(n)) return body_failed(n, *std::move(why));
    if (any_failed) return end(n, cancelled || stopped(n) ? NodeState::cancelled : NodeState::upstream_failed);
    if (!begun) return end(n, NodeState::skipped);
    return finish(n, std::move(outputs));
}

Verdict Run::rounds(Id n) {
    const Edge* last = nullptr;
    std::uint32_t count = 0;
    bool any_failed = false, cancelled = false;
    // Rounds are in their order, and none runs behind one that did not.
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        const Arrival arrival = look_at(edge);
        any_failed = any_failed || arrival == Arrival::failed;
        cancelled = cancelled || nodes_[edge.from].state.load(std::memory_order_acquire) == NodeState::cancelled;
        if (arrival != Arrival::value) continue;
        last = &edge;
        ++count;
    }
    auto why = failure_within(n);
    if (why || any_failed || last == nullptr) {
        release_inputs(n);
        if (why) return body_failed(n, *std::move(why));
        return end(n, any_failed ? (cancelled || stopped(n) ? NodeState::cancelled : NodeState::upstream_failed) : NodeState::skipped);
    }
    const NodeExtras& extras = workflow_.extras_of(n);
    const ValueView value = nodes_[last->from].output.view();
    const bool done = !workflow_.conditions[extras.again].holds(value, inputs_of(n));
    ValueBuilder out;
    out.map(value.size() + 2);
    for (const auto [port, item] : value.entries()) {
        if (port != "rounds" && port != "done") out.add(port, item);
    }
    Value outputs = out.add("rounds", count).add("done", done).end().build();
    release_inputs(n);
    if (!done && !extras.takes_bound) {
        return body_failed(n, Error(Code::exhausted, "loop-bound", "the loop ran " + std::to_string(count) + " rounds and is not done", "raise its max, or let it take what it has: on_bound = \"take\""));
    }
    return finish(n, std::move(outputs));
}

/// The last attempt that was made says what has become of it.
Verdict Run::tries(Id n) {
    Id last = no_id;
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Id attempt = workflow_.edges[workflow_.in_edges[i]].from;
        if (last == no_id || nodes_[attempt].state.load(std::memory_order_acquire) != NodeState::skipped) last = attempt;
    }
    const NodeState state = nodes_[last].state.load(std::memory_order_acquire);
    Value outputs = nodes_[last].output;
    auto why = state == NodeState::failed ? failure_within(last) : std::nullopt;
    release_inputs(n);
    if (state == NodeState::completed) return finish(n, std::move(outputs));
    if (why) return body_failed(n, *std::move(why));
    return end(n, state);
}

Verdict Run::elements(Id n) {
    const Node& node = workflow_.nodes[n];
    auto from = workflow_.in_offsets[n];
    const Id list = workflow_.edges[workflow_.in_edges[from]].from;
    const NodeState begun = nodes_[list].state.load(std::memory_order_acquire);
    if (begun != NodeState::completed) {
        auto why = begun == NodeState::failed ? failure_within(n) : std::nullopt;
        release_inputs(n);
        if (why && !stopped(n)) return fail(n, *std::move(why));
        return end(n, begun == NodeState::failed ? NodeState::cancelled : begun);
    }
    const Value inputs = nodes_[list].output;
    Active active;
    for (const ValueView element : inputs[workflow_.names[node.each]].items()) {
        const Id end = workflow_.edges[workflow_.in_edges[++from]].from;
        const NodeState state = nodes_[end].state.load(std::memory_order_acquire);
        if (state == NodeState::skipped) continue;
        active.elements.push_back(element);
        active.answers.push_back(state == NodeState::completed ? nodes_[end].output : Value());
        active.errors.emplace_back();
        if (state == NodeState::failed) active.errors.back() = failure_within(end);
        if (state == NodeState::upstream_failed) active.errors.back() = Error(Code::plugin_failed, "upstream-failed", "what it needs has failed");
    }
    release_inputs(n);
    return finish_each(n, active);
}

} // namespace symphony::tracker
