// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"
#include "validate.hpp"

#include <functional>
#include <optional>

namespace symphony::tracker {

/// Finds what is wrong with fallbacks, defaults, compensations, quorums, `finally` nodes and limits of plugins. Costs nothing where there are none.
/// @param type_of  The type of a node's output; nothing when it has none of that name.
/// @param limits  Of the whole file: the workflow itself, or the one that its body is in.
void check_extras(const Workflow& workflow, const Workflow& limits, const Binding& binding, Findings& findings, const std::function<std::optional<Type>(Id node, Id port)>& type_of);

} // namespace symphony::tracker
