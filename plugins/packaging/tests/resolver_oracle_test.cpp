// SPDX-License-Identifier: Apache-2.0
// The resolver beside somebody else's judgement of the same universe: everything tried, and libsolv.
#include "universe.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace symphony::packaging::test {
namespace {

Resolution resolved(const Universe& universe, const ResolveRequest& request) {
    auto table = table_of(universe);
    auto result = resolve(table, request);
    EXPECT_TRUE(result) << result.error().message();
    return result ? *std::move(result) : Resolution(Conflict{});
}

Choice choice_of(const Universe& universe, const Solution& solution) {
    Choice choice(universe.packages.size());
    for (const auto& chosen : solution.chosen) {
        for (std::size_t i = 0; i < choice.size(); ++i) {
            const auto& package = universe.packages[i];
            for (std::size_t j = 0; package.id == chosen.id && j < package.releases.size(); ++j) {
                if (package.releases[j].version == chosen.version.text()) choice[i] = j;
            }
        }
    }
    return choice;
}

/// What is chosen is reached from what is wanted: nothing is installed for no reason.
bool all_reached(const Universe& universe, const Solution& solution) {
    std::set<std::string> reached;
    std::vector<std::string> open;
    for (const auto& need : universe.wanted) open.push_back(need.id);
    const auto choice = choice_of(universe, solution);
    while (!open.empty()) {
        const auto id = open.back();
        open.pop_back();
        if (!reached.insert(id).second) continue;
        for (std::size_t i = 0; i < choice.size(); ++i) {
            if (universe.packages[i].id != id || !choice[i]) continue;
            for (const auto& need : universe.packages[i].releases[*choice[i]].needs) {
                if (!need.optional) open.push_back(need.id);
            }
        }
    }
    return std::all_of(solution.chosen.begin(), solution.chosen.end(), [&](const Chosen& one) { return reached.contains(one.id); });
}

void expect_good(const Universe& universe, const Solution& solution) {
    const auto choice = choice_of(universe, solution);
    EXPECT_EQ(static_cast<std::size_t>(std::count_if(choice.begin(), choice.end(), [](const auto& one) { return one.has_value(); })),
              solution.chosen.size());
    EXPECT_TRUE(holds(universe, choice));
    EXPECT_TRUE(all_reached(universe, solution));
}

// ---- facts of an explanation, read back from their texts

bool among(const Universe::Package& package, std::size_t release, std::string_view versions) {
    if (versions == "every version") return true;
    const auto index_of = [&](std::string_view text) {
        for (std::size_t i = 0; i < package.releases.size(); ++i) {
            if (package.releases[i].version == text) return i;
        }
        ADD_FAILURE() << package.id << " has no version " << text;
        return std::size_t{0};
    };
    while (!versions.empty()) {
        const auto end = std::min(versions.find(", "), versions.size());
        const auto run = versions.substr(0, end);
        versions.remove_prefix(std::min(end + 2, versions.size()));
        const auto to = run.find(" to ");
        const auto first = index_of(run.substr(0, to));
        const auto last = to == std::string_view::npos ? first : index_of(run.substr(to + 4));
        if (release >= first && release <= last) return true;
    }
    return false;
}

/// Whether the fact allows the choice.
bool allows(const Universe& universe, const Conflict::Fact& fact, const Choice& choice) {
    const auto chosen = [&](std::string_view id) -> std::pair<const Universe::Package*, std::optional<std::size_t>> {
        for (std::size_t i = 0; i < choice.size(); ++i) {
            if (universe.packages[i].id == id) return {&universe.packages[i], choice[i]};
        }
        return {nullptr, std::nullopt};
    };
    const auto inside = [&](std::string_view id, std::string_view range, bool otherwise) {
        const auto [package, release] = chosen(id);
        return release ? in_range(range, package->releases[*release].version) : otherwise;
    };
    if (fact.kind == Conflict::Kind::wanted) return inside(fact.id, fact.range, false);
    const auto [package, release] = chosen(fact.id);
    if (!release || !among(*package, *release, fact.versions)) return true;
    switch (fact.kind) {
    case Conflict::Kind::needs: return inside(fact.other, fact.range, false);
    case Conflict::Kind::allows: return inside(fact.other, fact.range, true);
    case Conflict::Kind::exclusive_port: {
        const auto [other, other_release] = chosen(fact.other);
        return !other_release || !among(*other, *other_release, fact.other_versions);
    }
    default: return false; // barred, yanked
    }
}

/// Whether the universe says so.
bool is_true(const Universe& universe, const Conflict::Fact& fact) {
    if (fact.kind == Conflict::Kind::wanted) {
        return std::any_of(universe.wanted.begin(), universe.wanted.end(), [&](const Universe::Need& need) {
            return need.id == fact.id && manifests::Range::parse(need.range)->text() == fact.range;
        });
    }
    const auto* package = universe.find(fact.id);
    if (package == nullptr) return false;
    for (std::size_t i = 0; i < package->releases.size(); ++i) {
        if (!among(*package, i, fact.versions)) continue;
        const auto& release = package->releases[i];
        const auto needs = [&](bool optional) {
            return std::any_of(release.needs.begin(), release.needs.end(), [&](const Universe::Need& need) {
                return need.id == fact.other && need.optional == optional && manifests::Range::parse(need.range)->text() == fact.range;
            });
        };
        const bool good = fact.kind == Conflict::Kind::needs            ? needs(false)
                          : fact.kind == Conflict::Kind::allows         ? needs(true)
                          : fact.kind == Conflict::Kind::barred         ? release.barred
                          : fact.kind == Conflict::Kind::yanked         ? release.yanked
                          : fact.kind == Conflict::Kind::exclusive_port ? release.offer == fact.note
                                                                        : false;
        if (!good) return false;
    }
    return true;
}

bool fit(const Universe& universe, const std::vector<Conflict::Fact>& facts) {
    return any_choice(universe, [&](const Choice& choice) {
        return std::all_of(facts.begin(), facts.end(), [&](const Conflict::Fact& fact) { return allows(universe, fact, choice); });
    });
}

/// True, enough, and none too much.
void expect_good(const Universe& universe, const Conflict& conflict) {
    SCOPED_TRACE(to_text(conflict));
    EXPECT_TRUE(conflict.minimal);
    for (const auto& fact : conflict.facts) EXPECT_TRUE(is_true(universe, fact)) << to_text(fact);
    EXPECT_FALSE(fit(universe, conflict.facts)) << "the facts contradict each other";
    for (std::size_t i = 0; i < conflict.facts.size(); ++i) {
        auto fewer = conflict.facts;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_TRUE(fit(universe, fewer)) << "it needs: " << to_text(conflict.facts[i]);
    }
}

/// Steps stand on facts and earlier steps alone, use all facts, and the last claims nothing.
void expect_ordered(const Conflict& conflict) {
    std::set<std::uint32_t> used;
    ASSERT_FALSE(conflict.steps.empty());
    for (std::size_t i = 0; i < conflict.steps.size(); ++i) {
        for (const auto fact : conflict.steps[i].facts) EXPECT_LT(fact, conflict.facts.size());
        for (const auto step : conflict.steps[i].steps) EXPECT_LT(step, i);
        used.insert(conflict.steps[i].facts.begin(), conflict.steps[i].facts.end());
    }
    EXPECT_EQ(used.size(), conflict.facts.size());
    EXPECT_TRUE(conflict.steps.back().claims.empty());
}

/// A proposed edit does what it says.
void expect_proposals_help(const Universe& universe, const ResolveRequest& request, const Conflict& conflict) {
    for (const auto& proposal : conflict.proposals) {
        if (proposal.others_remain) continue;
        auto edited = request;
        const auto at = std::find_if(edited.wanted.begin(), edited.wanted.end(), [&](const Wanted& one) {
            return one.id == proposal.id && (proposal.kind == Conflict::Proposal::Kind::spelling || one.range.text() == proposal.from);
        });
        ASSERT_NE(at, edited.wanted.end());
        if (proposal.kind == Conflict::Proposal::Kind::change_range) at->range = *manifests::Range::parse(proposal.to);
        else if (proposal.kind == Conflict::Proposal::Kind::leave_out) edited.wanted.erase(at);
        else if (proposal.kind == Conflict::Proposal::Kind::spelling) at->id = proposal.to;
        EXPECT_TRUE(std::holds_alternative<Solution>(resolved(universe, edited))) << to_text(proposal);
    }
}

TEST(ResolverOracle, SaysWhatTryingEverythingSays) {
    std::size_t fits = 0, conflicts = 0;
    for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
        Shape shape;
        shape.packages = 3 + seed % 3;
        shape.wanted_max = 3;
        const auto universe = make_universe(seed, shape);
        SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text_of(universe));
        const auto request = request_of(universe);
        const auto answer = resolved(universe, request);
        const auto* solution = std::get_if<Solution>(&answer);
        ASSERT_EQ(solution != nullptr, fits_by_trying(universe));
        if (solution != nullptr) {
            ++fits;
            expect_good(universe, *solution);
        } else {
            ++conflicts;
            const auto& conflict = std::get<Conflict>(answer);
            expect_good(universe, conflict);
            expect_ordered(conflict);
            expect_proposals_help(universe, request, conflict);
        }
        if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(fits, 1000u);
    EXPECT_GT(conflicts, 1000u);
}

TEST(ResolverOracle, SaysWhatLibsolvSays) {
#ifndef SYMPHONY_HAS_LIBSOLV
    GTEST_SKIP() << "libsolv is not installed here (libsolv-dev), so nobody can be asked for another opinion";
#else
    std::size_t fits = 0, conflicts = 0;
    for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
        Shape shape;
        shape.packages = 5 + seed % 56;
        shape.releases_max = 1 + seed % 9;
        shape.needs_max = 1 + seed % 4;
        shape.wanted_max = 1 + seed % 8;
        shape.offer_percent = seed % 3 == 0 ? 10 : 0;
        shape.unknown_percent = seed % 5 == 0 ? 1 : 0;
        const auto universe = make_universe(seed, shape);
        SCOPED_TRACE("seed " + std::to_string(seed));
        const auto answer = resolved(universe, request_of(universe));
        const auto* solution = std::get_if<Solution>(&answer);
        ASSERT_EQ(solution != nullptr, fits_by_libsolv(universe)) << text_of(universe);
        if (solution != nullptr) {
            ++fits;
            expect_good(universe, *solution);
        } else {
            ++conflicts;
            expect_ordered(std::get<Conflict>(answer));
            EXPECT_TRUE(std::get<Conflict>(answer).minimal);
        }
        if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(fits, 500u);
    EXPECT_GT(conflicts, 500u);
#endif
}

TEST(ResolverOracle, GivesTheSameAnswerInWhateverOrderItIsAsked) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        Shape shape;
        shape.packages = 12;
        shape.wanted_max = 6;
        const auto universe = make_universe(seed, shape);
        SCOPED_TRACE("seed " + std::to_string(seed));
        auto shuffled = universe;
        std::mt19937_64 random(seed);
        std::shuffle(shuffled.packages.begin(), shuffled.packages.end(), random);
        std::shuffle(shuffled.wanted.begin(), shuffled.wanted.end(), random);
        const auto one = resolved(universe, request_of(universe));
        const auto other = resolved(shuffled, request_of(shuffled));
        ASSERT_EQ(one.index(), other.index());
        if (const auto* solution = std::get_if<Solution>(&one)) EXPECT_EQ(solution->chosen, std::get<Solution>(other).chosen);
        else EXPECT_EQ(std::get<Conflict>(one), std::get<Conflict>(other));
    }
}

} // namespace
} // namespace symphony::packaging::test
