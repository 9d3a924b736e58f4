// SPDX-License-Identifier: Apache-2.0
#include "reading.hpp"

#include <algorithm>

namespace symphony::store {
namespace {

/// In the host's memory where it has room for it, else in our own.
Buffer buffer_of(const Host& host, std::size_t size) {
    auto made = host.make_buffer(size);
    return made ? *std::move(made) : Buffer::make(size);
}

Status fill(GetStream& stream, std::span<std::uint8_t> to) {
    while (!to.empty()) {
        const std::size_t n = SYMPHONY_TRY(stream.read(to));
        if (n == 0) return damage_error(Damage::torn, "the content of " + stream.info().id.hex() + " ends too early");
        to = to.subspan(n);
    }
    return {};
}

} // namespace

Result<ByteRange> range_in(std::uint64_t total, std::uint64_t offset, std::uint64_t size) {
    if (offset > total || size > total - offset) {
        const std::string end = size == 0 ? "" : " and " + std::to_string(size) + " bytes long";
        return Error(Code::invalid_argument, "bad-range", "a range from " + std::to_string(offset) + end + " does not lie in " + std::to_string(total) + " bytes");
    }
    return ByteRange{offset, size == 0 ? total - offset : size};
}

Result<Buffer> read_range(Store& store, const Host& host, const ContentId& id, std::uint64_t offset, std::uint64_t size, std::uint64_t bytes_max) {
    const auto stream = SYMPHONY_TRY(store.open_get(id));
    const ByteRange range = SYMPHONY_TRY(range_in(stream->info().size, offset, size));
    if (range.size > bytes_max) {
        return Error(Code::exhausted, "too-large", std::to_string(range.size) + " bytes in one answer, at most " + std::to_string(bytes_max),
                     "ask for ranges, or use stream");
    }
    if (range.offset != 0) SYMPHONY_TRY(stream->seek(range.offset));
    Buffer out = buffer_of(host, static_cast<std::size_t>(range.size));
    SYMPHONY_TRY(fill(*stream, out.writable()));
    if (range.size == stream->info().size) { // the end, where the whole content is proven
        std::uint8_t behind = 0;
        SYMPHONY_TRY(stream->read({&behind, 1}));
    }
    return out;
}

Result<ArtifactInfo> read_parts(Store& store, const Host& host, const ContentId& id, std::uint64_t offset, std::uint64_t size, std::size_t part_bytes,
                                const std::function<Status(std::uint64_t at, Buffer part)>& take) {
    const auto stream = SYMPHONY_TRY(store.open_get(id));
    const ByteRange range = SYMPHONY_TRY(range_in(stream->info().size, offset, size));
    if (range.offset != 0) SYMPHONY_TRY(stream->seek(range.offset));
    const bool whole = range.size == stream->info().size;
    for (std::uint64_t done = 0; done < range.size;) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(part_bytes, range.size - done));
        Buffer part = buffer_of(host, n);
        SYMPHONY_TRY(fill(*stream, part.writable()));
        if (whole && done + n == range.size) {
            std::uint8_t behind = 0;
            SYMPHONY_TRY(stream->read({&behind, 1}));
        }
        SYMPHONY_TRY(take(range.offset + done, std::move(part)));
        done += n;
    }
    return stream->info();
}

} // namespace symphony::store
