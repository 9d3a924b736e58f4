// SPDX-License-Identifier: Apache-2.0
#include "canonical.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

namespace symphony::tracker {
namespace {

/// The first eight bytes as a number that compares like them.
std::uint64_t prefix(std::string_view text) noexcept {
    unsigned char first[8] = {};
    if (!text.empty()) std::memcpy(first, text.data(), std::min<std::size_t>(text.size(), sizeof first));
    std::uint64_t value = 0;
    for (const unsigned char byte : first) value = value << 8 | byte;
    return value;
}

template <class List, class Name>
std::vector<Id> sorted_by(const List& list, Name name) {
    std::vector<Id> ids(list.size());
    std::iota(ids.begin(), ids.end(), Id{0});
    std::stable_sort(ids.begin(), ids.end(), [&](Id a, Id b) { return name(list[a]) < name(list[b]); });
    return ids;
}

std::vector<Id> ranks(const std::vector<Id>& order) {
    std::vector<Id> rank(order.size());
    for (Id i = 0; i < order.size(); ++i) rank[order[i]] = i;
    return rank;
}

} // namespace

Canonical::Canonical(const Workflow& workflow) : workflow_(workflow) {
    inputs_ = sorted_by(workflow.inputs, [](const InputDecl& input) -> std::string_view { return input.name; });
    outputs_ = sorted_by(workflow.outputs, [](const OutputDecl& output) -> std::string_view { return output.name; });
    plugins_ = sorted_by(workflow.plugins, [](const PluginPin& pin) -> std::string_view { return pin.plugin; });
    plugin_limits_ = sorted_by(workflow.plugin_limits, [](const PluginLimit& limit) -> std::string_view { return limit.plugin; });
    resources_ = sorted_by(workflow.resources, [](const Resource& resource) -> std::string_view { return resource.name; });
    input_rank_ = ranks(inputs_);
    sort_nodes();
    rank_ = ranks(nodes_);
    sort_edges();
}

void Canonical::sort_nodes() {
    struct Key {
        std::uint64_t first;
        Id node;
    };
    std::vector<Key> keys(workflow_.nodes.size());
    for (Id n = 0; n < keys.size(); ++n) keys[n] = {prefix(workflow_.node_name(n)), n};
    const auto before = [&](const Key& a, const Key& b) {
        return a.first != b.first ? a.first < b.first : workflow_.node_name(a.node) < workflow_.node_name(b.node);
    };
    if (!std::is_sorted(keys.begin(), keys.end(), before)) std::stable_sort(keys.begin(), keys.end(), before);
    nodes_.reserve(keys.size());
    for (const Key& key : keys) nodes_.push_back(key.node);
}

/// For two edges into one node.
bool Canonical::before(const Edge& a, const Edge& b) const {
    const auto& names = workflow_.names;
    if (a.carries() != b.carries()) return a.carries();
    if (a.to_port != b.to_port) return names[a.to_port] < names[b.to_port];
    const bool from_input = a.from == no_id;
    if (from_input != (b.from == no_id)) return from_input;
    const Id left = from_input ? input_rank_[a.input] : rank_[a.from];
    const Id right = from_input ? input_rank_[b.input] : rank_[b.from];
    if (left != right) return left < right;
    if (a.from_port != b.from_port) return names[a.from_port] < names[b.from_port];
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.condition == b.condition || a.condition == no_id || b.condition == no_id) return b.condition == no_id && a.condition != no_id;
    return workflow_.conditions[a.condition].text() < workflow_.conditions[b.condition].text();
}

void Canonical::sort_edges() {
    const auto& edges = workflow_.edges;
    offsets_.assign(workflow_.nodes.size() + 1, 0);
    for (const Edge& edge : edges) ++offsets_[edge.to + 1];
    for (std::size_t n = 0; n < workflow_.nodes.size(); ++n) offsets_[n + 1] += offsets_[n];
    edges_.resize(edges.size());
    std::vector<std::uint32_t> at(offsets_.begin(), offsets_.end() - 1);
    for (Id e = 0; e < edges.size(); ++e) edges_[at[edges[e].to]++] = e;
    for (Id n = 0; n < workflow_.nodes.size(); ++n) {
        const auto from = edges_.begin() + offsets_[n];
        const auto to = edges_.begin() + offsets_[n + 1];
        if (to - from < 2) continue;
        if (!keeps_order(workflow_.nodes[n].kind)) {
            const auto less = [&](Id a, Id b) { return before(edges[a], edges[b]); };
            if (to - from == 2) {
                if (less(from[1], from[0])) std::swap(from[0], from[1]);
            } else {
                std::stable_sort(from, to, less);
            }
            continue;
        }
        std::stable_sort(from, to, [&](Id a, Id b) {
            if (edges[a].carries() || edges[b].carries()) return edges[a].carries() && !edges[b].carries();
            return before(edges[a], edges[b]);
        });
    }
}

std::span<const std::uint32_t> Canonical::constants(const Node& node) {
    constants_.clear();
    for (auto i = node.constants_from; i < node.constants_to; ++i) constants_.push_back(i);
    const auto& all = workflow_.constants;
    const auto less = [&](std::uint32_t a, std::uint32_t b) { return workflow_.names[all[a].port] < workflow_.names[all[b].port]; };
    // A few, mostly in order already: straight insertion.
    for (std::size_t i = 1; i < constants_.size(); ++i) {
        if (!less(constants_[i], constants_[i - 1])) continue;
        if (constants_.size() > 32) {
            std::stable_sort(constants_.begin(), constants_.end(), less);
            break;
        }
        const auto moved = constants_[i];
        std::size_t at = i;
        for (; at > 0 && less(moved, constants_[at - 1]); --at) constants_[at] = constants_[at - 1];
        constants_[at] = moved;
    }
    return constants_;
}

} // namespace symphony::tracker
