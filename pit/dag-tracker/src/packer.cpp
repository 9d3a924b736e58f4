// SPDX-License-Identifier: Apache-2.0
#include "packer.hpp"

#include "json_text.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <cmath>

namespace symphony::tracker {
namespace {

Error bad_value(std::string message, std::string hint = {}) { return {Code::invalid_argument, "bad-value", std::move(message), std::move(hint)}; }
Error too_deep() {
    return {Code::invalid_argument, "too-deep", "a constant has more than " + std::to_string(constant_depth_max) + " levels", "give such a value to the run as an input"};
}

Status pack_number(Packer& to, double number) {
    if (!std::isfinite(number)) return bad_value("a workflow has no number for infinity or \"not a number\"", "say it with text");
    to.number(number);
    return {};
}

bool is_mark(std::string_view key) noexcept { return key == "$bytes" || key == "$null" || key == "$map"; }

Status pack_table(Packer& to, const Doc& from, std::size_t depth);

// Recursive, constant_depth_max deep.
Status pack_doc(Packer& to, const Doc& from, std::size_t depth) {
    switch (from.kind) {
    case Doc::Kind::null: to.null(); return {};
    case Doc::Kind::boolean: to.boolean(from.truth); return {};
    case Doc::Kind::integer: to.integer(from.integer); return {};
    case Doc::Kind::number: return pack_number(to, from.number);
    case Doc::Kind::text: to.text(from.text()); return {};
    case Doc::Kind::bytes: to.blob(bytes_of(from.text())); return {};
    case Doc::Kind::list:
        if (depth == constant_depth_max) return too_deep();
        to.list(from.entries().size());
        for (const auto& entry : from.entries()) {
            if (auto status = pack_doc(to, entry.value, depth + 1); !status) return status;
        }
        return {};
    case Doc::Kind::table: break;
    }
    if (from.entries().size() != 1 || !is_mark(from.entries()[0].key)) return pack_table(to, from, depth);
    const Doc& marked = from.entries()[0].value;
    if (from.entries()[0].key == "$map") {
        if (marked.kind == Doc::Kind::table) return pack_table(to, marked, depth);
        return bad_value("\"$map\" is " + std::string(marked.kind_name()) + ", expected a table", "it stands for a map that has this one key");
    }
    if (from.entries()[0].key == "$null") {
        if (marked.kind != Doc::Kind::boolean || !marked.truth) return bad_value("\"$null\" stands for nothing and is written { \"$null\" = true }");
        to.null();
        return {};
    }
    if (marked.kind != Doc::Kind::text) return bad_value("\"$bytes\" is " + std::string(marked.kind_name()) + ", expected text in base64");
    const auto bytes = bytes_of_base64(marked.text());
    if (!bytes) return bytes.error();
    to.blob(*bytes);
    return {};
}

Status pack_table(Packer& to, const Doc& from, std::size_t depth) {
    if (depth == constant_depth_max) return too_deep();
    std::vector<const DocEntry*> sorted;
    sorted.reserve(from.entries().size());
    for (const auto& entry : from.entries()) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
    for (std::size_t i = 1; i < sorted.size(); ++i) {
        if (sorted[i]->key == sorted[i - 1]->key) return bad_value("a second key " + shown(sorted[i]->key));
    }
    to.map(sorted.size());
    for (const auto* entry : sorted) {
        to.text(entry->key);
        if (auto status = pack_doc(to, entry->value, depth + 1); !status) return status;
    }
    return {};
}

Status pack_map(Packer& to, ValueView from, std::size_t depth);

Status pack_value(Packer& to, ValueView from, std::size_t depth) {
    switch (from.kind()) {
    case Kind::null: to.null(); return {};
    case Kind::boolean: to.boolean(from.as_bool()); return {};
    case Kind::integer:
        if (const auto integer = from.to_int()) {
            to.integer(*integer);
            return {};
        }
        return bad_value("an integer does not fit 64 bits with a sign");
    case Kind::number: return pack_number(to, from.as_double());
    case Kind::text:
        if (!is_valid_utf8(from.as_text())) return bad_value("text is not UTF-8");
        to.text(from.as_text());
        return {};
    case Kind::bytes: to.blob(from.as_bytes()); return {};
    case Kind::list:
        if (depth == constant_depth_max) return too_deep();
        to.list(from.size());
        for (const auto item : from.items()) {
            if (auto status = pack_value(to, item, depth + 1); !status) return status;
        }
        return {};
    case Kind::map: return pack_map(to, from, depth);
    case Kind::invalid: break;
    }
    return bad_value("not a value");
}

Status pack_map(Packer& to, ValueView from, std::size_t depth) {
    if (depth == constant_depth_max) return too_deep();
    std::vector<std::pair<std::string_view, ValueView>> sorted;
    for (const auto [key, item] : from.entries()) {
        if (!is_valid_utf8(key)) return bad_value("a key is not UTF-8");
        sorted.emplace_back(key, item);
    }
    if (sorted.size() != from.size()) return bad_value("not a value");
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    to.map(sorted.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i > 0 && sorted[i].first == sorted[i - 1].first) return bad_value("a second key " + shown(sorted[i].first));
        to.text(sorted[i].first);
        if (auto status = pack_value(to, sorted[i].second, depth + 1); !status) return status;
    }
    return {};
}

template <class From, Status (*how)(Packer&, From, std::size_t)>
Status whole(Packer& to, From from) {
    const std::size_t start = to.size();
    auto status = how(to, from, 0);
    if (status) return status;
    to.cut(start);
    to.null();
    return status;
}

} // namespace

Status pack(Packer& to, const Doc& from) { return whole<const Doc&, pack_doc>(to, from); }
Status pack(Packer& to, ValueView from) { return whole<ValueView, pack_value>(to, from); }

bool is_marked(ValueView map) noexcept {
    if (map.size() != 1) return false;
    for (const auto [key, item] : map.entries()) return is_mark(key);
    return false;
}

} // namespace symphony::tracker
