// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"

#include <optional>

namespace symphony::tracker {

/// Reads a workflow file. Faults go to `findings`, all of them; the workflow is what could be read in spite of them.
/// @return Nothing when there is no graph at all (unreadable, or above a limit).
std::optional<Workflow> parse_workflow(std::string_view path, std::string_view text, const Limits& limits, Findings& findings);

} // namespace symphony::tracker
