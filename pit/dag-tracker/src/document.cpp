// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <symphony/utf8.hpp>

namespace symphony::tracker {
namespace {

void build(ValueBuilder& to, const Doc& from) {
    switch (from.kind) {
    case Doc::Kind::null: to.null(); break;
    case Doc::Kind::boolean: to.boolean(from.truth); break;
    case Doc::Kind::integer: to.integer(from.integer); break;
    case Doc::Kind::number: to.number(from.number); break;
    case Doc::Kind::text: to.text(from.text); break;
    case Doc::Kind::list:
        to.list(from.entries.size());
        for (const auto& entry : from.entries) build(to, entry.value);
        to.end();
        break;
    case Doc::Kind::table:
        to.map(from.entries.size());
        for (const auto& entry : from.entries) build(to.key(entry.key), entry.value);
        to.end();
        break;
    }
}

} // namespace

const DocEntry* Doc::find(std::string_view key) const noexcept {
    if (kind != Kind::table) return nullptr;
    for (const auto& entry : entries) {
        if (entry.key == key) return &entry;
    }
    return nullptr;
}

std::string_view Doc::kind_name() const noexcept {
    switch (kind) {
    case Kind::null: return "nothing";
    case Kind::boolean: return "a boolean";
    case Kind::integer: return "an integer";
    case Kind::number: return "a number";
    case Kind::text: return "text";
    case Kind::list: return "a list";
    case Kind::table: return "a table";
    }
    return "nothing";
}

std::optional<Doc> read_document(std::string_view path, std::string_view text, const Limits& limits, Findings& findings) {
    if (text.size() > limits.file_bytes_max) {
        findings.error("too-large",
                       "the file has " + std::to_string(text.size()) + " bytes, at most " +
                           std::to_string(limits.file_bytes_max) + " are read",
                       {}, "split the workflow, or raise file_size_max of dag-tracker");
        return std::nullopt;
    }
    if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
    const auto first = text.find_first_not_of(" \t\r\n");
    const bool json = path.ends_with(".json") || (first != std::string_view::npos && text[first] == '{');
    return json ? read_json(text, limits, findings) : read_toml(text, limits, findings);
}

void report_too_many(Findings& findings, bool nodes, std::size_t max, Place place) {
    const std::string count = std::to_string(max);
    findings.error(nodes ? "too-many-nodes" : "too-many-edges",
                   "the workflow has more than " + count + (nodes ? " nodes" : " edges"), place,
                   nodes ? "use `each` for work on many items, or raise nodes_max of dag-tracker" : "split the workflow, or raise edges_max of dag-tracker");
}

Value to_value(const Doc& doc) {
    ValueBuilder builder;
    build(builder, doc);
    return builder.build();
}

} // namespace symphony::tracker
