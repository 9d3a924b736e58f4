// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "types.hpp"

namespace symphony::store {

/// zstd level 3. Nothing when it does not pay: when the bytes would not be 1.05 times as many as their compressed form. [any]
std::optional<std::vector<std::uint8_t>> compress(Bytes plain);
/// @return False unless `packed` is one frame of exactly `to.size()` bytes.
bool decompress(Bytes packed, std::span<std::uint8_t> to);

} // namespace symphony::store
