// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <symphony/ports/command.hpp>

namespace symphony::tracker {

/// `symphony runs replay`: runs a recorded run again with the recorded answers of what may have effects. [blocks]
Result<std::int32_t> replay_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context);

} // namespace symphony::tracker
