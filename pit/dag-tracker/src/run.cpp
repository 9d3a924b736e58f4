// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include "run_core.hpp"

#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <chrono>

namespace symphony::tracker {

std::string_view name_of(NodeState state) noexcept {
    switch (state) {
    case NodeState::pending: return "pending";
    case NodeState::queued: return "queued";
    case NodeState::running: return "running";
    case NodeState::completed: return "completed";
    case NodeState::failed: return "failed";
    case NodeState::skipped: return "skipped";
    case NodeState::cancelled: return "cancelled";
    case NodeState::upstream_failed: return "upstream-failed";
    }
    return "";
}

std::string_view name_of(RunResult::State state) noexcept {
    switch (state) {
    case RunResult::State::completed: return "completed";
    case RunResult::State::failed: return "failed";
    case RunResult::State::cancelled: return "cancelled";
    }
    return "";
}

std::string recalled_text(std::uint32_t recalled, std::uint32_t calls) {
    if (recalled == 0) return {};
    return calls == 0 ? "cached" : std::to_string(recalled) + " cached";
}

std::uint64_t steady_now_ns() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

Run::Run(std::shared_ptr<const Plan> plan, const Value& inputs, std::shared_ptr<Caller> caller, const RunSettings& settings)
    : plan_(std::move(plan)), workflow_(plan_->workflow), caller_(std::move(caller)), settings_(settings),
      nodes_(workflow_.nodes.size()), seed_(settings.seed) {
    fill_inputs(inputs);
    build_shape();
    build_lanes();
    build_claims();
    // Greater than every token of the parts before.
    tokens_.store(settings_.log ? std::uint64_t{settings_.log->part()} << 32 : 0, std::memory_order_relaxed);
}

RunResult Run::execute(const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
    const std::uint64_t started = steady_now_ns();
    const std::size_t workers = std::max<std::size_t>(1, settings_.workers);
    // The calling thread waits, tells and fires timers; the workers come on top of it.
    const tbb::global_control parallelism(tbb::global_control::max_allowed_parallelism, workers + 1);
    arena_.initialize(static_cast<int>(workers), 0);
    arena_.execute([&] { engine_ = std::make_unique<Engine<Run>>(*this, shape_, workers, lane_limits_, true); });
    if (on_event) {
        RunEvent first;
        first.kind = RunEvent::Kind::started;
        first.at_ns = started;
        on_event(first);
    }
    if (settings_.log) closing_before_ = settings_.log->closing_before();
    if (!workflow_.nodes.empty()) engine_->start();
    bool ended = workflow_.nodes.empty() || (attend(*engine_, on_event, cancelled) && workers_are_back());
    if (ended) engine_->wait();
    if (closes() && !all_held_) ended = close(on_event, cancelled) && ended;
    RunResult result = collect();
    result.elapsed_ns = steady_now_ns() - started;
    result.abandoned = ended ? 0 : abandon();
    if (ended) {
        // Here and not in the destructor: a last callback on another thread may be what destroys the run.
        // A thread that still hangs in a call keeps the run, but nothing of TBB's: the plugin can end its workers.
        engine_.reset();
        closing_engine_.reset();
        pool_.reset();
        arena_.terminate();
    }
    if (on_event) {
        RunEvent last;
        last.kind = RunEvent::Kind::ended;
        last.at_ns = steady_now_ns();
        last.done = done_.load(std::memory_order_relaxed);
        on_event(last);
    }
    return result;
}

Verdict Run::ready(std::uint32_t n) noexcept {
    try {
        return start_node(n);
    } catch (const std::bad_alloc&) {
        return fail_at_last(n, Error(Code::exhausted, "out-of-memory", "out of memory"));
    } catch (const std::exception& thrown) {
        return fail_at_last(n, Error(Code::internal, "exception", std::string("the tracker failed: ") + thrown.what()));
    }
}

void Run::perform(Job job) noexcept {
    const LaneKind& lane = lane_kinds_[job.lane];
    if (!lane.blocking || stopped(job.step)) {
        call(job, {});
        return;
    }
    try {
        pool_->post([self = shared_from_this(), job](const BlockingPool::Ticket& ticket) { self->call(job, ticket); });
    } catch (const std::exception&) {
        answer(job, Error(Code::exhausted, "out-of-memory", "out of memory"));
    }
}

Verdict Run::resumed(Job job) noexcept {
    try {
        switch (job.slot) {
        case fallback_slot: return fallen_back(job.step);
        case wake_slot: return woken(job.step);
        case start_slot: return start_node(job.step, true);
        default: return take_answer(job);
        }
    } catch (const std::exception& thrown) {
        return fail_at_last(job.step, Error(Code::exhausted, "out-of-memory", std::string("the tracker failed: ") + thrown.what()));
    }
}

bool Run::early(std::uint32_t index) noexcept {
    const Edge& edge = workflow_.edges[workflow_.out_edges[index]];
    try {
        if (const auto found = joins_.empty() ? joins_.end() : joins_.find(edge.to); found != joins_.end()) return comes_to(found->second, workflow_.out_edges[index]);
        if (look_at(edge) == Arrival::value && claim(edge.to)) {
            chosen_edge(edge.to) = workflow_.out_edges[index];
            return true;
        }
    } catch (const std::exception&) { // without memory for the condition: as if it did not hold
    }
    release(edge.from);
    return false;
}

void Run::drained() noexcept {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
}

RunResult run_plan(std::shared_ptr<const Plan> plan, const Value& inputs, std::shared_ptr<Caller> caller, const RunSettings& settings,
                   const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
    return std::make_shared<Run>(std::move(plan), inputs, std::move(caller), settings)->execute(on_event, cancelled);
}

} // namespace symphony::tracker
