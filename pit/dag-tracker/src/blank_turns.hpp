// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace symphony::tracker {

/// Puts blanks where well-formed UTF-8 would drive a terminal or be read in another order than it was written: U+0080 to U+009F,
/// turns of the direction of writing, separators of lines.
inline void blank_turns(std::string& text) {
    for (std::size_t at = 0; (at = text.find('\xC2', at)) != std::string::npos; ++at) {
        if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0) text.replace(at, 2, " ");
    }
    constexpr std::string_view turns[] = {"\u061C", "\u200E", "\u200F", "\u2028", "\u2029", "\u202A", "\u202B", "\u202C", "\u202D", "\u202E",
                                          "\u2066", "\u2067", "\u2068", "\u2069"};
    for (const std::string_view turn : turns) {
        for (std::size_t at = 0; (at = text.find(turn, at)) != std::string::npos; ++at) text.replace(at, turn.size(), " ");
    }
}

} // namespace symphony::tracker
