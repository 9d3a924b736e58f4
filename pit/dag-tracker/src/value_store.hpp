// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sha256.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace symphony::tracker {

/// Outputs larger than this go to the store of values, if there is one; a database row is no place for them.
inline constexpr std::size_t row_value_bytes_max = 64u << 10;
/// The largest output that a row takes when there is no store.
inline constexpr std::size_t row_value_bytes_most = 64u << 20;

/// Where values are that are too large for a row: by the SHA-256 of their bytes, kept for whoever says so. [any thread, blocks]
class ValueStore {
public:
    ValueStore() = default;
    ValueStore(const ValueStore&) = delete;
    ValueStore& operator=(const ValueStore&) = delete;
    virtual ~ValueStore() = default;

    /// The value is on the disk, and stays while `holder` needs it. @param digest  Of the value's bytes.
    /// @param soft  Of a holder that can do without, such as a cache.
    /// @return `not_found` "no-provider" when there is no store, else what the store says.
    virtual Status keep(std::string_view holder, bool soft, const Digest& digest, const Value& value) = 0;
    /// @return The value, checked against the digest; `not_found` "output-missing" or `data_corrupt` "output-damaged".
    virtual Result<Value> get(const Digest& digest, std::uint64_t size) = 0;
    /// `holder` does not need it any more.
    virtual Status drop(std::string_view holder, const Digest& digest) = 0;
};

/// What stands in a row instead of a value that is in the store: 0xC1, with which no MessagePack begins, the size, the digest.
struct StoredValue {
    static constexpr std::size_t row_bytes = 41;
    std::uint64_t size = 0;
    Digest digest;

    std::array<std::uint8_t, row_bytes> row() const noexcept;
    /// Nothing when the row's bytes are a value themselves.
    static std::optional<StoredValue> of(Bytes row) noexcept;
};

/// @return The value that was stored under a digest, or `data_corrupt` "output-damaged".
Result<Value> checked_value(Buffer bytes, const Digest& digest);

} // namespace symphony::tracker
