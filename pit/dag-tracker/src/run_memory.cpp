// SPDX-License-Identifier: Apache-2.0
#include "run_memory.hpp"

namespace symphony::tracker {

std::shared_ptr<const StepFacts> step_facts(const Plan& plan, Id node, ValueView base) {
    return std::make_shared<StepFacts>(*plan.binding.providers[node], plan.binding.operations[node], plan.workflow.names[plan.workflow.nodes[node].operation], base);
}

CallFacts facts_of(const Workflow& workflow, Id node, const StepFacts& step, ValueView item) {
    const Id each = workflow.nodes[node].each;
    return each == 0 ? step.single() : step.element(workflow.names[each], digest_of(item));
}

RunMemory::RunMemory(std::shared_ptr<const Plan> plan, Options options) : plan_(std::move(plan)), options_(std::move(options)) {}

RunMemory::Way RunMemory::way(Id node) const noexcept {
    CachePolicy policy = plan_->workflow.policy(node).cache;
    if (policy == CachePolicy::never) return {policy, Recall::node_says_no};
    if (policy == CachePolicy::if_pure) {
        const OperationSpec* operation = plan_->binding.operations[node];
        if (operation == nullptr || !operation->pure) return {CachePolicy::never, Recall::not_pure};
        policy = CachePolicy::always;
    }
    const bool no_place = options_.cache == nullptr && (policy == CachePolicy::always || options_.why_not == Recall::run_says_no);
    if (no_place) return {CachePolicy::never, options_.why_not};
    return {policy, Recall::unknown};
}

std::shared_ptr<const StepFacts> RunMemory::begin(Id node, ValueView base) const { return step_facts(*plan_, node, base); }

bool RunMemory::looks_up(Id node) const noexcept { return way(node).policy != CachePolicy::never; }

CallCache::Place RunMemory::place(Id node, std::uint32_t element) const {
    const Workflow& workflow = plan_->workflow;
    return {place_of(workflow.id, workflow.node_name(node), element), options_.run, workflow.policy(node).ttl_ns / 1'000'000};
}

void RunMemory::recall(Id node, std::uint32_t element, const StepFacts& step, ValueView item, std::function<void(Recalled)> then) noexcept {
    Recalled out;
    try {
        const Workflow& workflow = plan_->workflow;
        CallFacts facts = facts_of(workflow, node, step, item);
        const Way how = way(node);
        if (how.policy == CachePolicy::always) {
            CallCache::Place from = place(node, element);
            return options_.cache->find(std::move(facts), std::move(from), std::move(then));
        }
        if (how.policy == CachePolicy::within_run) {
            out = in_run(std::move(facts));
        } else {
            out.note.recall = how.why_not;
            out.note.facts = std::move(facts);
        }
    } catch (const std::exception&) { // out of memory: the call is made, and is not on record
        out = {};
    }
    then(std::move(out));
}

Recalled RunMemory::in_run(CallFacts facts) const {
    Recalled out;
    out.note.recall = Recall::first;
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = in_run_.find(facts.key); at != in_run_.end()) {
            out.note.recall = Recall::hit_in_run;
            out.answer = at->second;
        }
    }
    out.note.facts = std::move(facts);
    return out;
}

void RunMemory::answered(Id node, std::uint32_t element, const CallNote& note, const Value& answer) noexcept {
    if (is_hit(note.recall) || note.facts.parts.is_null()) return;
    try {
        const CachePolicy how = way(node).policy;
        if (how == CachePolicy::always) {
            options_.cache->keep(note.facts, place(node, element), answer);
        } else if (how == CachePolicy::within_run) {
            const std::lock_guard lock(mutex_);
            if (bytes_in_run_ + answer.bytes().size() > options_.bytes_in_run_max) return;
            if (in_run_.emplace(note.facts.key, answer).second) bytes_in_run_ += answer.bytes().size();
        }
    } catch (const std::exception&) { // forgotten
    }
}

} // namespace symphony::tracker
