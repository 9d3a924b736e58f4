// SPDX-License-Identifier: Apache-2.0
// libFuzzer: what parses is a valid value and comes back the same after format; select and template
// survive any path and any template.
#include "operations.hpp"

#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

symphony::Result<symphony::Value> run(std::string_view operation, symphony::ValueBuilder& input) {
    auto result = json::apply(operation, input.end().build(), [] { return false; });
    if (result && !symphony::Value::check(result->bytes())) std::abort();
    return result;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string_view front = all.substr(0, std::min<std::size_t>(data[0], all.size()));
    const std::string_view rest = all.substr(front.size());
    symphony::ValueBuilder text;
    text.map().add("text", rest);
    const auto parsed = run("parse", text);
    if (!parsed) return 0;
    const symphony::ValueView value = (*parsed)["value"];

    symphony::ValueBuilder print;
    const auto printed = run("format", print.map().add("value", value));
    if (printed) {
        symphony::ValueBuilder again;
        const auto same = run("parse", again.map().add("text", (*printed)["text"].as_text()));
        if (!same || !symphony::equal((*same)["value"], value)) std::abort();
    }
    symphony::ValueBuilder select;
    static_cast<void>(run("select", select.map().add("value", value).add("path", front)));
    symphony::ValueBuilder merge;
    merge.map().add("mode", "patch").key("values").list().value(value).value(value).end();
    static_cast<void>(run("merge", merge));
    symphony::ValueBuilder fill;
    static_cast<void>(run("template", fill.map().add("template", front).add("values", value)));
    return 0;
}
