// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

namespace symphony::tracker {

Verdict Run::scope(Id n) {
    const Node& node = workflow_.nodes[n];
    ValueBuilder out;
    out.map(16);
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (edge.carries() && look_at(edge) == Arrival::value) out.add(workflow_.names[edge.to_port], source_value(edge));
    }
    for (auto c = node.constants_from; c < node.constants_to; ++c) {
        const Constant& constant = workflow_.constants[c];
        bool given = constant.value.is_null();
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1] && !given; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            given = edge.to_port == constant.port && look_at(edge) == Arrival::value;
        }
        if (!given) out.add(workflow_.names[constant.port], constant.value.view());
    }
    Value inputs = out.end().build();
    release_inputs(n);
    return finish(n, std::move(inputs));
}

Verdict Run::gather(Id n) {
    bool any_failed = false, begun = true;
    ValueBuilder out;
    out.map(16);
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        const Arrival arrival = look_at(edge);
        any_failed = any_failed || arrival == Arrival::failed;
        const bool is_begin = !edge.carries() && workflow_.nodes[edge.from].kind == NodeKind::scope;
        if (is_begin && arrival == Arrival::nothing) begun = false;
        if (edge.carries() && arrival == Arrival::value) out.add(workflow_.names[edge.to_port], source_value(edge));
    }
    Value outputs = out.end().build();
    release_inputs(n);
    if (any_failed) return end(n, stopped(n) ? NodeState::cancelled : NodeState::upstream_failed);
    if (!begun) return end(n, NodeState::skipped);
    return finish(n, std::move(outputs));
}

Verdict Run::rounds(Id n) {
    const Edge* last = nullptr;
    std::uint32_t count = 0;
    bool any_failed = false;
    // Rounds are in their order, and none runs behind one that did not.
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        const Arrival arrival = look_at(edge);
        any_failed = any_failed || arrival == Arrival::failed;
        if (arrival != Arrival::value) continue;
        last = &edge;
        ++count;
    }
    if (any_failed || last == nullptr) {
        release_inputs(n);
        return end(n, any_failed ? (stopped(n) ? NodeState::cancelled : NodeState::upstream_failed) : NodeState::skipped);
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
        return fail(n, Error(Code::exhausted, "loop-bound", "the loop ran " + std::to_string(count) + " rounds and is not done", "raise its max, or let it take what it has: on_bound = \"take\""));
    }
    return finish(n, std::move(outputs));
}

} // namespace symphony::tracker
