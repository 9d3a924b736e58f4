// SPDX-License-Identifier: Apache-2.0
#include "parser.hpp"

#include <algorithm>
#include <array>

namespace symphony::tracker {
namespace {

/// What an edge's end is written as: "node", "node.port", "$inputs.name".
struct End {
    std::string_view node;
    std::string_view port;
    bool input = false;
};

End split_end(std::string_view text) noexcept {
    End end;
    if (text.starts_with("$inputs.")) {
        end.input = true;
        end.node = text.substr(8);
        return end;
    }
    const auto dot = text.find('.');
    end.node = text.substr(0, dot);
    if (dot != std::string_view::npos) end.port = text.substr(dot + 1);
    return end;
}

} // namespace

void Parser::sugar(Id to, const Doc& doc) {
    if (const auto* inputs = doc.find("inputs"); inputs != nullptr && expect(*inputs, Doc::Kind::table, "a table such as { text = \"read.text\" }")) {
        for (const auto& entry : inputs->value.entries()) {
            Edge edge;
            edge.to = to;
            edge.to_port = made_.names.intern(entry.key);
            edge.place = entry.place;
            std::string_view from;
            if (entry.value.kind == Doc::Kind::text) {
                from = entry.value.text();
            } else if (entry.value.kind == Doc::Kind::table) {
                constexpr std::array<std::string_view, 2> keys{"from", "when"};
                check_keys(entry.value, keys, {"input ", entry.key});
                from = text(entry.value, "from");
                if (const auto* when = entry.value.find("when"); when != nullptr) condition(edge, *when);
                if (entry.value.find("from") == nullptr) {
                    error("missing-key", "input " + shown(entry.key) + " has no \"from\"", entry.place);
                    continue;
                }
            } else {
                error("wrong-kind", "input " + shown(entry.key) + " is " + std::string(entry.value.kind_name()) + ", expected \"node.port\"", entry.place, "constants go into `with`");
                continue;
            }
            if (entry.key.empty()) error("bad-id", "an input without a name", entry.place);
            else add_edge(edge, from, true);
        }
    }
    const auto* after = doc.find("after");
    if (after == nullptr || !expect(*after, Doc::Kind::list, "a list of node ids")) return;
    for (const auto& entry : after->value.entries()) {
        if (entry.value.kind != Doc::Kind::text) {
            error("wrong-kind", "\"after\" lists node ids", entry.value.place);
            continue;
        }
        Edge edge;
        edge.to = to;
        edge.kind = EdgeKind::control;
        edge.place = entry.value.place.line != 0 ? entry.value.place : after->place;
        add_edge(edge, entry.value.text(), false);
    }
}

void Parser::condition(Edge& edge, const DocEntry& when) {
    edge.kind = EdgeKind::conditional;
    if (!expect(when, Doc::Kind::text, "an expression")) return;
    auto parsed = Expression::parse(when.value.text());
    if (!parsed) {
        error("bad-expression", parsed.error().message(), when.place, "see the language in the workflow file's documentation");
        return;
    }
    edge.condition = static_cast<std::uint32_t>(made_.conditions.size());
    made_.conditions.push_back(*std::move(parsed));
}

void Parser::add_edge(Edge edge, std::string_view from, bool needs_port) {
    if (!resolve_from(edge, from, needs_port)) return;
    if (made_.edges.size() >= limits_.edges_max) {
        if (!too_many_) report_too_many(findings_, false, limits_.edges_max, edge.place);
        too_many_ = true;
        return;
    }
    made_.edges.push_back(edge);
}

bool Parser::resolve_from(Edge& edge, std::string_view written, bool needs_port) {
    const End end = split_end(written);
    if (end.input) {
        const auto found = input_ids_.find(made_.names.find(end.node));
        if (found == input_ids_.end()) {
            error("unknown-input", "the workflow has no input " + shown(end.node), edge.place, meant(end.node, input_names_));
            return false;
        }
        if (!needs_port) {
            error("bad-value", shown(written) + " is a value; order needs a node", edge.place);
            return false;
        }
        edge.input = found->second;
        made_.inputs[found->second].used = true;
        return true;
    }
    const Id node = resolve_node(end.node, edge.place);
    if (node == no_id) return false;
    if (needs_port && end.port.empty()) {
        error("unknown-port", shown(written) + " names no output", edge.place, "write it as \"" + std::string(end.node) + ".PORT\"");
        return false;
    }
    if (!needs_port && !end.port.empty()) {
        error("bad-value", shown(written) + " names an output; here only the node counts", edge.place, "write " + shown(end.node) + ", or give both ends a port");
        return false;
    }
    edge.from = node;
    edge.from_port = made_.names.intern(end.port);
    return true;
}

Id Parser::resolve_node(std::string_view id, Place place) {
    const Id name = made_.names.find(id);
    if (name < node_ids_.size() && node_ids_[name] != no_id) return node_ids_[name];
    error("unknown-node", "no node " + shown(id), place, meant(id, node_names_, "nodes"));
    return no_id;
}

void Parser::edges() {
    const auto* entry = root_.find("edges");
    if (entry == nullptr || !expect(*entry, Doc::Kind::list, "a list of tables: [[edges]]")) return;
    if (entry->value.entries().size() > limits_.edges_max) {
        report_too_many(findings_, false, limits_.edges_max, entry->place);
        too_many_ = true;
        return;
    }
    constexpr std::array<std::string_view, 4> keys{"from", "to", "kind", "when"};
    for (const auto& item : entry->value.entries()) {
        if (item.value.kind != Doc::Kind::table) {
            error("wrong-kind", "an edge is " + std::string(item.value.kind_name()) + ", expected a table", item.place);
            continue;
        }
        check_keys(item.value, keys, {"[[edges]]"});
        written_edge(item.value, item.value.place.line != 0 ? item.value.place : item.place);
        if (too_many_) return;
    }
}

void Parser::written_edge(const Doc& doc, Place place) {
    bool complete = true;
    for (const std::string_view key : {"from", "to"}) {
        if (doc.find(key) != nullptr) continue;
        error("missing-key", "an edge has no " + shown(key), place);
        complete = false;
    }
    const auto kind = text(doc, "kind");
    constexpr std::array<std::string_view, 3> kinds{"data", "control", "conditional"};
    const auto* when = doc.find("when");
    Edge edge;
    edge.place = place;
    if (is_text(doc, "kind")) {
        const auto found = std::find(kinds.begin(), kinds.end(), kind);
        if (found == kinds.end()) error("bad-value", "edge kind " + shown(kind) + " is not known", doc.find("kind")->place, meant(kind, kinds));
        else edge.kind = static_cast<EdgeKind>(found - kinds.begin());
    }
    if (edge.kind == EdgeKind::conditional && when == nullptr) error("missing-key", "a conditional edge has no \"when\"", place);
    if (when != nullptr) {
        if (!kind.empty() && edge.kind != EdgeKind::conditional) error("unknown-key", "\"when\" is for conditional edges", when->place);
        condition(edge, *when);
    }
    if (!complete) return;
    const auto from = text(doc, "from");
    const auto to = text(doc, "to");
    if (!is_text(doc, "from") || !is_text(doc, "to")) return;
    const auto* to_entry = doc.find("to");
    const End end = split_end(to);
    if (end.input) {
        error("unknown-node", shown(to) + " is an input of the workflow; an edge leads to a node", to_entry->place);
        return;
    }
    edge.to = resolve_node(end.node, to_entry->place);
    edge.to_port = made_.names.intern(end.port);
    edge.place = doc.find("from")->place;
    if (edge.kind == EdgeKind::data && end.port.empty()) {
        error("unknown-port", shown(to) + " names no input", to_entry->place, "write it as \"" + std::string(end.node) + ".PORT\", or kind = \"control\" for order only");
        return;
    }
    if (edge.kind == EdgeKind::control && !end.port.empty()) {
        error("bad-value", shown(to) + " names an input; a control edge carries no value", to_entry->place);
        return;
    }
    Edge probe = edge;
    const bool needs_port = !end.port.empty();
    if (edge.to == no_id) {
        resolve_from(probe, from, needs_port);  // for its own faults
        return;
    }
    add_edge(edge, from, needs_port);
}

} // namespace symphony::tracker
