// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace report {

/// The page's style sheet: light and dark, narrow and wide, and paper.
std::string_view style() noexcept;

} // namespace report
