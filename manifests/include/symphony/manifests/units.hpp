// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace symphony::manifests {

/// "2GB" (decimal), "512MiB" (binary), "1.5MB", "0B". Units B kB KB MB GB TB KiB MiB GiB TiB.
/// @return Bytes, at most 2^63-1, or `invalid_argument` with reason "bad-size".
Result<std::uint64_t> parse_size(std::string_view text);
/// "250ms", "5s", "1.5h", "0s". Units ms s m h d.
/// @return Milliseconds, at most 2^63-1, or `invalid_argument` with reason "bad-duration".
Result<std::uint64_t> parse_duration(std::string_view text);
/// "50%" of one core, "250%" of two and a half.
/// @return 1 to 100'000, or `invalid_argument` with reason "bad-percent".
Result<std::uint32_t> parse_percent(std::string_view text);

/// The largest unit that divides evenly, so that it parses back to the same number.
std::string size_text(std::uint64_t bytes);
std::string duration_text(std::uint64_t ms);

} // namespace symphony::manifests
