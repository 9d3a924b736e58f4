// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/plugin.h>
#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace symphony::host {

/// A version of symbols that another library must have: "GLIBC_2.34" of "libc.so.6".
struct ElfVersion {
    std::string_view library, version;
};

/// What a plugin library says about itself without being mapped. Texts point into the file's bytes.
struct ElfFacts {
    symphony_note note{};
    std::vector<std::string_view> exports;  ///< defined dynamic symbols that others can bind to
    std::vector<std::string_view> unique;   ///< those of them that pin the library for ever (STB_GNU_UNIQUE)
    std::vector<std::string_view> imports;  ///< dynamic symbols that others define
    std::vector<std::string_view> needed;   ///< DT_NEEDED
    std::vector<ElfVersion> versions;       ///< of symbols, in the order of the file
    std::vector<std::string_view> search;   ///< DT_RPATH and DT_RUNPATH as written
    Bytes build_id;                         ///< empty when there is none
    std::uint64_t constructors = 0;         ///< functions that run while it is mapped (DT_INIT_ARRAY)
    bool text_relocations = false;          ///< code is written to while it is mapped
    bool executable_stack = false;
};

/// Reads a 64-bit little-endian ELF shared object of this machine. Every offset is checked: any bytes are safe input.
/// @return `refused` with reason `not-elf`, `wrong-architecture`, `note-corrupt`, `no-note` or `elf-corrupt`.
Result<ElfFacts> read_elf(Bytes file);

} // namespace symphony::host
