// SPDX-License-Identifier: Apache-2.0
#include "compress.hpp"

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <mutex>

namespace symphony::store {
namespace {

constexpr int level = 3;
/// Up to here a higher level costs half as much again and takes off 3 % (docs/measured.md).
constexpr std::size_t small_bytes = 16 * 1024;
constexpr int small_level = 1;
constexpr std::size_t probe_above = 64 * 1024;
constexpr std::size_t probe_bytes = 4096;
constexpr std::size_t kept_max = 16;

struct Contexts {
    ZSTD_CCtx* in = ZSTD_createCCtx();
    ZSTD_DCtx* out = ZSTD_createDCtx();
    std::vector<std::uint8_t> room;
    Contexts() = default;
    Contexts(const Contexts&) = delete;
    Contexts& operator=(const Contexts&) = delete;
    ~Contexts() {
        ZSTD_freeCCtx(in);
        ZSTD_freeDCtx(out);
    }
};

/// As many as work at the same time, whichever threads those are: the tables of one take about a megabyte, and the last one used
/// is still in the processor's cache.
class Lent {
public:
    Lent() {
        Kept& all = kept();
        const std::lock_guard lock(all.mutex);
        if (!all.idle.empty()) {
            own_ = std::move(all.idle.back());
            all.idle.pop_back();
        }
        if (!own_) own_ = std::make_unique<Contexts>();
    }
    ~Lent() {
        Kept& all = kept();
        const std::lock_guard lock(all.mutex);
        if (all.idle.size() < kept_max) all.idle.push_back(std::move(own_));
    }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
    Contexts& operator*() const noexcept { return *own_; }

private:
    struct Kept {
        std::mutex mutex;
        std::vector<std::unique_ptr<Contexts>> idle;
        Kept() { idle.reserve(kept_max); }
    };
    static Kept& kept() {
        static Kept all;
        return all;
    }
    std::unique_ptr<Contexts> own_;
};

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
    if (plain.size() < 32) return std::nullopt;
    const Lent lent;
    Contexts& own = *lent;
    if (own.in == nullptr) return std::nullopt;
    if (plain.size() > probe_above && looks_packed(own, plain)) return std::nullopt;
    own.room.resize(std::max(own.room.size(), ZSTD_compressBound(plain.size())));
    const std::size_t size = ZSTD_compressCCtx(own.in, own.room.data(), own.room.size(), plain.data(), plain.size(), plain.size() <= small_bytes ? small_level : level);
    if (ZSTD_isError(size) != 0 || !pays(plain.size(), size)) return std::nullopt;
    return std::vector<std::uint8_t>(own.room.begin(), own.room.begin() + static_cast<std::ptrdiff_t>(size));
}

bool decompress(Bytes packed, std::span<std::uint8_t> to) {
    const Lent lent;
    Contexts& own = *lent;
    if (own.out == nullptr || ZSTD_getFrameContentSize(packed.data(), packed.size()) != to.size()) return false;
    if (ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size()) return false;
    return ZSTD_decompressDCtx(own.out, to.data(), to.size(), packed.data(), packed.size()) == to.size();
}

} // namespace symphony::store
