// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"
#include "model.hpp"

#include <unordered_map>
#include <vector>

namespace symphony::tracker {

/// What nodes that call the same operation in the same way have in common, with their ports as numbers of Workflow::names.
struct Signature {
    struct Port {
        Id name = 0;
        Type type;  // of the node's input or output: a list where it runs `each`
    };
    static constexpr std::size_t inputs_max = 63;

    const Provider* provider = nullptr;        // null: there is none, or none that fits
    const OperationSpec* operation = nullptr;  // null: not known
    Id plugin = 0;                             // as the nodes write it
    const PluginPin* pin = nullptr;            // what [plugins] asks of it
    bool version_differs = false;              // the provider is there, but not in the version of `pin`
    bool plain = false;                        // usable, known, at most inputs_max inputs: quick_check can look at it
    std::vector<Port> inputs;                  // bit i of a set of inputs is inputs[i]
    std::vector<Port> outputs;                 // but `items`, whose type is that of what comes in
    std::uint64_t required = 0;                // set of the inputs that must be given
    std::uint64_t each = 0;                    // set of the one that `each` names
};

/// The signatures of a workflow's nodes; few, however many nodes there are.
struct Bindings {
    std::vector<Signature> signatures;
    std::vector<Id> of_node;  // index into `signatures`; no_id for control nodes and where the parser left a gap

    const Signature* of(Id node) const noexcept { return of_node[node] == no_id ? nullptr : &signatures[of_node[node]]; }
};

/// Looks every plugin and operation up once. `catalogue` and `workflow` outlive the result.
Bindings bind(const Workflow& workflow, const Catalogue& catalogue);

} // namespace symphony::tracker
