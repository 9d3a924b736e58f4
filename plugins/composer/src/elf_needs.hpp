// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::composer {

/// What a program or library needs of others: the ELF gABI's dynamic section, and the version needs of the GNU extension.
struct ElfNeeds {
    std::vector<std::string> libraries;                          ///< DT_NEEDED, in their order
    std::vector<std::pair<std::string, std::string>> versions;   ///< of a library: "libc.so.6", "GLIBC_2.34"; sorted, each once
    std::string name;                                            ///< DT_SONAME, or empty
};

inline constexpr std::size_t needs_max = 4096;

/// Reads 64-bit little-endian ELF. Pure; bounded by the bytes. [any]
/// @return `data_corrupt`, reason "bad-elf". A file without a dynamic section needs nothing.
Result<ElfNeeds> read_needs(std::string_view bytes);

} // namespace symphony::composer
