// SPDX-License-Identifier: Apache-2.0
#include "model.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

namespace symphony::tracker {

namespace {

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
std::uint64_t word(const char* from, std::size_t bytes) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, from, bytes);
    return value;
}

} // namespace

Names::Names() {
    seed_ = mixed(static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^ 0x9E3779B97F4A7C15u,
                  reinterpret_cast<std::uintptr_t>(this) ^ 0xD6E8FEB86659FD93u);
    rehash(64);
    intern("");
}

/// After wyhash (Wang Yi): folded multiplication of sixteen bytes at a time.
std::uint32_t Names::hash(std::string_view text) const noexcept {
    constexpr std::uint64_t a = 0xA0761D6478BD642Fu, b = 0xE7037ED1A0B428DBu;
    const char* at = text.data();
    std::size_t left = text.size();
    std::uint64_t state = seed_;
    for (; left > 16; at += 16, left -= 16) state = mixed(word(at, 8) ^ a, word(at + 8, 8) ^ state);
    std::uint64_t first = 0, last = 0;
    if (left >= 8) {
        first = word(at, 8);
        last = word(at + left - 8, 8);
    } else if (left >= 4) {
        first = word(at, 4);
        last = word(at + left - 4, 4);
    } else if (left > 0) {
        first = static_cast<std::uint64_t>(static_cast<unsigned char>(at[0])) << 16 | static_cast<std::uint64_t>(static_cast<unsigned char>(at[left / 2])) << 8 |
                static_cast<unsigned char>(at[left - 1]);
    }
    state = mixed(first ^ a, last ^ state);
    return static_cast<std::uint32_t>(mixed(state ^ b, text.size() ^ b) >> 16);
}

void Names::rehash(std::size_t places) {
    places_.assign(places, no_id);
    for (Id id = 0; id < texts_.size(); ++id) {
        std::size_t at = hashes_[id] & (places - 1);
        while (places_[at] != no_id) at = (at + 1) & (places - 1);
        places_[at] = id;
    }
}

void Names::reserve(std::size_t texts) {
    texts_.reserve(texts);
    hashes_.reserve(texts);
    if (texts * 2 > places_.size()) rehash(std::bit_ceil(texts * 2));
}

Id Names::intern(std::string_view text) {
    if (text.empty() && !texts_.empty()) return 0;
    const std::uint32_t key = hash(text);
    std::size_t at = key & (places_.size() - 1);
    for (; places_[at] != no_id; at = (at + 1) & (places_.size() - 1)) {
        if (hashes_[places_[at]] == key && texts_[places_[at]] == text) return places_[at];
    }
    const Id id = static_cast<Id>(texts_.size());
    texts_.push_back(arena_.copy(text));
    hashes_.push_back(key);
    places_[at] = id;
    if (texts_.size() * 2 > places_.size()) rehash(places_.size() * 2);
    return id;
}

Id Names::find(std::string_view text) const noexcept {
    const std::uint32_t key = hash(text);
    for (std::size_t at = key & (places_.size() - 1); places_[at] != no_id; at = (at + 1) & (places_.size() - 1)) {
        if (hashes_[places_[at]] == key && texts_[places_[at]] == text) return places_[at];
    }
    return no_id;
}

std::string_view name_of(NodeKind kind) noexcept {
    switch (kind) {
    case NodeKind::operation: return "operator";
    case NodeKind::instrument: return "instrument";
    case NodeKind::branch: return "branch";
    case NodeKind::merge: return "merge";
    case NodeKind::join: return "join";
    case NodeKind::delay: return "delay";
    case NodeKind::wait: return "wait";
    case NodeKind::workflow: return "workflow";
    case NodeKind::loop: return "loop";
    case NodeKind::scope: return "inputs";
    case NodeKind::gather: return "outputs";
    case NodeKind::rounds: return "loop";
    case NodeKind::tries: return "attempts";
    case NodeKind::elements: return "elements";
    }
    return "";
}

std::string_view name_of(MergeMode mode) noexcept {
    switch (mode) {
    case MergeMode::first: return "first";
    case MergeMode::any: return "any";
    case MergeMode::all: return "all";
    case MergeMode::concat: return "concat";
    case MergeMode::named: return "named";
    }
    return "";
}

std::string_view name_of(CachePolicy policy) noexcept {
    switch (policy) {
    case CachePolicy::if_pure: return "if-pure";
    case CachePolicy::always: return "always";
    case CachePolicy::within_run: return "within-run";
    case CachePolicy::never: return "never";
    }
    return "";
}

std::string_view name_of(RetryKind kind) noexcept {
    switch (kind) {
    case RetryKind::jitter: return "jitter";
    case RetryKind::exponential: return "exponential";
    case RetryKind::constant: return "constant";
    }
    return "";
}

std::string_view loop_text(const Workflow& workflow, const NodeExtras& extras) noexcept {
    if (extras.again == no_id) return {};
    std::string_view text = workflow.conditions[extras.again].text();
    if (!extras.until) return text;
    constexpr std::string_view before = "not (";
    text.remove_prefix(before.size());
    text.remove_suffix(1);
    return text;
}

NodeExtras& own_extras(Workflow& workflow, Node& node) {
    if (node.extras == 0) {
        node.extras = static_cast<std::uint32_t>(workflow.extras.size());
        workflow.extras.emplace_back();
    }
    return workflow.extras[node.extras];
}

std::uint32_t policy_index(Workflow& workflow, const CallPolicy& policy) {
    auto& all = workflow.policies;
    for (std::size_t i = all.size(); i-- > 0 && all.size() - i < 64;) {
        if (all[i] == policy) return static_cast<std::uint32_t>(i);
    }
    all.push_back(policy);
    return static_cast<std::uint32_t>(all.size() - 1);
}

namespace {

/// Successors of node n: targets[offsets[n] .. offsets[n + 1]).
struct Order {
    const std::vector<std::uint32_t>& offsets;
    const std::vector<Id>& targets;
};

void put_in_order(Workflow& workflow, const Order& next) {
    struct Wait {
        std::uint32_t count = 0;  // predecessors that are not placed yet
        std::uint32_t level = 0;
    };
    const std::size_t nodes = workflow.nodes.size();
    std::vector<Wait> waits(nodes);
    for (const Id to : next.targets) ++waits[to].count;
    auto& order = workflow.order;
    order.clear();
    order.reserve(nodes);
    for (Id n = 0; n < nodes; ++n) {
        if (waits[n].count == 0) order.push_back(n);
    }
    for (std::size_t k = 0; k < order.size(); ++k) {
        const Id from = order[k];
        const std::uint32_t level = waits[from].level + 1;
        for (auto i = next.offsets[from]; i < next.offsets[from + 1]; ++i) {
            Wait& wait = waits[next.targets[i]];
            wait.level = std::max(wait.level, level);
            if (--wait.count == 0) order.push_back(next.targets[i]);
        }
    }
    workflow.levels.resize(nodes);
    for (Id n = 0; n < nodes; ++n) workflow.levels[n] = waits[n].count == 0 ? waits[n].level : no_id;
}

/// What nobody but extras says. Faults in it (two roles, a fallback of two nodes) are for validation: the first one counts here.
void assign_roles(Workflow& workflow) {
    workflow.roles.clear();
    workflow.stands_in.clear();
    workflow.first_of.clear();
    if (workflow.extras.size() == 1) return;
    const std::size_t nodes = workflow.nodes.size();
    workflow.roles.assign(nodes, Role::main);
    workflow.stands_in.resize(nodes);
    for (Id n = 0; n < nodes; ++n) workflow.stands_in[n] = n;
    for (Id n = 0; n < nodes; ++n) {
        const NodeExtras& extras = workflow.extras_of(n);
        if (extras.fallback != no_id && extras.fallback != n && workflow.roles[extras.fallback] == Role::main) {
            workflow.roles[extras.fallback] = Role::standby;
            workflow.stands_in[extras.fallback] = n;
        }
        if (extras.compensate != no_id && workflow.roles[extras.compensate] == Role::main) workflow.roles[extras.compensate] = Role::compensation;
    }
    for (Id n = 0; n < nodes; ++n) {
        if (workflow.extras_of(n).finally) workflow.roles[n] = Role::closing;
    }
    // Chains are walked once; a ring of fallbacks, which validation names, begins where the walk came into it.
    workflow.first_of.assign(nodes, no_id);
    std::vector<Id> way;
    for (Id n = 0; n < nodes; ++n) {
        way.clear();
        Id at = n;
        for (; workflow.first_of[at] == no_id; at = workflow.stands_in[at]) {
            way.push_back(at);
            workflow.first_of[at] = at;  // until the walk knows better
            if (workflow.stands_in[at] == at) break;
        }
        const Id first = workflow.first_of[at];
        for (const Id passed : way) workflow.first_of[passed] = first;
    }
}

/// A node waits for what its fallback reads, so that the fallback can begin at once; and the fallback comes behind it.
void put_in_order_of_roles(Workflow& workflow) {
    const std::size_t nodes = workflow.nodes.size();
    std::vector<std::pair<Id, Id>> links;
    links.reserve(workflow.edges.size() + 16);
    for (const Edge& edge : workflow.edges) {
        if (edge.from != no_id) links.emplace_back(edge.from, workflow.first_of[edge.to]);
    }
    for (Id n = 0; n < nodes; ++n) {
        if (workflow.stands_in[n] != n) links.emplace_back(workflow.stands_in[n], n);
        if (const Id undo = workflow.extras_of(n).compensate; undo != no_id && workflow.roles[undo] == Role::compensation) links.emplace_back(n, undo);
    }
    std::vector<std::uint32_t> offsets(nodes + 1, 0);
    for (const auto& [from, to] : links) ++offsets[from + 1];
    for (std::size_t n = 0; n < nodes; ++n) offsets[n + 1] += offsets[n];
    std::vector<Id> targets(links.size());
    std::vector<std::uint32_t> at(offsets.begin(), offsets.end() - 1);
    for (const auto& [from, to] : links) targets[at[from]++] = to;
    put_in_order(workflow, {offsets, targets});
}

} // namespace

void compile(Workflow& workflow) {
    const std::size_t nodes = workflow.nodes.size();
    const auto& edges = workflow.edges;
    struct Ends {
        Id from;
        Id to;
    };
    auto& outs = workflow.out_offsets;
    auto& ins = workflow.in_offsets;
    outs.assign(nodes + 1, 0);
    ins.assign(nodes + 1, 0);
    // The ends alone are a fifth of the edges: what follows stays in a nearer cache.
    std::vector<Ends> ends(edges.size());
    for (std::size_t e = 0; e < edges.size(); ++e) {
        const Edge& edge = edges[e];
        ends[e] = {edge.from, edge.to};
        ++ins[edge.to + 1];
        if (edge.from == no_id) continue;
        ++outs[edge.from + 1];
    }
    for (std::size_t n = 0; n < nodes; ++n) {
        outs[n + 1] += outs[n];
        ins[n + 1] += ins[n];
    }
    // Counting sort by either end. The targets lie beside, because the order below asks for nothing else of an edge.
    workflow.out_edges.resize(outs[nodes]);
    workflow.in_edges.resize(ins[nodes]);
    std::vector<Id> targets(outs[nodes]);
    std::vector<std::uint32_t> out_at(outs.begin(), outs.end() - 1);
    std::vector<std::uint32_t> in_at(ins.begin(), ins.end() - 1);
    for (Id e = 0; e < edges.size(); ++e) {
        const auto [from, to] = ends[e];
        workflow.in_edges[in_at[to]++] = e;
        if (from == no_id) continue;
        const std::uint32_t at = out_at[from]++;
        workflow.out_edges[at] = e;
        targets[at] = to;
    }
    assign_roles(workflow);
    if (workflow.roles.empty()) put_in_order(workflow, {outs, targets});
    else put_in_order_of_roles(workflow);
}

} // namespace symphony::tracker
