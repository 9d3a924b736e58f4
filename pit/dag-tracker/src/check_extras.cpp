// SPDX-License-Identifier: Apache-2.0
#include "check_extras.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::size_t fallbacks_max = 16;  // one after the other

class ExtrasCheck {
public:
    ExtrasCheck(const Workflow& workflow, const Workflow& limits, const Binding& binding, Findings& findings, const std::function<std::optional<Type>(Id, Id)>& type_of)
        : workflow_(workflow), limits_(limits), binding_(binding), findings_(findings), type_of_(type_of) {}

    void run() {
        named_by_.assign(workflow_.nodes.size(), no_id);
        for (Id n = 0; n < workflow_.nodes.size(); ++n) {
            if (workflow_.nodes[n].extras != 0) node(n);
        }
        for (const Edge& edge : workflow_.edges) {
            if (edge.from != no_id) this->edge(edge);
        }
        for (const auto& output : workflow_.outputs) {
            if (output.node != no_id) this->output(output);
        }
        if (workflow_.order.size() < workflow_.nodes.size()) waits_for_itself();
    }

private:
    std::string name(Id n) const { return shown(workflow_.node_name(n)); }
    bool calls(Id n) const { return calls_plugin(workflow_.nodes[n].kind); }

    void node(Id n) {
        const Node& node = workflow_.nodes[n];
        const NodeExtras& extras = workflow_.extras_of(n);
        if (extras.fallback != no_id) {
            helper(n, extras.fallback, "the fallback");
            fallback(n, extras.fallback);
        }
        if (extras.compensate != no_id) helper(n, extras.compensate, "the compensation");
        const bool replaced = extras.fallback != no_id || !extras.fallback_outputs.is_null();
        if (replaced && node.on_error != OnError::fail) {
            findings_.error("bad-value", "node " + name(n) + " has a fallback and on_error = " + (node.on_error == OnError::skip ? "\"skip\"" : "\"collect\"") + ": it never fails", node.place,
                            "leave one of them out");
        }
        if (workflow_.role(n) >= Role::compensation && (replaced || extras.compensate != no_id)) {
            findings_.error("two-roles", "node " + name(n) + " runs when the run ends: it can have neither a fallback nor a compensation", node.place, "let what it calls see to it, or use retry");
        }
        outputs(n, extras.fallback_outputs, "fallback");
        outputs(n, extras.otherwise, "default");
        if (extras.quorum != 0) quorum(n, extras.quorum);
        for (const Use& use : extras.uses) this->use(n, use);
    }

    void use(Id n, const Use& use) {
        const auto wanted = workflow_.names[use.resource];
        std::vector<std::string_view> known;
        for (const Resource& resource : limits_.resources) {
            known.push_back(resource.name);
            if (resource.name != wanted) continue;
            if (use.count > resource.count) {
                findings_.error("bad-value", "node " + name(n) + " uses " + std::to_string(use.count) + " of " + shown(wanted) + ", there are " + std::to_string(resource.count), workflow_.nodes[n].place);
            }
            return;
        }
        findings_.error("unknown-resource", "node " + name(n) + " uses " + shown(wanted) + ", which [limits.resources] does not name", workflow_.nodes[n].place, meant(wanted, known, "resources"));
    }

    /// A node that another one names.
    void helper(Id n, Id helper, const std::string& what) {
        const Place place = workflow_.nodes[n].place;
        if (!calls(helper)) {
            findings_.error("wrong-node-type", what + " of " + name(n) + ", " + name(helper) + ", is a control node", place, "name an operator or an instrument");
        }
        if (named_by_[helper] != no_id || workflow_.extras_of(helper).finally) {
            const std::string other = named_by_[helper] != no_id ? "named by " + name(named_by_[helper]) : "a finally node";
            findings_.error("two-roles", "node " + name(helper) + " is " + what + " of " + name(n) + " and " + other, place, "make a second node");
        }
        named_by_[helper] = n;
    }

    /// What is read of the node comes from its fallback then.
    void fallback(Id n, Id standby) {
        std::size_t length = 1;
        for (Id at = standby; workflow_.extras_of(at).fallback != no_id && length <= fallbacks_max; ++length) at = workflow_.extras_of(at).fallback;
        if (length > fallbacks_max) {
            findings_.error("too-deep", "node " + name(n) + " has a row of more than " + std::to_string(fallbacks_max) + " fallbacks, or one that comes back to itself", workflow_.nodes[n].place,
                            "let the last of them fail");
            return;
        }
        std::vector<Id> ports;
        for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) ports.push_back(workflow_.edges[workflow_.out_edges[i]].from_port);
        for (const auto& output : workflow_.outputs) {
            if (output.node == n) ports.push_back(output.port);
        }
        std::sort(ports.begin(), ports.end());
        ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
        for (const Id port : ports) {
            if (port == 0) continue;
            const auto wanted = type_of_(n, port), given = type_of_(standby, port);
            if (!wanted || (binding_.operations[standby] == nullptr && !given)) continue;  // told already
            const std::string both = name(standby) + " stands in for " + name(n) + ": ";
            if (!given) {
                findings_.error("unknown-port", both + "it has no output " + shown(workflow_.names[port]) + ", which is read", workflow_.nodes[n].place, "choose an operation that gives it");
            } else if (!manifests::accepts(wanted->as_optional(false), given->as_optional(false))) {
                findings_.error("type-mismatch", both + "its output " + shown(workflow_.names[port]) + " is " + given->text() + ", expected " + wanted->text(), workflow_.nodes[n].place);
            }
        }
    }

    void outputs(Id n, const Value& values, const std::string& key) {
        if (values.is_null()) return;
        const Place place = workflow_.nodes[n].place;
        for (const auto [port, value] : values.view().entries()) {
            const Id known = workflow_.names.find(port);
            // A port that nothing in the workflow names is read by nobody; the operation says whether it is there.
            const auto type = known == no_id ? std::nullopt : type_of_(n, known);
            const auto* operation = binding_.operations[n];
            if (!type && operation != nullptr && operation->output(port) == nullptr) {
                std::vector<std::string_view> outputs;
                for (const auto& each : operation->outputs) outputs.push_back(each.name);
                findings_.error("unknown-port", key + " of node " + name(n) + " gives " + shown(port) + ", which is none of its outputs", place, meant(port, outputs, "outputs"));
            }
            const Workflow* body = workflow_.body(n);
            if (!type && body != nullptr) {
                std::vector<std::string_view> outputs;
                for (const auto& each : body->outputs) outputs.push_back(each.name);
                findings_.error("unknown-port", key + " of node " + name(n) + " gives " + shown(port) + ", which is none of its outputs", place, meant(port, outputs, "outputs"));
            }
            if (!type) continue;
            if (const auto fits = value_fits(value, type->as_optional(true)); !fits) {
                findings_.error("type-mismatch", key + " of node " + name(n) + ": " + shown(port) + " is " + type->text() + ": " + fits.error().message(), place);
            }
        }
    }

    void quorum(Id n, std::uint32_t quorum) {
        const bool merge = workflow_.nodes[n].kind == NodeKind::merge;
        std::size_t waits = 0;
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            waits += merge ? (edge.carries() ? 1 : 0) : edge.from != no_id ? 1 : 0;
        }
        const Place place = workflow_.nodes[n].place;
        if (workflow_.nodes[n].kind == NodeKind::branch) {
            findings_.error("unknown-key", "\"quorum\" is for nodes that wait for several; " + name(n) + " is a branch", place);
        } else if (merge && (workflow_.nodes[n].mode == MergeMode::first || workflow_.nodes[n].mode == MergeMode::any)) {
            findings_.error("bad-value", "merge " + name(n) + " takes one of its inputs: it has no quorum", place, "mode = \"all\", \"concat\" or \"named\" takes what is there");
        } else if (quorum > waits) {
            findings_.error("bad-value", "node " + name(n) + " has a quorum of " + std::to_string(quorum) + " and waits for " + std::to_string(waits), place, "quorum = " + std::to_string(std::max<std::size_t>(1, waits)) + " at most");
        }
    }

    void edge(const Edge& edge) {
        const Role from = workflow_.role(edge.from);
        if (from == Role::main || (from == Role::closing && workflow_.role(edge.to) == Role::closing)) return;
        if (from == Role::standby) {
            stands_in(edge.from, edge.place);
        } else if (from == Role::compensation) {
            findings_.error("role-order", "node " + name(edge.from) + " undoes another one: nothing can wait for it", edge.place, "a finally node runs behind all compensations");
        } else {
            findings_.error("role-order", "node " + name(edge.to) + " waits for " + name(edge.from) + ", which runs when the run ends", edge.place, "finally = true for both, or for none");
        }
    }
    void stands_in(Id n, Place place) {
        findings_.error("role-order", "node " + name(n) + " stands in for " + name(workflow_.stands_in[n]) + ": what it gives is read there", place,
                        "read it from " + std::string(workflow_.node_name(workflow_.stands_in[n])));
    }
    void output(const OutputDecl& output) {
        const Role role = workflow_.role(output.node);
        if (role == Role::standby) stands_in(output.node, output.place);
        if (role == Role::compensation) {
            findings_.error("role-order", "output " + shown(output.name) + " comes from " + name(output.node) + ", which undoes another node", output.place, "a finally node can have outputs");
        }
    }

    /// A node waits for what its fallback reads. Where that waits for the node, neither has a place in the order, and no edge says why.
    void waits_for_itself() {
        std::size_t told = 0;
        for (Id n = 0; n < workflow_.nodes.size() && told < 16; ++n) {
            if (workflow_.role(n) != Role::standby || workflow_.levels[n] != no_id) continue;
            const Id first = workflow_.first_of[n];
            std::vector<bool> seen(workflow_.nodes.size(), false);
            std::vector<Id> way{first};
            seen[first] = true;
            for (std::size_t k = 0; k < way.size() && told < 16; ++k) {
                for (auto i = workflow_.out_offsets[way[k]]; i < workflow_.out_offsets[way[k] + 1]; ++i) {
                    const Edge& edge = workflow_.edges[workflow_.out_edges[i]];
                    if (edge.to == n) {
                        findings_.error("cycle", "node " + name(n) + " stands in for " + name(workflow_.stands_in[n]) + " and waits for " + name(way[k]) + ", which waits for that", edge.place,
                                        "let it read what is there before");
                        ++told;
                        break;
                    }
                    if (!seen[edge.to]) way.push_back(edge.to);
                    seen[edge.to] = true;
                }
            }
        }
    }

    const Workflow& workflow_;
    const Workflow& limits_;
    const Binding& binding_;
    Findings& findings_;
    const std::function<std::optional<Type>(Id, Id)>& type_of_;
    std::vector<Id> named_by_;
};

} // namespace

void check_extras(const Workflow& workflow, const Workflow& limits, const Binding& binding, Findings& findings, const std::function<std::optional<Type>(Id, Id)>& type_of) {
    if (!workflow.roles.empty()) ExtrasCheck(workflow, limits, binding, findings, type_of).run();
    for (const PluginLimit& limit : workflow.plugin_limits) {
        const bool used = std::any_of(binding.providers.begin(), binding.providers.end(), [&](const Provider* provider) {
            return provider != nullptr && (provider->id == limit.plugin || provider->name == limit.plugin);
        });
        if (!used) findings.warning("unused-limit", "no node calls plugin " + shown(limit.plugin) + ", which [limits] names", limit.place);
    }
}

} // namespace symphony::tracker
