// SPDX-License-Identifier: Apache-2.0
#include "validate.hpp"

#include "bindings.hpp"
#include "check_extras.hpp"
#include "quick_check.hpp"
#include "unreachable.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace symphony::tracker {
namespace {

/// The type that takes both.
Type joined(Type a, Type b) {
    if (manifests::fit(a.as_optional(false), b.as_optional(false)) == manifests::Fit::always) return a;
    if (manifests::fit(b.as_optional(false), a.as_optional(false)) == manifests::Fit::always) return b;
    return Type();
}

class Validator {
public:
    Validator(const Workflow& workflow, const Catalogue& catalogue, const Limits& limits, Findings& findings,
              const std::function<std::uint64_t()>& now_ns, const CheckOptions& options)
        : workflow_(workflow), catalogue_(catalogue), limits_(limits), findings_(findings), now_ns_(now_ns), options_(options),
          started_ns_(now_ns()) {}

    /// The types of a body's outputs, for its node; after run().
    std::vector<Type> output_types() {
        std::vector<Type> types;
        for (const auto& output : workflow_.outputs) {
            const auto source = output.node == no_id ? std::optional(workflow_.inputs[output.input].type) : output_type(output.node, output.port, output.place, false);
            types.push_back(output.type ? *output.type : source.value_or(Type()));
        }
        return types;
    }

    Binding run() {
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

private:
    void error(std::string_view reason, std::string message, Place place, std::string hint = {}) {
        findings_.error(reason, std::move(message), place, std::move(hint));
    }

    /// Looks at the clock every 256 steps.
    bool in_time(std::size_t steps = 1) {
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

    /// The nodes that quick_check() did not say yes to, and control nodes, whose types come from before them.
    void look_closely(const std::vector<bool>& good) {
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

    std::string name(Id node) const { return shown(workflow_.node_name(node)); }

    /// What is wrong with the plugins and operations that nodes call. Each node is named, but a plugin of another version once.
    void bind_faults() {
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

    void other_version(const Signature& signature) {
        const PluginPin& pin = *signature.pin;
        if (std::find(told_pins_.begin(), told_pins_.end(), &pin) != told_pins_.end()) return;
        told_pins_.push_back(&pin);
        std::string message = "plugin " + shown(pin.plugin) + " is " + signature.provider->version + ", the workflow was made with " + pin.requirement;
        if (options_.any_versions) findings_.warning("plugin-version", std::move(message), pin.place, "what it does may differ");
        else error("plugin-version", std::move(message), pin.place, "symphony install " + pin.plugin + "@" + pin.requirement + ", or change [plugins] when the workflow works with it");
    }

    void bind_fault(Id n) {
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

    void missing(const Node& node, bool instrument, std::string_view plugin, const PluginPin* pin) {
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

    // ---- cycles ----

    /// Tarjan 1972 with an explicit stack, over the nodes Kahn could not place; of each knot one shortest cycle is named.
    void cycles() {
        const std::size_t nodes = workflow_.nodes.size();
        std::vector<std::uint32_t> index(nodes, 0), low(nodes, 0), component(nodes, no_id);
        std::vector<bool> placed(nodes, false), on_stack(nodes, false);
        for (const Id n : workflow_.order) placed[n] = true;
        struct Frame {
            Id node;
            std::uint32_t next;
        };
        std::vector<Frame> frames;
        std::vector<Id> stack;
        std::uint32_t counter = 0;
        std::uint32_t components = 0;
        std::vector<Id> roots;
        for (Id start = 0; start < nodes; ++start) {
            if (placed[start] || index[start] != 0) continue;
            frames.push_back({start, workflow_.out_offsets[start]});
            index[start] = low[start] = ++counter;
            stack.push_back(start);
            on_stack[start] = true;
            while (!frames.empty()) {
                Frame& frame = frames.back();
                const Id n = frame.node;
                if (frame.next < workflow_.out_offsets[n + 1]) {
                    const Id to = workflow_.edges[workflow_.out_edges[frame.next++]].to;
                    if (to == no_id || placed[to]) continue;
                    if (index[to] == 0) {
                        index[to] = low[to] = ++counter;
                        stack.push_back(to);
                        on_stack[to] = true;
                        frames.push_back({to, workflow_.out_offsets[to]});
                    } else if (on_stack[to]) {
                        low[n] = std::min(low[n], index[to]);
                    }
                    continue;
                }
                frames.pop_back();
                if (!frames.empty()) low[frames.back().node] = std::min(low[frames.back().node], low[n]);
                if (low[n] != index[n]) continue;
                Id least = n;
                std::size_t size = 0;
                for (Id popped = no_id; popped != n; ++size) {
                    popped = stack.back();
                    stack.pop_back();
                    on_stack[popped] = false;
                    component[popped] = components;
                    least = std::min(least, popped);
                }
                ++components;
                if (size > 1 || loops(n)) roots.push_back(least);
            }
        }
        std::sort(roots.begin(), roots.end());
        for (const Id root : roots) name_cycle(root, component);
    }

    bool loops(Id n) const {
        for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) {
            if (workflow_.edges[workflow_.out_edges[i]].to == n) return true;
        }
        return false;
    }

    /// Breadth first from `root` within its component until an edge leads back.
    void name_cycle(Id root, const std::vector<std::uint32_t>& component) {
        std::unordered_map<Id, Id> came;  // node -> edge
        std::vector<Id> queue{root};
        for (std::size_t k = 0; k < queue.size(); ++k) {
            const Id n = queue[k];
            for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) {
                const Id e = workflow_.out_edges[i];
                const Id to = workflow_.edges[e].to;
                if (to == no_id || component[to] != component[root]) continue;
                if (to == root) {
                    report_cycle(root, e, came);
                    return;
                }
                if (came.emplace(to, e).second) queue.push_back(to);
            }
        }
    }

    void report_cycle(Id root, Id last, const std::unordered_map<Id, Id>& came) {
        std::vector<Id> path;
        for (Id n = workflow_.edges[last].from; n != root; n = workflow_.edges[came.at(n)].from) path.push_back(n);
        path.push_back(root);
        std::reverse(path.begin(), path.end());
        constexpr std::size_t named_max = 12;
        std::string text;
        for (std::size_t i = 0; i < path.size(); ++i) {
            if (i == named_max && path.size() > named_max + 1) {
                text += "… (" + std::to_string(path.size() - named_max) + " more) -> ";
                break;
            }
            text += std::string(workflow_.node_name(path[i])) + " -> ";
        }
        text += workflow_.node_name(root);
        error("cycle", "the nodes wait for each other: " + text, workflow_.edges[last].place, "remove one of these edges; work in rounds belongs into `each` or into the operation");
    }

    // ---- ports and types ----

    Type input_type(const InputDecl& input) const { return input.type; }

    /// The type of what `edge` carries, or nothing when its source is not known (then that is reported already).
    std::optional<Type> source_type(const Edge& edge, bool report) {
        if (edge.from == no_id) return workflow_.inputs[edge.input].type;
        return output_type(edge.from, edge.from_port, edge.place, report);
    }

    std::optional<Type> output_type(Id n, Id port, Place place, bool report) {
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

    const Edge* edge_into(Id n, Id port) const {
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            if (edge.to_port == port) return &edge;
        }
        return nullptr;
    }

    /// The type of the list that a node runs `each` of. It may be the `items` of another node, and so on: the way there is
    /// walked once, and ends where it comes back to itself.
    Type items_type(Id n) {
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

    void node(Id n) {
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

    bool is_output(Id n) {
        if (!outputs_listed_) {
            for (const auto& output : workflow_.outputs) {
                if (output.node != no_id) output_nodes_.insert({output.node, true});
            }
            outputs_listed_ = true;
        }
        return output_nodes_.contains(n);
    }

    void check_else(const Edge& edge) {
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

    void branch(Id n) {
        if (!passes(n)) error("missing-input", "branch " + name(n) + " has no input \"value\"", workflow_.nodes[n].place, "inputs = { value = \"node.port\" }");
    }

    /// A node that gives the one value that it is given.
    bool passes(Id n) {
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

    /// A body is checked like a workflow; what is wrong in a file of its own is told with its name.
    void check_body(Id n) {
        const Workflow& body = *workflow_.body(n);
        Findings own(body.file);
        Validator inner(body, catalogue_, limits_, own, now_ns_, options_);
        inner.outer_ = outer_ == nullptr ? &workflow_ : outer_;
        inner.binding_ = inner.run();  // the types of its outputs are asked behind it
        body_types_[n] = inner.output_types();
        for (auto& found : own.take()) findings_.add(std::move(found));
    }

    std::optional<Type> body_output(Id n, std::string_view port, Place place, bool report) {
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

    /// Of the list that a sub-workflow is run for each element of.
    Type list_type(Id n) {
        const Edge* edge = edge_into(n, workflow_.nodes[n].each);
        const Type list(Type::Kind::list);
        if (edge == nullptr) return list;
        // What comes from another node that gives on what it was given is a list all the same.
        const bool passed_on = edge->from != no_id && workflow_.nodes[edge->from].each != 0 && workflow_.names[edge->from_port] == "items";
        const auto type = passed_on ? std::nullopt : source_type(*edge, false);
        return type && type->kind() == Type::Kind::list ? type->as_optional(false) : list;
    }

    void body_node(Id n) {
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

    /// What one round of a loop gives is what the next one takes.
    void carried(Id n, const Workflow& body) {
        for (std::size_t o = 0; o < body.outputs.size(); ++o) {
            const auto input = std::find_if(body.inputs.begin(), body.inputs.end(), [&](const InputDecl& each) { return each.name == body.outputs[o].name; });
            if (input == body.inputs.end() || manifests::accepts(input->type, body_types_[n][o].as_optional(false))) continue;
            error("type-mismatch", "loop " + name(n) + ": a round gives " + shown(input->name) + " as " + body_types_[n][o].text() + ", the next one takes " + input->type.text(), body.outputs[o].place);
        }
    }

    void wait(Id n) {
        for_inputs(n, [&](const Edge& edge) {
            error("unknown-port", "wait " + name(n) + " has no input " + shown(workflow_.names[edge.to_port]), edge.place, "what it gives comes from outside; `after` says when it waits");
        });
        control_types_[n] = workflow_.extras_of(n).expects.as_optional(false);
    }

    /// Several, under names of one's own. @return The type that takes all of them, nothing without any.
    std::optional<Type> gathered(Id n) {
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
    void tell_twice(Id n, std::vector<Id> ports) {
        std::sort(ports.begin(), ports.end());
        const auto twice = std::adjacent_find(ports.begin(), ports.end());
        if (twice == ports.end()) return;
        for_inputs(n, [&, seen = false](const Edge& edge) mutable {
            if (edge.to_port != *twice) return;
            if (seen) two_sources(n, edge);
            seen = true;
        });
    }

    void join(Id n) {
        control_types_[n] = Type::map_of(gathered(n).value_or(Type()));
        if (workflow_.in_offsets[n] == workflow_.in_offsets[n + 1]) {
            error("missing-input", "join " + name(n) + " waits for nothing", workflow_.nodes[n].place, "after = [\"node\", …], or inputs = { a = \"node.port\" }");
        }
    }

    const Edge* first_input(Id n) const {
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            if (edge.carries()) return &edge;
        }
        return nullptr;
    }

    void merge(Id n) {
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

    template <class Visit>
    void for_inputs(Id n, Visit visit) {
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            if (edge.carries()) visit(edge);
        }
    }

    std::string source_name(const Edge& edge) const {
        if (edge.from == no_id) return "\"$inputs." + workflow_.inputs[edge.input].name + '"';
        return shown(std::string(workflow_.node_name(edge.from)) + "." + std::string(workflow_.names[edge.from_port]));
    }
    std::string target_name(Id n, Id port) const {
        return shown(std::string(workflow_.node_name(n)) + "." + std::string(workflow_.names[port]));
    }
    void two_sources(Id n, const Edge& edge) {
        error("two-sources", target_name(n, edge.to_port) + " gets its value twice", edge.place, "join several values with a merge node");
    }

    void plugin_node(Id n) {
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

    const PortSpec* input_spec(Id n, Id port, Place place) {
        const auto* operation = binding_.operations[n];
        const auto* spec = operation->input(workflow_.names[port]);
        if (spec == nullptr) {
            std::vector<std::string_view> known;
            for (const auto& each : operation->inputs) known.push_back(each.name);
            error("unknown-port", name(n) + " (" + std::string(workflow_.names[workflow_.nodes[n].plugin]) + "." + operation->name + ") has no input " + shown(workflow_.names[port]), place, meant(workflow_.names[port], known, "inputs"));
        }
        return spec;
    }

    bool give(Id port) {
        if (contains(port)) return false;
        given_[port] = giving_;
        return true;
    }
    bool contains(Id port) const { return given_[port] == giving_; }

    /// Whether a node does not run without what this edge carries.
    bool is_required(const Edge& edge) {
        const Node& node = workflow_.nodes[edge.to];
        if (!calls_plugin(node.kind) || edge.to_port == node.each) return node.kind != NodeKind::merge && node.kind < NodeKind::workflow;
        const auto* operation = binding_.operations[edge.to];
        const auto* spec = operation == nullptr ? nullptr : operation->input(workflow_.names[edge.to_port]);
        return spec != nullptr && !spec->type.optional();
    }

    void check_output(const OutputDecl& output) {
        const auto type = output.node == no_id ? std::optional(workflow_.inputs[output.input].type)
                                               : output_type(output.node, output.port, output.place, true);
        if (!type || !output.type || manifests::accepts(*output.type, type->as_optional(false))) return;
        error("type-mismatch", "output " + shown(output.name) + " is declared " + output.type->text() + ", its source is " + type->text(), output.place);
    }

    void check_inputs() {
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

    const Workflow* outer_ = nullptr;  // of a body: the workflow that it is in
    const Workflow& workflow_;
    const Catalogue& catalogue_;
    const Limits& limits_;
    Findings& findings_;
    const std::function<std::uint64_t()>& now_ns_;
    const CheckOptions& options_;
    std::uint64_t started_ns_;
    std::size_t steps_ = 0;
    bool late_ = false;
    Bindings bindings_;
    Binding binding_;
    std::vector<Type> control_types_;
    std::unordered_map<Id, std::vector<Type>> body_types_;  // of the outputs of sub-workflows and loops
    std::vector<std::optional<Type>> items_types_;  // of nodes with `each`, where it was asked for
    std::vector<Id> given_;  // of each name the latest node that got a value under it
    Id giving_ = no_id;
    std::vector<const PluginPin*> told_pins_;
    std::unordered_map<Id, bool> output_nodes_;
    std::unordered_map<std::uint64_t, std::pair<unsigned, unsigned>> conditionals_;
    bool outputs_listed_ = false;
    bool elses_listed_ = false;
};

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
