// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace symphony::ipc_bench {

inline constexpr std::size_t message_bytes_max = std::size_t{8} << 20;

/// "64", "1KiB", "1MiB". @return `invalid_argument` "usage".
Result<std::size_t> size_of(std::string_view text);
/// The same in the largest unit that divides it: "64 B", "1 KiB".
std::string text_of_size(std::size_t bytes);

/// A whole number of [least, most]. @param what  The flag, for the message. @return `invalid_argument` "usage".
Result<std::uint64_t> number_of(std::string_view text, std::string_view what, std::uint64_t least, std::uint64_t most);

} // namespace symphony::ipc_bench
