// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "facts.hpp"

#include <string>

namespace report {

/// Everything, with sorted keys and nothing left out, for programs. `format` is 1.
symphony::Result<std::string> to_json(const Facts& facts);

} // namespace report
