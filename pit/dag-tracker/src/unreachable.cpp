// SPDX-License-Identifier: Apache-2.0
#include "unreachable.hpp"

#include <algorithm>
#include <unordered_map>

namespace symphony::tracker {
namespace {

class Reach {
public:
    Reach(const Workflow& workflow, Findings& findings, const std::function<Type(const Edge&)>& type_of, const std::function<bool(const Edge&)>& is_required)
        : workflow_(workflow), findings_(findings), type_of_(type_of), is_required_(is_required) {}

    void run() {
        if (workflow_.conditions.empty()) return;
        conditions();
        if (std::find(closed_.begin(), closed_.end(), true) == closed_.end()) return;
        dead_.assign(workflow_.nodes.size(), false);
        for (const Id n : workflow_.order) node(n);
        for (const auto& output : workflow_.outputs) {
            if (output.node != no_id && dead_[output.node]) {
                findings_.warning("unreachable", "output " + shown(output.name) + " is never made: node " + shown(workflow_.node_name(output.node)) + " can never run", output.place);
            }
        }
    }

private:
    std::uint64_t source(const Edge& edge) const { return std::uint64_t{edge.from} << 32 | edge.from_port; }
    std::string words(const Edge& edge) const {
        const std::string from = edge.from == no_id ? "$inputs." + workflow_.inputs[edge.input].name : std::string(workflow_.node_name(edge.from));
        return from + " -> " + std::string(workflow_.node_name(edge.to));
    }

    void conditions() {
        const auto& edges = workflow_.edges;
        closed_.assign(edges.size(), false);
        std::unordered_map<std::uint64_t, bool> always;  // source -> one of its conditions always holds
        for (Id e = 0; e < edges.size(); ++e) {
            const Edge& edge = edges[e];
            if (edge.condition == no_id || workflow_.conditions[edge.condition].is_else()) continue;
            const auto outcome = workflow_.conditions[edge.condition].outcome(type_of_(edge));
            if (!outcome.can_fail && edge.from != no_id) always[source(edge)] = true;
            if (outcome.can_hold) continue;
            closed_[e] = true;
            findings_.warning("never-holds", "the condition " + shown(workflow_.conditions[edge.condition].text()) + " of " + words(edge) + " can never hold", edge.place,
                              "correct it, or remove the edge");
        }
        for (Id e = 0; e < edges.size(); ++e) {
            const Edge& edge = edges[e];
            if (edge.condition == no_id || !workflow_.conditions[edge.condition].is_else() || !always.contains(source(edge))) continue;
            closed_[e] = true;
            findings_.warning("never-holds", "\"else\" of " + words(edge) + " can never hold: another condition of the same output always does", edge.place, "correct the other one");
        }
    }

    void node(Id n) {
        const bool merge = workflow_.nodes[n].kind == NodeKind::merge;
        if (workflow_.extras_of(n).quorum != 0) return;  // it needs none of them in particular
        bool fed = false, carries = false;
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1] && !dead_[n]; ++i) {
            const Id e = workflow_.in_edges[i];
            const Edge& edge = workflow_.edges[e];
            const bool dead_source = edge.from != no_id && dead_[edge.from];
            carries = carries || edge.carries();
            fed = fed || (edge.carries() && !closed_[e] && !dead_source);
            if (merge) continue;
            // A condition that fails skips its node, and so does a node that is skipped, but where its value may be missing.
            const bool needed = !edge.carries() || is_required_(edge);
            if (closed_[e] || (dead_source && needed)) dead_[n] = true;
        }
        if (merge && carries && !fed) dead_[n] = true;
        if (!dead_[n]) return;
        // What it gives when it is skipped is there.
        if (!workflow_.extras_of(n).otherwise.is_null()) dead_[n] = false;
        findings_.warning("unreachable", merge ? "merge " + shown(workflow_.node_name(n)) + " is never fed: none of its inputs can have a value"
                                               : "node " + shown(workflow_.node_name(n)) + " can never run", workflow_.nodes[n].place);
    }

    const Workflow& workflow_;
    Findings& findings_;
    const std::function<Type(const Edge&)>& type_of_;
    const std::function<bool(const Edge&)>& is_required_;
    std::vector<bool> closed_;  // edges whose condition never holds
    std::vector<bool> dead_;    // nodes that never run
};

} // namespace

void find_unreachable(const Workflow& workflow, Findings& findings, const std::function<Type(const Edge&)>& type_of, const std::function<bool(const Edge&)>& is_required) {
    Reach(workflow, findings, type_of, is_required).run();
}

} // namespace symphony::tracker
