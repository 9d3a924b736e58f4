// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

inline std::string to_base64(Bytes bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? bytes[i + k] : 0u);
        for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= n ? digits[group >> (18 - 6 * k) & 63u] : '=');
    }
    return out;
}

/// Strict RFC 4648: padded, no blanks, no stray bits.
inline Result<std::vector<std::uint8_t>> from_base64(std::string_view text) {
    const Error bad(Code::invalid_argument, "bad-base64", "text is not base64");
    const auto digit = [](char c) -> int {
        if (c >= 'A' && c <= 'Z') return c - 'A';
        if (c >= 'a' && c <= 'z') return c - 'a' + 26;
        if (c >= '0' && c <= '9') return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
    };
    if (text.size() % 4 != 0) return bad;
    std::vector<std::uint8_t> out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        const bool last = i + 4 == text.size();
        const int pad = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const int d = static_cast<int>(k) >= 4 - pad ? 0 : digit(text[i + k]);
            if (d < 0) return bad;
            group = group << 6 | static_cast<std::uint32_t>(d);
        }
        if (pad > 0 && (group & (pad == 1 ? 0xFFu : 0xFFFFu)) != 0) return bad;
        for (int k = 0; k < 3 - pad; ++k) out.push_back(static_cast<std::uint8_t>(group >> (16 - 8 * k)));
    }
    return out;
}

} // namespace symphony
