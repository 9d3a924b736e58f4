// SPDX-License-Identifier: Apache-2.0
// An answer of a web server, in pieces whose size the first byte says.
#include "http.hpp"
#include "must.hpp"

#include <algorithm>

using namespace symphony::packaging;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::uint64_t body_bytes_max = 10'000;
    const auto read = [&](std::size_t piece) {
        std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
        std::string behind;
        return read_http(behind, [&](std::string& to) -> symphony::Status {
            to += text.substr(0, piece);
            text.remove_prefix(std::min(piece, text.size()));
            return {};
        }, body_bytes_max);
    };
    const auto whole = read(size), pieces = read(1u + data[0]);
    if (whole) must(whole->body.size() <= body_bytes_max, "a body is bounded");
    must(static_cast<bool>(whole) == static_cast<bool>(pieces), "how it arrives does not matter");
    if (whole) must(whole->status == pieces->status && whole->body == pieces->body && whole->keeps == pieces->keeps, "and says the same");
    return 0;
}
