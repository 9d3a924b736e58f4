// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <symphony/ports/command.hpp>

namespace symphony::tracker {

/// `runs timeline`: a recorded run on a terminal, as a picture or as a page.
Result<std::int32_t> runs_timeline(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context);
/// `runs view`: a page in which it can be gone through.
Result<std::int32_t> runs_view(const Tracker& tracker, Call& call, const Value& arguments);
/// `runs export`: for other programs.
Result<std::int32_t> runs_export(const Tracker& tracker, Call& call, const Value& arguments);
/// `runs metrics`: figures of the newest runs for Prometheus.
Result<std::int32_t> runs_metrics(const Tracker& tracker, Call& call, const Value& arguments);

} // namespace symphony::tracker
