// SPDX-License-Identifier: Apache-2.0
#include "picture.hpp"

#include "canonical.hpp"

#include <symphony/manifests/units.hpp>

#include <algorithm>
#include <array>
#include <unordered_set>

namespace symphony::tracker {
namespace {

std::string what_of(const Workflow& workflow, const Node& node) {
    const NodeExtras& extras = workflow.extras[node.extras];
    if (node.kind == NodeKind::branch) return "branch";
    if (node.kind == NodeKind::join) return extras.quorum == 0 ? "join" : "join " + std::to_string(extras.quorum);
    if (node.kind == NodeKind::delay) return "delay " + manifests::duration_text(extras.delay_ns / 1'000'000);
    if (node.kind == NodeKind::wait) return "wait " + extras.expects.text();
    if (node.kind == NodeKind::merge) return "merge " + std::string(name_of(node.mode));
    if (node.kind == NodeKind::workflow) return "workflow";
    if (node.kind == NodeKind::loop) return "loop " + std::string(extras.until ? "until " : "while ") + std::string(loop_text(workflow, extras));
    return std::string(workflow.names[node.plugin]) + "." + std::string(workflow.names[node.operation]);
}

/// "texts → file when size(value) > 2", or "" for an edge that is order only.
std::string edge_label(const Workflow& workflow, const Edge& edge) {
    std::string label;
    if (edge.carries()) {
        const auto from = edge.from == no_id ? std::string_view("value") : workflow.names[edge.from_port];
        label = std::string(from) + " → " + std::string(workflow.names[edge.to_port]);
    }
    if (edge.condition != no_id) label += (label.empty() ? "when " : " when ") + workflow.conditions[edge.condition].text();
    return label;
}

/// Everything a picture of either language is made of, in canonical order.
template <class Pen>
std::string picture(const Workflow& workflow) {
    const Canonical canonical(workflow);
    Pen pen(workflow);
    for (const Id i : canonical.inputs()) pen.input(workflow.inputs[i].name);
    for (const Id n : canonical.nodes()) pen.node(n, workflow.nodes[n].kind, std::string(workflow.node_name(n)), what_of(workflow, workflow.nodes[n]));
    for (const Id o : canonical.outputs()) pen.output(workflow.outputs[o].name);
    for (const Id n : canonical.nodes()) {
        for (const Id e : canonical.edges(n)) {
            const Edge& edge = workflow.edges[e];
            pen.edge(edge.from == no_id ? pen.input_id(workflow.inputs[edge.input].name) : pen.node_id(edge.from), pen.node_id(n), edge.kind, edge_label(workflow, edge));
        }
    }
    for (const Id n : canonical.nodes()) {
        const NodeExtras& extras = workflow.extras_of(n);
        if (extras.fallback != no_id) pen.edge(pen.node_id(n), pen.node_id(extras.fallback), EdgeKind::control, "fallback");
        if (extras.compensate != no_id) pen.edge(pen.node_id(n), pen.node_id(extras.compensate), EdgeKind::control, "compensate");
    }
    for (const Id o : canonical.outputs()) {
        const OutputDecl& output = workflow.outputs[o];
        const bool input = output.node == no_id;
        pen.edge(input ? pen.input_id(workflow.inputs[output.input].name) : pen.node_id(output.node), pen.output_id(output.name), EdgeKind::data,
                 (input ? std::string("value") : std::string(workflow.names[output.port])) + " → value");
    }
    return pen.end();
}

class MermaidPen {
public:
    explicit MermaidPen(const Workflow& workflow) : workflow_(workflow) {
        out_ = "%% " + clean(workflow.id) + " " + clean(workflow.version) + "\nflowchart LR\n";
    }

    /// The id itself where Mermaid takes it; "end" and others are words, and hyphens in a row are links.
    std::string node_id(Id node) const {
        const auto id = workflow_.node_name(node);
        const bool plain = std::all_of(id.begin(), id.end(), [](char c) { return c != '-'; });
        constexpr std::array<std::string_view, 12> words{"end", "graph", "flowchart", "subgraph", "direction", "style", "class", "classDef", "click", "linkStyle", "default", "call"};
        if (plain && std::find(words.begin(), words.end(), id) == words.end() && !id.starts_with("node_") && !id.starts_with("input_") && !id.starts_with("output_")) return std::string(id);
        return "node_" + std::to_string(node);
    }
    std::string input_id(std::string_view name) const { return "input_" + plain(name); }
    std::string output_id(std::string_view name) const { return "output_" + plain(name); }

    void input(std::string_view name) { out_ += "  " + input_id(name) + "[/\"" + quoted("$inputs." + std::string(name)) + "\"/]\n"; }
    void output(std::string_view name) { out_ += "  " + output_id(name) + "[\\\"" + quoted("$outputs." + std::string(name)) + "\"\\]\n"; }
    void node(Id node, NodeKind kind, const std::string& id, const std::string& what) {
        const std::string label = "\"" + quoted(id) + "<br/>" + quoted(what) + "\"";
        out_ += "  " + node_id(node);
        switch (kind) {
        case NodeKind::operation: out_ += "[" + label + "]"; break;
        case NodeKind::instrument: out_ += "([" + label + "])"; break;
        case NodeKind::branch:
        case NodeKind::delay:
        case NodeKind::wait: out_ += "{" + label + "}"; break;
        case NodeKind::join:
        case NodeKind::merge: out_ += "((" + label + "))"; break;
        default: out_ += "[[" + label + "]]"; break;
        }
        out_ += "\n";
    }
    void edge(const std::string& from, const std::string& to, EdgeKind kind, const std::string& label) {
        const std::string_view arrow = kind == EdgeKind::data ? " -->" : kind == EdgeKind::control ? " -.->" : " ==>";
        out_ += "  " + from + std::string(arrow) + (label.empty() ? std::string() : "|\"" + quoted(label) + "\"|") + " " + to + "\n";
    }
    std::string end() { return std::move(out_); }

private:
    static std::string clean(std::string_view text) {
        std::string out(text);
        std::replace_if(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
        return out;
    }
    /// Hyphens are rare in names of inputs, and "_2d" is rarer.
    static std::string plain(std::string_view name) {
        std::string out;
        for (const char c : name) {
            if (c == '-') out += "_2d";
            else out += c;
        }
        return out;
    }
    static std::string quoted(std::string_view text) {
        std::string out;
        for (const char c : text) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte < 0x20 || c == '"' || c == '#' || c == '<' || c == '>' || c == '&' || c == ';' || c == '|' || c == '`') out += "#" + std::to_string(byte) + ";";
            else out += c;
        }
        return out;
    }

    const Workflow& workflow_;
    std::string out_;
};

class DotPen {
public:
    explicit DotPen(const Workflow& workflow) : workflow_(workflow) { out_ = "digraph " + quoted(workflow.id) + " {\n  rankdir=LR;\n"; }

    std::string node_id(Id node) const { return std::string(workflow_.node_name(node)); }
    std::string input_id(std::string_view name) const { return "$inputs." + std::string(name); }
    std::string output_id(std::string_view name) const { return "$outputs." + std::string(name); }

    void input(std::string_view name) { out_ += "  " + quoted(input_id(name)) + " [shape=cds];\n"; }
    void output(std::string_view name) { out_ += "  " + quoted(output_id(name)) + " [shape=note];\n"; }
    void node(Id node, NodeKind kind, const std::string& id, const std::string& what) {
        const std::string_view shape = kind == NodeKind::operation || kind > NodeKind::wait ? "box" : kind == NodeKind::instrument ? "oval" : kind == NodeKind::merge || kind == NodeKind::join ? "circle" : "diamond";
        out_ += "  " + quoted(node_id(node)) + " [label=" + quoted(id + "\n" + what) + ", shape=" + std::string(shape) + "];\n";
    }
    void edge(const std::string& from, const std::string& to, EdgeKind kind, const std::string& label) {
        out_ += "  " + quoted(from) + " -> " + quoted(to);
        std::string attributes = label.empty() ? std::string() : "label=" + quoted(label);
        if (kind != EdgeKind::data) attributes += std::string(attributes.empty() ? "" : ", ") + (kind == EdgeKind::control ? "style=dashed" : "style=bold");
        out_ += (attributes.empty() ? std::string() : " [" + attributes + "]") + ";\n";
    }
    std::string end() { return std::move(out_) + "}\n"; }

private:
    static std::string quoted(std::string_view text) {
        std::string out = "\"";
        for (const char c : text) {
            if (c == '\n') out += "\\n";
            else if (c == '"' || c == '\\') out.append("\\").append(1, c);
            else out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
        }
        return out + "\"";
    }

    const Workflow& workflow_;
    std::string out_;
};

} // namespace

std::string write_mermaid(const Workflow& workflow) { return picture<MermaidPen>(workflow); }
std::string write_dot(const Workflow& workflow) { return picture<DotPen>(workflow); }

} // namespace symphony::tracker
