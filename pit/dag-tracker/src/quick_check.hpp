// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bindings.hpp"

#include <vector>

namespace symphony::tracker {

/// Which nodes certainly have no fault in what they are given: every edge into them fits, no input is given twice, none that
/// is required is missing, constants fit, something goes in or comes out. One pass over the edges in the order they lie in
/// memory. What it does not say yes to, control nodes among it, has to be looked at closely, and need not be wrong.
/// `workflow` must be compiled.
std::vector<bool> quick_check(const Workflow& workflow, const Bindings& bindings);

} // namespace symphony::tracker
