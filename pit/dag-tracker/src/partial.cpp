// SPDX-License-Identifier: Apache-2.0
#include "partial.hpp"

#include "report.hpp"

#include <unordered_map>

namespace symphony::tracker {
namespace {

/// Nodes that follow from others: nothing outside, no time.
bool is_derived(NodeKind kind) noexcept { return !calls_plugin(kind) && kind != NodeKind::delay && kind != NodeKind::wait; }

class Partial {
public:
    Partial(const Workflow& workflow, const PartialRun& asked) : workflow_(workflow), asked_(asked) {
        for (Id n = 0; n < workflow.nodes.size(); ++n) ids_.emplace(workflow.node_name(n), n);
    }

    Result<KnownSteps> run() {
        for (const auto& [name, end] : asked_.pinned) made_.ends.insert_or_assign(SYMPHONY_TRY(node(name)), end);
        if (!asked_.only.empty()) SYMPHONY_TRY(only());
        else if (!asked_.from.empty()) SYMPHONY_TRY(from());
        return std::move(made_);
    }

private:
    Result<Id> node(const std::string& name) const {
        if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
        std::vector<std::string_view> known;
        for (const auto& [id, n] : ids_) known.push_back(id);
        return Error(Code::not_found, "no-such-node", "the workflow has no node " + shown(name), meant(name, known, "nodes"));
    }
    /// What the earlier run knows of a node, when nothing is pinned.
    void take(Id n) {
        const auto before = asked_.earlier.find(std::string(workflow_.node_name(n)));
        if (before != asked_.earlier.end()) made_.ends.try_emplace(n, before->second);
    }

    Status from() {
        std::vector<bool> behind(workflow_.nodes.size(), false);
        std::vector<Id> way{SYMPHONY_TRY(node(asked_.from))};
        behind[way.front()] = true;
        const auto reach = [&](Id n) {
            if (n == no_id || behind[n]) return;
            behind[n] = true;
            way.push_back(n);
        };
        for (std::size_t k = 0; k < way.size(); ++k) {
            const Id n = way[k];
            for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) reach(workflow_.edges[workflow_.out_edges[i]].to);
            reach(workflow_.extras_of(n).fallback);
            // What it gives is what the node that it stands in for gives.
            if (!workflow_.stands_in.empty()) reach(workflow_.stands_in[n]);
        }
        for (Id n = 0; n < workflow_.nodes.size(); ++n) {
            if (!behind[n] && workflow_.role(n) < Role::compensation) take(n);
        }
        return {};
    }

    /// The node, and of what it reads that which only follows from what is known.
    Status only() {
        const Id wanted = SYMPHONY_TRY(node(asked_.only));
        if (workflow_.role(wanted) >= Role::compensation) {
            return Error(Code::invalid_argument, "usage", "node " + shown(asked_.only) + " runs when a run ends, not alone", "name one that does not undo or close");
        }
        made_.ends.erase(wanted);
        made_.left_out.assign(workflow_.nodes.size(), true);
        made_.left_out[wanted] = false;
        std::vector<Id> way{wanted};
        for (std::size_t k = 0; k < way.size(); ++k) {
            for (auto i = workflow_.in_offsets[way[k]]; i < workflow_.in_offsets[way[k] + 1]; ++i) {
                const Id before = workflow_.edges[workflow_.in_edges[i]].from;
                if (before == no_id || !made_.left_out[before]) continue;
                made_.left_out[before] = false;
                take(before);
                if (made_.ends.contains(before)) continue;
                if (!is_derived(workflow_.nodes[before].kind)) {
                    const std::string name(workflow_.node_name(before));
                    return Error(Code::invalid_argument, "not-known", "node " + shown(asked_.only) + " needs " + shown(name) + ", and what that gives is not known",
                                 "--pin '" + name + "={…}' gives its outputs, --of RUN takes them from a run");
                }
                way.push_back(before);
            }
        }
        return {};
    }

    const Workflow& workflow_;
    const PartialRun& asked_;
    std::unordered_map<std::string_view, Id> ids_;
    KnownSteps made_;
};

} // namespace

Result<KnownSteps> partial_run(const Workflow& workflow, const PartialRun& asked) { return Partial(workflow, asked).run(); }

} // namespace symphony::tracker
