// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"

#include <span>

namespace symphony::tracker {

/// The one order in which a workflow is written, whatever order it was read in: nodes, inputs, outputs, plugins and
/// constants by the bytes of their names; the edges into a node by what they carry where to, and first those that carry.
/// The values that lead into a merge keep their order, because it has a meaning there.
class Canonical {
public:
    explicit Canonical(const Workflow& workflow);

    const std::vector<Id>& nodes() const noexcept { return nodes_; }
    const std::vector<Id>& inputs() const noexcept { return inputs_; }
    const std::vector<Id>& outputs() const noexcept { return outputs_; }
    const std::vector<Id>& plugins() const noexcept { return plugins_; }
    const std::vector<Id>& plugin_limits() const noexcept { return plugin_limits_; }
    const std::vector<Id>& resources() const noexcept { return resources_; }
    /// Of each node its place in nodes().
    const std::vector<Id>& rank() const noexcept { return rank_; }
    const std::vector<Id>& input_rank() const noexcept { return input_rank_; }
    /// Edge ids into a node.
    std::span<const Id> edges(Id node) const noexcept { return {edges_.data() + offsets_[node], offsets_[node + 1] - offsets_[node]}; }
    /// Indices into Workflow::constants of a node. Valid until the next call.
    std::span<const std::uint32_t> constants(const Node& node);

private:
    void sort_nodes();
    void sort_edges();
    bool before(const Edge& a, const Edge& b) const;

    const Workflow& workflow_;
    std::vector<Id> nodes_, inputs_, outputs_, plugins_, plugin_limits_, resources_, rank_, input_rank_;
    std::vector<std::uint32_t> offsets_;
    std::vector<Id> edges_;
    std::vector<std::uint32_t> constants_;
};

} // namespace symphony::tracker
