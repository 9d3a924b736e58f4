// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "solver.hpp"

namespace symphony::packaging {

/// The conflict that a solver ended in, cut down to facts none of which can be left out. Has no proposals yet.
/// @param steps_max  For the cutting; beyond it the rest stays and `minimal` is false.
Conflict explain(const Solver& solver, std::uint64_t steps_max);

/// The conflict of a missing port: a solution that stands on nothing.
Conflict explain_port(const Solver& solver, const Solver::Fact& missing);

} // namespace symphony::packaging
