// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <symphony/ports/command.hpp>

namespace symphony::tracker {

/// The command `run`. Its flags and help are in manifest.toml.
/// @return The exit status, or an error that the program prints: reason "usage" for wrong usage, `refused` for a plugin.
Result<std::int32_t> resume_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context);
Result<std::int32_t> run_command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context);

} // namespace symphony::tracker
