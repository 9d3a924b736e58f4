// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <algorithm>

namespace symphony::tracker {

void Run::fill_inputs(const Value& given) {
    ValueBuilder map;
    map.map(workflow_.inputs.size());
    for (const auto& input : workflow_.inputs) {
        const ValueView value = given[input.name];
        if (value.exists() && !value.is_null()) map.add(input.name, value);
        else if (input.otherwise) map.add(input.name, input.otherwise->view());
    }
    inputs_ = map.end().build();
}

void Run::build_shape() {
    const std::size_t count = workflow_.nodes.size();
    waits_.assign(count, 0);
    targets_.reserve(workflow_.out_edges.size());
    for (const Id e : workflow_.out_edges) {
        const Edge& edge = workflow_.edges[e];
        const Node& to = workflow_.nodes[edge.to];
        const bool early = to.kind == NodeKind::merge && to.mode == MergeMode::any && all_carry(edge.to);
        targets_.push_back(edge.to | (early ? Shape::early_edge : 0u));
        ++waits_[edge.to];
        nodes_[edge.from].uses.fetch_add(1, std::memory_order_relaxed);
        if (early) chosen_.emplace(edge.to, no_id);
    }
    mark_only_edges(targets_, waits_);
    for (const auto& output : workflow_.outputs) {
        if (output.node != no_id) nodes_[output.node].uses.fetch_add(1, std::memory_order_relaxed);
    }
    shape_ = {workflow_.out_offsets, targets_, waits_};
    times_ = std::make_unique<Times[]>(count);
}

bool Run::all_carry(Id n) const {
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        if (!workflow_.edges[workflow_.in_edges[i]].carries()) return false;
    }
    return true;
}

void Run::build_lanes() {
    lane_kinds_.push_back({false, std::max<std::size_t>(1, settings_.workers)});
    std::unordered_map<const Provider*, std::uint32_t> lanes;
    lane_of_.assign(workflow_.nodes.size(), 0);
    bool blocking = false;
    for (std::size_t n = 0; n < workflow_.nodes.size(); ++n) {
        const Provider* provider = plan_->binding.providers[n];
        if (provider == nullptr || (provider->concurrent && !provider->blocking)) continue;
        const auto [found, added] = lanes.try_emplace(provider, static_cast<std::uint32_t>(lane_kinds_.size()));
        if (added) lane_kinds_.push_back({provider->blocking, provider->concurrent ? std::max<std::size_t>(1, settings_.blocking_threads) : 1});
        lane_of_[n] = found->second;
        blocking = blocking || provider->blocking;
    }
    for (const auto& lane : lane_kinds_) lane_limits_.push_back({lane.jobs_max});
    if (blocking) {
        const auto busy = static_cast<unsigned>(std::max<std::size_t>(1, settings_.blocking_threads));
        pool_ = std::make_unique<BlockingPool>(busy, busy * 4);
    }
}

} // namespace symphony::tracker
