// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <string>
#include <string_view>

namespace symphony::store {

Result<Value> value_of_json(std::string_view text);
/// With sorted keys, indented by two blanks.
Result<std::string> json_of(ValueView value);

} // namespace symphony::store
