// SPDX-License-Identifier: Apache-2.0
// libFuzzer: every operation over arbitrary text; the first byte chooses. Nothing may crash, and what
// comes back is a valid value.
#include "operations.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string_view half = all.substr(0, all.size() / 2);
    symphony::ValueBuilder input;
    input.map();
    std::string_view operation;
    switch (data[0] % 6) {
    case 0: operation = "split"; input.add("text", all).add("by", "lines"); break;
    case 1: operation = "split"; input.add("text", all).add("by", "words"); break;
    case 2: operation = "split"; input.add("text", all).add("by", "sentences"); break;
    case 3: operation = "count"; input.add("text", all).add("min_length", 2).key("stop_words").list().text(half).end(); break;
    case 4: operation = "match"; input.add("text", all).key("patterns").list().text(half).text("/" + std::string(half) + "/i").end(); break;
    default: operation = "normalise"; input.add("text", all).add("form", "NFKC").add("fold_case", true).add("collapse_blanks", true); break;
    }
    const auto result = text::apply(operation, input.end().build(), [] { return false; });
    if (result && !symphony::Value::check(result->bytes())) std::abort();
    return 0;
}
