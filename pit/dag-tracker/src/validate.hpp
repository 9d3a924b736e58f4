// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"
#include "document.hpp"
#include "model.hpp"

#include <functional>

namespace symphony::tracker {

/// What validation found out about a workflow's nodes; indices are those of Workflow::nodes.
struct Binding {
    std::vector<const Provider*> providers;        // null for control nodes and where there is none
    std::vector<const OperationSpec*> operations;  // null where not known
};

/// What a person may ask of the check.
struct CheckOptions {
    bool any_versions = false;  ///< other versions of plugins than [plugins] names are told and accepted
    bool closely = false;       ///< every node is looked at the long way, also where the short one has answered; finds the same
};

/// Finds every fault that can be known without running: cycles (named), types, ports, providers, inputs, orphans.
/// Iterative, in time proportional to nodes and edges. `workflow` must be compiled. `catalogue` outlives the binding.
/// @param now_ns  Monotonic clock, for `Limits::check_ns_max`; past it the rest is not looked at and that is an error.
Binding validate(const Workflow& workflow, const Catalogue& catalogue, const Limits& limits, Findings& findings,
                 const std::function<std::uint64_t()>& now_ns, const CheckOptions& options = {});

/// The providers of a workflow whose parts have been validated. `catalogue` outlives the binding.
Binding bind_expanded(const Workflow& workflow, const Catalogue& catalogue);

/// Whether a value can be what a type says, all the way down. The answer names the first part that is not.
Status value_fits(ValueView value, Type type);

} // namespace symphony::tracker
