// SPDX-License-Identifier: Apache-2.0
#include "expand.hpp"

#include <algorithm>
#include <unordered_set>

namespace symphony::tracker {
namespace {

class Expander {
public:
    Expander(std::size_t nodes_max, std::size_t edges_max) : nodes_max_(nodes_max), edges_max_(edges_max) {}

    std::optional<Workflow> run(const Workflow& from, Findings& findings) {
        head(from);
        const auto ids = place(from, "", no_id);
        if (too_many_ != no_id) {
            const bool nodes = made_.nodes.size() > nodes_max_;
            findings.error(nodes ? "too-many-nodes" : "too-many-edges",
                           "with its sub-workflows and all rounds of its loops the workflow has more than " + std::to_string(nodes ? nodes_max_ : edges_max_) + (nodes ? " nodes" : " edges"),
                           from.nodes[too_many_].place, "lower `max` of the loop, or raise nodes_max and edges_max of dag-tracker");
            return std::nullopt;
        }
        for (const OutputDecl& output : from.outputs) {
            made_.outputs.push_back(output);
            if (output.node == no_id) continue;
            made_.outputs.back().node = ids[output.node].leave;
            made_.outputs.back().port = name(from, output.port);
        }
        if (std::all_of(made_.guards.begin(), made_.guards.end(), [](Id guard) { return guard == no_id; })) made_.guards.clear();
        return std::move(made_);
    }

private:
    /// Where edges lead to and from a node.
    struct Ends {
        Id enter = no_id, leave = no_id;
    };
    /// The parts of one body that was placed.
    struct Body {
        Id begin = no_id, end = no_id;
    };

    void head(const Workflow& from) {
        made_.file = from.file;
        made_.id = from.id;
        made_.name = from.name;
        made_.version = from.version;
        made_.description = from.description;
        made_.timeout_ns = from.timeout_ns;
        made_.fail_fast = from.fail_fast;
        made_.grace_ns = from.grace_ns;
        made_.retries_max = from.retries_max;
        made_.plugin_limits = from.plugin_limits;
        made_.resources = from.resources;
        made_.metadata = from.metadata;
        made_.plugins = from.plugins;
        made_.inputs = from.inputs;
    }

    Id name(const Workflow& from, Id id) { return made_.names.intern(from.names[id]); }
    bool full() const noexcept { return made_.nodes.size() > nodes_max_ || made_.edges.size() > edges_max_; }

    Id add_node(const std::string& id, NodeKind kind, Place place, Id scope) {
        Node node;
        node.name = made_.names.intern(id);
        node.kind = kind;
        node.place = place;
        node.constants_from = node.constants_to = static_cast<std::uint32_t>(made_.constants.size());
        made_.nodes.push_back(node);
        made_.scopes.push_back(scope);
        made_.guards.push_back(no_id);
        return static_cast<Id>(made_.nodes.size() - 1);
    }
    Edge& add_edge(Id from, Id to, EdgeKind kind, Place place) {
        Edge edge;
        edge.from = from;
        edge.to = to;
        edge.kind = kind;
        edge.place = place;
        made_.edges.push_back(edge);
        return made_.edges.back();
    }
    std::uint32_t condition(const Expression& expression) {
        made_.conditions.push_back(expression);
        return static_cast<std::uint32_t>(made_.conditions.size() - 1);
    }

    /// All nodes of `from`, each with `prefix` before its id. @param scope  The node that has its inputs, no_id for those of the run.
    std::vector<Ends> place(const Workflow& from, const std::string& prefix, Id scope) {
        // Constants go on looking into what they look into.
        if (placed_.insert(&from).second) made_.values.insert(made_.values.end(), from.values.begin(), from.values.end());
        std::vector<Ends> ids(from.nodes.size());
        for (Id n = 0; n < from.nodes.size() && too_many_ == no_id; ++n) {
            const Node& node = from.nodes[n];
            const std::string id = prefix + std::string(from.node_name(n));
            if (node.kind == NodeKind::workflow || node.kind == NodeKind::loop) {
                ids[n] = composite(from, n, id, scope);
            } else {
                ids[n].enter = ids[n].leave = copy(from, node, id, scope);
            }
            if (full() && scope == no_id) too_many_ = n;
            if (full()) return ids;
        }
        for (Id n = 0; n < from.nodes.size(); ++n) helpers(from, n, ids);
        for (const Edge& edge : from.edges) {
            const EdgeKind kind = edge.kind;
            Edge& made = add_edge(edge.from == no_id ? scope : ids[edge.from].leave, ids[edge.to].enter, kind, edge.place);
            if (edge.from == no_id && scope == no_id) made.input = edge.input;
            if (edge.from != no_id) made.from_port = name(from, edge.from_port);
            else if (scope != no_id) made.from_port = made_.names.intern(from.inputs[edge.input].name);
            made.to_port = name(from, edge.to_port);
            if (edge.condition != no_id) made_.edges.back().condition = condition(from.conditions[edge.condition]);
        }
        return ids;
    }

    Id copy(const Workflow& from, const Node& node, const std::string& id, Id scope) {
        const Id made_id = add_node(id, node.kind, node.place, scope);
        const auto constants_from = static_cast<std::uint32_t>(made_.constants.size());
        for (auto i = node.constants_from; i < node.constants_to; ++i) made_.constants.push_back({name(from, from.constants[i].port), from.constants[i].place, from.constants[i].bytes});
        Node& made = made_.nodes[made_id];
        made.constants_from = constants_from;
        made.constants_to = static_cast<std::uint32_t>(made_.constants.size());
        made.plugin = name(from, node.plugin);
        made.operation = name(from, node.operation);
        made.each = name(from, node.each);
        made.description = name(from, node.description);
        made.on_error = node.on_error;
        made.mode = node.mode;
        made.policy = policy_index(made_, from.policies[node.policy]);
        if (node.extras == 0) return made_id;
        NodeExtras& extras = own_extras(made_, made) = from.extras[node.extras];
        for (Use& use : extras.uses) use.resource = name(from, use.resource);
        return made_id;
    }
    /// Nodes that a node names are known now.
    void helpers(const Workflow& from, Id n, const std::vector<Ends>& ids) {
        const NodeExtras& extras = from.extras_of(n);
        if (extras.fallback == no_id && extras.compensate == no_id) return;
        NodeExtras& made = own_extras(made_, made_.nodes[ids[n].leave]);
        if (extras.fallback != no_id) made.fallback = ids[extras.fallback].leave;
        if (extras.compensate != no_id) made.compensate = ids[extras.compensate].leave;
    }

    /// What has the inputs of a body. @param around, node  What has the constants that are given to it; null for none.
    Id begin(const Workflow& from, const std::string& prefix, Id scope, Place at, const Workflow* around, const Node* node) {
        const Id made = add_node(prefix, NodeKind::scope, at, scope);
        const auto constants_from = made_.constants.size();
        for (auto i = node == nullptr ? 0 : node->constants_from; node != nullptr && i < node->constants_to; ++i) {
            made_.constants.push_back({name(*around, around->constants[i].port), around->constants[i].place, around->constants[i].bytes});
        }
        for (const InputDecl& input : from.inputs) {
            // What need not be given has a default, if only nothing.
            const Id port = made_.names.intern(input.name);
            const bool given = std::any_of(made_.constants.begin() + static_cast<std::ptrdiff_t>(constants_from), made_.constants.end(), [&](const Constant& constant) { return constant.port == port; });
            if (input.required || given) continue;
            made_.constants.push_back({port, input.place, made_.own(input.otherwise ? *input.otherwise : null_)});
        }
        made_.nodes[made].constants_to = static_cast<std::uint32_t>(made_.constants.size());
        return made;
    }

    Body body(const Workflow& from, const std::string& end_id, const std::string& prefix, Id scope, Place at, const Workflow* around = nullptr, const Node* node = nullptr) {
        Body made;
        made.begin = begin(from, prefix, scope, at, around, node);
        const auto ids = place(from, prefix, made.begin);
        if (full()) return made;
        made.end = add_node(end_id, NodeKind::gather, at, scope);
        add_edge(made.begin, made.end, EdgeKind::control, at);
        std::vector<bool> led(from.nodes.size(), false), leads(from.nodes.size(), false);
        for (const Edge& edge : from.edges) {
            led[edge.to] = true;
            if (edge.from != no_id && from.role(edge.to) < Role::compensation) leads[edge.from] = true;
        }
        for (Id n = 0; n < from.nodes.size(); ++n) {
            if (from.role(n) != Role::main) continue;
            if (!led[n]) add_edge(made.begin, ids[n].enter, EdgeKind::control, at);
            if (!leads[n]) add_edge(ids[n].leave, made.end, EdgeKind::control, at);
        }
        for (const OutputDecl& output : from.outputs) {
            Edge& edge = add_edge(output.node == no_id ? made.begin : ids[output.node].leave, made.end, EdgeKind::data, output.place);
            edge.from_port = output.node == no_id ? made_.names.intern(from.inputs[output.input].name) : name(from, output.port);
            edge.to_port = made_.names.intern(output.name);
        }
        return made;
    }

    /// Each round takes what the one before gave; what it did not give stays as it was.
    Ends rounds(const Workflow& from, Id n, const std::string& id, Id scope, bool given) {
        const Node& node = from.nodes[n];
        const NodeExtras& extras = from.extras_of(n);
        const Workflow& body = *from.body(n);
        const Expression& again = from.conditions[extras.again];
        std::vector<Body> all;
        for (std::uint32_t round = 1; round <= extras.rounds_max; ++round) {
            const std::string round_id = id + "/" + std::to_string(round);
            all.push_back(this->body(body, round_id, round_id + "/", scope, node.place, &from, given && round == 1 ? &node : nullptr));
            if (full()) return {};
            if (round == 1) continue;
            const Body& before = all[all.size() - 2];
            const Body& now = all.back();
            add_edge(before.end, now.begin, EdgeKind::conditional, node.place).condition = condition(again);
            for (const InputDecl& input : body.inputs) {
                const bool gives = std::any_of(body.outputs.begin(), body.outputs.end(), [&](const OutputDecl& output) { return output.name == input.name; });
                Edge& edge = add_edge(gives ? before.end : before.begin, now.begin, EdgeKind::data, node.place);
                edge.from_port = edge.to_port = made_.names.intern(input.name);
            }
        }
        const Id end = add_node(id, NodeKind::rounds, node.place, scope);
        for (const Body& round : all) add_edge(round.end, end, EdgeKind::control, node.place);
        NodeExtras& own = own_extras(made_, made_.nodes[end]);
        own.again = condition(again);
        own.takes_bound = extras.takes_bound;
        return {all.front().begin, end};
    }

    /// A sub-workflow or a loop, once. @param given  With the constants that stand in its node.
    Ends once(const Workflow& from, Id n, const std::string& id, Id scope, bool given) {
        const Node& node = from.nodes[n];
        if (node.kind == NodeKind::loop) return rounds(from, n, id, scope, given);
        const Body made = body(*from.body(n), id, id + "/", scope, node.place, &from, given ? &node : nullptr);
        return {made.begin, made.end};
    }

    /// As often as it may be tried: each attempt begins when the one before has failed.
    Ends tried(const Workflow& from, Id n, const std::string& id, Id scope, bool given) {
        const Node& node = from.nodes[n];
        const CallPolicy& policy = from.policies[node.policy];
        if (policy.retries_max == 0) return once(from, n, id, scope, given);
        std::vector<Ends> all;
        for (std::uint32_t attempt = 1; attempt <= policy.retries_max + 1; ++attempt) {
            const auto first = static_cast<Id>(made_.nodes.size());
            const Ends now = once(from, n, id + "/try-" + std::to_string(attempt), scope, given && attempt == 1);
            if (full()) return {};
            part(first, now.leave);
            if (attempt > 1) {
                CallPolicy backoff;
                backoff.backoff_ns = policy.backoff_ns;
                made_.nodes[now.enter].policy = policy_index(made_, backoff);
                NodeExtras& extras = own_extras(made_, made_.nodes[now.enter]);
                extras.attempt = attempt;
                extras.retry = from.extras_of(n).retry;
                add_edge(all.back().leave, now.enter, EdgeKind::after_failure, node.place);
                inputs(*from.body(n), all.front().enter, now.enter, node.place);
            }
            all.push_back(now);
        }
        const Id end = add_node(id, NodeKind::tries, node.place, scope);
        for (const Ends& attempt : all) add_edge(attempt.leave, end, EdgeKind::control, node.place);
        return {all.front().enter, end};
    }

    /// Once for each element that its list may have.
    Ends each(const Workflow& from, Id n, const std::string& id, Id scope) {
        const Node& node = from.nodes[n];
        const Workflow& body = *from.body(n);
        const Id port = name(from, node.each);
        const std::uint32_t parallel = from.policies[node.policy].parallel_max;
        const Id list = begin(body, id + "/", scope, node.place, &from, &node);
        made_.nodes[list].each = port;
        own_extras(made_, made_.nodes[list]).elements_max = from.extras_of(n).elements_max;
        std::vector<Ends> all;
        for (std::uint32_t element = 1; element <= from.extras_of(n).elements_max; ++element) {
            const auto first = static_cast<Id>(made_.nodes.size());
            const Ends now = tried(from, n, id + "/" + std::to_string(element), scope, false);
            if (full()) return {};
            part(first, now.leave);
            made_.nodes[now.enter].each = port;
            own_extras(made_, made_.nodes[now.enter]).element = element;
            inputs(body, list, now.enter, node.place);
            if (parallel != 0 && element > parallel) add_edge(all[element - parallel - 1].leave, now.enter, EdgeKind::after_end, node.place);
            all.push_back(now);
        }
        const Id end = add_node(id, NodeKind::elements, node.place, scope);
        made_.nodes[end].each = port;
        add_edge(list, end, EdgeKind::control, node.place);
        for (const Ends& element : all) add_edge(element.leave, end, EdgeKind::control, node.place);
        return {list, end};
    }

    /// What stands for a sub-workflow or a loop, with everything that its node says.
    Ends composite(const Workflow& from, Id n, const std::string& id, Id scope) {
        const Node& node = from.nodes[n];
        const NodeExtras& extras = from.extras_of(n);
        const auto first = static_cast<Id>(made_.nodes.size());
        const Ends made = node.each != 0 ? each(from, n, id, scope) : tried(from, n, id, scope, true);
        if (full()) return {};
        made_.nodes[made.leave].on_error = node.on_error;
        made_.nodes[made.leave].description = name(from, node.description);
        if (!extras.otherwise.is_null()) own_extras(made_, made_.nodes[made.leave]).otherwise = extras.otherwise;
        if (!extras.fallback_outputs.is_null()) own_extras(made_, made_.nodes[made.leave]).fallback_outputs = extras.fallback_outputs;
        const bool sees_to_failures = node.each != 0 || node.on_error != OnError::fail || from.policies[node.policy].retries_max != 0 || extras.fallback != no_id || !extras.fallback_outputs.is_null();
        if (sees_to_failures) guard(first, made.leave);
        return made;
    }

    /// All inputs of a body from one scope to another.
    void inputs(const Workflow& body, Id from, Id to, Place at) {
        for (const InputDecl& input : body.inputs) {
            Edge& edge = add_edge(from, to, EdgeKind::data, at);
            edge.from_port = edge.to_port = made_.names.intern(input.name);
        }
    }
    /// Failures of the nodes from `first` on are for `end`, but those that others see to.
    void guard(Id first, Id end) {
        for (Id n = first; n < made_.nodes.size(); ++n) {
            if (n != end && made_.guards[n] == no_id) made_.guards[n] = end;
        }
    }
    void part(Id first, Id end) {
        guard(first, end);
        own_extras(made_, made_.nodes[end]).part = true;
    }

    const std::size_t nodes_max_, edges_max_;
    Workflow made_;
    std::unordered_set<const Workflow*> placed_;
    const Value null_ = ValueBuilder().null().build();
    Id too_many_ = no_id;
};

} // namespace

// Recursive, workflow_depth_max deep.
bool has_bodies(const Workflow& workflow) noexcept {
    const auto lacks = [](const NodeExtras& extras) { return extras.file != 0 && extras.body == no_id; };
    if (std::any_of(workflow.extras.begin(), workflow.extras.end(), lacks)) return false;
    return !workflow.bodies.empty() && std::all_of(workflow.bodies.begin(), workflow.bodies.end(), [](const auto& body) {
        return has_bodies(*body) || std::none_of(body->nodes.begin(), body->nodes.end(), [](const Node& node) { return node.kind == NodeKind::workflow || node.kind == NodeKind::loop; });
    });
}

std::optional<Workflow> expand(const Workflow& workflow, std::size_t nodes_max, std::size_t edges_max, Findings& findings) {
    return Expander(nodes_max, edges_max).run(workflow, findings);
}

} // namespace symphony::tracker
