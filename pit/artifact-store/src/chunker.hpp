// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "types.hpp"

namespace symphony::store {

/// Sizes in bytes.
struct ChunkSizes {
    std::uint32_t min = 0, average = 0, max = 0;
};
ChunkSizes sizes_of(Profile profile) noexcept;

/// Contents that are smaller are one chunk, whatever the profile.
constexpr std::size_t whole_below = 64 * 1024;
/// No chunk is larger, whatever the profile.
constexpr std::size_t chunk_bytes_max = 4 << 20;

/// Cuts contents where their bytes say so, so that an insertion moves only the cuts around it. FastCDC (Xia and others,
/// ATC'16) with normalisation level 2; the gear table comes from a key, so that cuts tell less about known contents.
/// Const and without state: the same bytes and key give the same cuts. [any]
class Chunker {
public:
    /// @param key 32 bytes of an encrypted store; empty for the public table.
    Chunker(Profile profile, Bytes key);
    /// Length of the first chunk of `data`; needs `max` bytes in sight unless `data` is the end of the content.
    std::size_t cut(Bytes data) const noexcept;
    const ChunkSizes& sizes() const noexcept { return sizes_; }

private:
    ChunkSizes sizes_;
    std::uint64_t mask_small_ = 0, mask_large_ = 0;
    std::array<std::uint64_t, 256> gear_{};
};

} // namespace symphony::store
