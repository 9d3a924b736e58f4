// SPDX-License-Identifier: Apache-2.0
// A compact index with any bytes behind a checksum that fits: nothing outside of it is read.
#include "must.hpp"

#include <symphony/packaging/compact_index.hpp>

#include <xxhash.h>

#include <cstring>

using namespace symphony::packaging;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.size() >= 16) {
        const std::uint64_t checksum = ::XXH3_64bits(bytes.data() + 16, bytes.size() - 16);
        std::memcpy(bytes.data(), "SYMIDX01", 8);
        std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
    }
    const auto index = CompactIndex::open(std::move(bytes));
    if (!index) return 0;
    CompactIndex::Reader reader(*index, {"x86_64-linux-gnu"}, [](const IndexView& line) { return line.signer.empty() ? std::string() : std::string("is signed"); });
    for (const auto& hit : index->search("a", 100)) {
        (void)index->find(hit.summary.id);
        (void)reader.find(hit.summary.id);
    }
    (void)reader.find("a");
    (void)reader.offering("operator/1");
    (void)reader.similar("org.example.a");
    return 0;
}
