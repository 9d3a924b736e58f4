// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace symphony::tracker {

/// Text for XML and HTML, between tags and inside double quotes: whatever it is, it ends up as text, and is read in the order it was written.
std::string escaped(std::string_view text);

/// Text of strangers for a terminal: well-formed, on one line, without control characters and turns of the direction of writing.
std::string one_line(std::string_view text);

/// At most `max` characters, the last an ellipsis when something was cut.
std::string cut(std::string_view text, std::size_t max);

/// Characters of well-formed UTF-8.
std::size_t characters(std::string_view text) noexcept;

} // namespace symphony::tracker
