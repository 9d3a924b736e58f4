// SPDX-License-Identifier: Apache-2.0
#include "must.hpp"

#include <symphony/packaging/lock.hpp>

using namespace symphony::packaging;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto read = parse_lock({reinterpret_cast<const char*>(data), size}, "fuzz.lock");
    if (!read) {
        must(!read.error().reason().empty() && !read.error().message().empty(), "an error has a reason and a message");
        return 0;
    }
    const auto text = print(*read);
    const auto again = parse_lock(text, "again.lock");
    must(static_cast<bool>(again), "what is printed can be read");
    must(*again == *read, "what is printed says the same");
    must(print(*again) == text, "printing is canonical");
    auto kept = *read;
    must(static_cast<bool>(keep_platforms(kept, *again)) && kept == *read, "a lock keeps its own platforms and changes in nothing");
    return 0;
}
