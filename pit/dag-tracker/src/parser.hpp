// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "doc_reader.hpp"
#include "identifiers.hpp"

#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace symphony::tracker {

/// Makes a workflow of a document, and tells everything that is wrong with it. Its parts: parse_head (all but nodes and edges), parse_nodes, parse_edges.
class Parser : private DocReader {
public:
    /// @param depth  0 for a file, else how many bodies the document is in.
    Parser(const DocTree& tree, const Doc& root, const Limits& limits, Findings& findings, std::size_t depth)
        : DocReader(findings), tree_(tree), root_(root), limits_(limits), depth_(depth) {}

    std::optional<Workflow> run();

private:
    bool good_id(std::string_view id, std::string_view what, Place place) {
        if (is_id(id)) return true;
        error("bad-id", std::string(what) + " id " + shown(id) + " is not of the form [A-Za-z0-9_][A-Za-z0-9_-]{0,63}", place);
        return false;
    }
    /// [section] of tables by id, or nothing.
    const Doc* section(std::string_view key) {
        const auto* entry = root_.find(key);
        if (entry == nullptr) return nullptr;
        return expect(*entry, Doc::Kind::table, "a table") ? &entry->value : nullptr;
    }

    void header();

    void schema(const Doc& table);

    void plugins();

    void metadata();

    void declare_inputs();

    void declare_nodes();

    void node_body(Id id, const Doc& doc);

    void control_body(Node& node, const Doc& doc, const Where& where);

    void cache(const Doc& doc, CallPolicy& policy);

    /// A sub-workflow or a loop.
    void body_of(Node& node, const Doc& doc, const Where& where);

    void loop(Node& node, const Doc& doc, const Where& where);

    void timed_body(Node& node, const Doc& doc, const Where& where);

    void plugin_body(Node& node, const Doc& doc, const Where& where, NodeKind kind);

    Id each(const Doc& doc);
    OnError on_error(const Doc& doc);
    void parallel(const Node& node, const Doc& doc, CallPolicy& policy);
    void retry(Node& node, const Doc& doc, CallPolicy& policy);

    void constants(Node& node, const Doc& doc);

    /// `inputs` and `after` of a node are edges.
    void sugar(Id to, const Doc& doc);

    /// All constants of nodes lie in one piece of memory, which they share.
    void pack_constant(const DocEntry& entry);
    void share_constants();

    void condition(Edge& edge, const DocEntry& when);

    /// Resolves the source; the target is known. Edges whose source is unknown are left out after their report.
    void add_edge(Edge edge, std::string_view from, bool needs_port);

    bool resolve_from(Edge& edge, std::string_view written, bool needs_port);

    Id resolve_node(std::string_view id, Place place);

    void edges();

    void written_edge(const Doc& doc, Place place);

    void outputs();

    const DocTree& tree_;
    const Doc& root_;
    const Limits& limits_;
    Workflow made_;
    std::vector<const Doc*> node_docs_;
    std::vector<Id> node_ids_;              // name -> node
    std::unordered_map<Id, Id> input_ids_;  // name -> input
    std::vector<std::string_view> node_names_;
    std::vector<std::string_view> input_names_;
    Packer pool_;
    std::vector<std::pair<std::size_t, std::size_t>> pooled_;  // of each constant its offset and size in `pool_`
    bool too_many_ = false;
    const std::size_t depth_;
};

} // namespace symphony::tracker
