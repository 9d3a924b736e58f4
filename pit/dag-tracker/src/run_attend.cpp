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

std::uint64_t Run::look_around(std::uint64_t now_ns, const std::function<bool()>& cancelled) {
    if (settings_.deadline_ns != 0 && now_ns >= settings_.deadline_ns) stop(Stop::late);
    if (cancelled && cancelled()) {
        if (must_end_ns_ == 0) must_end_ns_ = now_ns + settings_.cancel_max_ns;
        stop(Stop::cancelled);
    }
    if (settings_.log && settings_.log->failure()) stop(Stop::failed);
    look_at_requests(now_ns);
    if (stop_.load(std::memory_order_acquire) == Stop::no) return 0;
    caller_->cancel_all();
    const std::uint64_t until = now_ns + grace_ns();
    if (must_end_ns_ == 0) return until;
    // What closes the run gets half of what is left.
    return std::min(until, closes() ? now_ns + (must_end_ns_ - now_ns) / 2 : must_end_ns_);
}

std::uint64_t Run::look_around_closing(std::uint64_t now_ns, const std::function<bool()>& cancelled) {
    if (must_end_ns_ == 0 && cancelled && cancelled()) {
        must_end_ns_ = now_ns + settings_.cancel_max_ns;
        if (must_end_ns_ < closing_deadline_ns_.load(std::memory_order_relaxed)) closing_deadline_ns_.store(must_end_ns_, std::memory_order_relaxed);
    }
    if (now_ns < closing_deadline_ns_.load(std::memory_order_relaxed)) return 0;
    constexpr std::uint64_t moment_ns = 110'000'000;
    closing_stop_.store(Stop::late, std::memory_order_release);
    caller_->cancel_all();
    // Whoever cancelled us waits a moment longer than we say; nobody else is in a hurry.
    return now_ns + (must_end_ns_ != 0 ? std::min<std::uint64_t>(settings_.cancel_max_ns / 16, moment_ns) : settings_.grace_ns);
}

bool Run::attend(const Engine<Run>& engine, const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
    constexpr std::uint64_t look_ns = 20'000'000;
    const bool closing = &engine == closing_engine_.get();
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
        if (engine.drained()) return true;
        if (!granted_.empty()) {
            const auto granted = std::exchange(granted_, {});
            lock.unlock();
            for (const Job& job : granted) go_on(job, true);
            lock.lock();
            continue;
        }
        const std::uint64_t now = steady_now_ns();
        if (give_up == 0) {
            lock.unlock();
            give_up = closing ? look_around_closing(now, cancelled) : look_around(now, cancelled);
            lock.lock();
        } else if (now >= give_up) {
            return false;
        }
        if (give_up != 0) {
            lock.unlock();
            wake_all();
            lock.lock();
        }
        // Without a worker nothing goes on any more, not even the end of the calls that hold them.
        if (holding_.load(std::memory_order_acquire) < std::max<std::size_t>(1, settings_.workers)) {
            held_since = 0;
        } else if (held_since == 0) {
            held_since = now;
        } else if (now - held_since >= grace_ns()) {
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
            const bool wakes = job.slot == wake_slot;
            if (!wakes) retry(job);
            // Whoever waits for input may have got it before its time was over.
            else if (workflow_.nodes[job.step].kind != NodeKind::wait || stop_waiting(job.step)) this->engine(job.step).complete_held(job);
            lock.lock();
        }
        if (engine.drained() || !events_.empty() || !granted_.empty()) continue;
        std::uint64_t until = now + look_ns;
        if (!timers_.empty()) until = std::min(until, timers_.front().at);
        const std::uint64_t deadline = closing ? closing_deadline_ns_.load(std::memory_order_relaxed) : settings_.deadline_ns;
        if (deadline != 0 && !stopping) until = std::min(until, std::max(deadline, now));
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
        failed = failed || (to.state == NodeState::failed && !is_guarded(static_cast<Id>(n)));
    }
    result.state = closed_as_.value_or(main_state());
    for (Id n = 0; n < nodes_.size(); ++n) {
        if (closed_as_ && closes_run(n) && result.nodes[n].state == NodeState::cancelled) result.left_open.push_back(n);
    }
    if (!result.left_open.empty() && result.state == RunResult::State::completed) result.state = RunResult::State::cancelled;
    if (failed && result.state == RunResult::State::completed) result.state = RunResult::State::failed;
    result.undone = undone_;
    result.late = stop_.load(std::memory_order_acquire) == Stop::late;
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
        for (const auto& [node, problems] : problems_) result.problems.insert(result.problems.end(), problems.begin(), problems.end());
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
    std::vector<Job> granted;
    {
        const std::lock_guard lock(mutex_);
        granted.swap(granted_);
    }
    // Whose turn came at the last moment: they are not called any more. What hangs in a call keeps what it uses.
    for (const Job& job : granted) member_->give(*claims_of(job.step));
    keep_alive_ = shared_from_this();
#if defined(__SANITIZE_ADDRESS__)
    __lsan_ignore_object(this); // kept on purpose, with all that it has
#endif
    return std::max<std::uint32_t>(1, calls);
}

const std::shared_ptr<const Plan> plan_;

} // namespace symphony::tracker
