// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/utf8.hpp>

#include <string>
#include <string_view>

namespace symphony {

/// Text that somebody else wrote, for a terminal, on one line: control characters, which terminals obey (those of C1, too), and bytes
/// that are no UTF-8 become "\xNN".
/// @param bytes_max  Of what comes back; what is longer is cut between characters and ends in "...".
inline std::string shown(std::string_view text, std::size_t bytes_max = 4096) {
    constexpr std::string_view digits = "0123456789ABCDEF", cut = "...";
    std::string out;
    std::size_t room = 0; // how much of it may stay when it has to be cut
    while (!text.empty()) {
        const auto lead = static_cast<unsigned char>(text.front());
        std::string_view character = text.substr(0, lead >= 0xF0 ? 4u : lead >= 0xE0 ? 3u : lead >= 0xC0 ? 2u : 1u);
        const bool control = lead < 0x20 || lead == 0x7F || (lead == 0xC2 && character.size() == 2 && static_cast<unsigned char>(character[1]) < 0xA0);
        const char escaped[] = {'\\', 'x', digits[lead >> 4u], digits[lead & 15u]};
        const bool plain = !control && is_valid_utf8(character);
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
