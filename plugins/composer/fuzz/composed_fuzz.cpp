// SPDX-License-Identifier: Apache-2.0
// What verify and diff read: archives, seals, and the ELF files in them.
#include "must.hpp"

#include "archive.hpp"
#include "elf_needs.hpp"

using namespace symphony::composer;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto seal = read_seal(bytes)) must(bytes.find("# sealed ") != std::string_view::npos, "a seal has an end");
    if (const auto needs = read_needs(bytes)) must(needs->libraries.size() <= needs_max && needs->versions.size() <= needs_max, "needs are bounded");
    const auto read = read_archive(bytes);
    if (!read) {
        must(!read.error().reason().empty(), "an error has a reason");
        return 0;
    }
    const auto facts = facts_of(read->tree);
    if (!facts) return 0;
    const auto again = archive_of(read->tree, *facts, read->format);
    if (!again) return 0;
    const auto back = read_archive(*again);
    must(back && back->tree == read->tree, "what is written can be read");
    return 0;
}
