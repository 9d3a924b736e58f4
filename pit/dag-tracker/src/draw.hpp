// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model.hpp"

#include <string>

namespace symphony::tracker {

/// The workflow as an SVG picture, left to right: a column holds what can run at the same time at the earliest. Follows the
/// viewer's light or dark setting. Equal workflows give equal bytes. `workflow` must be compiled; cycles may be in it.
std::string draw(const Workflow& workflow);

} // namespace symphony::tracker
