// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>

#include <algorithm>
#include <sstream>

namespace symphony::tracker {
namespace {

Place place_of(const toml::source_region& region) noexcept { return {region.begin.line, region.begin.column}; }

Doc convert(const toml::node& node);

void sort_by_place(std::vector<DocEntry>& entries) {
    std::stable_sort(entries.begin(), entries.end(), [](const DocEntry& a, const DocEntry& b) {
        return a.place.line != b.place.line ? a.place.line < b.place.line : a.place.column < b.place.column;
    });
}

Doc convert_table(const toml::table& table) {
    Doc doc;
    doc.kind = Doc::Kind::table;
    doc.place = place_of(table.source());
    doc.entries.reserve(table.size());
    for (const auto& [key, value] : table) {
        doc.entries.push_back({std::string(without_mark(key.str())), place_of(key.source()), convert(value)});
    }
    sort_by_place(doc.entries);
    return doc;
}

/// Dates and times have no kind of their own: they become text as RFC 3339 writes it.
template <class Written>
std::string printed(const Written& value) {
    std::ostringstream out;
    out << value;
    return std::move(out).str();
}

// Recursive: toml++ stops at TOML_MAX_NESTED_VALUES containers, toml_guard at seventeen parts of a key.
Doc convert(const toml::node& node) {
    Doc doc;
    doc.place = place_of(node.source());
    if (const auto* table = node.as_table()) {
        return convert_table(*table);
    } else if (const auto* list = node.as_array()) {
        doc.kind = Doc::Kind::list;
        doc.entries.reserve(list->size());
        for (const auto& item : *list) doc.entries.push_back({{}, place_of(item.source()), convert(item)});
    } else if (const auto* text = node.as_string()) {
        doc.kind = Doc::Kind::text;
        doc.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
        doc.kind = Doc::Kind::integer;
        doc.integer = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
        doc.kind = Doc::Kind::number;
        doc.number = number->get();
    } else if (const auto* truth = node.as_boolean()) {
        doc.kind = Doc::Kind::boolean;
        doc.truth = truth->get();
    } else {
        doc.kind = Doc::Kind::text;
        if (const auto* date = node.as_date()) doc.text = printed(date->get());
        if (const auto* time = node.as_time()) doc.text = printed(time->get());
        if (const auto* moment = node.as_date_time()) doc.text = printed(moment->get());
    }
    return doc;
}

} // namespace

std::optional<Doc> read_toml(std::string_view text, const Limits& limits, Findings& findings) {
    if (auto trouble = manifests::toml_trouble(text, findings.file(), limits.file_bytes_max)) {
        findings.add(std::move(*trouble));
        return std::nullopt;
    }
    const auto marked = mark_duplicates(text, limits, findings);
    if (!marked) return std::nullopt;
    try {
        return convert_table(toml::parse(std::string_view(*marked)));
    } catch (const toml::parse_error& error) {
        std::string message(error.description());
        if (!message.empty() && message.back() == '.') message.pop_back();
        findings.error("bad-toml", std::move(message), place_of(error.source()), "fix this first: what comes after it could not be read");
    } catch (const std::exception& error) {
        findings.error("bad-toml", std::string("cannot be read: ") + error.what(), {});
    }
    return std::nullopt;
}

} // namespace symphony::tracker
