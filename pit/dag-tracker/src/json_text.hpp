// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <string>
#include <string_view>

namespace symphony::tracker {

/// JSON as people type it, to a value. @return `invalid_argument` with what is wrong where.
Result<Value> value_of_json(std::string_view text);
/// With sorted keys; on one line, or indented by two blanks.
Result<std::string> json_of(ValueView value, bool indented);

} // namespace symphony::tracker
