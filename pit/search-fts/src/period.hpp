// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace symphony::search {

/// A span of time in UTC, in milliseconds since 1970; the end is not in it.
struct Period {
    std::uint64_t from_ms = 0;
    std::uint64_t to_ms = UINT64_MAX;
};

/// Reads `2026`, `2026-05`, `2026-05-01`, and `A..B`, `A..`, `..B` of these; years 1970 to 9999. Nothing for anything else, and for
/// a span that ends before it begins. [pure]
std::optional<Period> parse_period(std::string_view text) noexcept;

} // namespace symphony::search
