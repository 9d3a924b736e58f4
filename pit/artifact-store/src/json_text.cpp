// SPDX-License-Identifier: Apache-2.0
#include "json_text.hpp"

#include <symphony/json.hpp>

namespace symphony::store {

Result<Value> value_of_json(std::string_view text) { return parse_json(text); }
Result<std::string> json_of(ValueView value) { return print_json(value, 2); }

} // namespace symphony::store
