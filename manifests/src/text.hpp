// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z'); }

template <class Predicate>
constexpr bool all_of(std::string_view text, Predicate predicate) noexcept {
    return std::all_of(text.begin(), text.end(), predicate);
}

/// In double quotes with the escapes that TOML and JSON share.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);
/// For messages: quoted, cut to some forty characters.
std::string shown(std::string_view text);
/// Bare where TOML allows it, else quoted.
void append_toml_key(std::string& out, std::string_view key);
/// Whether it holds a control character other than tab and line feed; C1 controls in UTF-8 count. Terminals obey them.
bool has_control(std::string_view text) noexcept;
/// Whether a C1 control (U+0080 to U+009F) begins there; terminals take U+009B for an escape sequence.
bool is_c1_control(std::string_view text, std::size_t at) noexcept;
/// With a question mark for each control character, line ends included.
std::string without_controls(std::string_view text);
/// "a, b and c".
std::string joined(const std::vector<std::string_view>& words, std::string_view last);

} // namespace symphony::manifests
