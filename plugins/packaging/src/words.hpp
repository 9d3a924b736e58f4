// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace symphony::packaging {

/// Whether it has a control character, C1 ones in UTF-8 included: terminals obey them.
bool has_control(std::string_view text) noexcept;
/// With a question mark for each of them.
std::string clean(std::string_view text);
/// For messages: in double quotes, clean, cut to some sixty characters.
std::string in_quotes(std::string_view text);

bool is_id(std::string_view text) noexcept;     ///< of a plugin: lower case, digits, dots and dashes, at most 100
bool is_triple(std::string_view text) noexcept; ///< "x86_64-linux-gnu"
bool is_port(std::string_view text) noexcept;   ///< "operator/1"
bool is_version(std::string_view text) noexcept;
bool is_range(std::string_view text) noexcept;
/// "sha256:" and 64 hexadecimal digits.
bool is_digest(std::string_view text) noexcept;
/// A public key of minisign: 56 characters from "RW".
bool is_key(std::string_view text) noexcept;

} // namespace symphony::packaging
