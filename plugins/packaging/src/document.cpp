// SPDX-License-Identifier: Apache-2.0
#include "document.hpp"

#include "words.hpp"

#include <symphony/manifests/data.hpp>

#include <symphony/manifests/toml.hpp>
#include <symphony/manifests/toml_guard.hpp>

#include <algorithm>

namespace symphony::packaging {
namespace {

std::string place(std::string_view file, std::uint32_t line) {
    return std::string(file) + (line != 0 ? ":" + std::to_string(line) : std::string()) + ": ";
}

/// Bounded: toml++ was told not to nest deeper than 32.
Node node_of(const toml::node& from) {
    Node out;
    out.line = from.source().begin.line;
    if (const auto* table = from.as_table()) {
        out.kind = Node::Kind::table;
        for (const auto& [key, value] : *table) out.entries.emplace_back(std::string(key.str()), node_of(value));
        std::sort(out.entries.begin(), out.entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    } else if (const auto* list = from.as_array()) {
        out.kind = Node::Kind::list;
        for (const auto& item : *list) out.items.push_back(node_of(item));
    } else if (const auto* text = from.as_string()) {
        out.kind = Node::Kind::text;
        out.text = text->get();
    } else if (const auto* integer = from.as_integer()) {
        out.kind = Node::Kind::integer;
        out.integer = integer->get();
    } else if (const auto* boolean = from.as_boolean()) {
        out.kind = Node::Kind::boolean;
        out.boolean = boolean->get();
    }
    return out;
}

bool has_conflict_markers(std::string_view text) {
    return text.starts_with("<<<<<<< ") || text.find("\n<<<<<<< ") != std::string_view::npos;
}

std::string_view kind_of(const Node& node) {
    switch (node.kind) {
    case Node::Kind::table: return "a table";
    case Node::Kind::list: return "a list";
    case Node::Kind::text: return "text";
    case Node::Kind::integer: return "an integer";
    case Node::Kind::boolean: return "a boolean";
    case Node::Kind::other: break;
    }
    return "something else";
}

} // namespace

Result<Node> read_toml(std::string_view text, std::string_view file, std::size_t bytes_max) {
    if (const auto trouble = manifests::toml_trouble(text, file, bytes_max)) {
        const auto code = trouble->reason == "too-large" ? Code::exhausted : Code::data_corrupt;
        return Error(code, trouble->reason, place(file, trouble->line) + trouble->message, trouble->hint);
    }
    if (has_conflict_markers(text)) {
        return Error(Code::data_corrupt, "conflict-markers", std::string(file) + ": has the conflict markers of a version control system",
                     "take one side of the conflict as a whole, then let symphony bring the file up to date");
    }
    try {
        return node_of(toml::parse(text));
    } catch (const toml::parse_error& error) {
        return Error(Code::data_corrupt, "bad-syntax", place(file, error.source().begin.line) + clean(error.description()));
    } catch (const std::exception& error) {
        return Error(Code::data_corrupt, "bad-syntax", std::string(file) + ": " + clean(error.what()));
    }
}

void Trouble::tell(std::uint32_t line, std::string_view reason, const std::string& what, std::string hint) {
    if (!error_) error_.emplace(Code::data_corrupt, reason, place(file_, line) + what, std::move(hint));
}

void Trouble::tell(std::uint32_t line, const std::string& what, const Error& error) {
    if (!error_) error_.emplace(Code::data_corrupt, error.reason(), place(file_, line) + what + ": " + error.message(), error.hint());
}

Table::Table(Trouble& trouble, const Node& node, std::string what) : trouble_(&trouble), node_(&node), what_(std::move(what)) {}

std::string Table::at(std::string_view key) const { return (what_.empty() ? "" : what_ + ": ") + "key " + in_quotes(key); }

std::uint32_t Table::line(std::string_view key) const noexcept {
    for (const auto& [name, value] : node_->entries) {
        if (name == key) return value.line;
    }
    return node_->line;
}

const Node* Table::take(std::string_view key, Node::Kind kind, std::string_view expected, bool required) {
    asked_.push_back(key);
    const auto found = std::find_if(node_->entries.begin(), node_->entries.end(), [&](const auto& entry) { return entry.first == key; });
    if (found == node_->entries.end()) {
        if (required) trouble_->tell(node_->line, "missing-key", (what_.empty() ? "" : what_ + ": ") + "has no key " + in_quotes(key));
        return nullptr;
    }
    if (found->second.kind == kind) return &found->second;
    trouble_->tell(found->second.line, "wrong-type", at(key) + ": expected " + std::string(expected) + ", found " + std::string(kind_of(found->second)));
    return nullptr;
}

std::string Table::text(std::string_view key, Check check, std::string_view expected, std::size_t bytes_max) {
    const auto* node = take(key, Node::Kind::text, expected, true);
    if (node == nullptr) return {};
    const bool good = !node->text.empty() && node->text.size() <= bytes_max && !has_control(node->text) && (check == nullptr || check(node->text));
    if (good) return node->text;
    trouble_->tell(node->line, "bad-value", at(key) + ": expected " + std::string(expected) + ", found " + in_quotes(node->text));
    return {};
}

std::string Table::text_or_nothing(std::string_view key, std::size_t bytes_max) {
    const auto* node = take(key, Node::Kind::text, "text", false);
    if (node == nullptr) return {};
    if (node->text.size() <= bytes_max && !has_control(node->text)) return node->text;
    trouble_->tell(node->line, "bad-value", at(key) + ": is too long or has control characters");
    return {};
}

std::uint64_t Table::number(std::string_view key) {
    const auto* node = take(key, Node::Kind::integer, "a number", true);
    if (node == nullptr) return 0;
    if (node->integer < 0) trouble_->tell(node->line, "bad-value", at(key) + ": expected a number from 0 up, found " + std::to_string(node->integer));
    return node->integer < 0 ? 0 : static_cast<std::uint64_t>(node->integer);
}

std::vector<std::string> Table::texts(std::string_view key, std::size_t count_max) {
    std::vector<std::string> out;
    const auto* node = take(key, Node::Kind::list, "a list of texts", false);
    if (node == nullptr) return out;
    if (node->items.size() > count_max) trouble_->tell(node->line, "too-many", at(key) + ": more than " + std::to_string(count_max) + " texts");
    for (const auto& item : node->items) {
        if (trouble_->any()) return out;
        if (item.kind != Node::Kind::text || item.text.empty() || item.text.size() > 4096 || has_control(item.text)) {
            trouble_->tell(item.line, "wrong-type", at(key) + ": expected a list of texts without control characters");
        }
        out.push_back(item.text);
    }
    return out;
}

std::vector<Table> Table::tables(std::string_view key, std::size_t count_max) {
    std::vector<Table> out;
    const auto* node = take(key, Node::Kind::list, "tables", false);
    if (node == nullptr) return out;
    if (node->items.size() > count_max) {
        trouble_->tell(node->line, "too-many", at(key) + ": more than " + std::to_string(count_max) + " tables");
        return out;
    }
    for (const auto& item : node->items) {
        if (item.kind == Node::Kind::table) out.emplace_back(*trouble_, item, std::string(key));
        else trouble_->tell(item.line, "wrong-type", at(key) + ": expected tables, found " + std::string(kind_of(item)));
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> Table::text_map(std::string_view key, std::size_t count_max) {
    std::vector<std::pair<std::string, std::string>> out;
    const auto* node = take(key, Node::Kind::table, "a table", false);
    if (node == nullptr) return out;
    if (node->entries.size() > count_max) trouble_->tell(node->line, "too-many", at(key) + ": more than " + std::to_string(count_max) + " entries");
    for (const auto& [name, value] : node->entries) {
        if (trouble_->any()) return out;
        if (value.kind != Node::Kind::text || has_control(value.text) || has_control(name)) {
            trouble_->tell(value.line, "wrong-type", at(key) + ": expected a text behind " + in_quotes(name));
        }
        out.emplace_back(name, value.text);
    }
    return out;
}

void Table::done() {
    for (const auto& [key, value] : node_->entries) {
        if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
            trouble_->tell(value.line, "unknown-key", (what_.empty() ? "" : what_ + ": ") + "unknown key " + in_quotes(key),
                           "it may be from a newer symphony");
        }
    }
}

std::string toml_quoted(std::string_view text) { return manifests::to_toml(manifests::Data(text)); }

void put(std::string& out, std::string_view key, std::string_view text) { out.append(key).append(" = ").append(toml_quoted(text)).append("\n"); }

void put(std::string& out, std::string_view key, std::uint64_t number) { out.append(key).append(" = ").append(std::to_string(number)).append("\n"); }

void put(std::string& out, std::string_view key, const std::vector<std::string>& texts) {
    out.append(key).append(" = [");
    for (const auto& text : texts) out.append(texts.size() > 1 ? "\n  " : "").append(toml_quoted(text)).append(texts.size() > 1 ? "," : "");
    out.append(texts.size() > 1 ? "\n]\n" : "]\n");
}

} // namespace symphony::packaging
