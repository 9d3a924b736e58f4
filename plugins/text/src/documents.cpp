// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"

namespace text {

using symphony::Code;
using symphony::Error;
using symphony::Inputs;
using symphony::Result;
using symphony::ValueView;

namespace {

symphony::Status check_size(const Inputs& inputs, std::string_view name, std::size_t size) {
    if (size <= text_bytes_max) return {};
    return inputs.error("too-large", "input " + Inputs::quoted(name) + " has " + std::to_string(size) + " bytes, at most " +
                                         std::to_string(text_bytes_max) + " are taken",
                        "split the work over several calls");
}

} // namespace

Result<std::string_view> bounded_text(const Inputs& inputs, std::string_view name) {
    const std::string_view text = SYMPHONY_TRY(inputs.text(name));
    SYMPHONY_TRY(check_size(inputs, name, text.size()));
    return text;
}

Result<std::vector<Document>> documents(const Inputs& inputs) {
    std::vector<Document> out;
    if (!inputs.given("text") && !inputs.given("texts")) {
        return inputs.error("missing-input", "input \"text\" or \"texts\" is missing", "give a text, or a list of maps {path, text}");
    }
    if (inputs.given("text")) out.emplace_back().text = SYMPHONY_TRY(bounded_text(inputs, "text"));
    if (!inputs.given("texts")) return out;
    const ValueView list = SYMPHONY_TRY(inputs.need("texts", symphony::Kind::list));
    out.reserve(out.size() + list.size());
    std::size_t index = 0;
    for (const ValueView item : list.items()) {
        if (!item.is_map()) return inputs.wrong_item("texts", index, "map {path, text}", item);
        const ValueView path = item["path"];
        if (!path.is_null() && !path.is_text()) return inputs.wrong_item("texts", index, "map with text \"path\"", path);
        if (!item["text"].is_text()) {
            return inputs.error("wrong-kind", "input \"texts\": item " + std::to_string(index) + " has no text \"text\"",
                                "files.read_all gives such a list");
        }
        out.push_back({path.as_text(), item["text"].as_text()});
        SYMPHONY_TRY(check_size(inputs, "texts", out.back().text.size()));
        ++index;
    }
    return out;
}

Error cancelled_error(std::string_view operation) {
    return {Code::cancelled, std::string(operation) + ": cancelled"};
}

} // namespace text
