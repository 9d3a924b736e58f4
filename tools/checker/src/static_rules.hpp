// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "finding.hpp"

#include <filesystem>

namespace symphony::checker {

/// The rules that need none of the plugin's code. `stopped` when there is nothing that could be mapped.
Outcome check_static(const std::filesystem::path& folder);

} // namespace symphony::checker
