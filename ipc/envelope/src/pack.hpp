// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

/// MessagePack items in their shortest form, written where room has been made: at most 9 bytes for a number, 5 more than its
/// content for anything else. Each function answers the end of what it wrote.
namespace symphony::ipc::pack {

template <std::unsigned_integral T>
[[gnu::always_inline]] inline std::uint8_t* tagged(std::uint8_t* to, std::uint8_t tag, T value) noexcept {
    *to++ = tag;
    if constexpr (std::endian::native == std::endian::little) {
        if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
        if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
        if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    }
    std::memcpy(to, &value, sizeof value);
    return to + sizeof value;
}

inline std::uint8_t* byte(std::uint8_t* to, std::uint8_t value) noexcept {
    *to = value;
    return to + 1;
}
inline std::uint8_t* null(std::uint8_t* to) noexcept { return byte(to, 0xC0); }
inline std::uint8_t* boolean(std::uint8_t* to, bool value) noexcept { return byte(to, value ? 0xC3 : 0xC2); }
inline std::uint8_t* unsigned_integer(std::uint8_t* to, std::uint64_t value) noexcept {
    if (value < 0x80) return byte(to, static_cast<std::uint8_t>(value));
    if (value <= 0xFF) return tagged(to, 0xCC, static_cast<std::uint8_t>(value));
    if (value <= 0xFFFF) return tagged(to, 0xCD, static_cast<std::uint16_t>(value));
    if (value <= 0xFFFFFFFF) return tagged(to, 0xCE, static_cast<std::uint32_t>(value));
    return tagged(to, 0xCF, value);
}
inline std::uint8_t* integer(std::uint8_t* to, std::int64_t value) noexcept {
    if (value >= 0) return unsigned_integer(to, static_cast<std::uint64_t>(value));
    if (value >= -32) return byte(to, static_cast<std::uint8_t>(value));
    if (value >= std::numeric_limits<std::int8_t>::min()) return tagged(to, 0xD0, static_cast<std::uint8_t>(value));
    if (value >= std::numeric_limits<std::int16_t>::min()) return tagged(to, 0xD1, static_cast<std::uint16_t>(value));
    if (value >= std::numeric_limits<std::int32_t>::min()) return tagged(to, 0xD2, static_cast<std::uint32_t>(value));
    return tagged(to, 0xD3, static_cast<std::uint64_t>(value));
}
inline std::uint8_t* number(std::uint8_t* to, double value) noexcept { return tagged(to, 0xCB, std::bit_cast<std::uint64_t>(value)); }
inline std::uint8_t* raw(std::uint8_t* to, Bytes bytes) noexcept {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return to + bytes.size();
}
/// @param size  Below 2^32.
inline std::uint8_t* sized(std::uint8_t* to, std::uint8_t tag, std::size_t size) noexcept {
    if (size <= 0xFF) return tagged(to, tag, static_cast<std::uint8_t>(size));
    if (size <= 0xFFFF) return tagged(to, static_cast<std::uint8_t>(tag + 1), static_cast<std::uint16_t>(size));
    return tagged(to, static_cast<std::uint8_t>(tag + 2), static_cast<std::uint32_t>(size));
}
inline std::uint8_t* text_head(std::uint8_t* to, std::size_t size) noexcept {
    return size < 32 ? byte(to, static_cast<std::uint8_t>(0xA0u | size)) : sized(to, 0xD9, size);
}
inline std::uint8_t* text(std::uint8_t* to, std::string_view value) noexcept {
    return raw(text_head(to, value.size()), symphony::bytes_of(value));
}
inline std::uint8_t* blob_head(std::uint8_t* to, std::size_t size) noexcept { return sized(to, 0xC4, size); }
inline std::uint8_t* blob(std::uint8_t* to, Bytes value) noexcept { return raw(blob_head(to, value.size()), value); }
/// @param count  Below 2^32.
inline std::uint8_t* container(std::uint8_t* to, bool map, std::size_t count) noexcept {
    if (count < 16) return byte(to, static_cast<std::uint8_t>((map ? 0x80u : 0x90u) | count));
    if (count <= 0xFFFF) return tagged(to, map ? 0xDE : 0xDC, static_cast<std::uint16_t>(count));
    return tagged(to, map ? 0xDF : 0xDD, static_cast<std::uint32_t>(count));
}

} // namespace symphony::ipc::pack
