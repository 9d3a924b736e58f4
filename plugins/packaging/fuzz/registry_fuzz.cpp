// SPDX-License-Identifier: Apache-2.0
// All files of a registry: the first byte says which.
#include "must.hpp"

#include <symphony/packaging/fetch.hpp>
#include <symphony/packaging/index_line.hpp>
#include <symphony/packaging/registry_files.hpp>

using namespace symphony::packaging;
using fuzz::must;

namespace {

template <class Parse>
void try_file(std::string_view text, Parse&& parse) {
    const auto read = parse(text, "fuzz");
    if (!read) {
        must(!read.error().reason().empty() && !read.error().message().empty(), "an error has a reason and a message");
        return;
    }
    const auto printed = print(*read);
    const auto again = parse(printed, "again");
    must(static_cast<bool>(again), "what is printed can be read");
    must(*again == *read, "what is printed says the same");
    must(print(*again) == printed, "printing is canonical");
}

void try_index(std::string_view text) {
    IndexReader reader(text, "fuzz.jsonl");
    for (;;) {
        const auto view = reader.next();
        if (!view || *view == nullptr) break;
        const auto line = own(**view);
        const auto printed = print(line);
        IndexReader again(printed, "again.jsonl");
        const auto second = again.next();
        must(second && *second != nullptr && own(**second) == line, "a line reads back");
    }
    (void)read_index_file(text, "a", "fuzz.jsonl");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
    case 'c': try_file(text, parse_config); break;
    case 'r': try_file(text, parse_root); break;
    case 's': try_file(text, parse_snapshot); break;
    case 'l': try_file(text, parse_shard); break;
    case 'a': try_file(text, parse_advisory); break;
    case 'i': try_index(text); break;
    case 't':
        if (const auto time = parse_time(text)) must(time_text(*time) == text, "a time reads back");
        break;
    case 'w':
        if (const auto address = WebAddress::parse(text)) {
            const auto again = WebAddress::parse(address->text());
            must(again && again->text() == address->text(), "an address reads back");
        }
        break;
    default: break;
    }
    return 0;
}
