// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"

namespace symphony::tracker {

/// Sub-workflows in sub-workflows.
inline constexpr std::size_t workflow_depth_max = 8;

/// Whether the workflow has a node with a body: a sub-workflow or a loop.
bool has_bodies(const Workflow& workflow) noexcept;

/// The same workflow without sub-workflows and loops, as it is run: the nodes of a sub-workflow `s` become `s/NODE`, those of the rounds of a
/// loop `l` become `l/1/NODE`, `l/2/NODE` and so on, each round beginning when the one before has ended and the loop goes on. Before the nodes
/// of each stands `s/`, which has its inputs; behind them `s` itself, which has its outputs. `workflow` has been validated.
/// @return Nothing when there are more than `nodes_max` nodes or `edges_max` edges then; that is told.
std::optional<Workflow> expand(const Workflow& workflow, std::size_t nodes_max, std::size_t edges_max, Findings& findings);

} // namespace symphony::tracker
