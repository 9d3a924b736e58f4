// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace symphony::permissions {

/// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
/// HMAC-SHA-256, hexadecimal.
std::string hmac_hex(std::string_view key, std::string_view bytes);
/// From the system; empty when it has none to give.
std::string random_bytes(std::size_t count);

/// The hash of a row: over the hash of the one before and the record's canonical text.
std::string chain_hash(std::string_view previous, std::string_view record);
/// What the first row has for the hash of the one before.
inline constexpr std::string_view chain_start = "0000000000000000000000000000000000000000000000000000000000000000";

} // namespace symphony::permissions
