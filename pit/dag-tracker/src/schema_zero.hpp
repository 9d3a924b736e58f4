// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"

#include <string>

namespace symphony::tracker {

/// Schema version 0: the shape of the first design, in which a node is { "Instrument": {…} }, { "Operator": {…} } or
/// { "Control": {…} } and an edge { "Data": {…} }, { "Control": {…} } or { "Conditional": {…} }; docs/workflow-file.md has it.

/// Whether a document has that shape: no table "workflow", but nodes or edges, and "id" or "name" beside them.
bool is_schema_zero(const Doc& root) noexcept;

/// Makes the document one of schema version 1, with the places it had. What version 0 does not say and version 1 needs is
/// assumed and told, each with a warning "assumed"; what cannot be understood is an error.
void upgrade_schema_zero(DocTree& tree, Findings& findings);

/// The workflow as a JSON document of version 0. What version 0 cannot say is told with warnings "lost".
std::string write_schema_zero(const Workflow& workflow, Findings& findings);

} // namespace symphony::tracker
