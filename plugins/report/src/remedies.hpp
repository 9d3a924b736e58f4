// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace report {

/// What to do about a problem that came without a hint, by its reason. Never empty.
std::string_view remedy_for(std::string_view reason) noexcept;

} // namespace report
