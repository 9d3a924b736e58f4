// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/utf8.hpp>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace symphony::tracker {

/// UTF-8, with a short way for ASCII, which most texts of a workflow are.
inline bool is_text(std::string_view text) noexcept {
    std::uint64_t seen = 0;
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, text.data() + at, 8);
        seen |= eight;
    }
    for (; at < text.size(); ++at) seen |= static_cast<unsigned char>(text[at]) & 0x80u;
    return (seen & 0x8080808080808080u) == 0 || is_valid_utf8(text);
}

} // namespace symphony::tracker
