// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony {

/// RFC 4648, section 4, with padding. JSON carries bytes in it.
namespace base64 {

inline constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::uint8_t no_digit = 0xFF;
inline constexpr auto values = [] {
    std::array<std::uint8_t, 256> out{};
    for (auto& value : out) value = no_digit;
    for (std::size_t i = 0; i < digits.size(); ++i) out[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return out;
}();

constexpr std::size_t text_size(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }
/// Upper bound, exact for text without padding.
constexpr std::size_t bytes_size_max(std::size_t text) noexcept { return text / 4 * 3; }

/// Writes text_size(bytes.size()) characters to `to`.
inline void encode(char* to, Bytes bytes) noexcept {
    std::size_t i = 0;
    for (; i + 3 <= bytes.size(); i += 3) {
        const std::uint32_t group = static_cast<std::uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
        for (const unsigned shift : {18u, 12u, 6u, 0u}) *to++ = digits[group >> shift & 63u];
    }
    if (i == bytes.size()) return;
    const bool two = bytes.size() - i == 2;
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i] << 16 | (two ? bytes[i + 1] << 8 : 0));
    *to++ = digits[group >> 18 & 63u];
    *to++ = digits[group >> 12 & 63u];
    *to++ = two ? digits[group >> 6 & 63u] : '=';
    *to++ = '=';
}

/// Strict: padded, no blanks, no stray bits. Writes at most bytes_size_max(text.size()) bytes to `to`.
/// @return The bytes written, or -1 when `text` is not base64.
inline std::ptrdiff_t decode(std::uint8_t* to, std::string_view text) noexcept {
    if (text.size() % 4 != 0) return -1;
    if (text.empty()) return 0;
    const std::uint8_t* const start = to;
    const auto value = [&](std::size_t at) noexcept { return std::uint32_t{values[static_cast<unsigned char>(text[at])]}; };
    const std::size_t last = text.size() - 4;
    for (std::size_t i = 0; i < last; i += 4) {
        const std::uint32_t a = value(i), b = value(i + 1), c = value(i + 2), d = value(i + 3);
        if ((a | b | c | d) > 63) return -1;
        *to++ = static_cast<std::uint8_t>(a << 2 | b >> 4);
        *to++ = static_cast<std::uint8_t>(b << 4 | c >> 2);
        *to++ = static_cast<std::uint8_t>(c << 6 | d);
    }
    const int pad = text[last + 3] != '=' ? 0 : text[last + 2] != '=' ? 1 : 2;
    const std::uint32_t a = value(last), b = value(last + 1);
    const std::uint32_t c = pad < 2 ? value(last + 2) : 0, d = pad < 1 ? value(last + 3) : 0;
    if ((a | b | c | d) > 63 || (pad == 2 && (b & 15u) != 0) || (pad == 1 && (c & 3u) != 0)) return -1;
    *to++ = static_cast<std::uint8_t>(a << 2 | b >> 4);
    if (pad < 2) *to++ = static_cast<std::uint8_t>(b << 4 | c >> 2);
    if (pad < 1) *to++ = static_cast<std::uint8_t>(c << 6 | d);
    return to - start;
}

} // namespace base64

inline std::string to_base64(Bytes bytes) {
    std::string out(base64::text_size(bytes.size()), '=');
    base64::encode(out.data(), bytes);
    return out;
}

/// Strict: padded, no blanks, no stray bits. @return `invalid_argument` "bad-base64".
inline Result<std::vector<std::uint8_t>> from_base64(std::string_view text) {
    std::vector<std::uint8_t> out(base64::bytes_size_max(text.size()));
    const std::ptrdiff_t size = base64::decode(out.data(), text);
    if (size < 0) return Error(Code::invalid_argument, "bad-base64", "text is not base64");
    out.resize(static_cast<std::size_t>(size));
    return out;
}

} // namespace symphony
