// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/value.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace symphony::tracker {

/// A SHA-256.
struct Digest {
    std::array<std::uint8_t, 32> bytes{};
    auto operator<=>(const Digest&) const = default;
};
/// 64 lower-case hexadecimal digits.
std::string hex_of(const Digest& digest);
/// Nothing when it is not 64 lower-case hexadecimal digits.
std::optional<Digest> digest_of_hex(std::string_view text);

/// SHA-256 (FIPS 180-4) in pieces. All of a thread's share one context, because making one costs more than a small sum: one at a time. [one thread]
/// @throws std::runtime_error when OpenSSL has none.
class Sha256 {
public:
    Sha256();
    Sha256& add(Bytes piece) noexcept;
    /// The piece after its length (8 bytes, little-endian), so that pieces cannot be cut otherwise to the same sum.
    Sha256& add_sized(Bytes piece) noexcept;
    Sha256& add_number(std::uint64_t number) noexcept;
    Digest finish() noexcept;
};
Digest sha256(Bytes bytes);

/// The digest of what a value says, however it is encoded: equal values have equal digests, whatever the order of the keys of their maps and the
/// width of their numbers. An integer and a floating point number are never equal. Takes time in proportion to the value. [any]
Digest digest_of(ValueView value);

} // namespace symphony::tracker
