// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

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
