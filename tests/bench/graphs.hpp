// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

/// Graphs of 10,000 steps that benchmarks of the workflow engine have in common.
namespace symphony::bench {

inline constexpr std::uint32_t steps_count = 10'000;

struct Graph {
    std::string name;
    std::vector<std::uint32_t> offsets, targets, waits;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;

    std::size_t steps() const { return waits.size(); }
    void compile(std::uint32_t steps) {
        offsets.assign(steps + 1, 0);
        waits.assign(steps, 0);
        targets.resize(edges.size());
        for (const auto& [from, to] : edges) {
            ++offsets[from + 1];
            ++waits[to];
        }
        for (std::uint32_t i = 0; i < steps; ++i) offsets[i + 1] += offsets[i];
        auto at = offsets;
        for (const auto& [from, to] : edges) targets[at[from]++] = to;
    }
};

inline Graph chain() {
    Graph g;
    g.name = "chain";
    for (std::uint32_t i = 1; i < steps_count; ++i) g.edges.emplace_back(i - 1, i);
    g.compile(steps_count);
    return g;
}
inline Graph fan() {
    Graph g;
    g.name = "fan";
    for (std::uint32_t i = 1; i + 1 < steps_count; ++i) {
        g.edges.emplace_back(0, i);
        g.edges.emplace_back(i, steps_count - 1);
    }
    g.compile(steps_count);
    return g;
}
inline Graph tree() {
    Graph g;
    g.name = "tree";
    for (std::uint32_t i = 1; i < steps_count; ++i) g.edges.emplace_back((i - 1) / 2, i);
    g.compile(steps_count);
    return g;
}
inline Graph layered() {
    Graph g;
    g.name = "layered";
    constexpr std::uint32_t layers = 100, width = steps_count / layers;
    std::minstd_rand engine(20261124);
    const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
    for (int i = 0; i < 50'000; ++i) {
        const std::uint32_t layer = random() % (layers - 1);
        const std::uint32_t ahead = 1 + random() % std::min(3u, layers - 1 - layer);
        g.edges.emplace_back(layer * width + random() % width, (layer + ahead) * width + random() % width);
    }
    std::sort(g.edges.begin(), g.edges.end());
    g.edges.erase(std::unique(g.edges.begin(), g.edges.end()), g.edges.end());
    g.compile(steps_count);
    return g;
}

} // namespace symphony::bench
