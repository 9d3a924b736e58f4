// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "formats.hpp"
#include "model.hpp"

#include <optional>
#include <string>

namespace symphony::tracker {

/// A Mermaid flowchart: nodes by shape (instruments stadiums, branches rhombs, merges circles), data edges with their ports,
/// control edges dotted, conditional edges thick with their expression.
std::string write_mermaid(const Workflow& workflow);
/// A directed graph for Graphviz, with the same signs.
std::string write_dot(const Workflow& workflow);

/// Mermaid or DOT, by the first word that is not a comment; nothing for everything else.
std::optional<Format> picture_format(std::string_view text) noexcept;

/// The skeleton of a workflow from the nodes and edges of a plain picture. Ids come from the picture's; texts become
/// descriptions. Warnings "assumed" name what a picture does not say and was filled in (plugin, operation, ports);
/// "not-in-workflow" what it says and a workflow has no place for (styles, subgraphs). The first thing that cannot be
/// understood ends it: "bad-mermaid" or "bad-dot" with its place.
std::optional<Workflow> read_picture(Format format, std::string_view text, const Limits& limits, Findings& findings);

} // namespace symphony::tracker
