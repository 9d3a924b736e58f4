// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <symphony/ports/command.hpp>

namespace symphony::tracker {

/// The commands `workflow convert`, `workflow digest` and `workflow levels`. Their flags and help are in manifest.toml.
/// @return The exit status, or an error that the program prints: reason "usage" for wrong usage.
Result<std::int32_t> workflow_command(const Tracker& tracker, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context);

} // namespace symphony::tracker
