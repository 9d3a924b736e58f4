// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <algorithm>

namespace symphony::tracker {

bool Run::closes() const noexcept {
    return std::any_of(workflow_.roles.begin(), workflow_.roles.end(), [](Role role) { return role >= Role::compensation; });
}

RunResult::State Run::main_state() const {
    const Stop why = stop_.load(std::memory_order_acquire);
    if (why == Stop::cancelled || why == Stop::late) return RunResult::State::cancelled;
    bool failed = false;
    for (Id n = 0; n < nodes_.size() && !failed; ++n) failed = nodes_[n].state.load(std::memory_order_acquire) == NodeState::failed && !is_guarded(n);
    return failed || why == Stop::failed ? RunResult::State::failed : RunResult::State::completed;
}

std::vector<Id> Run::to_undo(bool wanted) {
    std::vector<std::pair<std::uint64_t, Id>> done;
    {
        const std::lock_guard lock(mutex_);
        done = undoable_;
    }
    std::sort(done.rbegin(), done.rend());
    std::vector<bool> chosen(nodes_.size(), false);
    std::vector<Id> undo;
    for (const auto& [order, n] : done) {
        const Id by = workflow_.extras_of(n).compensate;
        if (!wanted || chosen[by]) continue;
        chosen[by] = true;
        undo.push_back(by);
    }
    for (Id n = 0; n < nodes_.size(); ++n) {
        if (workflow_.roles[n] != Role::compensation || chosen[n]) continue;
        release_inputs(n);
        set_ended(n, NodeState::skipped);
    }
    return undo;
}

bool Run::close(const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
    closed_as_ = closing_before_.value_or(main_state());
    const std::vector<Id> undo = to_undo(*closed_as_ != RunResult::State::completed);
    undone_ = !undo.empty();
    if (settings_.log && !closing_before_) settings_.log->closing(*closed_as_, !undo.empty());
    // Compensations one after the other, and behind the last what closes the run.
    const std::size_t count = nodes_.size();
    constexpr std::uint32_t never = 1u << 30;
    closing_offsets_.assign(count + 1, 0);
    closing_targets_.clear();
    closing_waits_.assign(count, never);
    std::vector<Id> behind(count, no_id);
    for (std::size_t i = 0; i < undo.size(); ++i) {
        closing_waits_[undo[i]] = i == 0 ? 0 : 1;
        if (i > 0) behind[undo[i - 1]] = undo[i];
    }
    for (Id n = 0; n < count; ++n) {
        if (workflow_.roles[n] != Role::closing) continue;
        closing_waits_[n] = undo.empty() ? 0 : 1;
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            if (edge.from != no_id && workflow_.roles[edge.from] == Role::closing) ++closing_waits_[n];
        }
    }
    for (Id n = 0; n < count; ++n) {
        if (behind[n] != no_id) closing_targets_.push_back(behind[n]);
        const bool last = !undo.empty() && n == undo.back();
        for (Id to = 0; last && to < count; ++to) {
            if (workflow_.roles[to] == Role::closing) closing_targets_.push_back(to);
        }
        for (auto i = workflow_.out_offsets[n]; workflow_.roles[n] == Role::closing && i < workflow_.out_offsets[n + 1]; ++i) {
            closing_targets_.push_back(workflow_.edges[workflow_.out_edges[i]].to);
        }
        closing_offsets_[n + 1] = static_cast<std::uint32_t>(closing_targets_.size());
    }
    if (std::find(closing_waits_.begin(), closing_waits_.end(), 0u) == closing_waits_.end()) return true;
    const std::uint64_t now = steady_now_ns();
    std::uint64_t deadline = now + (workflow_.grace_ns != 0 ? workflow_.grace_ns : settings_.closing_ns);
    if (must_end_ns_ != 0) deadline = std::min(deadline, must_end_ns_);
    closing_deadline_ns_.store(deadline, std::memory_order_relaxed);
    caller_->begin_anew();
    arena_.execute([&] {
        closing_engine_ = std::make_unique<Engine<Run>>(*this, Shape{closing_offsets_, closing_targets_, closing_waits_}, std::max<std::size_t>(1, settings_.workers), lane_limits_, true);
    });
    closing_engine_->start();
    const bool ended = attend(*closing_engine_, on_event, cancelled) && workers_are_back();
    if (ended) closing_engine_->wait();
    return ended;
}

} // namespace symphony::tracker
