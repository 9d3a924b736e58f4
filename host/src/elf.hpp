// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/plugin.h>
#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace symphony::host {

/// What a plugin library says about itself without being mapped. Texts point into the file's bytes.
struct ElfFacts {
    symphony_note note{};
    std::vector<std::string_view> exports;  ///< defined dynamic symbols that others can bind to
    std::vector<std::string_view> needed;   ///< DT_NEEDED
    Bytes build_id;                         ///< empty when there is none
};

/// Reads a 64-bit little-endian ELF shared object of this machine. Every offset is checked: any bytes are safe input.
/// @return `refused` with reason `not-elf`, `wrong-architecture`, `note-corrupt`, `no-note` or `elf-corrupt`.
Result<ElfFacts> read_elf(Bytes file);

} // namespace symphony::host
