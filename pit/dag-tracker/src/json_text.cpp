// SPDX-License-Identifier: Apache-2.0
#include "json_text.hpp"

#include <symphony/json.hpp>

namespace symphony::tracker {

Result<Value> value_of_json(std::string_view text) { return parse_json(text); }
Result<std::string> json_of(ValueView value, bool indented) { return print_json(value, indented ? 2 : -1); }
Result<std::string> json_without_bytes(ValueView value, bool indented) { return print_json(value, indented ? 2 : -1, JsonBytes::refuse); }
std::string base64_of(Bytes bytes) { return to_base64(bytes); }
Result<std::vector<std::uint8_t>> bytes_of_base64(std::string_view text) { return from_base64(text); }

} // namespace symphony::tracker
