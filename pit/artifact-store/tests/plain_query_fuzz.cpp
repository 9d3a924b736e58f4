// SPDX-License-Identifier: Apache-2.0
#include "plain_query.hpp"

#include <cstdlib>

using symphony::store::PlainDocument;
using symphony::store::PlainQuery;

/// Any bytes: what is read in parentheses means the same, its opposite means the opposite, and what is refused has a known reason.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto query = PlainQuery::parse(text);
    if (!query) {
        if (query.error().reason() != "bad-query" && query.error().reason() != "query-too-large") std::abort();
        return 0;
    }
    const std::vector<std::string> tags{"monthly", "final draft"}, inputs{"9f86d081"};
    const PlainDocument document{"9f86d081884c", "sales of may.txt", "text/plain", tags, inputs, 1'777'636'800'000};
    const bool matches = query->matches(document);
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
        if (!matches) std::abort(); // nothing asked for is everything
        return 0;
    }
    const auto same = PlainQuery::parse("(" + text + ")"), opposite = PlainQuery::parse("-(" + text + ")");
    if (same && same->matches(document) != matches) std::abort();
    if (opposite && opposite->matches(document) == matches) std::abort();
    return 0;
}
