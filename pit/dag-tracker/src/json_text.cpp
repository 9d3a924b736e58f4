// SPDX-License-Identifier: Apache-2.0
#include "json_text.hpp"

#include <symphony/json.hpp>

namespace symphony::tracker {

Result<Value> value_of_json(std::string_view text) { return parse_json(text); }
Result<std::string> json_of(ValueView value, bool indented) { return print_json(value, indented ? 2 : -1); }

} // namespace symphony::tracker
