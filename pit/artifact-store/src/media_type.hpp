// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>

#include <string>
#include <string_view>

namespace symphony::store {

/// What a content is, by its first bytes, else by the ending of its name: an IANA media type. Never empty:
/// "application/octet-stream" where nothing is known, "application/x-empty" without content.
std::string media_type_of(std::string_view name, Bytes beginning);
/// By the first bytes alone; empty where they say nothing.
std::string_view media_type_by_content(Bytes beginning) noexcept;

/// Whether people read it: text/*, JSON, XML, TOML, YAML and their kin.
bool is_text_type(std::string_view media_type) noexcept;
/// UTF-8 without a zero byte; a character that is cut off at the end does not count.
bool looks_like_text(Bytes beginning) noexcept;

} // namespace symphony::store
