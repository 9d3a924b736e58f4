// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/utf8.hpp>

#include <string>
#include <string_view>

namespace symphony {

/// Whether a terminal obeys this character instead of showing it: controls, those of C1, too, and what begins a line or turns the
/// direction of writing, so that text is read in another order than it was written. @param character  One, in UTF-8.
inline bool is_obeyed(std::string_view character) noexcept {
    constexpr std::string_view turns[] = {"\u061C", "\u200E", "\u200F", "\u2028", "\u2029", "\u202A", "\u202B", "\u202C", "\u202D", "\u202E",
                                          "\u2066", "\u2067", "\u2068", "\u2069"};
    if (character.size() == 1) return static_cast<unsigned char>(character[0]) < 0x20 || character[0] == 0x7F;
    if (character.size() == 2 && character[0] == '\xC2') return static_cast<unsigned char>(character[1]) < 0xA0;
    for (const std::string_view turn : turns) {
        if (character == turn) return true;
    }
    return false;
}

/// The first character of a text, in UTF-8: as many bytes as its first byte promises and the text has.
inline std::string_view first_character(std::string_view text) noexcept {
    if (text.empty()) return text;
    const auto lead = static_cast<unsigned char>(text.front());
    return text.substr(0, lead >= 0xF0 ? 4u : lead >= 0xE0 ? 3u : lead >= 0xC0 ? 2u : 1u);
}

/// Text that somebody else wrote, for a terminal, on one line: what a terminal obeys, and bytes that are no UTF-8, become "\xNN".
/// @param bytes_max  Of what comes back; what is longer is cut between characters and ends in "...".
inline std::string shown(std::string_view text, std::size_t bytes_max = 4096) {
    constexpr std::string_view digits = "0123456789ABCDEF", cut = "...";
    std::string out;
    std::size_t room = 0; // how much of it may stay when it has to be cut
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text.front());
        std::string_view character = first_character(text);
        const char escaped[] = {'\\', 'x', digits[lead >> 4u], digits[lead & 15u]};
        const bool plain = !is_obeyed(character) && is_valid_utf8(character);
        if (!plain) character = text.substr(0, 1);
        out += plain ? character : std::string_view(escaped, sizeof escaped);
        if (out.size() + cut.size() <= bytes_max) room = out.size();
        if (out.size() > bytes_max) {
            out.resize(room);
            return out.append(cut);
        }
        text.remove_prefix(character.size());
    }
    return out;
}

} // namespace symphony
