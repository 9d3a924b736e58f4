// SPDX-License-Identifier: Apache-2.0
#pragma once

// The scheduler: a oneTBB flow graph with few nodes and many steps. A step that is ready is a number in a batch, batches are
// the messages. No step allocates; a batch is split only while a worker is idle.

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace symphony::tracker {

/// Who waits for whom: the successors of step s are targets[offsets[s] .. offsets[s + 1]). The spans outlive the engine.
struct Shape {
    /// Set in a target that has this one predecessor edge: it needs no counting.
    static constexpr std::uint32_t only_edge = 1u << 30;
    /// Set in a target that may start before all its predecessors have ended; the body decides (`early`, `early_last`).
    static constexpr std::uint32_t early_edge = 1u << 31;
    static constexpr std::uint32_t step_mask = only_edge - 1;

    std::span<const std::uint32_t> offsets;  // steps + 1
    std::span<const std::uint32_t> targets;
    std::span<const std::uint32_t> waits;    // predecessor edges of each step

    std::size_t steps() const noexcept { return waits.size(); }
};

/// Marks the targets with a single predecessor edge.
inline void mark_only_edges(std::span<std::uint32_t> targets, std::span<const std::uint32_t> waits) noexcept {
    for (auto& target : targets) {
        if ((target & Shape::early_edge) == 0 && waits[target & Shape::step_mask] == 1) target |= Shape::only_edge;
    }
}

enum class Verdict : std::uint8_t {
    settled,  ///< the step has ended: its successors may become ready
    parked,   ///< it ends later, by complete()
};

/// Work on a lane for one step; `slot` is the body's own.
struct Job {
    std::uint32_t step = 0;
    std::uint32_t slot = 0;
    std::uint32_t lane = 0;
    std::int32_t priority = 0;  ///< of those that wait on a lane the highest goes first, of equal ones the one that came first
    std::uint32_t turn = 0;     ///< the engine's: when it came
};

/// How many jobs of a lane are under way at a time. A job holds its place until complete().
struct LaneLimit {
    static constexpr std::size_t none = ~std::size_t{0} / 2;
    std::size_t jobs_max = none;
};

/// Runs steps in the order that the shape allows. `Body` (all noexcept):
///   Verdict ready(std::uint32_t step)   the step's predecessors have ended; runs on a worker, must not block
///   void perform(Job)                   a job's turn has come; somebody calls complete(job) once, now or later
///   Verdict resumed(Job)                after complete(job), on a worker
///   bool early(std::uint32_t edge)      the source of targets[edge] has ended; true starts the step
///   bool early_last(std::uint32_t step) all have; true starts the step
///   void drained()                      nothing is left to do; called once, on a worker or by who ends the last hold
template <class Body>
class Engine {
public:
    /// `body` outlives the engine. Runs in the calling thread's arena, or the one around the constructor.
    /// @param long_steps  A step may take microseconds or more: what is ready beside it is then offered to the other workers
    ///                    first, and not only while one of them is idle.
    Engine(Body& body, Shape shape, std::size_t workers, std::span<const LaneLimit> lanes = {}, bool long_steps = false)
        : body_(body), shape_(shape), workers_(workers), long_steps_(long_steps), left_(std::make_unique<std::atomic<std::uint32_t>[]>(shape.steps())),
          dispatcher_(graph_, tbb::flow::unlimited, [this](Batch* batch) { return run(batch); }),
          resume_(graph_, tbb::flow::unlimited, [this](const Job& job) { return resume(job); }) {
        for (const LaneLimit& limit : lanes) lanes_.emplace_back(*this, limit);
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Makes every step wait again and starts those that wait for nothing. Returns at once. [one at a time]
    void start() {
        const std::size_t steps = shape_.steps();
        auto roots = std::make_unique<Batch>();
        for (std::size_t i = 0; i < steps; ++i) {
            left_[i].store(shape_.waits[i], std::memory_order_relaxed);
            if (shape_.waits[i] == 0) roots->steps.push_back(static_cast<std::uint32_t>(i));
        }
        drained_.store(false, std::memory_order_relaxed);
        load_.store(one_batch, std::memory_order_relaxed);
        publish(std::move(roots));
    }

    /// Nothing is left to do; true before the body hears of it. [any]
    bool drained() const noexcept { return drained_.load(std::memory_order_acquire); }

    /// Until nothing is left; the calling thread takes part. Afterwards the engine may be destroyed.
    void wait() {
        graph_.wait_for_all();
        // Whoever completed the last jobs may still be on the way out of complete().
        while (leaving_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
        static_cast<void>(load_.load(std::memory_order_acquire));
    }

    /// Queues a job. From the body only, or for a step that is parked already (`hold`).
    void enqueue(Job job) {
        hold();
        enqueue_held(job);
    }
    /// A parked step that is nowhere in the graph, such as one that waits for a moment: keeps the run open.
    void hold() {
        graph_.reserve_wait();
        load_.fetch_add(one_job, std::memory_order_relaxed);
    }
    void enqueue_held(Job job) {
        job.turn = turns_.fetch_add(1, std::memory_order_relaxed);
        lanes_[job.lane].in.try_put(job);
    }
    /// Ends a hold without more. What it held the run open for may be over by now.
    void unhold() {
        if (load_.fetch_sub(one_job, std::memory_order_acq_rel) == one_job) {
            drained_.store(true, std::memory_order_release);
            body_.drained();
        }
        graph_.release_wait();
    }

    /// The job is done: gives its place on the lane away and goes on with resumed(). Once per performed job. [any thread]
    void complete(Job job) {
        leave([&] { lanes_[job.lane].gateway.load(std::memory_order_acquire)->try_put(job); });
    }
    /// The same for a step that was held without a lane. [any thread]
    void complete_held(Job job) {
        job.lane = no_lane;
        leave([&] { resume_.try_put(job); });
    }

    static constexpr std::uint32_t no_lane = ~std::uint32_t{0};

private:
    struct Batch {
        std::atomic<bool> ready{false};
        std::vector<std::uint32_t> steps;
    };

    using Async = tbb::flow::async_node<Job, Job>;
    struct Later {
        bool operator()(const Job& a, const Job& b) const noexcept {
            // Turns wrap around; those that wait together are less than half of them apart.
            return a.priority != b.priority ? a.priority < b.priority : static_cast<std::int32_t>(a.turn - b.turn) > 0;
        }
    };

    /// Jobs wait in `in`; `gate` lets as many pass as the limit says; `out` performs them and takes them back.
    struct Lane {
        Lane(Engine& engine, LaneLimit limit)
            : in(engine.graph_), gate(engine.graph_, limit.jobs_max),
              out(engine.graph_, tbb::flow::unlimited, [this, &engine](const Job& job, typename Async::gateway_type& way) {
                  gateway.store(&way, std::memory_order_release);
                  engine.body_.perform(job);
              }) {
            tbb::flow::make_edge(in, gate);
            tbb::flow::make_edge(gate, out);
            tbb::flow::make_edge(out, engine.resume_);
        }
        tbb::flow::priority_queue_node<Job, Later> in;
        tbb::flow::limiter_node<Job> gate;
        Async out;
        std::atomic<typename Async::gateway_type*> gateway{nullptr};
    };

    // One number for both counts, so that "nothing is left" is one observation: batches in the low half, jobs in the high.
    static constexpr std::uint64_t one_batch = 1;
    static constexpr std::uint64_t one_job = std::uint64_t{1} << 32;
    static constexpr std::uint64_t batches_mask = one_job - 1;

    /// The graph stays until this thread, too, has let go of it, however quickly another takes the job and drains the rest.
    template <class Put>
    void leave(Put put) {
        leaving_.fetch_add(1, std::memory_order_relaxed);
        published_.fetch_add(1, std::memory_order_release);
        put();
        graph_.release_wait();
        leaving_.fetch_sub(1, std::memory_order_release);
    }

    void publish(std::unique_ptr<Batch> batch) {
        // TBB hands the pointer over; this pair of release and acquire is for tools that cannot see inside TBB.
        batch->ready.store(true, std::memory_order_release);
        dispatcher_.try_put(batch.release());
    }

    tbb::flow::continue_msg run(Batch* given) {
        const std::unique_ptr<Batch> batch(given);
        static_cast<void>(batch->ready.load(std::memory_order_acquire));
        work(batch->steps);
        return {};
    }

    tbb::flow::continue_msg resume(const Job& job) {
        static_cast<void>(published_.load(std::memory_order_acquire));
        if (job.lane != no_lane) lanes_[job.lane].gate.decrementer().try_put(tbb::flow::continue_msg());
        // A batch before the job ends, so that the run never looks drained in between.
        load_.fetch_add(one_batch, std::memory_order_relaxed);
        std::vector<std::uint32_t> ready;
        if (body_.resumed(job) == Verdict::settled) successors(job.step, ready);
        load_.fetch_sub(one_job, std::memory_order_acq_rel);
        work(ready);
        return {};
    }

    void successors(std::uint32_t step, std::vector<std::uint32_t>& ready) {
        for_ready(step, [&](std::uint32_t next) { ready.push_back(next); });
    }

    /// Counts the step's end down at every successor.
    template <class Found>
    void for_ready(std::uint32_t step, Found found) {
        const std::uint32_t end = shape_.offsets[step + 1];
        for (std::uint32_t edge = shape_.offsets[step]; edge < end; ++edge) {
            const std::uint32_t target = shape_.targets[edge];
            const std::uint32_t next = target & Shape::step_mask;
            if ((target & ~Shape::step_mask) == 0) {
                // The last one to come need not write: nobody else will look.
                auto& left = left_[next];
                if (left.load(std::memory_order_acquire) == 1 || left.fetch_sub(1, std::memory_order_acq_rel) == 1) found(next);
            } else if ((target & Shape::only_edge) != 0) {
                found(next);
            } else {
                // Offered before it is counted: whoever counts last then knows that everybody has offered.
                if (body_.early(edge)) found(next);
                if (left_[next].fetch_sub(1, std::memory_order_acq_rel) == 1 && body_.early_last(next)) found(next);
            }
        }
    }

    /// Depth first: the newest ready step next, older ones are what is given away.
    void work(std::vector<std::uint32_t>& stack) {
        constexpr std::uint32_t none = ~std::uint32_t{0};
        std::uint32_t step = none;
        for (;;) {
            if (step == none) {
                if (stack.empty()) break;
                step = stack.back();
                stack.pop_back();
            }
            std::uint32_t next = none;
            if (!stack.empty() && (long_steps_ || (load_.load(std::memory_order_relaxed) & batches_mask) < workers_)) split(stack);
            if (body_.ready(step) == Verdict::settled) {
                for_ready(step, [&](std::uint32_t found) {
                    if (next == none) next = found;
                    else stack.push_back(found);
                });
            }
            step = next;
        }
        if (load_.fetch_sub(one_batch, std::memory_order_acq_rel) != one_batch) return;
        drained_.store(true, std::memory_order_release);
        body_.drained();
    }

    /// Gives the older half of what waits here to another worker; all of it before a long step.
    void split(std::vector<std::uint32_t>& stack) {
        load_.fetch_add(one_batch, std::memory_order_relaxed);
        auto given = std::make_unique<Batch>();
        if (long_steps_) {
            given->steps.swap(stack);
        } else {
            const auto half = static_cast<std::ptrdiff_t>((stack.size() + 1) / 2);
            given->steps.assign(stack.begin(), stack.begin() + half);
            stack.erase(stack.begin(), stack.begin() + half);
        }
        publish(std::move(given));
    }

    Body& body_;
    const Shape shape_;
    const std::size_t workers_;
    const bool long_steps_;
    std::unique_ptr<std::atomic<std::uint32_t>[]> left_;
    tbb::flow::graph graph_;
    tbb::flow::function_node<Batch*> dispatcher_;
    tbb::flow::function_node<Job> resume_;
    std::deque<Lane> lanes_;
    std::atomic<std::uint32_t> published_{0};
    std::atomic<std::uint32_t> leaving_{0};
    std::atomic<std::uint32_t> turns_{0};
    std::atomic<bool> drained_{false};
    alignas(64) std::atomic<std::uint64_t> load_{0};
};

} // namespace symphony::tracker
