// SPDX-License-Identifier: Apache-2.0
#include "validator.hpp"

#include <algorithm>
#include <array>

namespace symphony::tracker {

void Validator::node(Id n) {
    const Node& node = workflow_.nodes[n];
    const auto from = workflow_.in_offsets[n];
    const auto to = workflow_.in_offsets[n + 1];
    // Of a conditional edge the source must exist whatever the node is.
    switch (node.kind) {
    case NodeKind::operation:
    case NodeKind::instrument: plugin_node(n); break;
    case NodeKind::branch: branch(n); break;
    case NodeKind::merge: merge(n); break;
    case NodeKind::join: join(n); break;
    case NodeKind::delay: passes(n); break;
    case NodeKind::wait: wait(n); break;
    default: body_node(n); break;
    }
    for (auto i = from; i < to; ++i) {
        const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
        if (edge.condition != no_id && workflow_.conditions[edge.condition].is_else()) check_else(edge);
    }
    bool leads = workflow_.out_offsets[n] != workflow_.out_offsets[n + 1];
    if (!leads && from == to && workflow_.nodes.size() > 1 && !is_output(n) && workflow_.role(n) == Role::main) {
        findings_.warning("orphan", "node " + name(n) + " is connected to nothing", node.place, "connect it, make it an output, or remove it");
    }
}

void Validator::branch(Id n) {
    if (!passes(n)) error("missing-input", "branch " + name(n) + " has no input \"value\"", workflow_.nodes[n].place, "inputs = { value = \"node.port\" }");
}

void Validator::check_body(Id n) {
    const Workflow& body = *workflow_.body(n);
    Findings own(body.file);
    Validator inner(body, catalogue_, limits_, own, now_ns_, options_);
    inner.outer_ = outer_ == nullptr ? &workflow_ : outer_;
    inner.binding_ = inner.run();  // the types of its outputs are asked behind it
    body_types_[n] = inner.output_types();
    for (auto& found : own.take()) findings_.add(std::move(found));
}

void Validator::body_node(Id n) {
    const Node& node = workflow_.nodes[n];
    const Workflow* body = workflow_.body(n);
    if (body == nullptr) return;
    std::vector<Id> given;
    const auto input_of = [&](Id port, Place place) -> const InputDecl* {
        std::vector<std::string_view> known;
        for (const auto& input : body->inputs) {
            if (input.name == workflow_.names[port]) return &input;
            known.push_back(input.name);
        }
        error("unknown-port", name(n) + " has no input " + shown(workflow_.names[port]), place, meant(workflow_.names[port], known, "inputs"));
        return nullptr;
    };
    for_inputs(n, [&](const Edge& edge) {
        const InputDecl* input = input_of(edge.to_port, edge.place);
        const auto type = source_type(edge, true);
        given.push_back(edge.to_port);
        const bool list = edge.to_port == node.each;
        const Type wanted = input == nullptr ? Type() : list ? Type::list_of(input->type) : input->type;
        if (input == nullptr || !type || manifests::accepts(wanted, type->as_optional(false))) return;
        std::string hint;
        if (!list && type->kind() == Type::Kind::list && manifests::accepts(input->type, type->element())) hint = "each = " + shown(input->name) + " runs the node once per element";
        error("type-mismatch", source_name(edge) + " is " + type->text() + ", " + target_name(n, edge.to_port) + " takes " + wanted.text(), edge.place, std::move(hint));
    });
    for (auto i = node.constants_from; i < node.constants_to; ++i) {
        const Constant& constant = workflow_.constants[i];
        const InputDecl* input = input_of(constant.port, constant.place);
        if (std::find(given.begin(), given.end(), constant.port) != given.end()) {
            error("two-sources", target_name(n, constant.port) + " gets its value twice", constant.place, "an input comes from one edge or one constant");
            continue;
        }
        given.push_back(constant.port);
        if (input == nullptr) continue;
        const Type wanted = constant.port == node.each ? Type::list_of(input->type) : input->type;
        if (const auto fits = value_fits(constant.value(), wanted); !fits) {
            error("type-mismatch", target_name(n, constant.port) + " takes " + wanted.text() + ": " + fits.error().message(), constant.place);
        }
    }
    tell_twice(n, given);
    if (node.each != 0 && std::find(given.begin(), given.end(), node.each) == given.end()) {
        error("missing-input", "node " + name(n) + " runs each " + shown(workflow_.names[node.each]) + ", but nothing leads there", node.place,
              "inputs = { " + std::string(workflow_.names[node.each]) + " = \"node.port\" }");
    }
    for (const auto& input : body->inputs) {
        const Id port = workflow_.names.find(input.name);
        if (port != no_id && port == node.each) continue;
        if (!input.required || std::find(given.begin(), given.end(), port) != given.end()) continue;
        error("missing-input", "node " + name(n) + " gives no " + shown(input.name) + " (" + input.type.text() + ")", node.place, "inputs = { " + input.name + " = \"node.port\" }, or with = { " + input.name + " = … }");
    }
    if (node.kind == NodeKind::loop) carried(n, *body);
}

void Validator::carried(Id n, const Workflow& body) {
    for (std::size_t o = 0; o < body.outputs.size(); ++o) {
        const auto input = std::find_if(body.inputs.begin(), body.inputs.end(), [&](const InputDecl& each) { return each.name == body.outputs[o].name; });
        if (input == body.inputs.end() || manifests::accepts(input->type, body_types_[n][o].as_optional(false))) continue;
        error("type-mismatch", "loop " + name(n) + ": a round gives " + shown(input->name) + " as " + body_types_[n][o].text() + ", the next one takes " + input->type.text(), body.outputs[o].place);
    }
}

void Validator::wait(Id n) {
    for_inputs(n, [&](const Edge& edge) {
        error("unknown-port", "wait " + name(n) + " has no input " + shown(workflow_.names[edge.to_port]), edge.place, "what it gives comes from outside; `after` says when it waits");
    });
    control_types_[n] = workflow_.extras_of(n).expects.as_optional(false);
}

void Validator::tell_twice(Id n, std::vector<Id> ports) {
    std::sort(ports.begin(), ports.end());
    const auto twice = std::adjacent_find(ports.begin(), ports.end());
    if (twice == ports.end()) return;
    for_inputs(n, [&, seen = false](const Edge& edge) mutable {
        if (edge.to_port != *twice) return;
        if (seen) two_sources(n, edge);
        seen = true;
    });
}

void Validator::join(Id n) {
    control_types_[n] = Type::map_of(gathered(n).value_or(Type()));
    if (workflow_.in_offsets[n] == workflow_.in_offsets[n + 1]) {
        error("missing-input", "join " + name(n) + " waits for nothing", workflow_.nodes[n].place, "after = [\"node\", …], or inputs = { a = \"node.port\" }");
    }
}

void Validator::merge(Id n) {
    const Node& node = workflow_.nodes[n];
    std::optional<Type> all;
    bool given = false;
    std::vector<Id> ports;
    for_inputs(n, [&](const Edge& edge) {
        given = true;
        ports.push_back(edge.to_port);
        auto type = source_type(edge, true);
        if (!type) {
            all = Type();
            return;
        }
        if (node.mode == MergeMode::concat && !manifests::accepts(Type(Type::Kind::list), type->as_optional(false))) {
            error("type-mismatch", "merge " + name(n) + " joins lists, " + source_name(edge) + " is " + type->text(), edge.place, "mode = \"all\" makes a list of what comes in");
        }
        all = all ? joined(*all, type->as_optional(false)) : type->as_optional(false);
    });
    tell_twice(n, std::move(ports));
    if (!given) error("missing-input", "merge " + name(n) + " has no inputs", node.place, "inputs = { a = \"node.port\", b = \"node.port\" }");
    const Type one = all.value_or(Type());
    switch (node.mode) {
    case MergeMode::first:
    case MergeMode::any: control_types_[n] = one; break;
    case MergeMode::all: control_types_[n] = Type::list_of(one); break;
    case MergeMode::concat: control_types_[n] = one.kind() == Type::Kind::list ? one : Type(Type::Kind::list); break;
    case MergeMode::named: control_types_[n] = Type::map_of(one); break;
    }
}

void Validator::two_sources(Id n, const Edge& edge) {
    error("two-sources", target_name(n, edge.to_port) + " gets its value twice", edge.place, "join several values with a merge node");
}

void Validator::plugin_node(Id n) {
    const Node& node = workflow_.nodes[n];
    const auto* operation = binding_.operations[n];
    giving_ = n;
    for_inputs(n, [&](const Edge& edge) {
        const auto type = source_type(edge, true);
        if (!give(edge.to_port)) {
            two_sources(n, edge);
            return;
        }
        if (operation == nullptr) return;
        const auto* spec = input_spec(n, edge.to_port, edge.place);
        if (spec == nullptr || !type) return;
        const Type wanted = edge.to_port == node.each ? Type::list_of(spec->type) : spec->type;
        // A source that may be missing is fine: the node is then skipped.
        if (manifests::accepts(wanted, type->as_optional(false))) return;
        std::string hint;
        if (edge.to_port != node.each && type->kind() == Type::Kind::list && manifests::accepts(spec->type, type->element())) {
            hint = "each = " + shown(workflow_.names[edge.to_port]) + " runs the node once per element";
        }
        error("type-mismatch", source_name(edge) + " is " + type->text() + ", " + target_name(n, edge.to_port) + " takes " + wanted.text(), edge.place, std::move(hint));
    });
    for (auto i = node.constants_from; i < node.constants_to; ++i) {
        const Constant& constant = workflow_.constants[i];
        if (!give(constant.port)) {
            error("two-sources", target_name(n, constant.port) + " gets its value twice", constant.place, "an input comes from one edge or one constant");
            continue;
        }
        if (operation == nullptr) continue;
        const auto* spec = input_spec(n, constant.port, constant.place);
        if (spec == nullptr) continue;
        const Type wanted = constant.port == node.each ? Type::list_of(spec->type) : spec->type;
        if (const auto fits = value_fits(constant.value(), wanted); !fits) {
            error("type-mismatch", target_name(n, constant.port) + " takes " + wanted.text() + ": " + fits.error().message(), constant.place);
        }
    }
    if (node.each != 0 && !contains(node.each)) {
        error("missing-input", "node " + name(n) + " runs each " + shown(workflow_.names[node.each]) + ", but nothing leads there", node.place,
              "inputs = { " + std::string(workflow_.names[node.each]) + " = \"node.port\" }");
    }
    if (operation == nullptr) return;
    for (const auto& spec : operation->inputs) {
        const Id port = workflow_.names.find(spec.name);
        if (spec.type.optional() || (port != no_id && contains(port)) || (port != no_id && port == node.each)) continue;
        error("missing-input", "node " + name(n) + " gives no " + shown(spec.name) + " (" + spec.type.text() + ") to " + std::string(workflow_.names[node.plugin]) + "." + operation->name, node.place,
              "inputs = { " + spec.name + " = \"node.port\" }, or with = { " + spec.name + " = … }");
    }
}

bool Validator::give(Id port) {
    if (contains(port)) return false;
    given_[port] = giving_;
    return true;
}

} // namespace symphony::tracker
