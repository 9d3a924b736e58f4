// SPDX-License-Identifier: Apache-2.0
// 10,000 steps that do nothing, through the tracker's engine: nanoseconds a step, beside one oneTBB continue_node a step
// and beside a flow graph of batches without anything else around it.
#include "bench.hpp"
#include "engine.hpp"
#include "graphs.hpp"

#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/info.h>

#include <deque>
#include <memory>

namespace {

using symphony::bench::Graph;
using symphony::bench::steps_count;
using symphony::tracker::Engine;
using symphony::tracker::Job;
using symphony::tracker::Shape;
using symphony::tracker::Verdict;

/// What one step does: counts that it ran.
struct Bodies {
    std::vector<std::uint32_t> ran = std::vector<std::uint32_t>(steps_count, 0);
    Verdict ready(std::uint32_t step) noexcept {
        ++ran[step];
        return Verdict::settled;
    }
    void perform(Job) noexcept {}
    Verdict resumed(Job) noexcept { return Verdict::settled; }
    bool early(std::uint32_t) noexcept { return false; }
    bool early_last(std::uint32_t) noexcept { return true; }
    void drained() noexcept {}
};

/// The peer: a graph node for every step.
class NodePerStep {
public:
    explicit NodePerStep(const Graph& g) {
        for (std::uint32_t i = 0; i < g.steps(); ++i) {
            nodes_.emplace_back(graph_, [this, i](const tbb::flow::continue_msg&) { ++bodies_.ran[i]; });
        }
        for (const auto& [from, to] : g.edges) tbb::flow::make_edge(nodes_[from], nodes_[to]);
        for (std::uint32_t i = 0; i < g.steps(); ++i) {
            if (g.waits[i] == 0) roots_.push_back(&nodes_[i]);
        }
    }
    void run() {
        for (auto* root : roots_) root->try_put(tbb::flow::continue_msg());
        graph_.wait_for_all();
    }

private:
    Bodies bodies_;
    tbb::flow::graph graph_;
    std::deque<tbb::flow::continue_node<tbb::flow::continue_msg>> nodes_;
    std::vector<tbb::flow::continue_node<tbb::flow::continue_msg>*> roots_;
};

/// The limit: batches of ready steps through one function_node, split while a worker idles; no states, lanes or errors.
class BareBatches {
public:
    explicit BareBatches(const Graph& g)
        : shape_(g), left_(std::make_unique<std::atomic<std::uint32_t>[]>(g.steps())),
          node_(graph_, tbb::flow::unlimited, [this](const std::shared_ptr<Stack>& stack) {
              work(*stack);
              return tbb::flow::continue_msg();
          }) {
        for (std::uint32_t i = 0; i < g.steps(); ++i) {
            if (g.waits[i] == 0) roots_.push_back(i);
        }
    }
    void run() {
        for (std::uint32_t i = 0; i < shape_.steps(); ++i) left_[i].store(shape_.waits[i], std::memory_order_relaxed);
        active_.store(1, std::memory_order_relaxed);
        node_.try_put(std::make_shared<Stack>(roots_));
        graph_.wait_for_all();
    }

private:
    using Stack = std::vector<std::uint32_t>;
    void work(Stack& stack) {
        while (!stack.empty()) {
            const std::uint32_t step = stack.back();
            stack.pop_back();
            ++bodies_.ran[step];
            for (std::uint32_t e = shape_.offsets[step]; e < shape_.offsets[step + 1]; ++e) {
                if (left_[shape_.targets[e]].fetch_sub(1, std::memory_order_acq_rel) == 1) stack.push_back(shape_.targets[e]);
            }
            if (stack.size() > 1 && active_.load(std::memory_order_relaxed) < workers_) {
                active_.fetch_add(1, std::memory_order_relaxed);
                const auto half = static_cast<std::ptrdiff_t>(stack.size() / 2);
                node_.try_put(std::make_shared<Stack>(stack.begin(), stack.begin() + half));
                stack.erase(stack.begin(), stack.begin() + half);
            }
        }
        active_.fetch_sub(1, std::memory_order_relaxed);
    }

    const Graph& shape_;
    Bodies bodies_;
    std::unique_ptr<std::atomic<std::uint32_t>[]> left_;
    Stack roots_;
    const int workers_ = tbb::info::default_concurrency();
    tbb::flow::graph graph_;
    tbb::flow::function_node<std::shared_ptr<Stack>> node_;
    alignas(64) std::atomic<int> active_{0};
};

void measure(symphony::bench::Report& report, Graph graph) {
    using symphony::bench::time_ns;
    Graph marked = graph;
    symphony::tracker::mark_only_edges(marked.targets, marked.waits);
    Bodies bodies;
    Engine<Bodies> engine(bodies, Shape{marked.offsets, marked.targets, marked.waits},
                          static_cast<std::size_t>(tbb::info::default_concurrency()));
    NodePerStep node_per_step(graph);
    BareBatches bare(graph);
    const auto ours = [&] {
        engine.start();
        engine.wait();
    };
    std::vector<double> engine_ns, node_ns, bare_ns;
    for (int round = 0; round < 41; ++round) {
        engine_ns.push_back(time_ns(5, ours) / steps_count);
        node_ns.push_back(time_ns(5, [&] { node_per_step.run(); }) / steps_count);
        bare_ns.push_back(time_ns(5, [&] { bare.run(); }) / steps_count);
    }
    report.add(graph.name + ": run, a step", "ns", engine_ns, "continue_node a step", node_ns, "ratio < 1");
    report.add(graph.name + ": run, a step", "ns", engine_ns, "bare batches", bare_ns, "ratio <= 1.5");

    std::vector<double> engine_once, node_once;
    for (int round = 0; round < 15; ++round) {
        engine_once.push_back(time_ns(1, [&] {
            Graph made;
            made.edges = graph.edges;
            made.compile(steps_count);
            symphony::tracker::mark_only_edges(made.targets, made.waits);
            Engine<Bodies> once(bodies, Shape{made.offsets, made.targets, made.waits},
                                static_cast<std::size_t>(tbb::info::default_concurrency()));
            once.start();
            once.wait();
        }) / 1e6);
        node_once.push_back(time_ns(1, [&] { NodePerStep(graph).run(); }) / 1e6);
    }
    report.add(graph.name + ": compile and run once", "ms", engine_once, "continue_node a step", node_once, "ratio < 1");
}

} // namespace

int main(int argc, char** argv) {
    symphony::bench::Report report("dag", argc, argv);
    using namespace symphony::bench;
    for (Graph graph : {chain(), fan(), tree(), layered()}) measure(report, std::move(graph));
    return report.write();
}
