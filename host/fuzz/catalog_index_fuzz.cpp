// SPDX-License-Identifier: Apache-2.0
#include "catalog_index.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using symphony::host::CatalogIndex;
using symphony::host::CatalogIndexBuilder;
using symphony::host::Entry;

const std::string& base() {
    static const std::string bytes = [] {
        CatalogIndexBuilder builder;
        Entry entry;
        entry.kind = Entry::Kind::good;
        entry.version = "1.0.0";
        entry.provides.push_back({"operator/1", 50, false});
        entry.requires_.push_back({"pool/1", "", 2, true, false});
        entry.dependencies.push_back({"other", "^1", 3, true});
        entry.commands.push_back({"command", "does it"});
        entry.findings.push_back({"reason", "message", "hint", 1, 2, false});
        for (const auto* name : {"a", "b", "c", "d"}) {
            entry.folder = entry.id = entry.name = name;
            builder.add(entry);
        }
        return builder.finish("/root", {});
    }();
    return bytes;
}

} // namespace

/// Four bytes of input write one byte of a good file: place (3), value. With the checksum put right, so that the fuzzer gets
/// behind it. Reading everything stays inside the file whatever it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto file = base();
    for (std::size_t i = 0; i + 4 <= size; i += 4) {
        const auto place = (std::size_t{data[i]} << 16 | std::size_t{data[i + 1]} << 8 | data[i + 2]) % file.size();
        file[place] = static_cast<char>(data[i + 3]);
    }
    CatalogIndex::seal(file);
    const auto index = CatalogIndex::adopt(std::move(file), "/root");
    if (!index) return 0;
    Entry entry;
    std::uint64_t sum = index->root_stamp().size;
    for (std::uint32_t row = 0; row < std::min(index->size(), 64u); ++row) {
        sum += index->stamp(row).size + index->folder(row).size();
        if (index->folder(row).find('/') != std::string_view::npos) std::abort(); // would lead out of the root
        if (!index->read(row, entry)) continue;
        for (const auto text : {entry.id, entry.name, entry.version, entry.type, entry.description, entry.host_range}) sum += std::string(text).size();
        for (const auto& item : entry.provides) sum += std::string(item.port).size();
        for (const auto& item : entry.findings) sum += std::string(item.message).size();
    }
    for (std::uint32_t table = 0; table < CatalogIndex::tables; ++table) {
        for (const auto* key : {"a", "operator/1", "command", "none"}) {
            for (const auto row : index->find(static_cast<CatalogIndex::Table>(table), key)) sum += row;
        }
    }
    return sum == 1 ? 1 : 0;
}
