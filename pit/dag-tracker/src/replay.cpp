// SPDX-License-Identifier: Apache-2.0
#include "replay.hpp"

#include "run_memory.hpp"

#include <algorithm>
#include <unordered_map>

namespace symphony::tracker {
namespace {

Error not_an_answer(const std::string& why) {
    return {Code::conflict, "replay-diverged", why + ", so that the recorded answer is not one to this call", "symphony run makes a new run"};
}

/// The first port, by name, whose value is not the same.
std::string first_output_difference(ValueView was, ValueView is) {
    std::map<std::string_view, std::pair<ValueView, ValueView>> ports;
    for (const auto [port, value] : was.entries()) ports[port].first = value;
    for (const auto [port, value] : is.entries()) ports[port].second = value;
    for (const auto& [port, values] : ports) {
        if (digest_of(values.first) != digest_of(values.second)) return std::string(port);
    }
    return {};
}

} // namespace

Replay::Replay(std::shared_ptr<const Plan> plan, const RunRecord& record) : plan_(std::move(plan)) {
    std::unordered_map<std::string_view, Id> ids;
    for (Id n = 0; n < plan_->workflow.nodes.size(); ++n) ids.emplace(plan_->workflow.node_name(n), n);
    for (const CallRow& call : record.calls) {
        if (const auto at = ids.find(call.node); at != ids.end()) calls_.emplace(std::pair(at->second, call.element), call);
    }
}

std::shared_ptr<const StepFacts> Replay::begin(Id node, ValueView base) const { return step_facts(*plan_, node, base); }

bool Replay::looks_up(Id node) const noexcept {
    const OperationSpec* operation = plan_->binding.operations[node];
    return plan_->workflow.nodes[node].kind == NodeKind::instrument || operation == nullptr || !operation->pure;
}

const CallRow* Replay::recorded(Id node, std::uint32_t element) const {
    const auto at = calls_.find({node, plan_->workflow.nodes[node].each == 0 ? no_id : element});
    return at == calls_.end() ? nullptr : &at->second;
}

void Replay::recall(Id node, std::uint32_t element, const StepFacts& step, ValueView item, std::function<void(Recalled)> then) noexcept {
    Recalled out;
    try {
        out = answer(node, element, facts_of(plan_->workflow, node, step, item));
    } catch (const std::exception&) {
        out.answer = Error(Code::exhausted, "out-of-memory", "out of memory");
    }
    if (!looks_up(node)) out.answer.reset();
    then(std::move(out));
}

Recalled Replay::answer(Id node, std::uint32_t element, CallFacts facts) {
    Recalled out;
    out.note.recall = Recall::recorded;
    const CallRow* const row = recorded(node, element);
    if (row == nullptr || (looks_up(node) && !row->answer)) {
        diverged(node, element, "call", "it was not called, or had not answered, when the run was recorded");
        out.answer = Error(Code::not_found, "not-recorded", "the recorded run has no answer to this call", "replay a run that is completed: symphony runs list");
    } else if (row->note.facts.parts.is_map() && (out.note.difference = first_input_difference(row->note.facts.parts, facts.parts))) {
        const std::string what = words_of(*out.note.difference);
        diverged(node, element, what, what + " is not what it was");
        out.answer = not_an_answer(what + " is not what it was");
    } else if (row->answer) {
        // A failure is told once: it would be the same again.
        if (*row->answer) out.answer = (*row->answer)->is_null() ? Result<Value>(ValueBuilder().map().end().build()) : *row->answer;
        else out.answer = *row->answer;
    }
    out.note.facts = std::move(facts);
    return out;
}

void Replay::answered(Id node, std::uint32_t element, const CallNote& note, const Value& answer) noexcept {
    try {
        const CallRow* const row = recorded(node, element);
        // An answer to something else need not be the same.
        if (row == nullptr || !row->answer || note.difference) return;
        if (!*row->answer) return diverged(node, element, "call", "it failed when the run was recorded: " + (*row->answer).error().message());
        const Value& was = **row->answer;
        if (was.empty()) return;  // nobody read it
        if (const std::string port = first_output_difference(was, answer); !port.empty()) {
            diverged(node, element, "output \"" + port + "\"", "output \"" + port + "\" is not what it was, and the inputs are");
        }
    } catch (const std::exception&) { // without memory to compare
    }
}

void Replay::diverged(Id node, std::uint32_t element, std::string what, std::string words) {
    const std::lock_guard lock(mutex_);
    if (plan_->workflow.nodes[node].each == 0) element = no_id;
    divergences_.push_back({node, element, std::move(what), std::move(words)});
}

std::size_t Replay::divergences_found() const {
    const std::lock_guard lock(mutex_);
    return divergences_.size();
}

std::vector<Divergence> Replay::divergences() const {
    std::vector<std::uint32_t> rank(plan_->workflow.nodes.size(), 0);
    for (std::uint32_t i = 0; i < plan_->workflow.order.size(); ++i) rank[plan_->workflow.order[i]] = i;
    std::vector<Divergence> out;
    {
        const std::lock_guard lock(mutex_);
        out = divergences_;
    }
    std::stable_sort(out.begin(), out.end(), [&](const Divergence& a, const Divergence& b) {
        return std::pair(rank[a.node], a.element) < std::pair(rank[b.node], b.element);
    });
    if (out.size() > divergences_max) out.resize(divergences_max);
    return out;
}

} // namespace symphony::tracker
