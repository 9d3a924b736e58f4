// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"

#include <optional>

namespace symphony::tracker {

/// Reads a workflow of any format (see formats.hpp). Faults go to `findings`, all of them with their places; the workflow is
/// what could be read in spite of them.
/// @return Nothing when there is no graph at all (unreadable, or above a limit).
std::optional<Workflow> parse_workflow(std::string_view path, std::string_view text, const Limits& limits, Findings& findings);

/// The same in the shortest time, and without places where they cost some. Nothing, and no word why, when there is anything
/// to tell: parse_workflow then tells it.
std::optional<Workflow> parse_flawless_workflow(std::string_view path, std::string_view text, const Limits& limits);

/// A document of schema version 1 to the model.
std::optional<Workflow> parse_document(const DocTree& document, const Limits& limits, Findings& findings);

} // namespace symphony::tracker
