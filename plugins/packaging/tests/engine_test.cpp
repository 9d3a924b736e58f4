// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <gtest/gtest.h>

namespace symphony::packaging {
namespace {

using Index = Engine::Index;

States states(std::uint32_t size, std::initializer_list<std::uint32_t> members) {
    States out(size);
    for (const auto member : members) out.add(member);
    return out;
}

TEST(States, AreSetsOfAnySize) {
    for (const std::uint32_t size : {1u, 2u, 63u, 64u, 65u, 128u, 200u}) {
        SCOPED_TRACE(size);
        const auto all = States::all(size);
        EXPECT_EQ(all.count(), size);
        EXPECT_TRUE(all.full());
        EXPECT_TRUE((~all).empty());
        const auto last = States::only(size, size - 1);
        EXPECT_EQ(last.count(), 1u);
        EXPECT_TRUE(last.has(size - 1));
        EXPECT_TRUE(last.inside(all));
        EXPECT_TRUE(last.meets(all));
        EXPECT_FALSE(last.meets(~last));
        EXPECT_EQ(last | ~last, all);
        EXPECT_EQ(last & all, last);
        std::uint32_t visited = 0;
        all.each([&](std::uint32_t state) { EXPECT_EQ(state, visited++); });
        EXPECT_EQ(visited, size);
    }
}

TEST(Engine, ConcludesWhatOneOpenTermLeaves) {
    Engine engine{Engine::Limits{}};
    const auto a = engine.add_package(2), b = engine.add_package(2);
    engine.add_clause(std::vector<Engine::Term>{{a, states(3, {0, 1})}}, 0);                         // a 2 is wanted
    engine.add_clause(std::vector<Engine::Term>{{a, states(3, {2})}, {b, states(3, {0, 2})}}, 1);    // a 2 needs b 1
    EXPECT_EQ(engine.propagate(), Engine::Outcome::quiet);
    EXPECT_EQ(engine.states(a), states(3, {2}));
    EXPECT_EQ(engine.states(b), states(3, {1}));
}

TEST(Engine, LearnsAndGoesBackToWhereItMatters) {
    Engine engine{Engine::Limits{}};
    const auto a = engine.add_package(2), b = engine.add_package(1), c = engine.add_package(2);
    engine.add_clause(std::vector<Engine::Term>{{a, states(3, {0})}}, 0);
    engine.add_clause(std::vector<Engine::Term>{{a, states(3, {2})}, {c, states(3, {0, 2})}}, 1); // a 2 needs c 1
    engine.add_clause(std::vector<Engine::Term>{{b, states(2, {1})}, {c, states(3, {0, 1})}}, 2); // b needs c 2
    ASSERT_EQ(engine.propagate(), Engine::Outcome::quiet);
    engine.decide(a, 2);
    ASSERT_EQ(engine.propagate(), Engine::Outcome::quiet);
    EXPECT_FALSE(engine.states(b).has(1)) << "b cannot come any more";
    engine.add_clause(std::vector<Engine::Term>{{b, states(2, {0})}}, 3); // now b is wanted after all
    ASSERT_EQ(engine.propagate(), Engine::Outcome::quiet);
    EXPECT_EQ(engine.states(a), states(3, {1}));
    EXPECT_EQ(engine.states(b), states(2, {1}));
    EXPECT_EQ(engine.states(c), states(3, {2}));
}

TEST(Engine, TellsWhatAContradictionStandsOn) {
    Engine engine{Engine::Limits{}};
    const auto a = engine.add_package(1), b = engine.add_package(1);
    const auto wanted = engine.add_clause(std::vector<Engine::Term>{{a, states(2, {0})}}, 7);
    const auto needs = engine.add_clause(std::vector<Engine::Term>{{a, states(2, {1})}, {b, states(2, {0})}}, 8);
    const auto barred = engine.add_clause(std::vector<Engine::Term>{{b, states(2, {1})}}, 9);
    ASSERT_EQ(engine.propagate(), Engine::Outcome::impossible);
    ASSERT_TRUE(engine.learned(engine.failure()));
    const auto causes = engine.causes_of(engine.failure());
    std::vector<Index> sorted(causes.begin(), causes.end());
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, (std::vector<Index>{wanted, needs, barred}));
    EXPECT_EQ(engine.fact_of(wanted), 7u);
}

TEST(Engine, StopsWhenItIsTold) {
    Engine cancelled{Engine::Limits{1000, 1000, [] { return true; }}};
    const auto a = cancelled.add_package(1);
    cancelled.add_clause(std::vector<Engine::Term>{{a, states(2, {0})}}, 0);
    EXPECT_EQ(cancelled.propagate(), Engine::Outcome::cancelled);

    Engine tired{Engine::Limits{1, 1000, {}}};
    const auto b = tired.add_package(3);
    for (std::uint32_t state = 1; state < 3; ++state) tired.add_clause(std::vector<Engine::Term>{{b, states(4, {state})}}, 0);
    EXPECT_EQ(tired.propagate(), Engine::Outcome::too_long);
}

} // namespace
} // namespace symphony::packaging
