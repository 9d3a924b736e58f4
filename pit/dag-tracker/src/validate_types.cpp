// SPDX-License-Identifier: Apache-2.0
#include "validator.hpp"

#include <algorithm>

namespace symphony::tracker {

Type joined(Type a, Type b) {
    if (manifests::fit(a.as_optional(false), b.as_optional(false)) == manifests::Fit::always) return a;
    if (manifests::fit(b.as_optional(false), a.as_optional(false)) == manifests::Fit::always) return b;
    return Type();
}

std::optional<Type> Validator::source_type(const Edge& edge, bool report) {
    if (edge.from == no_id) return workflow_.inputs[edge.input].type;
    return output_type(edge.from, edge.from_port, edge.place, report);
}

std::optional<Type> Validator::output_type(Id n, Id port, Place place, bool report) {
    const Node& node = workflow_.nodes[n];
    const auto port_name = workflow_.names[port];
    if (node.kind == NodeKind::workflow || node.kind == NodeKind::loop) return body_output(n, port_name, place, report);
    if (!calls_plugin(node.kind)) {
        const bool has_value = node.kind != NodeKind::delay || first_input(n) != nullptr;
        if (port_name == "value" && has_value) return control_types_[n];
        if (report) error("unknown-port", name(n) + " has no output " + shown(port_name), place, has_value ? "a " + std::string(name_of(node.kind)) + " has one output, \"value\"" : "a delay gives what it is given: inputs = { value = \"node.port\" }");
        return std::nullopt;
    }
    const Type list_of_maps = Type::list_of(Type(Type::Kind::map));
    const auto* operation = binding_.operations[n];
    const bool collects = node.on_error == OnError::collect;
    if (node.each != 0) {
        if (port_name == "results") return list_of_maps;
        if (port_name == "items") return operation == nullptr ? Type(Type::Kind::list) : items_type(n);
        if (port_name == "problems" && collects) return list_of_maps;
    }
    if (operation == nullptr) {
        if (binding_.providers[n] != nullptr && !binding_.providers[n]->typed) return node.each != 0 ? Type(Type::Kind::list) : Type();
        return std::nullopt;
    }
    const auto* spec = operation->output(port_name);
    if (spec != nullptr) {
        // A plain node that collects may make nothing but problems.
        if (node.each != 0) return Type::list_of(spec->type);
        return spec->type;
    }
    if (port_name == "problems" && collects) return list_of_maps;
    if (report) {
        std::vector<std::string_view> known;
        for (const auto& each : operation->outputs) known.push_back(each.name);
        if (node.each != 0) known.insert(known.end(), {"results", "items"});
        if (collects) known.push_back("problems");
        std::string hint = meant(port_name, known, "outputs");
        if (!collects && port_name == "problems") hint = "a node with on_error = \"collect\" has it";
        error("unknown-port", name(n) + " (" + std::string(workflow_.names[node.plugin]) + "." + operation->name + ") has no output " + shown(port_name), place, std::move(hint));
    }
    return std::nullopt;
}

const Edge* Validator::edge_into(Id n, Id port) const {
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (edge.to_port == port) return &edge;
    }
    return nullptr;
}

Type Validator::items_type(Id n) {
    if (items_types_.empty()) items_types_.resize(workflow_.nodes.size());
    const Id items = workflow_.names.find("items");
    const Type list(Type::Kind::list);
    std::vector<Id> way;
    Type found = list;
    for (;;) {
        if (items_types_[n]) {
            found = *items_types_[n];
            break;
        }
        items_types_[n] = list;
        way.push_back(n);
        const Edge* edge = edge_into(n, workflow_.nodes[n].each);
        if (edge == nullptr) break;
        const bool further = edge->from != no_id && edge->from_port == items && workflow_.nodes[edge->from].each != 0 && binding_.operations[edge->from] != nullptr;
        if (!further) {
            if (const auto type = source_type(*edge, false); type && type->kind() == Type::Kind::list) found = type->as_optional(false);
            break;
        }
        n = edge->from;
    }
    for (const Id each : way) items_types_[each] = found;
    return found;
}

bool Validator::is_output(Id n) {
    if (!outputs_listed_) {
        for (const auto& output : workflow_.outputs) {
            if (output.node != no_id) output_nodes_.insert({output.node, true});
        }
        outputs_listed_ = true;
    }
    return output_nodes_.contains(n);
}

void Validator::check_else(const Edge& edge) {
    if (edge.from == no_id) {
        error("bad-expression", "\"else\" needs another conditional edge from the same output", edge.place);
        return;
    }
    const std::uint64_t key = std::uint64_t{edge.from} << 32 | edge.from_port;
    if (!elses_listed_) {
        for (const auto& each : workflow_.edges) {
            if (each.condition == no_id || each.from == no_id) continue;
            auto& [plain, otherwise] = conditionals_[std::uint64_t{each.from} << 32 | each.from_port];
            ++(workflow_.conditions[each.condition].is_else() ? otherwise : plain);
        }
        elses_listed_ = true;
    }
    if (conditionals_[key].first == 0) error("bad-expression", "\"else\" needs another conditional edge from the same output", edge.place);
}

bool Validator::passes(Id n) {
    const std::string what(name_of(workflow_.nodes[n].kind));
    bool given = false;
    for_inputs(n, [&](const Edge& edge) {
        const auto port = workflow_.names[edge.to_port];
        const auto type = source_type(edge, true);
        if (port != "value") {
            error("unknown-port", what + " " + name(n) + " has no input " + shown(port), edge.place, "a " + what + " has one input, \"value\"");
            return;
        }
        if (given) two_sources(n, edge);
        given = true;
        if (type) control_types_[n] = type->as_optional(false);
    });
    return given;
}

std::optional<Type> Validator::body_output(Id n, std::string_view port, Place place, bool report) {
    const Node& node = workflow_.nodes[n];
    const bool loop = node.kind == NodeKind::loop, each = node.each != 0, collects = node.on_error == OnError::collect;
    const auto of_all = [&](Type one) { return each ? Type::list_of(one) : one; };
    if (each && port == "items") return list_type(n);
    if (each && port == "results") return Type::list_of(Type(Type::Kind::map));
    if (each && collects && port == "problems") return Type::list_of(Type(Type::Kind::map));
    if (loop && port == "rounds") return of_all(Type(Type::Kind::integer));
    if (loop && port == "done") return of_all(Type(Type::Kind::boolean));
    const Workflow* body = workflow_.body(n);
    if (body == nullptr) return std::nullopt;  // told already
    std::vector<std::string_view> known;
    for (std::size_t o = 0; o < body->outputs.size(); ++o) {
        if (body->outputs[o].name == port) return of_all(body_types_[n][o]);
        known.push_back(body->outputs[o].name);
    }
    if (collects && port == "problems") return Type::list_of(Type(Type::Kind::map));
    if (loop) known.insert(known.end(), {"rounds", "done"});
    if (each) known.insert(known.end(), {"results", "items"});
    if (collects) known.push_back("problems");
    if (report) error("unknown-port", name(n) + " has no output " + shown(port), place, meant(port, known, "outputs"));
    return std::nullopt;
}

Type Validator::list_type(Id n) {
    const Edge* edge = edge_into(n, workflow_.nodes[n].each);
    const Type list(Type::Kind::list);
    if (edge == nullptr) return list;
    // What comes from another node that gives on what it was given is a list all the same.
    const bool passed_on = edge->from != no_id && workflow_.nodes[edge->from].each != 0 && workflow_.names[edge->from_port] == "items";
    const auto type = passed_on ? std::nullopt : source_type(*edge, false);
    return type && type->kind() == Type::Kind::list ? type->as_optional(false) : list;
}

std::optional<Type> Validator::gathered(Id n) {
    std::optional<Type> all;
    std::vector<Id> ports;
    for_inputs(n, [&](const Edge& edge) {
        ports.push_back(edge.to_port);
        const auto type = source_type(edge, true);
        const Type one = type ? type->as_optional(false) : Type();
        all = all ? joined(*all, one) : one;
    });
    tell_twice(n, std::move(ports));
    return all;
}

const Edge* Validator::first_input(Id n) const {
    for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (edge.carries()) return &edge;
    }
    return nullptr;
}

std::string Validator::source_name(const Edge& edge) const {
    if (edge.from == no_id) return "\"$inputs." + workflow_.inputs[edge.input].name + '"';
    return shown(std::string(workflow_.node_name(edge.from)) + "." + std::string(workflow_.names[edge.from_port]));
}

std::string Validator::target_name(Id n, Id port) const {
    return shown(std::string(workflow_.node_name(n)) + "." + std::string(workflow_.names[port]));
}

const PortSpec* Validator::input_spec(Id n, Id port, Place place) {
    const auto* operation = binding_.operations[n];
    const auto* spec = operation->input(workflow_.names[port]);
    if (spec == nullptr) {
        std::vector<std::string_view> known;
        for (const auto& each : operation->inputs) known.push_back(each.name);
        error("unknown-port", name(n) + " (" + std::string(workflow_.names[workflow_.nodes[n].plugin]) + "." + operation->name + ") has no input " + shown(workflow_.names[port]), place, meant(workflow_.names[port], known, "inputs"));
    }
    return spec;
}

bool Validator::is_required(const Edge& edge) {
    const Node& node = workflow_.nodes[edge.to];
    if (!calls_plugin(node.kind) || edge.to_port == node.each) return node.kind != NodeKind::merge && node.kind < NodeKind::workflow;
    const auto* operation = binding_.operations[edge.to];
    const auto* spec = operation == nullptr ? nullptr : operation->input(workflow_.names[edge.to_port]);
    return spec != nullptr && !spec->type.optional();
}

} // namespace symphony::tracker
