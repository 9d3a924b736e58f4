// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"
#include "story.hpp"

#include <string>

namespace symphony::tracker {

/// A page in which a recorded run can be gone through event by event: the workflow's picture with the states of that moment, the timeline with a line at it, what
/// is under way and what has happened. One file that loads nothing; of very large runs only the beginning, and no picture of the workflow.
/// @param workflow  Compiled; null when it cannot be read any more.
std::string run_view(const Story& story, const Workflow* workflow);

} // namespace symphony::tracker
