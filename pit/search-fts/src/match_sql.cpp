// SPDX-License-Identifier: Apache-2.0
#include "match_sql.hpp"

#include "tokens.hpp"

#include <algorithm>

namespace symphony::search {

namespace {

const char* columns_of(Field field, bool narrowed) noexcept {
    if (field == Field::name) return "{name} : ";
    if (field == Field::text) return "{text} : ";
    return narrowed ? "{name text} : " : "";
}

/// One term as FTS5 writes it: `{name} : "two words" *`. Folded words hold letters and digits alone, so that nothing needs escaping.
std::string phrase(const Node& node) {
    const bool marked = std::any_of(node.words.begin(), node.words.end(), [](const std::string& word) { return word.find(token_mark) != std::string::npos; });
    std::string out = std::string(columns_of(node.field, marked)) + "\"";
    for (std::size_t i = 0; i < node.words.size(); ++i) out += (i == 0 ? "" : " ") + node.words[i];
    return out + (node.prefix ? "\" *" : "\"");
}

/// A term over `table`: both have labels, `words` has the words, and `pairs` two short ones side by side.
std::optional<std::string> term(const Node& node, std::string_view table) {
    if (node.kind == Node::Kind::exact) {
        if (node.prefix || node.field == Field::input) return {};
        const auto token = label_token(node.field == Field::tag ? 't' : 'y', node.value);
        if (!token) return {};
        return "{labels} : \"" + *token + "\"";
    }
    if (node.kind != Node::Kind::words) return {};
    if (table == "words") return phrase(node);
    if (node.prefix || node.words.size() != 2 || !has_pair_token(node.words[0], node.words[1])) return {};
    return std::string(columns_of(node.field, true)) + "\"" + pair_token(node.words[0], node.words[1]) + "\"";
}

std::string enclosed(const std::vector<std::string>& parts, std::string_view between) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "(" : std::string(between)) + part;
    return out + ")";
}

/// The node as one FTS5 expression, where it can be one: words and labels, and NOT only beside something that is looked for.
std::optional<std::string> fts_expression(const Node& node, std::string_view table) {
    if (node.kind != Node::Kind::both && node.kind != Node::Kind::either) return term(node, table);
    std::vector<std::string> wanted, unwanted;
    for (const Node& child : node.children) {
        const bool inverted = node.kind == Node::Kind::both && child.kind == Node::Kind::inverted;
        auto part = fts_expression(inverted ? child.children.front() : child, table);
        if (!part) return {};
        (inverted ? unwanted : wanted).push_back(std::move(*part));
    }
    if (wanted.empty()) return {};
    std::string out = enclosed(wanted, node.kind == Node::Kind::both ? " AND " : " OR ");
    if (unwanted.empty()) return out;
    return "(" + out + " NOT " + enclosed(unwanted, " OR ") + ")";
}

/// The node as an expression over the table that answers it soonest. Labels alone are for the tables: the newest come first there.
bool plan_expression(const Node& node, MatchPlan& plan) {
    if (wanted_words(node).empty()) return false;
    for (const char* table : {"pairs", "words"}) {
        plan.match = fts_expression(node, table);
        plan.table = table;
        if (plan.match) return true;
    }
    return false;
}

/// Smallest text that is greater than all that begin with `prefix`, as bytes.
std::string beyond(std::string prefix) {
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1); // no byte of UTF-8 is 0xFF
    return prefix;
}

void add_exact(const Node& node, Sql& to) {
    const bool type = node.field == Field::type;
    to.text += type ? "rowid IN (SELECT rowid FROM documents WHERE type" : "rowid IN (SELECT document FROM labels WHERE kind = ? AND value";
    if (!type) to.values.emplace_back(std::int64_t{node.field == Field::tag ? 1 : 2});
    to.text += node.prefix ? (type ? " >= ? AND type < ?)" : " >= ? AND value < ?)") : " = ?)";
    to.values.emplace_back(node.value);
    if (node.prefix) to.values.emplace_back(beyond(node.value));
}

std::int64_t clamped(std::uint64_t ms) noexcept { return static_cast<std::int64_t>(std::min<std::uint64_t>(ms, INT64_MAX)); }

void add_condition(const Node& node, Sql& to) {
    if (MatchPlan plan; plan_expression(node, plan)) {
        to.text += std::string("rowid IN (SELECT rowid FROM ") + plan.table + " WHERE " + plan.table + " MATCH ?)";
        to.values.emplace_back(*std::move(plan.match));
        return;
    }
    switch (node.kind) {
    case Node::Kind::all: to.text += "1"; return;
    case Node::Kind::none:
    case Node::Kind::words: to.text += "0"; return;
    case Node::Kind::exact: return add_exact(node, to);
    case Node::Kind::dated:
        to.text += "rowid IN (SELECT rowid FROM documents WHERE date >= ? AND date < ?)";
        to.values.emplace_back(clamped(node.from_ms));
        to.values.emplace_back(clamped(node.to_ms));
        return;
    case Node::Kind::inverted:
        to.text += "NOT ";
        return add_condition(node.children.front(), to);
    case Node::Kind::both:
    case Node::Kind::either:
        for (std::size_t i = 0; i < node.children.size(); ++i) {
            to.text += i == 0 ? "(" : node.kind == Node::Kind::both ? " AND " : " OR ";
            add_condition(node.children[i], to);
        }
        to.text += ")";
        return;
    }
}

} // namespace

MatchPlan plan_match(const Node& node, bool ranked) {
    MatchPlan plan;
    if (ranked && plan_expression(node, plan)) {
        plan.filter.text = "1";
        return plan;
    }
    if (!ranked || node.kind != Node::Kind::both) {
        add_condition(node, plan.filter);
        return plan;
    }
    // The words of an AND go to FTS5 together, with the labels, and are ranked; what is neither filters them.
    Node words, rest;
    words.kind = rest.kind = Node::Kind::both;
    for (const Node& child : node.children) {
        const Node& inner = child.kind == Node::Kind::inverted ? child.children.front() : child;
        (fts_expression(inner, "words") ? words : rest).children.push_back(child);
    }
    if (plan_expression(words, plan)) add_condition(rest, plan.filter);
    else add_condition(node, plan.filter);
    return plan;
}

} // namespace symphony::search
