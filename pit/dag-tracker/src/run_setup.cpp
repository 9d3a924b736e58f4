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
    waits_.assign(count + 1, 0);  // the last is nobody's
    targets_.reserve(workflow_.out_edges.size());
    for (const Id e : workflow_.out_edges) {
        const Edge& edge = workflow_.edges[e];
        nodes_[edge.from].uses.fetch_add(1, std::memory_order_relaxed);
        const Id step = workflow_.roles.empty() ? edge.to : main_step(edge);
        const Node& to = workflow_.nodes[edge.to];
        const bool any_merge = to.kind == NodeKind::merge && to.mode == MergeMode::any && all_carry(edge.to);
        const bool early = step == edge.to && (any_merge || is_early_join(edge.to));
        targets_.push_back(step | (early ? Shape::early_edge : 0u));
        ++waits_[step];
        if (early && any_merge) chosen_.emplace(edge.to, no_id);
        else if (early) joins_.try_emplace(edge.to);
    }
    if (!workflow_.roles.empty()) leave_to_others();
    mark_only_edges(targets_, waits_);
    for (const auto& output : workflow_.outputs) {
        if (output.node != no_id) nodes_[output.node].uses.fetch_add(1, std::memory_order_relaxed);
    }
    for (Id n = 0; n < workflow_.scopes.size(); ++n) {
        if (workflow_.nodes[n].kind == NodeKind::scope) nodes_[n].uses.fetch_add(1, std::memory_order_relaxed);  // conditions read it at any time
    }
    if (!workflow_.guards.empty()) is_guard_.assign(count, false);
    for (const Id guard : workflow_.guards) {
        if (guard != no_id) is_guard_[guard] = true;
    }
    if (workflow_.roles.empty()) waits_.pop_back();
    shape_ = {workflow_.out_offsets, targets_, waits_};
    times_ = std::make_unique<Times[]>(count);
}

Id Run::main_step(const Edge& edge) const {
    const bool both = !closes_run(edge.from) && !closes_run(edge.to);
    return both ? workflow_.first_of[edge.to] : static_cast<Id>(workflow_.nodes.size());
}

void Run::leave_to_others() {
    constexpr std::uint32_t never = 1u << 30;
    for (Id n = 0; n < workflow_.nodes.size(); ++n) {
        if (workflow_.roles[n] == Role::main) continue;
        waits_[n] = never;
        if (workflow_.roles[n] == Role::standby) nodes_[n].uses.fetch_add(1, std::memory_order_relaxed);  // by whom it stands in for
    }
    waits_.back() = never;
}

bool Run::is_early_join(Id n) const {
    if (workflow_.nodes[n].kind != NodeKind::join || workflow_.extras_of(n).quorum == 0) return false;
    std::size_t nodes = 0;
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) nodes += workflow_.edges[workflow_.in_edges[i]].from != no_id ? 1 : 0;
    return workflow_.extras_of(n).quorum < nodes;
}

bool Run::all_carry(Id n) const {
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        if (!workflow_.edges[workflow_.in_edges[i]].carries()) return false;
    }
    return true;
}

const PluginLimit* Run::limit_of(const Provider& provider) const noexcept {
    const auto& all = workflow_.plugin_limits;
    const auto found = std::find_if(all.begin(), all.end(), [&](const PluginLimit& limit) { return limit.plugin == provider.id || limit.plugin == provider.name; });
    return found == all.end() ? nullptr : &*found;
}

void Run::build_claims() {
    const bool any = std::any_of(workflow_.plugin_limits.begin(), workflow_.plugin_limits.end(), [](const PluginLimit& limit) { return limit.calls_max != 0; });
    if (!any && workflow_.resources.empty()) return;
    const auto limits = settings_.limits ? settings_.limits : std::make_shared<SharedLimits>();
    claim_of_.assign(workflow_.nodes.size(), nullptr);
    for (Id n = 0; n < workflow_.nodes.size(); ++n) {
        std::vector<std::pair<std::string, std::uint32_t>> wanted;
        std::vector<std::uint32_t> limit;
        for (const Use& use : workflow_.extras_of(n).uses) {
            for (const Resource& resource : workflow_.resources) {
                if (resource.name != workflow_.names[use.resource]) continue;
                wanted.emplace_back("resource " + resource.name, use.count);
                limit.push_back(resource.count);
            }
        }
        const Provider* provider = plan_->binding.providers[n];
        const PluginLimit* of_plugin = provider == nullptr ? nullptr : limit_of(*provider);
        if (of_plugin != nullptr && of_plugin->calls_max != 0) {
            wanted.emplace_back("plugin " + provider->id, 1);
            limit.push_back(of_plugin->calls_max);
        }
        if (wanted.empty()) continue;
        const auto [found, added] = claims_.try_emplace(wanted);
        for (std::size_t i = 0; added && i < wanted.size(); ++i) found->second.push_back({limits->thing(wanted[i].first), wanted[i].second, limit[i]});
        claim_of_[n] = &found->second;
    }
    member_ = std::make_unique<SharedLimits::Member>(limits, [this](std::uint64_t ticket) {
        const std::lock_guard lock(mutex_);
        const auto step = static_cast<std::uint32_t>(ticket >> 32), slot = static_cast<std::uint32_t>(ticket);
        granted_.push_back({step, slot, lane_of_[step], workflow_.extras_of(step).priority});
        changed_.notify_all();
    });
}

void Run::build_lanes() {
    for (const NodeExtras& extras : workflow_.extras) has_priorities_ = has_priorities_ || extras.priority != 0;
    retries_left_.store(workflow_.retries_max.value_or(0), std::memory_order_relaxed);
    lane_kinds_.push_back({false, std::max<std::size_t>(1, settings_.workers)});
    std::unordered_map<const Provider*, std::uint32_t> lanes;
    lane_of_.assign(workflow_.nodes.size(), 0);
    bool blocking = false;
    for (std::size_t n = 0; n < workflow_.nodes.size(); ++n) {
        const Provider* provider = plan_->binding.providers[n];
        const PluginLimit* limit = provider == nullptr || workflow_.plugin_limits.empty() ? nullptr : limit_of(*provider);
        if (limit != nullptr && limit->retries_max) retries_left_of_[provider].store(*limit->retries_max, std::memory_order_relaxed);
        const std::size_t calls_max = limit == nullptr ? 0 : limit->calls_max;
        if (provider == nullptr || (provider->concurrent && !provider->blocking && calls_max == 0)) continue;
        const auto [found, added] = lanes.try_emplace(provider, static_cast<std::uint32_t>(lane_kinds_.size()));
        if (added) {
            const std::size_t usual = !provider->concurrent ? 1 : std::max<std::size_t>(1, provider->blocking ? settings_.blocking_threads : settings_.workers);
            lane_kinds_.push_back({provider->blocking, calls_max == 0 ? usual : std::min(calls_max, usual)});
        }
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
