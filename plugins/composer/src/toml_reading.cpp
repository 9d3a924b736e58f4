// SPDX-License-Identifier: Apache-2.0
#include "toml_reading.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/manifests/toml_guard.hpp>
#include <symphony/utf8.hpp>

namespace symphony::composer {
namespace {

constexpr std::size_t text_bytes_max = 1024, texts_max = 1000, findings_max = 200;

bool has_control(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

} // namespace

Place place_of(const toml::node& node) { return {node.source().begin.line, node.source().begin.column}; }
Place place_of(const toml::key& key) { return {key.source().begin.line, key.source().begin.column}; }

std::string quoted(std::string_view text) {
    constexpr std::size_t shown = 60;
    std::string out(text.substr(0, shown));
    out.resize(valid_utf8_prefix(out));
    std::replace_if(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
    return "\"" + out + (text.size() > shown ? "...\"" : "\"");
}

bool is_word(std::string_view text, std::size_t bytes_max, std::string_view more) noexcept {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (text.empty() || text.size() > bytes_max || !plain(text.front()) || !plain(text.back())) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || more.find(c) != std::string_view::npos; });
}

void Findings::add(Place place, std::string reason, std::string message, std::string hint) {
    if (all_.size() == findings_max) return;
    all_.push_back({manifests::Severity::error, std::move(reason), std::move(message), std::move(hint), file_, place.line, place.column});
}

void Findings::unknown(Place place, std::string_view what, std::string_view word, const std::vector<std::string_view>& known, std::string_view reason) {
    const auto near = manifests::nearest(word, known);
    std::string all;
    for (const auto one : known) all += (all.empty() ? "" : ", ") + std::string(one);
    add(place, std::string(reason), "unknown " + std::string(what) + " " + quoted(word), near.empty() ? "known are " + all : "did you mean \"" + std::string(near) + "\"?");
}

std::vector<manifests::Diagnostic> Findings::take() {
    std::stable_sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); });
    return std::move(all_);
}

std::optional<toml::table> parse_document(std::string_view text, Findings& findings, std::size_t bytes_max) {
    if (const auto trouble = manifests::toml_trouble(text, findings.file(), bytes_max)) {
        findings.add({trouble->line, trouble->column}, trouble->reason, trouble->message, trouble->hint);
        return std::nullopt;
    }
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& broken) {
        findings.add({broken.source().begin.line, broken.source().begin.column}, "bad-toml", quoted(broken.description()));
        return std::nullopt;
    }
}

Place Section::place(std::string_view key) const {
    if (table_ == nullptr) return {};
    for (const auto& [name, node] : *table_) {
        if (name.str() == key) return place_of(name);
    }
    return place_of(*table_);
}

std::string Section::at(std::string_view key) const { return (what_.empty() ? "" : what_ + " ") + std::string(key); }

const toml::node* Section::take(std::string_view key) {
    asked_.push_back(key);
    return table_ == nullptr ? nullptr : table_->get(key);
}

void Section::wrong(std::string_view key, std::string_view expected) {
    findings_->add(place(key), "wrong-type", at(key) + ": expected " + std::string(expected));
}

std::string Section::text(std::string_view key, bool required) {
    const auto* node = take(key);
    if (node == nullptr) {
        if (required) findings_->add(place_of(*table_), "missing-key", at(key) + " is missing", "add " + std::string(key) + " = \"...\"");
        return {};
    }
    const auto* text = node->as_string();
    if (text == nullptr || text->get().size() > text_bytes_max || has_control(text->get()) || (required && text->get().empty())) {
        wrong(key, required ? "text that is not empty" : "text");
        return {};
    }
    return text->get();
}

std::vector<std::string> Section::texts(std::string_view key) {
    const auto* node = take(key);
    std::vector<std::string> out;
    if (node == nullptr) return out;
    const auto* list = node->as_array();
    if (list == nullptr || list->size() > texts_max) {
        wrong(key, "a list of texts");
        return out;
    }
    for (const auto& item : *list) {
        const auto* text = item.as_string();
        if (text == nullptr || text->get().empty() || text->get().size() > text_bytes_max || has_control(text->get())) {
            wrong(key, "a list of texts");
            return {};
        }
        out.push_back(text->get());
    }
    return out;
}

bool Section::boolean(std::string_view key, bool otherwise) {
    const auto* node = take(key);
    if (node == nullptr) return otherwise;
    if (const auto* value = node->as_boolean()) return value->get();
    wrong(key, "true or false");
    return otherwise;
}

std::size_t Section::word(std::string_view key, std::span<const std::string_view> known, std::size_t otherwise) {
    const auto typed = text(key);
    if (typed.empty()) {
        if (const auto* node = table_->get(key); node != nullptr && node->is_string()) findings_->unknown(place(key), at(key), "", {known.begin(), known.end()});
        return otherwise;
    }
    const auto found = std::find(known.begin(), known.end(), typed);
    if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
    findings_->unknown(place(key), at(key), typed, {known.begin(), known.end()});
    return otherwise;
}

const toml::table* Section::table(std::string_view key) {
    const auto* node = take(key);
    if (node == nullptr) return nullptr;
    const auto* found = node->as_table();
    if (found == nullptr) wrong(key, "a table, [" + std::string(key) + "]");
    return found;
}

Section Section::section(std::string_view key, bool required) {
    const auto* found = table(key);
    if (found != nullptr) return {*findings_, *found, "[" + std::string(key) + "]"};
    if (required && !has(key)) findings_->add({}, "missing-key", "[" + std::string(key) + "] is missing", "begin with [distribution], name and version");
    return Section(*findings_);
}

void Section::done() {
    for (const auto& [name, node] : *table_) {
        if (std::find(asked_.begin(), asked_.end(), name.str()) == asked_.end()) findings_->unknown(place_of(name), what_.empty() ? "key" : "key in " + what_, name.str(), asked_, "unknown-key");
    }
}

} // namespace symphony::composer
