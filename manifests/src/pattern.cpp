// SPDX-License-Identifier: Apache-2.0
#include "pattern.hpp"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

namespace symphony::manifests {
namespace {

/// Greedy with one way back, to the last star: enough, because what stands between stars may as well match early.
bool matches_part(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == any_run) {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == any_run) ++p;
    return p == pattern.size();
}

using State = std::uint32_t;
using States = std::vector<State>; // sorted, each once

/// The patterns as one automaton without an own start: between() states lie at the edge of a part, the others inside one.
class Automaton {
public:
    explicit Automaton(std::span<const Parts* const> patterns) {
        for (const Parts* pattern : patterns) {
            starts_.push_back(static_cast<State>(nodes_.size()));
            for (const std::string& part : *pattern) {
                const bool many = part == any_parts;
                nodes_.push_back({many ? Kind::edge_many : Kind::edge, 0, 0});
                const std::size_t edge = nodes_.size() - 1;
                if (many) {
                    nodes_.push_back({Kind::inside_many, 0, static_cast<State>(edge)});
                } else {
                    for (const char c : part) nodes_.push_back({c == any_run ? Kind::star : Kind::literal, c, 0});
                    nodes_.push_back({Kind::part_end, 0, 0});
                }
                nodes_[edge].next = static_cast<State>(nodes_.size());
                if (!many) nodes_.back().next = static_cast<State>(nodes_.size());
            }
            nodes_.push_back({Kind::accept, 0, 0});
        }
    }

    States start() const {
        States all;
        for (const State one : starts_) add_edge(one, all);
        return tidy(std::move(all));
    }
    /// After one more character of a part, which begins a part when the states lie at an edge.
    States step(const States& from, char c) const {
        States to;
        for (State state : from) {
            const Node& node = nodes_[state];
            if (node.kind == Kind::edge_many) {
                add(state + 1, to);
            } else if (node.kind == Kind::edge) {
                // No part is empty, so whatever stars come first have not ended the part yet.
                for (State at = state + 1;; ++at) {
                    if (nodes_[at].kind == Kind::star) {
                        add(at, to);
                        continue;
                    }
                    if (nodes_[at].kind == Kind::literal && nodes_[at].c == c) add(at + 1, to);
                    break;
                }
            } else if (node.kind == Kind::inside_many || node.kind == Kind::star) {
                add(state, to);
            } else if (node.kind == Kind::literal && node.c == c) {
                add(state + 1, to);
            }
        }
        return tidy(std::move(to));
    }
    /// At the end of the part.
    States end_part(const States& from) const {
        States to;
        for (const State state : from) {
            const Node& node = nodes_[state];
            if (node.kind == Kind::part_end || node.kind == Kind::inside_many) add_edge(node.next, to);
        }
        return tidy(std::move(to));
    }
    /// Of states at an edge.
    bool accepts(const States& at) const {
        return std::any_of(at.begin(), at.end(), [this](State one) { return nodes_[one].kind == Kind::accept; });
    }
    void literals(std::set<char>& into) const {
        for (const Node& node : nodes_) {
            if (node.kind == Kind::literal) into.insert(node.c);
        }
    }

private:
    enum class Kind : std::uint8_t { edge, edge_many, inside_many, literal, star, part_end, accept };
    struct Node {
        Kind kind;
        char c;
        State next; // of edge_many: the edge behind; of part_end and inside_many: the edge that follows
    };
    /// A position inside a part, with those that stars let it skip to.
    void add(State state, States& to) const {
        to.push_back(state);
        while (nodes_[state].kind == Kind::star) to.push_back(++state);
    }
    void add_edge(State state, States& to) const {
        to.push_back(state);
        while (nodes_[state].kind == Kind::edge_many) {
            state = nodes_[state].next;
            to.push_back(state);
        }
    }
    static States tidy(States states) {
        std::sort(states.begin(), states.end());
        states.erase(std::unique(states.begin(), states.end()), states.end());
        return states;
    }

    std::vector<Node> nodes_;
    std::vector<State> starts_;
};

constexpr std::size_t steps_max = 50'000; // some ten milliseconds

/// Every character that a pattern names, and one that none does: the others behave like it.
std::string alphabet_of(const Automaton& a, const Automaton& b) {
    std::set<char> named;
    a.literals(named);
    b.literals(named);
    std::string all(named.begin(), named.end());
    for (int c = 0x20; c < 0x7F; ++c) {
        if (!named.contains(static_cast<char>(c))) {
            all += static_cast<char>(c);
            return all;
        }
    }
    all += '\x7F'; // never in a pattern
    return all;
}

struct Pair {
    States a, b;
    bool inside = false; // of a part
    friend auto operator<=>(const Pair&, const Pair&) = default;
};

/// Walks both automata along all paths, each pair of state sets once. @return What `decide` says of the first pair at an
/// edge for which it says something, `otherwise` when it never does, `too_long` when the patience ends.
template <class Decide>
bool walk(const Automaton& a, const Automaton& b, bool needs_both, std::size_t& patience, Decide decide, bool otherwise, bool too_long) {
    const std::string alphabet = alphabet_of(a, b);
    std::set<Pair> seen;
    std::vector<Pair> open;
    const auto visit = [&](Pair pair) {
        if (pair.a.empty() || (needs_both && pair.b.empty())) return; // nothing begins like this
        if (seen.insert(pair).second) open.push_back(std::move(pair));
    };
    visit({a.start(), b.start(), false});
    while (!open.empty()) {
        if (patience < alphabet.size()) return too_long;
        patience -= alphabet.size();
        const Pair pair = std::move(open.back());
        open.pop_back();
        if (!pair.inside && decide(a.accepts(pair.a), b.accepts(pair.b))) return !otherwise;
        for (const char c : alphabet) visit({a.step(pair.a, c), b.step(pair.b, c), true});
        if (pair.inside) visit({a.end_part(pair.a), b.end_part(pair.b), false});
    }
    return otherwise;
}

} // namespace

bool has_wildcard(const Parts& pattern) noexcept {
    return std::any_of(pattern.begin(), pattern.end(), [](const std::string& part) {
        return part == any_parts || part.find(any_run) != std::string::npos;
    });
}

bool matches(const Parts& pattern, const Parts& path) noexcept {
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    std::size_t p = 0, t = 0, star = none, retry = 0;
    while (t < path.size()) {
        if (p < pattern.size() && pattern[p] == any_parts) {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && matches_part(pattern[p], path[t])) {
            ++p;
            ++t;
        } else if (star != none) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == any_parts) ++p;
    return p == pattern.size();
}

bool included(const Parts& inner, std::span<const Parts* const> outer, std::size_t* patience) {
    if (!has_wildcard(inner)) {
        return std::any_of(outer.begin(), outer.end(), [&inner](const Parts* one) { return matches(*one, inner); });
    }
    for (const Parts* one : outer) { // what is asked most
        if (one->size() == 1 && one->front() == any_parts) return true;
        if (*one == inner) return true;
    }
    const Parts* const only[] = {&inner};
    std::size_t own = steps_max;
    return walk(Automaton(only), Automaton(outer), false, patience != nullptr ? *patience : own, [](bool in_inner, bool in_outer) { return in_inner && !in_outer; }, true, false);
}

bool intersect(const Parts& a, const Parts& b) {
    if (!has_wildcard(a)) return matches(b, a);
    if (!has_wildcard(b)) return matches(a, b);
    const Parts* const first[] = {&a};
    const Parts* const second[] = {&b};
    std::size_t patience = steps_max;
    // Too long: yes, for a deny that may overlap denies.
    return walk(Automaton(first), Automaton(second), true, patience, [](bool in_a, bool in_b) { return in_a && in_b; }, false, true);
}

} // namespace symphony::manifests
