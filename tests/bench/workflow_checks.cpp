// SPDX-License-Identifier: Apache-2.0
#include "workflow.hpp"

#include "validate.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/topological_sort.hpp>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>

namespace symphony::bench {
namespace {

using tracker::Id;
using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// Layers of nodes; each edge joins a layer to one of the next three, at random.
Pairs layered(std::uint32_t nodes, std::uint32_t edges, std::uint32_t layers) {
    Pairs made;
    const std::uint32_t width = nodes / layers;
    std::minstd_rand engine(20261127);
    const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(engine()) % bound; };
    for (std::uint32_t i = 0; i < edges; ++i) {
        const std::uint32_t layer = below(layers - 1);
        const std::uint32_t ahead = 1 + below(std::min(3u, layers - 1 - layer));
        made.emplace_back(layer * width + below(width), (layer + ahead) * width + below(width));
    }
    std::sort(made.begin(), made.end());
    made.erase(std::unique(made.begin(), made.end()), made.end());
    return made;
}

// Peer: integer edges -> compressed rows -> Kahn 1962. Nothing but the order and whether there is a cycle.
std::size_t kahn(std::uint32_t nodes, const Pairs& edges) {
    std::vector<std::uint32_t> offsets(nodes + 1), targets(edges.size()), waits(nodes), order;
    order.reserve(nodes);
    for (const auto& [from, to] : edges) {
        ++offsets[from + 1];
        ++waits[to];
    }
    for (std::uint32_t i = 0; i < nodes; ++i) offsets[i + 1] += offsets[i];
    auto at = offsets;
    for (const auto& [from, to] : edges) targets[at[from]++] = to;
    for (std::uint32_t i = 0; i < nodes; ++i) {
        if (waits[i] == 0) order.push_back(i);
    }
    for (std::size_t k = 0; k < order.size(); ++k) {
        for (auto i = offsets[order[k]]; i < offsets[order[k] + 1]; ++i) {
            if (--waits[targets[i]] == 0) order.push_back(targets[i]);
        }
    }
    return order.size();
}

std::size_t boost_graph(std::uint32_t nodes, const Pairs& edges) {
    const boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS> graph(edges.begin(), edges.end(), nodes);
    std::vector<std::size_t> order;
    order.reserve(nodes);
    boost::topological_sort(graph, std::back_inserter(order));
    return order.size();
}

constexpr std::size_t operations = 8;
constexpr std::size_t ports = 40;

/// One plugin with eight operations: their inputs are text, some of them may be any; their output is text.
tracker::Catalogue catalogue() {
    tracker::Provider provider;
    provider.id = "org.bench.text";
    provider.name = "text";
    provider.version = "1.0.0";
    provider.concurrent = true;
    for (std::size_t o = 0; o < operations; ++o) {
        tracker::OperationSpec operation;
        operation.name = "operation-" + std::to_string(o);
        for (std::size_t p = 0; p < ports; ++p) operation.inputs.push_back({"in-" + std::to_string(p), tracker::Type(p % 3 == 0 ? tracker::Type::Kind::any : tracker::Type::Kind::text).as_optional()});
        operation.outputs = {{"count", tracker::Type(tracker::Type::Kind::integer)}, {"text", tracker::Type(tracker::Type::Kind::text)}};
        provider.operations.push_back(std::move(operation));
    }
    tracker::Catalogue made;
    made.add(std::move(provider));
    return made;
}

tracker::Workflow workflow_of(std::uint32_t nodes, const Pairs& edges) {
    tracker::Workflow w;
    w.id = "bench";
    w.version = "1.0.0";
    w.names.reserve(nodes + 64);
    std::vector<Id> inputs, called;
    const Id plugin = w.names.intern("text"), out = w.names.intern("text");
    for (std::size_t p = 0; p < ports; ++p) inputs.push_back(w.names.intern("in-" + std::to_string(p)));
    for (std::size_t o = 0; o < operations; ++o) called.push_back(w.names.intern("operation-" + std::to_string(o)));
    w.nodes.resize(nodes);
    for (Id n = 0; n < nodes; ++n) {
        w.nodes[n].name = w.names.intern("node-" + std::to_string(n));
        w.nodes[n].plugin = plugin;
        w.nodes[n].operation = called[n % operations];
    }
    std::vector<std::uint8_t> given(nodes, 0);
    w.edges.reserve(edges.size());
    for (const auto& [from, to] : edges) {
        tracker::Edge edge;
        edge.from = from;
        edge.to = to;
        edge.from_port = out;
        edge.to_port = inputs[given[to]++];
        w.edges.push_back(edge);
    }
    return w;
}

/// All there is: adjacency both ways, order, levels, cycles, providers, types, inputs given twice or not at all, orphans,
/// what is never reached.
void check(tracker::Workflow& workflow, const tracker::Catalogue& known, const tracker::Limits& limits) {
    tracker::Findings findings{"bench"};
    tracker::compile(workflow);
    keep(tracker::validate(workflow, known, limits, findings, [] { return static_cast<std::uint64_t>(now_ns()); }));
    if (workflow.order.size() == workflow.nodes.size() && !findings.has_errors()) return;
    for (const auto& found : findings.take()) std::fprintf(stderr, "%s\n", format(found).c_str());
    std::exit(1);
}
void forget(tracker::Workflow& w) {
    for (auto* list : {&w.out_offsets, &w.out_edges, &w.in_offsets, &w.in_edges, &w.order, &w.levels}) std::vector<std::uint32_t>().swap(*list);
}

double resident_mb() {
    std::ifstream file("/proc/self/statm");
    double all = 0, resident = 0;
    file >> all >> resident;
    return resident * 4096 / 1e6;
}

void measure(Report& report, const std::string& name, std::uint32_t nodes, const Pairs& edges, int rounds, const tracker::Limits& limits) {
    const double before_mb = resident_mb();
    tracker::Workflow workflow = workflow_of(nodes, edges);
    const double made_mb = resident_mb();
    const auto known = catalogue();
    std::vector<double> ours, compiled, rows, boost, memory;
    for (int round = 0; round < rounds; ++round) {
        forget(workflow);
        ours.push_back(time_ns(1, [&] { check(workflow, known, limits); }) / 1e3);
        memory.push_back(resident_mb() - made_mb);
        forget(workflow);
        compiled.push_back(time_ns(1, [&] { tracker::compile(workflow); }) / 1e3);
        rows.push_back(time_ns(1, [&] { keep(kahn(nodes, edges)); }) / 1e3);
        boost.push_back(time_ns(1, [&] { keep(boost_graph(nodes, edges)); }) / 1e3);
    }
    report.add(name + ": all checks", "us", ours, "Kahn on compressed rows", rows, "ratio <= 2");
    report.add(name + ": all checks", "us", ours, "Boost.Graph, build and sort", boost, "ratio <= 0.2");
    report.add(name + ": order and levels only", "us", compiled, "Kahn on compressed rows", rows, "");
    report.add(name + ": workflow in memory", "MB", {made_mb - before_mb});
    report.add(name + ": memory of the check", "MB", memory);
}

} // namespace

void measure_checks(Report& report) {
    Pairs edges = layered(10'000, 50'000, 100);
    // As a file has them: those into one node together.
    std::stable_sort(edges.begin(), edges.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    measure(report, "10,000 nodes, 50,000 edges", 10'000, edges, 101, {});
    std::shuffle(edges.begin(), edges.end(), std::minstd_rand(7));
    measure(report, "10,000 nodes, 50,000 edges at random", 10'000, edges, 101, {});
    tracker::Limits raised;
    raised.nodes_max = 1'000'000;
    raised.edges_max = 5'000'000;
    raised.check_ns_max = 600'000'000'000;
    Pairs many = layered(1'000'000, 5'000'000, 1'000);
    std::stable_sort(many.begin(), many.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    measure(report, "1,000,000 nodes, 5,000,000 edges", 1'000'000, many, 5, raised);
}

} // namespace symphony::bench
