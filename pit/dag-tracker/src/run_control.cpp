// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <algorithm>

namespace symphony::tracker {

Verdict Run::branch(Id n) {
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (!edge.carries()) continue;
        Value value = source_shared(edge);
        release_inputs(n);
        return finish(n, std::move(value), true);
    }
    release_inputs(n);
    return end(n, NodeState::skipped);
}

Verdict Run::merge(Id n) {
    const Node& node = workflow_.nodes[n];
    std::vector<Id> available;
    const bool starts_early = chosen_.contains(n);
    bool any_failed = false;
    bool held_back = false;  // a control edge says no
    std::size_t carrying = 0;
    std::size_t failed = 0;
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Id e = workflow_.in_edges[i];
        const Edge& edge = workflow_.edges[e];
        if (starts_early && edge.from != no_id) {
            // The others may still be running: what they are is not ours to look at, unless nothing came at all.
            if (chosen_edge(n) == e) available.push_back(e);
            if (chosen_edge(n) == no_id) any_failed = any_failed || look_at(edge) == Arrival::failed;
            continue;
        }
        const Arrival arrival = look_at(edge);
        if (!edge.carries()) {
            // Order only: a failed or skipped predecessor has ended too.
            if (edge.condition != no_id && arrival == Arrival::nothing) held_back = true;
            continue;
        }
        ++carrying;
        if (arrival == Arrival::value) available.push_back(e);
        if (arrival == Arrival::failed) {
            any_failed = true;
            ++failed;
        }
    }
    if (workflow_.extras_of(n).quorum != 0) {
        if (auto verdict = short_of_quorum(n, available.size(), any_failed)) return *verdict;
    }
    const bool picks_one = node.mode == MergeMode::first || node.mode == MergeMode::any;
    if (held_back || (available.empty() && (picks_one ? !any_failed : false))) {
        release_inputs(n);
        return end(n, NodeState::skipped);
    }
    if (available.empty() && (picks_one || (failed > 0 && failed == carrying))) {
        release_inputs(n);
        return end(n, NodeState::upstream_failed);
    }
    Value value = merged(node, available);
    release_inputs(n);
    return finish(n, std::move(value), true);
}

bool Run::comes_to(Join& join, Id e) {
    const Edge& edge = workflow_.edges[e];
    if (look_at(edge) == Arrival::value) {
        const std::uint32_t quorum = workflow_.extras_of(edge.to).quorum;
        const std::lock_guard lock(join.mutex);
        if (join.came.size() < quorum) {
            join.came.push_back(e);
            return join.came.size() == quorum && claim(edge.to);
        }
    }
    release(edge.from);
    return false;
}

/// Everything that it waited for, or enough of it, is there: the map of what that gave.
Verdict Run::join(Id n) {
    std::vector<Id> given;
    const auto early = joins_.find(n);
    if (early != joins_.end()) {
        if (early->second.came.size() < workflow_.extras_of(n).quorum) {
            bool any_failed = false;
            for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
                const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
                any_failed = any_failed || look_at(edge) == Arrival::failed;
            }
            return *short_of_quorum(n, 0, any_failed);
        }
        given = early->second.came;
    }
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Id e = workflow_.in_edges[i];
        if (early == joins_.end() || workflow_.edges[e].from == no_id) given.push_back(e);
    }
    std::erase_if(given, [&](Id e) { return !workflow_.edges[e].carries() || look_at(workflow_.edges[e]) != Arrival::value; });
    // By name, so that the same arrivals make the same value.
    std::sort(given.begin(), given.end(), [&](Id a, Id b) { return workflow_.names[workflow_.edges[a].to_port] < workflow_.names[workflow_.edges[b].to_port]; });
    ValueBuilder out;
    out.map(given.size());
    for (const Id e : given) out.add(workflow_.names[workflow_.edges[e].to_port], source_value(workflow_.edges[e]));
    Value value = out.end().build();
    release_inputs(n);
    return finish(n, std::move(value), true);
}

void Run::wake_after(Id n, std::uint64_t length_ns) {
    std::uint64_t left_ns = length_ns;
    if (settings_.log) {
        if (const auto begun = settings_.log->begun_before_ms(n)) {
            // A clock that was set back makes it no longer than it is.
            const std::int64_t passed_ms = std::max<std::int64_t>(0, settings_.log->now_ms() - *begun);
            const std::uint64_t passed_ns = static_cast<std::uint64_t>(passed_ms) * 1'000'000;
            left_ns = passed_ns < length_ns ? length_ns - passed_ns : 0;
        }
    }
    const std::lock_guard lock(mutex_);
    timers_.push_back({steady_now_ns() + left_ns, {n, wake_slot, 0}});
    std::push_heap(timers_.begin(), timers_.end(), Timer::later);
    changed_.notify_all();
}

Verdict Run::begin_delay(Id n) {
    nodes_[n].active = std::make_unique<Active>();
    Active& active = *nodes_[n].active;
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (edge.carries()) active.base = source_shared(edge);
    }
    release_inputs(n);
    times_[n].started_ns = steady_now_ns();
    mark_running(n);
    if (settings_.log && !settings_.log->begun_before_ms(n)) settings_.log->begun(n);
    engine(n).hold();
    wake_after(n, workflow_.extras_of(n).delay_ns);
    return Verdict::parked;
}

Verdict Run::begin_wait(Id n) {
    release_inputs(n);
    if (!settings_.log) {
        return fail(n, Error(Code::invalid_argument, "not-recorded", "a run that is not recorded cannot wait for input", "--durability durable or relaxed"));
    }
    nodes_[n].active = std::make_unique<Active>();
    times_[n].started_ns = steady_now_ns();
    mark_running(n);
    if (!settings_.log->begun_before_ms(n)) settings_.log->begun(n);
    std::optional<Value> early;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = provided_.find(n); found != provided_.end()) {
            early = std::move(found->second);
        } else {
            engine(n).hold();
            waiting_.push_back(n);
            changed_.notify_all();
        }
    }
    if (early) return finish(n, *std::move(early), true);
    if (const std::uint64_t timeout_ns = workflow_.policy(n).timeout_ns; timeout_ns != 0) wake_after(n, timeout_ns);
    if (settings_.want_events) tell_progress(n, 0, "waits for input");
    return Verdict::parked;
}

Verdict Run::woken(Id n) {
    const Node& node = workflow_.nodes[n];
    if (node.kind == NodeKind::scope) {
        if (!stopped(n)) return scope(n);
        release_inputs(n);
        return end(n, NodeState::cancelled);
    }
    Active& active = *nodes_[n].active;
    if (stopped(n) && !active.given) return end(n, NodeState::cancelled);
    if (node.kind == NodeKind::delay || active.given) {
        Value value = std::move(active.base);
        return finish(n, std::move(value), true);
    }
    return fail(n, Error(Code::deadline, "no-input", "no input came within its time", "symphony runs provide gives it; with a fallback the run goes on without"));
}

Value Run::merged(const Node& node, const std::vector<Id>& available) {
    const auto edge_of = [&](Id e) -> const Edge& { return workflow_.edges[e]; };
    ValueBuilder out;
    switch (node.mode) {
    case MergeMode::first:
    case MergeMode::any: return source_shared(edge_of(available.front()));
    case MergeMode::all:
        out.list(available.size());
        for (const Id e : available) out.value(source_value(edge_of(e)));
        return out.end().build();
    case MergeMode::concat: {
        std::size_t count = 0;
        for (const Id e : available) count += source_value(edge_of(e)).size();
        out.list(count);
        for (const Id e : available) {
            const ValueView list = source_value(edge_of(e));
            for (const ValueView item : list.items()) out.value(item);
            // Something of a type only known now; it is joined as the one thing it is.
            if (!list.is_list()) out.value(list);
        }
        return out.end().build();
    }
    case MergeMode::named:
        out.map(available.size());
        for (const Id e : available) out.add(workflow_.names[edge_of(e).to_port], source_value(edge_of(e)));
        return out.end().build();
    }
    return {};
}

} // namespace symphony::tracker
