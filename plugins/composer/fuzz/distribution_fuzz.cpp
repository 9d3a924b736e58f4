// SPDX-License-Identifier: Apache-2.0
#include "must.hpp"

#include "distribution.hpp"
#include "rules.hpp"

using namespace symphony::composer;
using fuzz::must;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto read = read_distribution(text, "fuzz.toml");
    must(read.distribution.has_value() == read.diagnostics.empty(), "a distribution, or what is wrong with it");
    for (const auto& one : read.diagnostics) must(!one.reason.empty() && !one.message.empty(), "a finding has a reason and a message");
    if (!read.distribution) return 0;
    must(*read_distribution(text, "fuzz.toml").distribution == *read.distribution, "reading is a function");
    must(rules_of(*read.distribution).digest().size() == 64, "rules have a digest");
    return 0;
}
