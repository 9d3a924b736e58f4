// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/shown.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::store {

/// "12 B", "3.4 KiB", "1.2 GiB".
std::string size_words(std::uint64_t bytes);
/// "2026-05-01 12:30" in UTC; "-" for 0.
std::string time_words(std::uint64_t unix_ms);
/// RFC 3339 in UTC, to the millisecond; empty for 0.
std::string time_stamp(std::uint64_t unix_ms);
/// "1 artifact", "2 artifacts".
std::string count_words(std::uint64_t count, std::string_view what);
/// The first 12 digits: enough for people.
std::string short_id(std::string_view id);

/// Columns that line up; the last one is not padded. Cells are counted in characters.
std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view right_aligned = {});

} // namespace symphony::store
