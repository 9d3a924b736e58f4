// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <symphony/ports/command.hpp>

namespace symphony::tracker {

/// `symphony runs why`: why the calls of a step were made, or were not. [blocks]
Result<std::int32_t> why_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context);
/// `symphony runs cache stats` and `symphony runs cache clear`. [blocks]
Result<std::int32_t> cache_command(const Tracker& tracker, Call& call, std::string_view command, const ports::CommandContext& context);

} // namespace symphony::tracker
