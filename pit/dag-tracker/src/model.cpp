// SPDX-License-Identifier: Apache-2.0
#include "model.hpp"

namespace symphony::tracker {

Id Names::intern(std::string_view text) {
    if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
    const Id id = static_cast<Id>(texts_.size());
    texts_.emplace_back(text);
    ids_.emplace(texts_.back(), id);
    return id;
}

Id Names::find(std::string_view text) const noexcept {
    const auto found = ids_.find(text);
    return found == ids_.end() ? no_id : found->second;
}

std::string_view name_of(NodeKind kind) noexcept {
    switch (kind) {
    case NodeKind::operation: return "operator";
    case NodeKind::instrument: return "instrument";
    case NodeKind::branch: return "branch";
    case NodeKind::merge: return "merge";
    }
    return "";
}

std::string_view name_of(MergeMode mode) noexcept {
    switch (mode) {
    case MergeMode::first: return "first";
    case MergeMode::any: return "any";
    case MergeMode::all: return "all";
    case MergeMode::concat: return "concat";
    case MergeMode::named: return "named";
    }
    return "";
}

namespace {

/// Counting sort of the edges by one of their ends; ends of no_id are left out.
void group(const std::vector<Edge>& edges, std::size_t nodes, Id Edge::*end, std::vector<std::uint32_t>& offsets, std::vector<Id>& list) {
    offsets.assign(nodes + 1, 0);
    for (const Edge& edge : edges) {
        if (edge.*end != no_id) ++offsets[edge.*end + 1];
    }
    for (std::size_t i = 0; i < nodes; ++i) offsets[i + 1] += offsets[i];
    list.resize(offsets[nodes]);
    std::vector<std::uint32_t> at(offsets.begin(), offsets.end() - 1);
    for (Id e = 0; e < edges.size(); ++e) {
        if (edges[e].*end != no_id) list[at[edges[e].*end]++] = e;
    }
}

} // namespace

void compile(Workflow& workflow) {
    const std::size_t nodes = workflow.nodes.size();
    group(workflow.edges, nodes, &Edge::from, workflow.out_offsets, workflow.out_edges);
    group(workflow.edges, nodes, &Edge::to, workflow.in_offsets, workflow.in_edges);
    std::vector<std::uint32_t> waits(nodes, 0);
    for (const Edge& edge : workflow.edges) {
        if (edge.from != no_id && edge.to != no_id) ++waits[edge.to];
    }
    auto& order = workflow.order;
    order.clear();
    order.reserve(nodes);
    for (Id n = 0; n < nodes; ++n) {
        if (waits[n] == 0) order.push_back(n);
    }
    for (std::size_t k = 0; k < order.size(); ++k) {
        const Id from = order[k];
        for (auto i = workflow.out_offsets[from]; i < workflow.out_offsets[from + 1]; ++i) {
            const Id to = workflow.edges[workflow.out_edges[i]].to;
            if (to != no_id && --waits[to] == 0) order.push_back(to);
        }
    }
}

} // namespace symphony::tracker
