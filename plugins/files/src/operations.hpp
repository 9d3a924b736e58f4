// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/files.hpp>
#include <symphony/value.hpp>

#include <functional>
#include <string_view>

namespace files {

/// What an operation has of its surroundings. Functions may be called often; they are cheap.
struct Context {
    symphony::Files fs;
    std::function<bool()> cancelled;                                           // true = stop and answer `cancelled`
    std::function<void(std::uint32_t permille, std::string_view note)> progress;
};

/// Runs one operation of the manifest. Blocks on the disk; may run on many threads at once.
symphony::Result<symphony::Value> apply(std::string_view operation, symphony::ValueView input, const Context& context);

symphony::Result<symphony::Value> walk(symphony::ValueView input, const Context& context);
symphony::Result<symphony::Value> read(symphony::ValueView input, const Context& context);
symphony::Result<symphony::Value> read_all(symphony::ValueView input, const Context& context);
symphony::Result<symphony::Value> read_bytes(symphony::ValueView input, const Context& context);

/// Limits of one file: default and most that may be asked for.
inline constexpr std::uint64_t file_bytes_default = std::uint64_t{16} << 20;
inline constexpr std::uint64_t file_bytes_max = std::uint64_t{512} << 20;
/// Limits of all files of one call together.
inline constexpr std::uint64_t total_bytes_default = std::uint64_t{256} << 20;
inline constexpr std::uint64_t total_bytes_max = std::uint64_t{1} << 30;

} // namespace files
