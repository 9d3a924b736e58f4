// SPDX-License-Identifier: Apache-2.0
#include "partial.hpp"

#include "report.hpp"

#include <unordered_map>

namespace symphony::tracker {
namespace {

/// Nodes that follow from others: nothing outside, no time.
bool is_derived(NodeKind kind) noexcept { return !calls_plugin(kind) && kind != NodeKind::delay && kind != NodeKind::wait; }

bool is_end_of_body(NodeKind kind) noexcept { return kind == NodeKind::gather || kind == NodeKind::rounds || kind == NodeKind::tries || kind == NodeKind::elements; }

class Partial {
public:
    Partial(const Workflow& workflow, const PartialRun& asked) : workflow_(workflow), asked_(asked), on_record_(workflow.nodes.size(), false) {
        for (Id n = 0; n < workflow.nodes.size(); ++n) ids_.emplace(workflow.node_name(n), n);
        for (const Id guard : workflow.guards) {
            if (guard != no_id && !workflow.extras_of(guard).part) on_record_[guard] = true;
        }
    }

    Result<KnownSteps> run() {
        for (const auto& [name, end] : asked_.pinned) made_.ends.insert_or_assign(SYMPHONY_TRY(node(name)), end);
        if (!asked_.only.empty()) SYMPHONY_TRY(only());
        else if (!asked_.from.empty()) SYMPHONY_TRY(from());
        leave_out_what_is_in_known();
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
    void leave_out(Id n) {
        made_.left_out.resize(workflow_.nodes.size(), false);
        made_.left_out[n] = true;
    }

    /// The sub-workflow, loop, round, element or attempt that a name of an expanded node is in, the innermost first; no_id behind the last.
    Id around(std::string_view& name) const {
        while (true) {
            const auto slash = name.rfind('/');
            if (slash == std::string_view::npos) return no_id;
            name = name.substr(0, slash);
            const auto found = ids_.find(name);
            if (found != ids_.end() && is_end_of_body(workflow_.nodes[found->second].kind)) return found->second;
        }
    }
    bool is_in(Id n, Id body) const {
        const std::string_view name = workflow_.node_name(n), outer = workflow_.node_name(body);
        return is_end_of_body(workflow_.nodes[body].kind) && name.size() > outer.size() && name[outer.size()] == '/' && name.starts_with(outer);
    }
    Status not_in_pinned(Id n) const {
        std::string_view name = workflow_.node_name(n);
        for (Id body = around(name); body != no_id; body = around(name)) {
            if (!made_.ends.contains(body)) continue;
            return Error(Code::invalid_argument, "usage", "node " + shown(workflow_.node_name(n)) + " is in " + shown(workflow_.node_name(body)) + ", which is pinned and not run",
                         "pin what the node reads instead");
        }
        return {};
    }

    Status from() {
        const Id first = SYMPHONY_TRY(node(asked_.from));
        SYMPHONY_TRY(not_in_pinned(first));
        std::vector<bool> behind(workflow_.nodes.size(), false);
        std::vector<Id> way;
        const auto reach = [&](Id n) {
            if (n == no_id || behind[n]) return;
            behind[n] = true;
            way.push_back(n);
        };
        reach(first);
        for (Id n = 0; n < workflow_.nodes.size(); ++n) {
            if (is_in(n, first)) reach(n);
        }
        for (std::size_t k = 0; k < way.size(); ++k) {
            const Id n = way[k];
            for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) {
                const Edge& edge = workflow_.edges[workflow_.out_edges[i]];
                if (edge.kind != EdgeKind::after_end) reach(edge.to);  // the next element has nothing of this one
            }
            reach(workflow_.extras_of(n).fallback);
            // What it gives is what the node that it stands in for gives.
            if (!workflow_.stands_in.empty()) reach(workflow_.stands_in[n]);
        }
        leave_out_attempts_before(first);
        for (Id n = 0; n < workflow_.nodes.size(); ++n) {
            if (!behind[n] && workflow_.role(n) < Role::compensation && (made_.left_out.empty() || !made_.left_out[n])) take(n);
        }
        return {};
    }

    /// Of what is tried several times, and of which a later attempt is asked for: the attempts before are over. The inputs of the first are those of all.
    void leave_out_attempts_before(Id n) {
        std::string_view name = workflow_.node_name(n);
        Id inner = n;
        for (Id body = around(name); body != no_id; inner = body, body = around(name)) {
            if (workflow_.nodes[body].kind != NodeKind::tries) continue;
            Id first_inputs = no_id;
            for (auto i = workflow_.in_offsets[body]; i < workflow_.in_offsets[body + 1]; ++i) {
                const Id attempt = workflow_.edges[workflow_.in_edges[i]].from;
                if (attempt == inner) break;
                if (first_inputs == no_id) first_inputs = first_of(attempt);
                leave_out(attempt);
                for (Id at = 0; at < workflow_.nodes.size(); ++at) {
                    if (at != first_inputs && is_in(at, attempt)) leave_out(at);
                }
            }
        }
    }
    /// The scope that an attempt begins with: parts of a body are placed in a row, its begin first.
    Id first_of(Id attempt) const {
        Id n = 0;
        while (n < workflow_.nodes.size() && !is_in(n, attempt)) ++n;
        return n;
    }

    /// The node, what is in it, and of what these read that which only follows from what is known.
    Status only() {
        const Id wanted = SYMPHONY_TRY(node(asked_.only));
        if (workflow_.role(wanted) >= Role::compensation) {
            return Error(Code::invalid_argument, "usage", "node " + shown(asked_.only) + " runs when a run ends, not alone", "name one that does not undo or close");
        }
        made_.ends.erase(wanted);
        SYMPHONY_TRY(not_in_pinned(wanted));
        made_.left_out.assign(workflow_.nodes.size(), true);
        std::vector<Id> way;
        for (Id n = 0; n < workflow_.nodes.size(); ++n) {
            if (n != wanted && !is_in(n, wanted)) continue;
            made_.left_out[n] = false;
            if (!made_.ends.contains(n)) way.push_back(n);
        }
        for (std::size_t k = 0; k < way.size(); ++k) {
            const Id n = way[k];
            bool looks_at_inputs = workflow_.nodes[n].kind == NodeKind::rounds;
            for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
                const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
                looks_at_inputs = looks_at_inputs || edge.condition != no_id;
                // Elements and attempts before it are no inputs.
                if (edge.kind != EdgeKind::after_end && edge.kind != EdgeKind::after_failure) SYMPHONY_TRY(need(edge.from, way));
            }
            if (looks_at_inputs && !workflow_.scopes.empty()) SYMPHONY_TRY(need(workflow_.scopes[n], way));
        }
        return {};
    }
    /// What a node of a part is read from: known, or following from what is known.
    Status need(Id n, std::vector<Id>& way) {
        if (n == no_id || !made_.left_out[n]) return {};
        made_.left_out[n] = false;
        take(n);
        if (made_.ends.contains(n)) return {};
        // What sees to failures inside it would be on record, had it come to its end.
        if (!is_derived(workflow_.nodes[n].kind) || on_record_[n]) {
            const std::string name(workflow_.node_name(n));
            return Error(Code::invalid_argument, "not-known", "node " + shown(asked_.only) + " needs " + shown(name) + ", and what that gives is not known",
                         "--pin '" + name + "={…}' gives its outputs, --of RUN takes them from a run");
        }
        way.push_back(n);
        return {};
    }

    void leave_out_what_is_in_known() {
        if (workflow_.scopes.empty() || made_.ends.empty()) return;
        for (Id n = 0; n < workflow_.nodes.size(); ++n) {
            std::string_view name = workflow_.node_name(n);
            for (Id body = around(name); body != no_id && !made_.ends.contains(n); body = around(name)) {
                if (made_.ends.contains(body)) leave_out(n);
            }
        }
    }

    const Workflow& workflow_;
    const PartialRun& asked_;
    std::unordered_map<std::string_view, Id> ids_;
    std::vector<bool> on_record_;  // ends of bodies with policies
    KnownSteps made_;
};

} // namespace

Result<KnownSteps> partial_run(const Workflow& workflow, const PartialRun& asked) { return Partial(workflow, asked).run(); }

} // namespace symphony::tracker
