// SPDX-License-Identifier: Apache-2.0
#include "elf.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// Any bytes: an answer, never a read outside them; every text that is answered lies inside them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const symphony::Bytes file(data, size);
    const auto facts = symphony::host::read_elf(file);
    if (!facts) return 0;
    const auto inside = [&](const void* at, std::size_t length) {
        const auto* byte = static_cast<const std::uint8_t*>(at);
        if (length != 0 && (byte < data || byte + length > data + size)) std::abort();
    };
    for (const std::string_view name : facts->exports) inside(name.data(), name.size());
    for (const auto* names : {&facts->needed, &facts->imports, &facts->unique, &facts->search}) {
        for (const std::string_view name : *names) inside(name.data(), name.size());
    }
    for (const auto& [library, version] : facts->versions) {
        inside(library.data(), library.size());
        inside(version.data(), version.size());
    }
    inside(facts->build_id.data(), facts->build_id.size());
    return 0;
}
