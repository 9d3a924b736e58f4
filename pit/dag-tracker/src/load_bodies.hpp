// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"

#include <symphony/result.hpp>

#include <functional>
#include <map>
#include <string>

namespace symphony::tracker {

/// Reads a file of that path. [may block]
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

/// Reads the files that sub-workflows and loops name, and those that these name; paths are relative to the file that has them.
/// @param read    What they are read with.
/// @param kept    Gets the text of each by its path.
/// Faults are told: "unreadable-file", "workflow-recursion" (the way round is named), "workflow-depth", and what is wrong in them.
void load_bodies(Workflow& workflow, const std::string& path, const Limits& limits, const ReadFile& read, std::map<std::string, std::string>& kept, Findings& findings);

} // namespace symphony::tracker
