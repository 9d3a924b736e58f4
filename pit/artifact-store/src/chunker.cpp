// SPDX-License-Identifier: Apache-2.0
#include "chunker.hpp"

#include "crypto.hpp"

#include <algorithm>
#include <bit>

namespace symphony::store {
namespace {

/// The highest bits of a gear hash have seen the most bytes.
std::uint64_t mask_of(int bits) noexcept { return ~std::uint64_t{0} << (64 - bits); }

} // namespace

ChunkSizes sizes_of(Profile profile) noexcept {
    switch (profile) {
    case Profile::text: return {4 << 10, 16 << 10, 64 << 10};
    case Profile::standard: return {64 << 10, 256 << 10, 1 << 20};
    case Profile::model: return {256 << 10, 1 << 20, 4 << 20};
    }
    return {};
}

Chunker::Chunker(Profile profile, Bytes key) : sizes_(sizes_of(profile)) {
    const Hmac hmac(key.empty() ? bytes_of("symphony-store public gear table") : key);
    for (std::size_t i = 0; i < gear_.size(); ++i) {
        const std::uint8_t byte = static_cast<std::uint8_t>(i);
        const Digest digest = hmac.of({&byte, 1});
        for (std::size_t b = 0; b < 8; ++b) gear_[i] |= static_cast<std::uint64_t>(digest.bytes[b]) << (8 * b);
    }
    const int bits = std::countr_zero(sizes_.average);
    mask_small_ = mask_of(bits + 2); // before the average: cuts are rare
    mask_large_ = mask_of(bits - 2); // behind it: frequent
}

std::size_t Chunker::cut(Bytes data) const noexcept {
    if (data.size() <= sizes_.min) return data.size();
    const std::size_t end = std::min<std::size_t>(data.size(), sizes_.max);
    const std::size_t middle = std::min<std::size_t>(end, sizes_.average);
    const std::uint8_t* bytes = data.data();
    std::uint64_t hash = 0;
    std::size_t i = sizes_.min;
    for (; i < middle; ++i) {
        hash = (hash << 1) + gear_[bytes[i]];
        if ((hash & mask_small_) == 0) return i + 1;
    }
    for (; i < end; ++i) {
        hash = (hash << 1) + gear_[bytes[i]];
        if ((hash & mask_large_) == 0) return i + 1;
    }
    return end;
}

} // namespace symphony::store
