// SPDX-License-Identifier: Apache-2.0
#include "validator.hpp"

#include <algorithm>
#include <unordered_map>

namespace symphony::tracker {

void Validator::cycles() {
    const std::size_t nodes = workflow_.nodes.size();
    std::vector<std::uint32_t> index(nodes, 0), low(nodes, 0), component(nodes, no_id);
    std::vector<bool> placed(nodes, false), on_stack(nodes, false);
    for (const Id n : workflow_.order) placed[n] = true;
    struct Frame {
        Id node;
        std::uint32_t next;
    };
    std::vector<Frame> frames;
    std::vector<Id> stack;
    std::uint32_t counter = 0;
    std::uint32_t components = 0;
    std::vector<Id> roots;
    for (Id start = 0; start < nodes; ++start) {
        if (placed[start] || index[start] != 0) continue;
        frames.push_back({start, workflow_.out_offsets[start]});
        index[start] = low[start] = ++counter;
        stack.push_back(start);
        on_stack[start] = true;
        while (!frames.empty()) {
            Frame& frame = frames.back();
            const Id n = frame.node;
            if (frame.next < workflow_.out_offsets[n + 1]) {
                const Id to = workflow_.edges[workflow_.out_edges[frame.next++]].to;
                if (to == no_id || placed[to]) continue;
                if (index[to] == 0) {
                    index[to] = low[to] = ++counter;
                    stack.push_back(to);
                    on_stack[to] = true;
                    frames.push_back({to, workflow_.out_offsets[to]});
                } else if (on_stack[to]) {
                    low[n] = std::min(low[n], index[to]);
                }
                continue;
            }
            frames.pop_back();
            if (!frames.empty()) low[frames.back().node] = std::min(low[frames.back().node], low[n]);
            if (low[n] != index[n]) continue;
            Id least = n;
            std::size_t size = 0;
            for (Id popped = no_id; popped != n; ++size) {
                popped = stack.back();
                stack.pop_back();
                on_stack[popped] = false;
                component[popped] = components;
                least = std::min(least, popped);
            }
            ++components;
            if (size > 1 || loops(n)) roots.push_back(least);
        }
    }
    std::sort(roots.begin(), roots.end());
    for (const Id root : roots) name_cycle(root, component);
}

bool Validator::loops(Id n) const {
    for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) {
        if (workflow_.edges[workflow_.out_edges[i]].to == n) return true;
    }
    return false;
}

void Validator::name_cycle(Id root, const std::vector<std::uint32_t>& component) {
    std::unordered_map<Id, Id> came;  // node -> edge
    std::vector<Id> queue{root};
    for (std::size_t k = 0; k < queue.size(); ++k) {
        const Id n = queue[k];
        for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) {
            const Id e = workflow_.out_edges[i];
            const Id to = workflow_.edges[e].to;
            if (to == no_id || component[to] != component[root]) continue;
            if (to == root) {
                report_cycle(root, e, came);
                return;
            }
            if (came.emplace(to, e).second) queue.push_back(to);
        }
    }
}

void Validator::report_cycle(Id root, Id last, const std::unordered_map<Id, Id>& came) {
    std::vector<Id> path;
    for (Id n = workflow_.edges[last].from; n != root; n = workflow_.edges[came.at(n)].from) path.push_back(n);
    path.push_back(root);
    std::reverse(path.begin(), path.end());
    constexpr std::size_t named_max = 12;
    std::string text;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (i == named_max && path.size() > named_max + 1) {
            text += "… (" + std::to_string(path.size() - named_max) + " more) -> ";
            break;
        }
        text += std::string(workflow_.node_name(path[i])) + " -> ";
    }
    text += workflow_.node_name(root);
    error("cycle", "the nodes wait for each other: " + text, workflow_.edges[last].place, "remove one of these edges; work in rounds belongs into `each` or into the operation");
}

} // namespace symphony::tracker
