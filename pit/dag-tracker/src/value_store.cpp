// SPDX-License-Identifier: Apache-2.0
#include "value_store.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::uint8_t mark = 0xC1;

} // namespace

std::array<std::uint8_t, StoredValue::row_bytes> StoredValue::row() const noexcept {
    std::array<std::uint8_t, row_bytes> out{};
    out[0] = mark;
    for (std::size_t i = 0; i < 8; ++i) out[1 + i] = static_cast<std::uint8_t>(size >> (8 * i));
    std::copy(digest.bytes.begin(), digest.bytes.end(), out.begin() + 9);
    return out;
}

std::optional<StoredValue> StoredValue::of(Bytes row) noexcept {
    if (row.size() != row_bytes || row[0] != mark) return std::nullopt;
    StoredValue out;
    for (std::size_t i = 0; i < 8; ++i) out.size |= std::uint64_t{row[1 + i]} << (8 * i);
    std::copy(row.begin() + 9, row.end(), out.digest.bytes.begin());
    return out;
}

Result<Value> checked_value(Buffer bytes, const Digest& digest) {
    const auto damaged = [&] {
        return Error(Code::data_corrupt, "output-damaged", "an output that was stored as artifact " + hex_of(digest).substr(0, 12) + " is not what was stored", "symphony artifact verify --data");
    };
    if (sha256(bytes.bytes()) != digest) return damaged();
    auto value = Value::checked(std::move(bytes));
    if (!value) return damaged();
    return value;
}

} // namespace symphony::tracker
