// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace symphony {

/// Bytes at the front of `text` that are well-formed UTF-8 (Unicode 15, table 3-7: no overlong
/// forms, no surrogates, nothing above U+10FFFF).
inline std::size_t valid_utf8_prefix(std::string_view text) noexcept {
    const auto* p = reinterpret_cast<const unsigned char*>(text.data());
    const std::size_t size = text.size();
    const auto follows = [&](std::size_t at, unsigned char low, unsigned char high) {
        return at < size && p[at] >= low && p[at] <= high;
    };
    std::size_t i = 0;
    while (i < size) {
        if (p[i] < 0x80) {
            std::uint64_t words[4];
            while (i + 32 <= size && (std::memcpy(words, p + i, 32), ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) == 0)) i += 32;
            std::uint64_t word = 0;
            while (i + 8 <= size && (std::memcpy(&word, p + i, 8), (word & 0x8080808080808080u) == 0)) i += 8;
            while (i < size && p[i] < 0x80) ++i;
            continue;
        }
        const unsigned char lead = p[i];
        if (lead >= 0xC2 && lead <= 0xDF) {
            if (!follows(i + 1, 0x80, 0xBF)) return i;
            i += 2;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;
            const unsigned char high = lead == 0xED ? 0x9F : 0xBF;
            if (!follows(i + 1, low, high) || !follows(i + 2, 0x80, 0xBF)) return i;
            i += 3;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            const unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
            const unsigned char high = lead == 0xF4 ? 0x8F : 0xBF;
            if (!follows(i + 1, low, high) || !follows(i + 2, 0x80, 0xBF) || !follows(i + 3, 0x80, 0xBF)) return i;
            i += 4;
        } else {
            return i;
        }
    }
    return i;
}

inline bool is_valid_utf8(std::string_view text) noexcept { return valid_utf8_prefix(text) == text.size(); }

/// `text` with every byte that cannot belong to a character replaced by U+FFFD.
inline std::string to_valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 8);
    while (!text.empty()) {
        const std::size_t good = valid_utf8_prefix(text);
        out.append(text.substr(0, good));
        text.remove_prefix(good);
        if (text.empty()) break;
        out.append("\xEF\xBF\xBD");
        text.remove_prefix(1);
    }
    return out;
}

} // namespace symphony
