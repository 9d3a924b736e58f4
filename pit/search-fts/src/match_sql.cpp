// SPDX-License-Identifier: Apache-2.0
#include "match_sql.hpp"

namespace symphony::search {

namespace {

/// One term as FTS5 writes it: `{name} : "two words" *`. Folded words hold letters and digits alone, so that nothing needs escaping.
std::string phrase(const Node& node) {
    std::string out = node.field == Field::name ? "{name} : \"" : node.field == Field::text ? "{text} : \"" : "\"";
    for (std::size_t i = 0; i < node.words.size(); ++i) out += (i == 0 ? "" : " ") + node.words[i];
    return out + (node.prefix ? "\" *" : "\"");
}

std::string enclosed(const std::vector<std::string>& parts, std::string_view between) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "(" : std::string(between)) + part;
    return out + ")";
}

/// The node as one FTS5 expression, where it can be one: words, and NOT only beside something that is looked for.
std::optional<std::string> fts_expression(const Node& node) {
    if (node.kind == Node::Kind::words) return phrase(node);
    if (node.kind != Node::Kind::both && node.kind != Node::Kind::either) return {};
    std::vector<std::string> wanted, unwanted;
    for (const Node& child : node.children) {
        const bool inverted = node.kind == Node::Kind::both && child.kind == Node::Kind::inverted;
        auto part = fts_expression(inverted ? child.children.front() : child);
        if (!part) return {};
        (inverted ? unwanted : wanted).push_back(std::move(*part));
    }
    if (wanted.empty()) return {};
    std::string out = enclosed(wanted, node.kind == Node::Kind::both ? " AND " : " OR ");
    if (unwanted.empty()) return out;
    return "(" + out + " NOT " + enclosed(unwanted, " OR ") + ")";
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
    if (auto expression = fts_expression(node)) {
        to.text += "rowid IN (SELECT rowid FROM words WHERE words MATCH ?)";
        to.values.emplace_back(std::move(*expression));
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
    if (ranked) plan.match = fts_expression(node);
    if (plan.match) {
        plan.filter.text = "1";
        return plan;
    }
    if (!ranked || node.kind != Node::Kind::both) {
        add_condition(node, plan.filter);
        return plan;
    }
    // The words of an AND go to FTS5 together and are ranked; what is no words filters them.
    Node words, rest;
    words.kind = rest.kind = Node::Kind::both;
    for (const Node& child : node.children) {
        const Node& inner = child.kind == Node::Kind::inverted ? child.children.front() : child;
        (fts_expression(inner) ? words : rest).children.push_back(child);
    }
    if (!words.children.empty()) plan.match = fts_expression(words);
    if (plan.match) add_condition(rest, plan.filter);
    else add_condition(node, plan.filter);
    return plan;
}

} // namespace symphony::search
