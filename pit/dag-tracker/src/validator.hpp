// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bindings.hpp"
#include "validate.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace symphony::tracker {

/// The type that takes both.
Type joined(Type a, Type b);

/// One check of a workflow. Its parts: validate (the whole, plugins, inputs and outputs), validate_cycles, validate_nodes, validate_types (what a node gives
/// and takes).
class Validator {
public:
    Validator(const Workflow& workflow, const Catalogue& catalogue, const Limits& limits, Findings& findings,
              const std::function<std::uint64_t()>& now_ns, const CheckOptions& options)
        : workflow_(workflow), catalogue_(catalogue), limits_(limits), findings_(findings), now_ns_(now_ns), options_(options),
          started_ns_(now_ns()) {}

    /// The types of a body's outputs, for its node; after run().
    std::vector<Type> output_types();

    Binding run();

private:
    void error(std::string_view reason, std::string message, Place place, std::string hint = {}) {
        findings_.error(reason, std::move(message), place, std::move(hint));
    }

    /// Looks at the clock every 256 steps.
    bool in_time(std::size_t steps = 1);

    /// The nodes that quick_check() did not say yes to, and control nodes, whose types come from before them.
    void look_closely(const std::vector<bool>& good);

    std::string name(Id node) const { return shown(workflow_.node_name(node)); }

    /// What is wrong with the plugins and operations that nodes call. Each node is named, but a plugin of another version once.
    void bind_faults();

    void other_version(const Signature& signature);

    void bind_fault(Id n);

    void missing(const Node& node, bool instrument, std::string_view plugin, const PluginPin* pin);

    // ---- cycles ----

    /// Tarjan 1972 with an explicit stack, over the nodes Kahn could not place; of each knot one shortest cycle is named.
    void cycles();

    bool loops(Id n) const;

    /// Breadth first from `root` within its component until an edge leads back.
    void name_cycle(Id root, const std::vector<std::uint32_t>& component);

    void report_cycle(Id root, Id last, const std::unordered_map<Id, Id>& came);

    // ---- ports and types ----

    Type input_type(const InputDecl& input) const { return input.type; }

    /// The type of what `edge` carries, or nothing when its source is not known (then that is reported already).
    std::optional<Type> source_type(const Edge& edge, bool report);

    std::optional<Type> output_type(Id n, Id port, Place place, bool report);

    const Edge* edge_into(Id n, Id port) const;

    /// The type of the list that a node runs `each` of. It may be the `items` of another node, and so on: the way there is
    /// walked once, and ends where it comes back to itself.
    Type items_type(Id n);

    void node(Id n);

    bool is_output(Id n);

    void check_else(const Edge& edge);

    void branch(Id n);

    /// A node that gives the one value that it is given.
    bool passes(Id n);

    /// A body is checked like a workflow; what is wrong in a file of its own is told with its name.
    void check_body(Id n);

    std::optional<Type> body_output(Id n, std::string_view port, Place place, bool report);

    /// Of the list that a sub-workflow is run for each element of.
    Type list_type(Id n);

    void body_node(Id n);

    /// What one round of a loop gives is what the next one takes.
    void carried(Id n, const Workflow& body);

    void wait(Id n);

    /// Several, under names of one's own. @return The type that takes all of them, nothing without any.
    std::optional<Type> gathered(Id n);
    void tell_twice(Id n, std::vector<Id> ports);

    void join(Id n);

    const Edge* first_input(Id n) const;

    void merge(Id n);

    template <class Visit>
    void for_inputs(Id n, Visit visit) {
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            if (edge.carries()) visit(edge);
        }
    }

    std::string source_name(const Edge& edge) const;
    std::string target_name(Id n, Id port) const;
    void two_sources(Id n, const Edge& edge);

    void plugin_node(Id n);

    const PortSpec* input_spec(Id n, Id port, Place place);

    bool give(Id port);
    bool contains(Id port) const { return given_[port] == giving_; }

    /// Whether a node does not run without what this edge carries.
    bool is_required(const Edge& edge);

    void check_output(const OutputDecl& output);

    void check_inputs();

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

} // namespace symphony::tracker
