// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// JSON as people type it, to a value. @return `invalid_argument` with what is wrong where.
Result<Value> value_of_json(std::string_view text);
/// With sorted keys; on one line, or indented by two blanks.
Result<std::string> json_of(ValueView value, bool indented);
/// The same for a value without bytes, in which a map may have the one key "$bytes".
Result<std::string> json_without_bytes(ValueView value, bool indented);
/// Strict RFC 4648.
std::string base64_of(Bytes bytes);
Result<std::vector<std::uint8_t>> bytes_of_base64(std::string_view text);

} // namespace symphony::tracker
