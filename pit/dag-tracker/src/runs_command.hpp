// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <symphony/ports/command.hpp>

namespace symphony::tracker {

/// The commands `runs ...` but `runs resume`, which runs. Their flags and help are in manifest.toml.
Result<std::int32_t> runs_command(const Tracker& tracker, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context);

/// Local time, "2026-11-27 11:08:12"; "-" for 0. @param ms  Since 1970.
std::string moment(std::int64_t ms);

/// The command that goes on with a run: with the words that it was started with, because they say what it may read and write.
std::string resume_words(const RunLog& log);
std::string resume_words(std::string_view id, const NewRun& made_from);

} // namespace symphony::tracker
