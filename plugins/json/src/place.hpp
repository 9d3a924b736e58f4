// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace json {

/// "line 3, column 7" of a byte; both from 1, a column is a character.
std::string place(std::string_view text, std::size_t at);

} // namespace json
