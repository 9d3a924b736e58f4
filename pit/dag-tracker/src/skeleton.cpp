// SPDX-License-Identifier: Apache-2.0
#include "skeleton.hpp"

#include "identifiers.hpp"

#include <symphony/manifests/units.hpp>

#include <algorithm>
#include <charconv>

namespace symphony::tracker {
namespace {

constexpr std::string_view arrow = " → ";
constexpr std::string_view unknown_word = "todo";

std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

} // namespace

std::size_t Skeleton::node(std::string_view name, Place place) {
    const auto [found, added] = known_.try_emplace(std::string(name), nodes_.size());
    if (added) {
        if (nodes_.size() == limits_.nodes_max) too_many_ = true;
        nodes_.push_back({std::string(name), {}, Shape::unknown, place});
    }
    return found->second;
}

void Skeleton::left_out(const std::string& what, Place place) {
    findings_.warning("not-in-workflow", what + " is left out", place);
}

void Skeleton::assumed(std::string message, Place place) {
    findings_.warning("assumed", std::move(message), place, "convert the picture and write in what is meant");
}

std::optional<Workflow> Skeleton::workflow() {
    if (too_many()) {
        report_too_many(findings_, too_many_, too_many_ ? limits_.nodes_max : limits_.edges_max, {});
        return std::nullopt;
    }
    made_.file = findings_.file();
    made_.version = "0.1.0";
    made_.id = "picture";
    std::string id = name_;
    std::transform(id.begin(), id.end(), id.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (is_workflow_id(id)) made_.id = id;
    else if (!name_.empty()) made_.name = one_line(name_);
    assumed("a picture has neither an id nor a version; " + shown(made_.id) + " " + made_.version + " is assumed", {});
    for (auto& drawn : nodes_) {
        const std::string_view name = drawn.label.starts_with("$") ? drawn.label : drawn.name;
        if (name.starts_with("$inputs.") && is_id(name.substr(8))) make_input(drawn, name.substr(8));
        else if (name.starts_with("$outputs.") && is_id(name.substr(9))) drawn.output = true;
        else make_node(drawn);
    }
    if (made_.nodes.empty()) {
        findings_.error("no-nodes", "the picture has no nodes", {});
        return std::nullopt;
    }
    for (const auto& line : edges_) {
        if (nodes_[line.to].output) make_output(line);
        else make_edge(line);
    }
    return std::move(made_);
}

void Skeleton::make_input(Drawn& drawn, std::string_view name) {
    // Two boxes of one input are that input.
    const auto known = std::find_if(made_.inputs.begin(), made_.inputs.end(), [&](const InputDecl& each) { return each.name == name; });
    drawn.input = static_cast<Id>(known - made_.inputs.begin());
    if (known != made_.inputs.end()) return;
    InputDecl input;
    input.name = name;
    input.place = drawn.place;
    made_.inputs.push_back(std::move(input));
}

std::string Skeleton::unique_id(std::string_view name) {
    std::string id;
    for (const char c : name.substr(0, 56)) {
        const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (word || (c == '-' && !id.empty())) id += c;
        else if (!id.empty() && id.back() != '-') id += '-';
    }
    while (id.ends_with('-') && !is_id(name)) id.pop_back();
    if (id.empty()) id = "node";
    if (is_id(name)) id = name;
    std::string made = id;
    for (std::size_t i = 2; !ids_.try_emplace(made, true).second; ++i) made = id.substr(0, 56) + "-" + std::to_string(i);
    return made;
}

/// A label of our own pictures has the id in its first line and "plugin.operation" in its second.
void Skeleton::make_node(Drawn& drawn) {
    const auto turn = drawn.label.find('\n');
    const std::string first = drawn.label.substr(0, turn);
    const std::string second = turn == std::string::npos ? std::string() : drawn.label.substr(turn + 1);
    const auto dot = second.rfind('.');
    const bool ours = is_id(first) && !second.empty();
    Node node;
    const std::string id = unique_id(ours && ids_.find(first) == ids_.end() ? std::string_view(first) : std::string_view(drawn.name));
    node.name = made_.names.intern(id);
    node.place = drawn.place;
    node.kind = drawn.shape == Shape::stadium ? NodeKind::instrument : drawn.shape == Shape::rhomb ? NodeKind::branch : drawn.shape == Shape::circle ? NodeKind::merge : NodeKind::operation;
    if (ours) control_kind(node, second);
    const bool calls = calls_plugin(node.kind);
    if (!ours && !drawn.label.empty() && drawn.label != id) node.description = made_.names.intern(one_line(drawn.label));
    else if (drawn.label.empty() && drawn.name != id) node.description = made_.names.intern(one_line(drawn.name));
    if (node.kind == NodeKind::merge && ours) {
        for (const auto mode : {MergeMode::first, MergeMode::any, MergeMode::all, MergeMode::concat, MergeMode::named}) {
            if (second == "merge " + std::string(name_of(mode))) node.mode = mode;
        }
    }
    if (calls && ours && dot != std::string::npos && dot > 0 && dot + 1 < second.size()) {
        node.plugin = made_.names.intern(second.substr(0, dot));
        node.operation = made_.names.intern(second.substr(dot + 1));
    } else if (calls) {
        assumed("a picture does not say what node " + shown(id) + " calls; plugin and operation are " + shown(unknown_word), drawn.place);
        node.plugin = node.operation = made_.names.intern(unknown_word);
    }
    drawn.node = static_cast<Id>(made_.nodes.size());
    made_.nodes.push_back(node);
}

/// Circles and rhombs of our own pictures say which control node they are.
void Skeleton::control_kind(Node& node, const std::string& what) {
    if (node.kind == NodeKind::merge && (what == "join" || what.starts_with("join "))) {
        node.kind = NodeKind::join;
        std::uint32_t quorum = 0;
        if (what.size() > 5) std::from_chars(what.data() + 5, what.data() + what.size(), quorum);
        if (quorum != 0 && quorum <= 1'000'000) own_extras(made_, node).quorum = quorum;
    } else if (node.kind == NodeKind::branch && what.starts_with("delay ")) {
        const auto ms = manifests::parse_duration(std::string_view(what).substr(6));
        constexpr std::uint64_t ms_max = 366ull * 24 * 3600 * 1000;
        if (!ms || *ms == 0 || *ms > ms_max) return;
        node.kind = NodeKind::delay;
        own_extras(made_, node).delay_ns = *ms * 1'000'000;
    } else if (node.kind == NodeKind::branch && what.starts_with("wait ")) {
        const auto type = Type::parse(std::string_view(what).substr(5));
        if (!type) return;
        node.kind = NodeKind::wait;
        if (!(*type == Type())) own_extras(made_, node).expects = *type;
    }
}

std::string Skeleton::made_up_port(Drawn& to, const Drawn& from) {
    const NodeKind kind = made_.nodes[to.node].kind;
    if (kind == NodeKind::branch || kind == NodeKind::delay) return "value";
    ++to.given;
    if (kind == NodeKind::merge || kind == NodeKind::join) {
        const std::string name = from.node == no_id ? std::string("input") : std::string(made_.node_name(from.node));
        return to.given == 1 ? name : name + "-" + std::to_string(to.given);
    }
    return to.given == 1 ? "input" : "input-" + std::to_string(to.given);
}

/// Splits "texts → file when size(value) > 2".
void Skeleton::make_edge(const Line_& line) {
    const Drawn& from = nodes_[line.from];
    Drawn& to = nodes_[line.to];
    if (from.output || to.input != no_id) {
        left_out("an edge " + std::string(from.output ? "out of an output" : "into an input"), line.place);
        return;
    }
    Edge edge;
    edge.place = line.place;
    edge.from = from.node;
    edge.input = from.input;
    if (edge.input != no_id) made_.inputs[edge.input].used = true;
    edge.to = to.node;
    std::string_view label = line.label;
    std::string_view when;
    if (label.starts_with("when ")) {
        when = label.substr(5);
        label = {};
    } else if (const auto at = label.find(" when "); at != std::string_view::npos) {
        when = label.substr(at + 6);
        label = label.substr(0, at);
    }
    const auto middle = label.find(arrow);
    const bool ports = middle != std::string_view::npos && middle > 0 && middle + arrow.size() < label.size();
    const bool calls = edge.from != no_id && calls_plugin(made_.nodes[edge.from].kind);
    if (line.line == Line::dashed && calls && edge.from != edge.to && (line.label == "fallback" || line.label == "compensate")) {
        NodeExtras& extras = own_extras(made_, made_.nodes[edge.from]);
        (line.label == "fallback" ? extras.fallback : extras.compensate) = edge.to;
        return;
    }
    if (line.line == Line::dashed && !ports && edge.from != no_id) {
        edge.kind = EdgeKind::control;
        if (!line.label.empty()) left_out("the text " + shown(line.label) + " of an edge", line.place);
        made_.edges.push_back(edge);
        return;
    }
    if (!when.empty()) {
        if (auto parsed = Expression::parse(when)) {
            edge.kind = EdgeKind::conditional;
            edge.condition = static_cast<std::uint32_t>(made_.conditions.size());
            made_.conditions.push_back(*std::move(parsed));
        }
    }
    if (!ports && (when.empty() || edge.kind != EdgeKind::conditional) && !line.label.empty()) {
        assumed("the text " + shown(line.label) + " of an edge is no condition; the edge always holds", line.place);
    }
    if (ports) {
        if (edge.from != no_id) edge.from_port = made_.names.intern(label.substr(0, middle));
        edge.to_port = made_.names.intern(label.substr(middle + arrow.size()));
    } else if (edge.kind != EdgeKind::conditional || edge.from == no_id) {
        const bool control = edge.from != no_id && !calls_plugin(made_.nodes[edge.from].kind);
        if (edge.from != no_id) edge.from_port = made_.names.intern(control ? "value" : "result");
        edge.to_port = made_.names.intern(made_up_port(to, from));
        assumed("an edge into " + shown(made_.node_name(edge.to)) + " names no ports; " + shown(made_.names[edge.to_port]) + " is assumed", line.place);
    }
    made_.edges.push_back(edge);
}

void Skeleton::make_output(const Line_& line) {
    const Drawn& from = nodes_[line.from];
    const Drawn& to = nodes_[line.to];
    const std::string_view whole = to.label.starts_with("$") ? to.label : to.name;
    OutputDecl output;
    output.name = whole.substr(9);
    output.place = line.place;
    output.node = from.node;
    output.input = from.input;
    const bool twice = std::any_of(made_.outputs.begin(), made_.outputs.end(), [&](const auto& each) { return each.name == output.name; });
    if (from.output || twice) {
        left_out(from.output ? "an edge out of an output" : "a second edge into output " + shown(output.name), line.place);
        return;
    }
    const auto middle = line.label.find(arrow);
    if (output.node != no_id) output.port = made_.names.intern(middle != std::string::npos && middle > 0 ? std::string_view(line.label).substr(0, middle) : "result");
    if (output.input != no_id) made_.inputs[output.input].used = true;
    made_.outputs.push_back(std::move(output));
}

} // namespace symphony::tracker
