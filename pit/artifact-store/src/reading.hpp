// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

#include <symphony/host.hpp>

namespace symphony::store {

/// What `offset` and `size` (0 = to the end) mean in a content of `total` bytes. `invalid_argument` / "bad-range".
struct ByteRange {
    std::uint64_t offset = 0, size = 0;
};
Result<ByteRange> range_in(std::uint64_t total, std::uint64_t offset, std::uint64_t size);

/// A range in one buffer of the host's memory, which reaches an isolated peer without another copy.
/// `exhausted` / "too-large" beyond `bytes_max`.
Result<Buffer> read_range(Store& store, const Host& host, const ContentId& id, std::uint64_t offset, std::uint64_t size, std::uint64_t bytes_max);

/// A range in parts, in order. Of a whole content the last part is handed on only after its SHA-256 was right.
/// @param take  Fails to stop.
Result<ArtifactInfo> read_parts(Store& store, const Host& host, const ContentId& id, std::uint64_t offset, std::uint64_t size, std::size_t part_bytes,
                                const std::function<Status(std::uint64_t at, Buffer part)>& take);

} // namespace symphony::store
