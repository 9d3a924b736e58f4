// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace symphony::host {

using Digest = std::array<std::uint8_t, 32>;

/// SHA-256. [any]
Digest sha256(std::string_view bytes);
/// 64 lower-case hexadecimal digits.
std::string hex(const Digest& digest);

} // namespace symphony::host
