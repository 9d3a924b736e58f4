// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <algorithm>
#include <thread>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace symphony::tracker {

void Run::stop(Stop why) {
    auto no = Stop::no;
    if (!stop_.compare_exchange_strong(no, why, std::memory_order_acq_rel)) return;
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

bool Run::attend(const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
    constexpr std::uint64_t look_ns = 20'000'000;
    std::uint64_t give_up = 0;
    std::uint64_t held_since = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
        if (!events_.empty()) {
            const auto events = std::exchange(events_, {});
            progress_at_.clear();
            lock.unlock();
            if (on_event) {
                for (const auto& event : events) on_event(event);
            }
            lock.lock();
            continue;
        }
        if (drained_) return true;
        const std::uint64_t now = steady_now_ns();
        if (give_up == 0) {
            lock.unlock();
            if (settings_.deadline_ns != 0 && now >= settings_.deadline_ns) stop(Stop::late);
            if (cancelled && cancelled()) stop(Stop::cancelled);
            if (settings_.log && settings_.log->failure()) stop(Stop::failed);
            if (stop_.load(std::memory_order_acquire) != Stop::no) {
                give_up = now + settings_.grace_ns;
                caller_->cancel_all();
            }
            lock.lock();
        } else if (now >= give_up) {
            return false;
        }
        // Without a worker nothing goes on any more, not even the end of the calls that hold them.
        if (holding_.load(std::memory_order_acquire) < std::max<std::size_t>(1, settings_.workers)) {
            held_since = 0;
        } else if (held_since == 0) {
            held_since = now;
        } else if (now - held_since >= settings_.grace_ns) {
            all_held_ = true;
            lock.unlock();
            stop(Stop::failed);
            caller_->cancel_all();
            return false;
        }
        const bool stopping = give_up != 0;
        while (!timers_.empty() && (stopping || timers_.front().at <= now)) {
            std::pop_heap(timers_.begin(), timers_.end(), Timer::later);
            const Job job = timers_.back().job;
            timers_.pop_back();
            lock.unlock();
            engine_->enqueue_held(job);  // its turn finds out about a stop by itself
            lock.lock();
        }
        if (drained_ || !events_.empty()) continue;
        std::uint64_t until = now + look_ns;
        if (!timers_.empty()) until = std::min(until, timers_.front().at);
        if (settings_.deadline_ns != 0 && !stopping) until = std::min(until, std::max(settings_.deadline_ns, now));
        if (stopping) until = std::min(until, give_up);
        changed_.wait_for(lock, std::chrono::nanoseconds(until > now ? until - now : 0));
    }
}

bool Run::workers_are_back() const {
    const std::uint64_t give_up = steady_now_ns() + settings_.grace_ns;
    for (unsigned tries = 0; computing_.load(std::memory_order_acquire) != 0; ++tries) {
        if (tries < 1000) std::this_thread::yield();
        else if (steady_now_ns() >= give_up) return false;
        else std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

RunResult Run::collect() {
    RunResult result;
    const Stop why = stop_.load(std::memory_order_acquire);
    result.nodes.resize(nodes_.size());
    bool failed = false;
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        NodeRun& to = result.nodes[n];
        to.state = nodes_[n].state.load(std::memory_order_acquire);
        to.calls = times_[n].calls.load(std::memory_order_relaxed);
        to.attempts = times_[n].attempts.load(std::memory_order_relaxed);
        to.recalled = times_[n].recalled.load(std::memory_order_relaxed);
        const bool over = to.state > NodeState::running;
        if (over) {
            to.started_ns = times_[n].started_ns;
            to.ended_ns = times_[n].ended_ns;
            to.problems = times_[n].problems;
        } else {
            to.state = NodeState::cancelled;
        }
        failed = failed || to.state == NodeState::failed;
    }
    result.state = why == Stop::cancelled || why == Stop::late ? RunResult::State::cancelled
                   : failed                                    ? RunResult::State::failed
                                                               : RunResult::State::completed;
    result.late = why == Stop::late;
    for (Id o = 0; o < workflow_.outputs.size(); ++o) {
        const OutputDecl& output = workflow_.outputs[o];
        if (output.node != no_id && nodes_[output.node].state.load(std::memory_order_acquire) != NodeState::completed) continue;
        Edge edge;
        edge.from = output.node;
        edge.from_port = output.port;
        edge.input = output.input;
        if (source_value(edge).exists()) result.outputs.emplace_back(o, source_shared(edge));
    }
    {
        const std::lock_guard lock(mutex_);
        result.problems = problems_;
    }
    for (Id n = 0; all_held_ && n < nodes_.size(); ++n) {
        const bool holds_worker = nodes_[n].state.load(std::memory_order_acquire) == NodeState::running && !lane_kinds_[lane_of_[n]].blocking;
        if (!holds_worker) continue;
        result.nodes[n].state = NodeState::failed;
        result.state = RunResult::State::failed;
        result.problems.push_back({n, {}, Error(Code::deadline, "worker-held", provider_name(n) + ": did not come back in time, and no worker is left for the rest",
                                                "report it to the plugin's author; with more --workers the rest goes on")});
    }
    std::vector<std::uint32_t> rank(nodes_.size(), 0);
    for (std::uint32_t i = 0; i < workflow_.order.size(); ++i) rank[workflow_.order[i]] = i;
    std::stable_sort(result.problems.begin(), result.problems.end(), [&](const Problem& a, const Problem& b) { return rank[a.node] < rank[b.node]; });
    return result;
}

std::uint32_t Run::abandon() {
    std::uint32_t calls = 0;
    for (const auto& cell : nodes_) {
        if (cell.state.load(std::memory_order_acquire) == NodeState::running) ++calls;
    }
    keep_alive_ = shared_from_this();
#if defined(__SANITIZE_ADDRESS__)
    __lsan_ignore_object(this); // kept on purpose, with all that it has
#endif
    return std::max<std::uint32_t>(1, calls);
}

const std::shared_ptr<const Plan> plan_;

} // namespace symphony::tracker
