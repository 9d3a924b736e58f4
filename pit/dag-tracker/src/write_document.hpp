// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"

#include <string>

namespace symphony::tracker {

/// The workflow in the shape of docs/workflow-file.md, in canonical order, what is default left out. Each is read back as
/// an equal workflow.
std::string write_toml(const Workflow& workflow);
/// On one line, or indented by two blanks with a line end behind.
std::string write_json(const Workflow& workflow, bool indented);
/// The document of the JSON form, as MessagePack.
std::string write_msgpack(const Workflow& workflow);

} // namespace symphony::tracker
