// SPDX-License-Identifier: Apache-2.0
#include "validator.hpp"

#include "check_extras.hpp"
#include "quick_check.hpp"
#include "unreachable.hpp"

#include <algorithm>

namespace symphony::tracker {

std::vector<Type> Validator::output_types() {
    std::vector<Type> types;
    for (const auto& output : workflow_.outputs) {
        const auto source = output.node == no_id ? std::optional(workflow_.inputs[output.input].type) : output_type(output.node, output.port, output.place, false);
        types.push_back(output.type ? *output.type : source.value_or(Type()));
    }
    return types;
}

Binding Validator::run() {
    const std::size_t nodes = workflow_.nodes.size();
    bindings_ = bind(workflow_, catalogue_);
    binding_.providers.assign(nodes, nullptr);
    binding_.operations.assign(nodes, nullptr);
    for (Id n = 0; n < nodes; ++n) {
        const auto* signature = bindings_.of(n);
        if (signature == nullptr) continue;
        binding_.providers[n] = signature->provider;
        binding_.operations[n] = signature->operation;
    }
    if (!in_time(nodes)) return std::move(binding_);
    bind_faults();
    if (workflow_.order.size() < nodes && in_time()) cycles();
    const auto good = options_.closely ? std::vector<bool>(nodes, false) : quick_check(workflow_, bindings_);
    control_types_.assign(nodes, Type());
    for (Id n = 0; n < nodes && !workflow_.bodies.empty(); ++n) {
        if (workflow_.body(n) != nullptr) check_body(n);
    }
    if (in_time(workflow_.edges.size())) look_closely(good);
    for (const auto& output : workflow_.outputs) {
        if (!in_time()) break;
        check_output(output);
    }
    check_inputs();
    if (in_time()) check_extras(workflow_, outer_ == nullptr ? workflow_ : *outer_, binding_, findings_, [&](Id n, Id port) { return output_type(n, port, {}, false); });
    if (in_time()) {
        find_unreachable(workflow_, findings_, [&](const Edge& edge) { return edge.carries() ? source_type(edge, false).value_or(Type()) : Type(Type::Kind::map); },
                         [&](const Edge& edge) { return is_required(edge); });
    }
    return std::move(binding_);
}

bool Validator::in_time(std::size_t steps) {
    if (late_) return false;
    steps_ += steps;
    if (steps_ < 256) return true;
    steps_ = 0;
    if (now_ns_() - started_ns_ <= limits_.check_ns_max) return true;
    late_ = true;
    error("check-too-slow", "checking took longer than " + std::to_string(limits_.check_ns_max / 1'000'000) + " ms; the rest was not checked", {},
          "split the workflow, or raise check_time_max of dag-tracker");
    return false;
}

void Validator::look_closely(const std::vector<bool>& good) {
    const std::size_t nodes = workflow_.nodes.size();
    if (std::find(good.begin(), good.end(), false) == good.end()) return;
    given_.assign(workflow_.names.size(), no_id);
    for (const Id n : workflow_.order) {
        if (good[n]) continue;
        if (!in_time(1 + workflow_.in_offsets[n + 1] - workflow_.in_offsets[n])) return;
        node(n);
    }
    if (workflow_.order.size() == nodes) return;
    // Nodes of a cycle come last: their ports are checked too, merges among them count as `any`.
    for (Id n = 0; n < nodes && in_time(); ++n) {
        if (workflow_.levels[n] == no_id && !good[n]) node(n);
    }
}

void Validator::bind_faults() {
    std::vector<bool> faulty(bindings_.signatures.size());
    bool any = false;
    for (std::size_t i = 0; i < faulty.size(); ++i) {
        const Signature& signature = bindings_.signatures[i];
        faulty[i] = signature.provider == nullptr || !signature.provider->usable || (signature.provider->typed && signature.operation == nullptr);
        any = any || faulty[i];
        if (signature.version_differs) other_version(signature);
    }
    if (!any) return;
    for (Id n = 0; n < workflow_.nodes.size() && in_time(); ++n) {
        if (bindings_.of_node[n] != no_id && faulty[bindings_.of_node[n]]) bind_fault(n);
    }
}

void Validator::other_version(const Signature& signature) {
    const PluginPin& pin = *signature.pin;
    if (std::find(told_pins_.begin(), told_pins_.end(), &pin) != told_pins_.end()) return;
    told_pins_.push_back(&pin);
    std::string message = "plugin " + shown(pin.plugin) + " is " + signature.provider->version + ", the workflow was made with " + pin.requirement;
    if (options_.any_versions) findings_.warning("plugin-version", std::move(message), pin.place, "what it does may differ");
    else error("plugin-version", std::move(message), pin.place, "symphony install " + pin.plugin + "@" + pin.requirement + ", or change [plugins] when the workflow works with it");
}

void Validator::bind_fault(Id n) {
    const Node& node = workflow_.nodes[n];
    const Signature& signature = *bindings_.of(n);
    const bool instrument = node.kind == NodeKind::instrument;
    const auto plugin = workflow_.names[node.plugin];
    const Provider* provider = signature.provider;
    if (provider == nullptr) {
        missing(node, instrument, plugin, signature.pin);
        return;
    }
    if (!provider->usable) {
        error("refused-plugin", "node " + shown(workflow_.names[node.name]) + ": plugin " + shown(plugin) + " is refused: " + provider->refusal, node.place,
              provider->remedy.empty() ? "symphony show " + provider->name : provider->remedy);
    }
    if (!provider->typed || signature.operation != nullptr) return;
    std::vector<std::string_view> known;
    for (const auto& each : provider->operations) known.push_back(each.name);
    error("unknown-operation", "plugin " + shown(plugin) + " has no operation " + shown(workflow_.names[node.operation]), node.place,
          meant(workflow_.names[node.operation], known, "operations"));
}

void Validator::missing(const Node& node, bool instrument, std::string_view plugin, const PluginPin* pin) {
    const std::string who = "node " + shown(workflow_.names[node.name]) + ": ";
    if (const auto* other = catalogue_.find(!instrument, plugin); other != nullptr) {
        error("wrong-node-type", who + "plugin " + shown(plugin) + " is an " + (instrument ? "operator" : "instrument") + ", the node says " + (instrument ? "instrument" : "operator"),
              node.place, std::string("type = ") + (instrument ? "\"operator\"" : "\"instrument\""));
        return;
    }
    std::vector<std::string_view> known;
    for (const auto& provider : catalogue_.providers()) {
        if (provider.instrument == instrument) known.push_back(plugin.find('.') != std::string_view::npos ? provider.id : provider.name);
    }
    const auto near = findings_.room() ? nearest(plugin, known) : std::string_view();
    const std::string version = pin == nullptr ? std::string() : "@" + pin->requirement;
    error("missing-plugin", who + "plugin " + shown(plugin) + (pin == nullptr ? std::string() : " " + pin->requirement) + " is not installed", node.place,
          "symphony install " + std::string(plugin) + version + (near.empty() ? std::string() : ", or did you mean " + shown(near) + "?"));
}

void Validator::check_output(const OutputDecl& output) {
    const auto type = output.node == no_id ? std::optional(workflow_.inputs[output.input].type)
                                           : output_type(output.node, output.port, output.place, true);
    if (!type || !output.type || manifests::accepts(*output.type, type->as_optional(false))) return;
    error("type-mismatch", "output " + shown(output.name) + " is declared " + output.type->text() + ", its source is " + type->text(), output.place);
}

void Validator::check_inputs() {
    std::vector<bool> shown_as_output(workflow_.inputs.size(), false);
    for (const auto& output : workflow_.outputs) {
        if (output.input != no_id) shown_as_output[output.input] = true;
    }
    for (Id i = 0; i < workflow_.inputs.size() && in_time(); ++i) {
        const InputDecl& input = workflow_.inputs[i];
        if (input.otherwise) {
            if (const auto fits = value_fits(input.otherwise->view(), input.type); !fits) {
                error("type-mismatch", "the default of input " + shown(input.name) + ": " + fits.error().message(), input.place);
            }
        }
        if (!input.used && !shown_as_output[i]) findings_.warning("unused-input", "no node reads input " + shown(input.name), input.place);
    }
}

namespace {

Error misfit(const std::string& where, Type type, ValueView value) {
    return {Code::invalid_argument, "wrong-kind", where + " is " + std::string(name_of(value.kind())) + ", expected " + type.text()};
}

Status fits(ValueView value, Type type, const std::string& where) {
    if (value.is_null() && type.optional()) return {};
    switch (type.kind()) {
    case Type::Kind::any: return {};
    case Type::Kind::boolean: if (value.is_bool()) return {}; break;
    case Type::Kind::integer: if (value.is_integer()) return {}; break;
    case Type::Kind::number: if (value.is_number()) return {}; break;
    case Type::Kind::text: if (value.is_text()) return {}; break;
    case Type::Kind::bytes: if (value.is_bytes()) return {}; break;
    case Type::Kind::list: {
        if (!value.is_list()) break;
        if (type.element().kind() == Type::Kind::any) return {};
        std::size_t index = 0;
        for (const auto item : value.items()) {
            if (auto status = fits(item, type.element(), where + "[" + std::to_string(index++) + "]"); !status) return status;
        }
        return {};
    }
    case Type::Kind::map:
        if (!value.is_map()) break;
        if (type.element().kind() == Type::Kind::any) return {};
        for (const auto [key, item] : value.entries()) {
            if (auto status = fits(item, type.element(), where + "." + std::string(key)); !status) return status;
        }
        return {};
    }
    return misfit(where, type, value);
}

} // namespace

Binding validate(const Workflow& workflow, const Catalogue& catalogue, const Limits& limits, Findings& findings,
                 const std::function<std::uint64_t()>& now_ns, const CheckOptions& options) {
    return Validator(workflow, catalogue, limits, findings, now_ns, options).run();
}

Binding bind_expanded(const Workflow& workflow, const Catalogue& catalogue) {
    const Bindings bindings = bind(workflow, catalogue);
    Binding out;
    for (Id n = 0; n < workflow.nodes.size(); ++n) {
        const auto* signature = bindings.of(n);
        out.providers.push_back(signature == nullptr ? nullptr : signature->provider);
        out.operations.push_back(signature == nullptr ? nullptr : signature->operation);
    }
    return out;
}

// Recursion is as deep as the type, at most sixteen levels.
Status value_fits(ValueView value, Type type) { return fits(value, type, "it"); }

} // namespace symphony::tracker
