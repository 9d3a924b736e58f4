// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <symphony/ports/command.hpp>

namespace symphony::tracker {

/// `runs tail`: tells what a run does, whichever process it is in, until it ends. [blocks]
/// @return As `run` does: 0 when the run is completed, else 1. `cancelled` when the call is: the run goes on.
Result<std::int32_t> runs_tail(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context);

} // namespace symphony::tracker
