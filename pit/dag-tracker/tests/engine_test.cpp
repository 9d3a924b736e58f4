// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <thread>

namespace symphony::tracker {
namespace {

struct Graph {
    std::uint32_t steps = 0;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
    std::vector<std::uint32_t> offsets, targets, waits;

    void finish() {
        offsets.assign(steps + 1, 0);
        waits.assign(steps, 0);
        targets.resize(edges.size());
        for (const auto& [a, b] : edges) {
            ++offsets[a + 1];
            ++waits[b];
        }
        for (std::uint32_t i = 0; i < steps; ++i) offsets[i + 1] += offsets[i];
        auto at = offsets;
        for (const auto& [a, b] : edges) targets[at[a]++] = b;
        mark_only_edges(targets, waits);
    }
    Shape shape() const { return {offsets, targets, waits}; }
};

Graph make(const std::string& kind, std::uint32_t steps, std::uint32_t seed = 1) {
    Graph graph;
    graph.steps = steps;
    std::mt19937 random(seed);
    if (kind == "chain") {
        for (std::uint32_t i = 1; i < steps; ++i) graph.edges.emplace_back(i - 1, i);
    } else if (kind == "fan") {
        for (std::uint32_t i = 1; i + 1 < steps; ++i) {
            graph.edges.emplace_back(0, i);
            graph.edges.emplace_back(i, steps - 1);
        }
    } else if (kind == "tree") {
        for (std::uint32_t i = 1; i < steps; ++i) graph.edges.emplace_back((i - 1) / 2, i);
    } else {  // layered: edges lead to later steps, some twice
        for (std::uint32_t e = 0; e < steps * 4; ++e) {
            const auto from = static_cast<std::uint32_t>(random() % (steps - 1));
            const std::uint32_t reach = std::min<std::uint32_t>(steps - 1 - from, 1 + steps / 8);
            graph.edges.emplace_back(from, from + 1 + static_cast<std::uint32_t>(random() % reach));
        }
    }
    graph.finish();
    return graph;
}

/// Every step writes a number made of its predecessors': any order but a right one gives another result.
struct Oracle {
    const Graph& graph;
    std::vector<std::vector<std::uint32_t>> before;
    std::vector<std::uint64_t> made;
    std::vector<std::uint32_t> times;
    std::atomic<std::uint32_t> drains{0};

    explicit Oracle(const Graph& of) : graph(of), before(of.steps), made(of.steps), times(of.steps) {
        for (const auto& [a, b] : of.edges) before[b].push_back(a);
    }
    void step(std::uint32_t i) {
        std::uint64_t number = i + 1;
        for (const auto b : before[i]) number = number * 31 + made[b];
        made[i] = number;
        ++times[i];
    }
    std::vector<std::uint64_t> serial() {
        for (std::uint32_t i = 0; i < graph.steps; ++i) step(i);  // edges lead upwards
        auto out = std::exchange(made, std::vector<std::uint64_t>(graph.steps));
        times.assign(graph.steps, 0);
        return out;
    }
    Verdict ready(std::uint32_t i) noexcept {
        step(i);
        return Verdict::settled;
    }
    void perform(Job) noexcept {}
    Verdict resumed(Job) noexcept { return Verdict::settled; }
    bool early(std::uint32_t) noexcept { return false; }
    bool early_last(std::uint32_t) noexcept { return true; }
    void drained() noexcept { drains.fetch_add(1); }
};

void expect_like_serial(const Graph& graph, bool long_steps) {
    Oracle oracle(graph);
    const auto expected = oracle.serial();
    Engine<Oracle> engine(oracle, graph.shape(), 2, {}, long_steps);
    constexpr std::uint32_t runs = 3;
    for (std::uint32_t k = 1; k <= runs; ++k) {
        engine.start();
        engine.wait();
        EXPECT_EQ(oracle.made, expected);
        EXPECT_EQ(oracle.drains.load(), k);
        EXPECT_EQ(oracle.times, std::vector<std::uint32_t>(graph.steps, k));
    }
}

/// Its one step has a job that is held once more from outside, as one that waits for its turn elsewhere.
struct HeldOnce {
    Engine<HeldOnce>* engine = nullptr;
    std::atomic<std::uint32_t> drains{0};

    Verdict ready(std::uint32_t i) noexcept {
        engine->hold();
        engine->enqueue({i, 0, 0});
        return Verdict::parked;
    }
    void perform(Job job) noexcept { engine->complete(job); }
    Verdict resumed(Job) noexcept {
        ended.store(true, std::memory_order_release);
        return Verdict::settled;
    }
    bool early(std::uint32_t) noexcept { return false; }
    bool early_last(std::uint32_t) noexcept { return true; }
    void drained() noexcept { drains.fetch_add(1); }
    std::atomic<bool> ended{false};
};

TEST(Engine, IsDrainedByTheLastHoldThatEnds) {
    const Graph graph = make("chain", 1);
    HeldOnce body;
    const std::array lanes{LaneLimit{}};
    Engine<HeldOnce> engine(body, graph.shape(), 1, lanes);
    body.engine = &engine;
    engine.start();
    while (!body.ended.load(std::memory_order_acquire)) std::this_thread::yield();
    EXPECT_FALSE(engine.drained()) << "somebody holds it";
    engine.unhold();
    engine.wait();
    EXPECT_TRUE(engine.drained());
    EXPECT_EQ(body.drains.load(), 1u);
}

TEST(Engine, RunsEveryShapeLikeASerialLoop) {
    for (const std::string kind : {"chain", "fan", "tree", "layered"}) {
        for (const bool long_steps : {false, true}) {
            SCOPED_TRACE(kind + (long_steps ? ", long steps" : ""));
            expect_like_serial(make(kind, 10'000), long_steps);
        }
    }
}

TEST(Engine, RunsRandomGraphsLikeASerialLoop) {
    const std::uint32_t first = std::random_device{}();
    for (std::uint32_t seed = first; seed != first + 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        expect_like_serial(make("layered", 2 + static_cast<std::uint32_t>(random() % 400), seed), random() % 2 == 0);
    }
}

TEST(Engine, RunsASingleStepAndNoEdges) {
    Graph graph;
    graph.steps = 1;
    graph.finish();
    expect_like_serial(graph, false);
    graph.steps = 500;
    graph.finish();
    expect_like_serial(graph, true);
}

/// Every step goes through a lane; another thread completes it.
struct Laned {
    Oracle oracle;
    Engine<Laned>* engine = nullptr;
    std::uint32_t lanes = 1;
    std::array<std::atomic<int>, 3> inside{};
    std::array<std::atomic<int>, 3> most{};
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Job> waiting;
    bool over = false;
    std::thread helper;

    explicit Laned(const Graph& graph) : oracle(graph), helper([this] { help(); }) {}
    ~Laned() {
        {
            const std::lock_guard lock(mutex);
            over = true;
            changed.notify_all();
        }
        helper.join();
    }
    void help() {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [this] { return over || !waiting.empty(); });
            if (waiting.empty()) return;
            const Job job = waiting.back();
            waiting.pop_back();
            lock.unlock();
            inside[job.lane].fetch_sub(1);
            engine->complete(job);
            lock.lock();
        }
    }
    Verdict ready(std::uint32_t step) noexcept {
        engine->enqueue({step, 0, step % lanes});
        return Verdict::parked;
    }
    void perform(Job job) noexcept {
        const int now = inside[job.lane].fetch_add(1) + 1;
        int seen = most[job.lane].load();
        while (seen < now && !most[job.lane].compare_exchange_weak(seen, now)) {}
        const std::lock_guard lock(mutex);
        waiting.push_back(job);
        changed.notify_all();
    }
    Verdict resumed(Job job) noexcept {
        if (job.slot < 2 && job.step % 7 == 0) {  // some steps need several turns
            engine->enqueue({job.step, job.slot + 1, job.lane});
            return Verdict::parked;
        }
        oracle.step(job.step);
        return Verdict::settled;
    }
    bool early(std::uint32_t) noexcept { return false; }
    bool early_last(std::uint32_t) noexcept { return true; }
    void drained() noexcept { oracle.drained(); }
};

TEST(Engine, KeepsTheLimitsOfItsLanes) {
    const Graph graph = make("layered", 1500, 5);
    Laned body(graph);
    const auto expected = body.oracle.serial();
    const std::array<LaneLimit, 3> limits{LaneLimit{1}, LaneLimit{2}, LaneLimit{}};
    body.lanes = 3;
    Engine<Laned> engine(body, graph.shape(), 2, limits);
    body.engine = &engine;
    engine.start();
    engine.wait();
    EXPECT_EQ(body.oracle.made, expected);
    EXPECT_EQ(body.oracle.drains.load(), 1u);
    EXPECT_EQ(body.most[0].load(), 1);
    EXPECT_LE(body.most[1].load(), 2);
}

/// Steps above `first_early` start as soon as one predecessor has ended.
struct Hasty {
    const Graph& graph;
    std::vector<std::atomic<bool>> claimed;
    std::vector<std::atomic<std::uint32_t>> times;
    std::atomic<std::uint32_t> drains{0};
    explicit Hasty(const Graph& of) : graph(of), claimed(of.steps), times(of.steps) {}
    Verdict ready(std::uint32_t step) noexcept {
        times[step].fetch_add(1);
        return Verdict::settled;
    }
    void perform(Job) noexcept {}
    Verdict resumed(Job) noexcept { return Verdict::settled; }
    // Only every third edge brings something.
    bool early(std::uint32_t edge) noexcept { return edge % 3 == 0 && !claimed[graph.targets[edge] & Shape::step_mask].exchange(true); }
    bool early_last(std::uint32_t step) noexcept { return !claimed[step].exchange(true); }
    void drained() noexcept { drains.fetch_add(1); }
};

TEST(Engine, StartsEarlyStepsOnce) {
    for (std::uint32_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        Graph graph = make("layered", 600, seed);
        for (auto& target : graph.targets) {
            if ((target & Shape::step_mask) % 2 == 0) target = (target & Shape::step_mask) | Shape::early_edge;
        }
        Hasty body(graph);
        Engine<Hasty> engine(body, graph.shape(), 2);
        engine.start();
        engine.wait();
        for (std::uint32_t i = 0; i < graph.steps; ++i) ASSERT_EQ(body.times[i].load(), 1u) << i;
        EXPECT_EQ(body.drains.load(), 1u);
    }
}

} // namespace
} // namespace symphony::tracker
