// SPDX-License-Identifier: Apache-2.0
#include "schema_zero.hpp"

#include "canonical.hpp"
#include "identifiers.hpp"
#include "json_text.hpp"
#include "packer.hpp"

#include <array>

namespace symphony::tracker {
namespace {

constexpr std::string_view assumed_operation = "run";
constexpr std::string_view assumed_from_port = "result";
constexpr std::string_view assumed_to_port = "input";

class Upgrade {
public:
    Upgrade(DocTree& tree, Findings& findings) : tree_(tree), findings_(findings) {}

    void run() {
        std::vector<DocEntry> head, root;
        head.push_back(entry("schema", integer(1)));
        for (const auto& each : tree_.root.entries()) {
            if (each.key == "id" || each.key == "name" || each.key == "version") head.push_back(each);
            else if (each.key == "nodes") root.push_back(DocEntry(each.key, each.place, nodes(each.value)));
            else if (each.key == "edges") root.push_back(DocEntry(each.key, each.place, edges(each.value)));
            else root.push_back(each);  // metadata is the same; what is unknown is told by the reader of version 1
        }
        name_as_id(head);
        DocEntry workflow = entry("workflow", table(head));
        workflow.place = workflow.value.place = tree_.root.place;
        root.insert(root.begin(), workflow);
        tree_.root.set_entries(entries(root));
    }

private:
    DocEntries entries(const std::vector<DocEntry>& list) {
        auto* place = tree_.arena.make<DocEntry>(list.size());
        std::copy(list.begin(), list.end(), place);
        return {place, list.size()};
    }
    Doc table(const std::vector<DocEntry>& list) {
        Doc doc;
        doc.kind = Doc::Kind::table;
        doc.set_entries(entries(list));
        return doc;
    }
    static Doc integer(std::int64_t value) {
        Doc doc;
        doc.kind = Doc::Kind::integer;
        doc.integer = value;
        return doc;
    }
    static Doc text(std::string_view value, Place place) {
        Doc doc;
        doc.kind = Doc::Kind::text;
        doc.set_text(value);
        doc.place = place;
        return doc;
    }
    static DocEntry entry(std::string_view key, Doc value) { return DocEntry(key, value.place, value); }

    void assumed(std::string message, Place place) { findings_.warning("assumed", std::move(message), place, "convert the file and write in what is meant"); }

    void name_as_id(std::vector<DocEntry>& head) {
        const DocEntry* name = nullptr;
        for (const auto& each : head) {
            if (each.key == "id") return;
            if (each.key == "name") name = &each;
        }
        if (name == nullptr || name->value.kind != Doc::Kind::text || !is_workflow_id(name->value.text())) return;
        assumed("the workflow has no id; its name is taken", name->place);
        head.push_back(entry("id", name->value));
    }

    /// { "Kind": {…} } taken apart; nothing after its report.
    const DocEntry* variant(const Doc& doc, std::string_view what, std::span<const std::string_view> kinds, Place place) {
        if (doc.kind == Doc::Kind::table && doc.entries().size() == 1 && doc.entries()[0].value.kind == Doc::Kind::table) {
            if (std::find(kinds.begin(), kinds.end(), doc.entries()[0].key) != kinds.end()) return &doc.entries()[0];
            findings_.error("bad-value", std::string(what) + " of kind " + shown(doc.entries()[0].key) + " is not known", doc.entries()[0].place, meant(doc.entries()[0].key, kinds));
            return nullptr;
        }
        findings_.error("wrong-kind", std::string(what) + " is not of the form { \"" + std::string(kinds[0]) + "\": { … } }", place, "this is how schema 0 writes it");
        return nullptr;
    }
    void check_keys(const DocEntry& variant, std::span<const std::string_view> known) {
        for (const auto& each : variant.value.entries()) {
            if (std::find(known.begin(), known.end(), each.key) != known.end()) continue;
            findings_.error("unknown-key", "unknown key " + shown(each.key) + " in " + shown(variant.key) + " of schema 0", each.place, meant(each.key, known));
        }
    }

    Doc nodes(const Doc& from) {
        if (from.kind != Doc::Kind::table) return from;
        std::vector<DocEntry> made;
        constexpr std::array<std::string_view, 3> kinds{"Instrument", "Operator", "Control"};
        for (const auto& each : from.entries()) {
            const auto* kind = variant(each.value, "node " + shown(each.key), kinds, each.place);
            if (kind != nullptr) made.push_back(DocEntry(each.key, each.place, node(each, *kind)));
        }
        Doc doc = table(made);
        doc.place = from.place;
        return doc;
    }

    Doc node(const DocEntry& whole, const DocEntry& kind) {
        std::vector<DocEntry> made;
        const Doc& from = kind.value;
        if (kind.key == "Control") {
            constexpr std::array<std::string_view, 3> keys{"kind", "mode", "description"};
            check_keys(kind, keys);
            made.push_back(entry("type", text("control", whole.place)));
            copy(from, "kind", "operation", made);
            copy(from, "mode", "mode", made);
        } else {
            constexpr std::array<std::string_view, 4> keys{"plugin", "operation", "config", "description"};
            check_keys(kind, keys);
            made.push_back(entry("type", text(kind.key == "Instrument" ? "instrument" : "operator", whole.place)));
            // The first design names a node after its plugin.
            if (!copy(from, "plugin", "plugin", made)) made.push_back(entry("plugin", text(whole.key, whole.place)));
            if (!copy(from, "operation", "operation", made)) {
                assumed("node " + shown(whole.key) + " names no operation; " + shown(assumed_operation) + " is assumed", whole.place);
                made.push_back(entry("operation", text(assumed_operation, whole.place)));
            }
            copy(from, "config", "with", made);
        }
        copy(from, "description", "description", made);
        Doc doc = table(made);
        doc.place = whole.value.place;
        return doc;
    }
    static bool copy(const Doc& from, std::string_view key, std::string_view as, std::vector<DocEntry>& to) {
        const auto* found = from.find(key);
        if (found != nullptr) to.push_back(DocEntry(as, found->place, found->value));
        return found != nullptr;
    }

    Doc edges(const Doc& from) {
        if (from.kind != Doc::Kind::list) return from;
        std::vector<DocEntry> made;
        constexpr std::array<std::string_view, 3> kinds{"Data", "Control", "Conditional"};
        for (const auto& each : from.entries()) {
            const auto* kind = variant(each.value, "an edge", kinds, each.place);
            if (kind != nullptr) made.push_back(DocEntry({}, each.place, edge(*kind, each.place)));
        }
        Doc doc = table(made);
        doc.kind = Doc::Kind::list;
        doc.place = from.place;
        return doc;
    }

    Doc edge(const DocEntry& kind, Place place) {
        constexpr std::array<std::string_view, 5> keys{"from", "to", "from_port", "to_port", "condition"};
        check_keys(kind, std::span(keys).first(kind.key == "Data" ? 4 : kind.key == "Control" ? 2 : 5));
        std::vector<DocEntry> made;
        const Doc& from = kind.value;
        const bool ports = from.find("from_port") != nullptr || from.find("to_port") != nullptr || kind.key == "Data";
        made.push_back(entry("kind", text(kind.key == "Data" ? "data" : kind.key == "Control" ? "control" : "conditional", place)));
        end(from, "from", "from_port", ports ? assumed_from_port : std::string_view(), made);
        end(from, "to", "to_port", ports ? assumed_to_port : std::string_view(), made);
        copy(from, "condition", "when", made);
        Doc doc = table(made);
        doc.place = place;
        return doc;
    }
    /// "node" or "node.port".
    void end(const Doc& from, std::string_view key, std::string_view port_key, std::string_view assumed_port, std::vector<DocEntry>& to) {
        const auto* node = from.find(key);
        if (node == nullptr) return;  // the reader of version 1 says so
        if (node->value.kind != Doc::Kind::text || assumed_port.empty()) {
            to.push_back(DocEntry(key, node->place, node->value));
            return;
        }
        std::string_view port = assumed_port;
        if (const auto* given = from.find(port_key); given != nullptr && given->value.kind == Doc::Kind::text) port = given->value.text();
        else assumed("an edge " + std::string(key) + " " + shown(node->value.text()) + " names no port; " + shown(port) + " is assumed", node->place);
        to.push_back(DocEntry(key, node->place, text(tree_.arena.copy(std::string(node->value.text()) + "." + std::string(port)), node->value.place)));
    }

    DocTree& tree_;
    Findings& findings_;
};

class Downgrade {
public:
    Downgrade(const Workflow& workflow, Findings& findings) : workflow_(workflow), canonical_(workflow), findings_(findings) {}

    std::string run() {
        out_.map().add("id", std::string_view(workflow_.id)).add("name", std::string_view(workflow_.name.empty() ? workflow_.id : workflow_.name));
        out_.add("version", std::string_view(workflow_.version));
        out_.key("metadata");
        if (workflow_.metadata.is_null()) out_.map().end();
        else value(workflow_.metadata.view());
        header();
        out_.key("nodes").map(workflow_.nodes.size());
        for (const Id n : canonical_.nodes()) node(n);
        out_.end().key("edges").list(workflow_.edges.size());
        for (const Id n : canonical_.nodes()) {
            for (const Id e : canonical_.edges(n)) edge(workflow_.edges[e]);
        }
        auto text = json_without_bytes(out_.end().end().build().view(), true);
        return text ? *text + "\n" : std::string();  // bytes and every mark were written out, so that it always has a JSON form
    }

private:
    void lost(const std::string& what, Place place = {}) { findings_.warning("lost", "schema 0 cannot say " + what, place); }

    void header() {
        if (workflow_.timeout_ns != 0) lost("the timeout of the workflow");
        if (workflow_.fail_fast) lost("\"fail_fast\"");
        if (workflow_.grace_ns != 0) lost("\"grace\"");
        if (workflow_.retries_max || !workflow_.plugin_limits.empty() || !workflow_.resources.empty()) lost("[limits]");
        if (!workflow_.description.empty()) lost("the description of the workflow");
        for (const auto& pin : workflow_.plugins) lost("the version of plugin " + shown(pin.plugin), pin.place);
        for (const auto& input : workflow_.inputs) lost("input " + shown(input.name), input.place);
        for (const auto& output : workflow_.outputs) lost("output " + shown(output.name), output.place);
    }

    void node(Id n) {
        const Node& node = workflow_.nodes[n];
        const auto name = [&](Id id) { return workflow_.names[id]; };
        const bool control = !calls_plugin(node.kind);
        out_.key(workflow_.node_name(n)).map(1).key(control ? "Control" : node.kind == NodeKind::instrument ? "Instrument" : "Operator").map();
        if (control) {
            out_.add("kind", name_of(node.kind > NodeKind::merge ? NodeKind::merge : node.kind));
            if (node.mode != MergeMode::first) out_.add("mode", name_of(node.mode));
        } else {
            out_.add("plugin", name(node.plugin)).add("operation", name(node.operation)).key("config").map(node.constants_to - node.constants_from);
            for (const auto c : canonical_.constants(node)) value(out_.key(name(workflow_.constants[c].port)), workflow_.constants[c].value());
            out_.end();
        }
        if (node.description != 0) out_.add("description", name(node.description));
        out_.end().end();
        const std::string of = " of node " + shown(workflow_.node_name(n));
        if (node.kind > NodeKind::merge) lost("the kind" + of, node.place);
        if (node.each != 0) lost("\"each\"" + of, node.place);
        if (node.on_error != OnError::fail) lost("\"on_error\"" + of, node.place);
        if (workflow_.policies[node.policy] != CallPolicy{}) lost("timeout, retries, parallel calls or cache" + of, node.place);
        if (node.extras != 0) lost("fallback, default, compensation, quorum, \"finally\", kind of retries, delay, expected type, body, priority or use of resources" + of, node.place);
    }

    void edge(const Edge& edge) {
        if (edge.from == no_id) return;  // its input was told
        out_.map(1).key(edge.kind == EdgeKind::data ? "Data" : edge.kind == EdgeKind::control ? "Control" : "Conditional").map();
        out_.add("from", workflow_.node_name(edge.from)).add("to", workflow_.node_name(edge.to));
        if (edge.carries()) out_.add("from_port", workflow_.names[edge.from_port]).add("to_port", workflow_.names[edge.to_port]);
        if (edge.kind == EdgeKind::conditional) out_.add("condition", std::string_view(workflow_.conditions[edge.condition].text()));
        out_.end().end();
    }

    void value(ValueView from) { value(out_, from); }
    // Recursive, constant_depth_max deep.
    void value(ValueBuilder& to, ValueView from) {
        if (from.is_bytes()) {
            to.map(1).add("$bytes", std::string_view(base64_of(from.as_bytes()))).end();
        } else if (from.is_list()) {
            to.list(from.size());
            for (const auto item : from.items()) value(to, item);
            to.end();
        } else if (from.is_map()) {
            const bool marked = is_marked(from);
            if (marked) to.map(1).key("$map");
            to.map(from.size());
            for (const auto [key, item] : from.entries()) value(to.key(key), item);
            to.end();
            if (marked) to.end();
        } else {
            to.value(from);
        }
    }

    const Workflow& workflow_;
    Canonical canonical_;
    Findings& findings_;
    ValueBuilder out_;
};

} // namespace

bool is_schema_zero(const Doc& root) noexcept {
    return root.find("workflow") == nullptr && (root.find("id") != nullptr || root.find("name") != nullptr) && (root.find("nodes") != nullptr || root.find("edges") != nullptr);
}

void upgrade_schema_zero(DocTree& tree, Findings& findings) { Upgrade(tree, findings).run(); }
std::string write_schema_zero(const Workflow& workflow, Findings& findings) { return Downgrade(workflow, findings).run(); }

} // namespace symphony::tracker
