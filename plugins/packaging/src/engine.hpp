// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "states.hpp"

#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <tuple>
#include <vector>

namespace symphony::packaging {

/// PubGrub (Weizenbaum 2018) on numbers: packages have states, clauses say which states cannot be together. What a clause means is its maker's
/// business. A clause that was learned keeps which clauses it follows from. Nothing here calls itself: depth is not bounded by the stack.
class Engine {
public:
    using Index = std::uint32_t;
    static constexpr Index none = UINT32_MAX;

    /// "The package is in one of these states." A clause says that its terms never all hold.
    struct Term {
        Index package;
        States states;
    };
    struct Limits {
        std::uint64_t steps_max = 100'000'000; ///< clauses looked at
        std::uint64_t terms_max = 20'000'000;  ///< terms kept, some fifty bytes each
        std::function<bool()> cancelled;       ///< asked every few thousand steps; empty: never
    };
    enum class Outcome : std::uint8_t { quiet, impossible, too_long, cancelled };

    explicit Engine(Limits limits) : limits_(std::move(limits)) {}

    Index add_package(std::uint32_t releases);
    /// Terms of full sets fall away, terms of one package are joined; a term that cannot hold makes the clause superfluous.
    /// @return Its number, or `none` when it says nothing.
    Index add_clause(std::span<const Term> terms, Index fact);
    /// Draws all conclusions, learning from contradictions and taking decisions back.
    Outcome propagate();
    /// The next package that must be chosen and is not: the one that was most in trouble, then the one with the fewest releases left.
    Index next_open();
    /// Whether the clause would be broken by this choice, everything else staying as it is.
    bool forbids(Index clause, Index package, std::uint32_t state) const;
    void decide(Index package, std::uint32_t state);

    const States& states(Index package) const { return packages_[package].states; }
    std::size_t packages() const noexcept { return packages_.size(); }
    std::uint64_t steps() const noexcept { return steps_; }

    // After `impossible`: why.
    Index failure() const noexcept { return failure_; } ///< a clause without terms
    bool learned(Index clause) const { return clauses_[clause].fact == none; }
    Index fact_of(Index clause) const { return clauses_[clause].fact; }
    std::span<const Term> terms_of(Index clause) const { return {terms_.data() + clauses_[clause].first, clauses_[clause].count}; }
    /// In the order in which they were used; of learned clauses.
    std::span<const Index> causes_of(Index clause) const { return {causes_.data() + clauses_[clause].causes, clauses_[clause].causes_count}; }

private:
    struct Clause {
        std::uint32_t first, count; // terms
        std::uint32_t causes, causes_count;
        Index fact;
    };
    struct Step { // an assignment: what is known of the package from there on
        Index package;
        std::uint32_t level;
        Index cause; // `none`: a decision
        States states;
    };
    struct Package {
        States states;
        std::vector<Index> steps; // that changed it, oldest first
        std::vector<Index> clauses; // that speak of it
        std::uint32_t trouble = 0;
        bool decided = false;
        bool queued = false;
    };
    struct Satisfier {
        Index step = none;
        std::uint32_t level_before = 0;
        Index term = 0;
    };
    using Open = std::tuple<std::uint32_t, std::uint32_t, Index>; // less trouble, more releases, higher number: later

    Index keep(std::span<const Term> terms, Index fact, std::span<const Index> causes);
    void watch(Index clause);
    bool look_at(Index clause, Index& broken);
    void assign(Index package, States states, Index cause);
    void push_open(Index package);
    bool learn(Index broken);
    Satisfier satisfier(const std::vector<Term>& terms) const;
    Index first_step_inside(Index package, const States& states) const;
    static void join(std::vector<Term>& terms, std::span<const Term> other, Index about);
    void back_to(std::uint32_t level);

    Limits limits_;
    std::vector<Package> packages_;
    std::vector<Clause> clauses_;
    std::vector<Term> terms_;
    std::vector<Index> causes_;
    std::vector<Step> trail_;
    std::vector<Index> fresh_;  // clauses to look at
    std::vector<Index> queue_;  // packages whose clauses to look at
    std::priority_queue<Open> open_;
    std::uint32_t level_ = 0;
    std::uint64_t steps_ = 0;
    std::uint64_t next_poll_ = 0;
    Index failure_ = none;
};

} // namespace symphony::packaging
