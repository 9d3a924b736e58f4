// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "doc_reader.hpp"

#include <functional>

namespace symphony::tracker {

/// What few nodes have: `fallback`, `default`, `compensate`, `quorum`, `finally`. Makes Workflow::extras where there is any.
/// @param node_of  The node of an id, or no_id after it told that there is none.
void parse_extras(DocReader& reader, Workflow& made, Node& node, const Doc& doc, const std::function<Id(std::string_view, Place)>& node_of);
/// Tells keys that a sub-workflow or a loop does not have, and where to say what they say.
void check_body_keys(DocReader& reader, const Doc& doc, bool loop, const Where& where);
/// `kind` of a `retry` table.
void parse_retry_kind(DocReader& reader, Workflow& made, Node& node, const Doc& retry);
/// The table [limits].
void parse_limits(DocReader& reader, Workflow& made, const Doc& limits);

} // namespace symphony::tracker
