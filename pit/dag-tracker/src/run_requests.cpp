// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <algorithm>

namespace symphony::tracker {

void Run::look_at_requests(std::uint64_t now_ns) {
    constexpr std::uint64_t often_enough_ns = 50'000'000;
    if (!settings_.log || (looked_at_requests_ns_ != 0 && now_ns - looked_at_requests_ns_ < often_enough_ns)) return;
    looked_at_requests_ns_ = now_ns;
    for (RunRequest& request : settings_.log->requests()) {
        switch (request.kind) {
        case RunRequest::Kind::cancel: stop(Stop::cancelled); break;
        case RunRequest::Kind::pause: paused_.store(true, std::memory_order_release); break;
        case RunRequest::Kind::proceed:
            paused_.store(false, std::memory_order_release);
            let_go(~std::size_t{0});
            break;
        case RunRequest::Kind::step:
            paused_.store(true, std::memory_order_release);
            let_go(1);
            break;
        case RunRequest::Kind::provide: provide(request.node, std::move(request.value)); break;
        }
    }
    tell_status();
}

void Run::provide(Id n, Value value) {
    if (n >= nodes_.size()) return;  // a node that the workflow has not any more
    {
        // One look and one act: a step that begins to wait in between would find nothing, and wait for ever.
        const std::lock_guard lock(mutex_);
        if (!take_waiting(n)) {
            provided_.insert_or_assign(n, std::move(value));
            return;
        }
    }
    nodes_[n].active->base = std::move(value);
    nodes_[n].active->given = true;
    engine(n).complete_held({n, wake_slot, 0});
}

bool Run::stop_waiting(Id n) {
    const std::lock_guard lock(mutex_);
    return take_waiting(n);
}

bool Run::take_waiting(Id n) {
    const auto at = std::find(waiting_.begin(), waiting_.end(), n);
    if (at == waiting_.end()) return false;
    waiting_.erase(at);
    return true;
}

bool Run::hold_back(Job job, bool starts) {
    if (closes_run(job.step)) return false;
    const std::lock_guard lock(mutex_);
    // Asked again: who lets go looks at what is held back under the same lock.
    if (!paused_.load(std::memory_order_acquire) || stop_.load(std::memory_order_acquire) != Stop::no) return false;
    engine_->hold();
    held_back_.push_back({job, starts});
    changed_.notify_all();
    return true;
}

void Run::let_go(std::size_t count) {
    std::vector<HeldBack> going;
    {
        const std::lock_guard lock(mutex_);
        const auto end = held_back_.begin() + static_cast<std::ptrdiff_t>(std::min(count, held_back_.size()));
        going.assign(held_back_.begin(), end);
        held_back_.erase(held_back_.begin(), end);
    }
    for (const HeldBack& one : going) {
        if (one.starts) {
            engine_->complete_held(one.job);
        } else {
            queue(one.job, true);
            engine_->unhold();
        }
    }
}

void Run::wake_all() {
    paused_.store(false, std::memory_order_release);
    let_go(~std::size_t{0});
    std::vector<Id> waiting;
    {
        const std::lock_guard lock(mutex_);
        waiting = std::exchange(waiting_, {});
    }
    for (const Id n : waiting) engine(n).complete_held({n, wake_slot, 0});
    if (member_ == nullptr) return;
    for (const std::uint64_t ticket : member_->withdraw()) {
        const auto step = static_cast<std::uint32_t>(ticket >> 32);
        go_on({step, static_cast<std::uint32_t>(ticket), lane_of_[step]}, false);
    }
}

void Run::tell_status() {
    RunStatus now = RunStatus::running;
    if (paused_.load(std::memory_order_acquire)) {
        now = RunStatus::paused;
    } else {
        const std::lock_guard lock(mutex_);
        if (!waiting_.empty()) now = RunStatus::waiting;
    }
    if (now == told_status_ || stop_.load(std::memory_order_acquire) != Stop::no) return;
    told_status_ = now;
    settings_.log->status(now);
}

} // namespace symphony::tracker
