// SPDX-License-Identifier: Apache-2.0
#include "compress.hpp"

#include <zstd.h>

#include <algorithm>

namespace symphony::store {
namespace {

constexpr int level = 3;
constexpr std::size_t probe_above = 64 * 1024;
constexpr std::size_t probe_bytes = 4096;

struct Contexts {
    ZSTD_CCtx* in = ZSTD_createCCtx();
    ZSTD_DCtx* out = ZSTD_createDCtx();
    std::vector<std::uint8_t> room;
    ~Contexts() {
        ZSTD_freeCCtx(in);
        ZSTD_freeDCtx(out);
    }
};
Contexts& contexts() {
    thread_local Contexts own;
    return own;
}

bool pays(std::size_t plain, std::size_t packed) noexcept { return packed + packed / 20 < plain; }

/// Large contents that are compressed or encrypted already show it in a few samples, a hundred times faster than in whole.
bool looks_packed(Contexts& own, Bytes plain) {
    for (const std::size_t part : {1u, 3u, 5u}) {
        const Bytes sample = plain.subspan(plain.size() / 6 * part, probe_bytes);
        std::uint8_t out[ZSTD_COMPRESSBOUND(probe_bytes)];
        const std::size_t size = ZSTD_compressCCtx(own.in, out, sizeof out, sample.data(), sample.size(), 1);
        if (ZSTD_isError(size) != 0 || size + probe_bytes / 32 < probe_bytes) return false;
    }
    return true;
}

} // namespace

std::optional<std::vector<std::uint8_t>> compress(Bytes plain) {
    Contexts& own = contexts();
    if (plain.size() < 32 || own.in == nullptr) return std::nullopt;
    if (plain.size() > probe_above && looks_packed(own, plain)) return std::nullopt;
    own.room.resize(std::max(own.room.size(), ZSTD_compressBound(plain.size())));
    const std::size_t size = ZSTD_compressCCtx(own.in, own.room.data(), own.room.size(), plain.data(), plain.size(), level);
    if (ZSTD_isError(size) != 0 || !pays(plain.size(), size)) return std::nullopt;
    return std::vector<std::uint8_t>(own.room.begin(), own.room.begin() + static_cast<std::ptrdiff_t>(size));
}

bool decompress(Bytes packed, std::span<std::uint8_t> to) {
    Contexts& own = contexts();
    if (own.out == nullptr || ZSTD_getFrameContentSize(packed.data(), packed.size()) != to.size()) return false;
    if (ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) return false;
    return ZSTD_decompressDCtx(own.out, to.data(), to.size(), packed.data(), packed.size()) == to.size();
}

} // namespace symphony::store
