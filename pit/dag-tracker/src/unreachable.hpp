// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"
#include "report.hpp"

#include <functional>

namespace symphony::tracker {

/// Warns of conditions that can never hold ("never-holds"), and of the nodes, merges and outputs that nothing can ever reach
/// because of them ("unreachable"). What a condition may be is told from its text and the type of its value alone, so that
/// silence promises nothing. Takes one pass over nodes and edges, and none where there are no conditions.
/// @param type_of      Of what an edge carries; `any` where it is not known.
/// @param is_required  Whether the target of an edge does not run without what it carries.
void find_unreachable(const Workflow& workflow, Findings& findings, const std::function<Type(const Edge&)>& type_of,
                      const std::function<bool(const Edge&)>& is_required);

} // namespace symphony::tracker
