// SPDX-License-Identifier: Apache-2.0
#include "shared_limits.hpp"

#include "rig.hpp"

#include <barrier>
#include <random>

namespace symphony::tracker::test {
namespace {

using Claims = SharedLimits::Claims;

/// A run as the limits see it, and what it was granted.
struct Asker {
    explicit Asker(const std::shared_ptr<SharedLimits>& limits) : member(limits, [this](std::uint64_t ticket) { granted.push_back(ticket); }) {}
    std::vector<std::uint64_t> granted;
    SharedLimits::Member member;
};
Claims claims_of(SharedLimits& limits, std::initializer_list<std::pair<const char*, std::uint32_t>> wanted, std::uint32_t limit) {
    Claims made;
    for (const auto& [name, count] : wanted) made.push_back({limits.thing(name), count, limit});
    return made;
}
using Tickets = std::vector<std::uint64_t>;

TEST(SharedLimits, RunsTakeTurnsAndTheirCallsByPriority) {
    const auto limits = std::make_shared<SharedLimits>();
    const Claims one = claims_of(*limits, {{"gpu", 1}}, 1);
    Asker a(limits), b(limits);
    EXPECT_TRUE(a.member.take(one, 0, 1));
    EXPECT_FALSE(a.member.take(one, 0, 2));
    EXPECT_FALSE(a.member.take(one, 5, 3));
    EXPECT_FALSE(b.member.take(one, -9, 7)) << "however unimportant: its run was not served yet";
    EXPECT_FALSE(b.member.take(one, -9, 8));
    a.member.give(one);
    EXPECT_EQ(b.granted, Tickets{7});
    b.member.give(one);
    EXPECT_EQ(a.granted, Tickets{3}) << "the highest priority of its own";
    a.member.give(one);
    EXPECT_EQ(b.granted, (Tickets{7, 8}));
    b.member.give(one);
    EXPECT_EQ(a.granted, (Tickets{3, 2}));
}

TEST(SharedLimits, WhoNeedsMuchIsNotPassedForEver) {
    const auto limits = std::make_shared<SharedLimits>();
    const Claims one = claims_of(*limits, {{"gpu", 1}}, 2), two = claims_of(*limits, {{"gpu", 2}}, 2), other = claims_of(*limits, {{"disk", 1}}, 1);
    Asker small(limits), large(limits);
    EXPECT_TRUE(small.member.take(one, 0, 1));
    EXPECT_FALSE(large.member.take(two, 0, 2));
    EXPECT_FALSE(small.member.take(one, 0, 3)) << "there is one, but somebody before it needs it";
    EXPECT_TRUE(small.member.take(other, 0, 4)) << "that nobody waits for";
    small.member.give(one);
    EXPECT_EQ(large.granted, Tickets{2});
    large.member.give(two);
    EXPECT_EQ(small.granted, Tickets{3});
}

TEST(SharedLimits, ARunThatGoesLeavesNothingBehind) {
    const auto limits = std::make_shared<SharedLimits>();
    const Claims one = claims_of(*limits, {{"gpu", 1}}, 1);
    Asker stays(limits);
    {
        Asker goes(limits);
        EXPECT_TRUE(goes.member.take(one, 0, 1));
        EXPECT_FALSE(stays.member.take(one, 0, 2));
        EXPECT_FALSE(goes.member.take(one, 0, 3));
        EXPECT_EQ(goes.member.withdraw(), Tickets{3});
        EXPECT_EQ(stays.granted, Tickets{});
    }
    EXPECT_EQ(stays.granted, Tickets{2});
    stays.member.give(one);
    EXPECT_TRUE(stays.member.take(one, 0, 4));
}

TEST(SharedLimits, EachRunSaysHowMuchThereIs) {
    const auto limits = std::make_shared<SharedLimits>();
    const Claims of_three = claims_of(*limits, {{"gpu", 1}}, 3), of_one = claims_of(*limits, {{"gpu", 1}}, 1);
    Asker many(limits), few(limits);
    EXPECT_TRUE(many.member.take(of_three, 0, 1));
    EXPECT_FALSE(few.member.take(of_one, 0, 2)) << "one is in use, and it says that there is one";
    many.member.give(of_three);
    EXPECT_EQ(few.granted, Tickets{2});
    EXPECT_TRUE(many.member.take(of_three, 0, 3));
}

TEST(SharedLimits, NobodyStarvesWhateverIsAsked) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        const auto limits = std::make_shared<SharedLimits>();
        const std::vector<Claims> kinds{claims_of(*limits, {{"a", 1}}, 3), claims_of(*limits, {{"a", 3}}, 3), claims_of(*limits, {{"a", 1}, {"b", 2}}, 3), claims_of(*limits, {{"b", 1}}, 3)};
        std::vector<std::unique_ptr<Asker>> runs;
        for (int i = 0; i < 4; ++i) runs.push_back(std::make_unique<Asker>(limits));
        std::vector<std::vector<std::size_t>> kind_of(4), holding(4);
        std::vector<std::size_t> seen(4, 0), asked(4, 0);
        const auto in_use = [&](const char* name) { return limits->thing(name)->in_use; };
        for (int step = 0; step < 400; ++step) {
            const std::size_t who = random() % 4;
            if (random() % 2 == 0) {
                const std::size_t kind = random() % kinds.size();
                kind_of[who].push_back(kind);
                if (runs[who]->member.take(kinds[kind], static_cast<std::int32_t>(random() % 3), asked[who])) holding[who].push_back(asked[who]);
                ++asked[who];
            } else if (!holding[who].empty()) {
                const std::size_t ticket = holding[who].back();
                holding[who].pop_back();
                runs[who]->member.give(kinds[kind_of[who][ticket]]);
            }
            for (std::size_t i = 0; i < 4; ++i) {
                for (; seen[i] < runs[i]->granted.size(); ++seen[i]) holding[i].push_back(runs[i]->granted[seen[i]]);
            }
            ASSERT_LE(in_use("a"), 3u);
            ASSERT_LE(in_use("b"), 3u);
        }
        // When everybody gives back what it gets, everybody gets what it asked for.
        for (bool any = true; any;) {
            any = false;
            for (std::size_t i = 0; i < 4; ++i) {
                for (; seen[i] < runs[i]->granted.size(); ++seen[i]) holding[i].push_back(runs[i]->granted[seen[i]]);
                if (holding[i].empty()) continue;
                any = true;
                const std::size_t ticket = holding[i].back();
                holding[i].pop_back();
                runs[i]->member.give(kinds[kind_of[i][ticket]]);
            }
        }
        EXPECT_EQ(in_use("a") + in_use("b"), 0u);
        for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(runs[i]->member.withdraw().empty());
    }
}

std::string steps(int count, const std::string& more) {
    std::string text(head);
    text += "[limits.resources]\ngpu = 2\n[limits.plugins.disk]\ncalls = 3\n";
    for (int i = 0; i < count; ++i) text += "[nodes.n" + std::to_string(i) + "]\nplugin = \"disk\"\noperation = \"count\"\nwith = { text = \"x\" }\n" + (i % 2 == 0 ? more : std::string());
    return text;
}

TEST(SharedLimits, HoldAcrossTwoRunsAtOnce) {
    for (const std::string use : {"", "use = { gpu = 1 }\n"}) {
        const auto limits = std::make_shared<SharedLimits>();
        // What both runs together have inside: calls of the one plugin, and those that use the one resource.
        std::atomic<int> inside{0}, most{0};
        std::barrier<> both(2);
        std::vector<std::thread> hosts;
        std::atomic<int> completed{0};
        for (int i = 0; i < 2; ++i) {
            hosts.emplace_back([&] {
                const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
                    const int now = inside.fetch_add(1) + 1;
                    int before = most.load();
                    while (before < now && !most.compare_exchange_weak(before, now)) {}
                    std::this_thread::yield();
                    inside.fetch_sub(1);
                    return answer(request);
                });
                RunSettings how = settings();
                how.blocking_threads = 8;
                how.limits = limits;
                const auto plan = plan_of(steps(60, use));
                both.arrive_and_wait();
                completed += run(plan, caller, how).result.state == RunResult::State::completed ? 1 : 0;
            });
        }
        for (auto& host : hosts) host.join();
        EXPECT_EQ(completed.load(), 2);
        EXPECT_LE(most.load(), 3);
        EXPECT_EQ(limits->thing("plugin org.test.disk")->in_use, 0u);
    }
}

TEST(SharedLimits, ACancelledRunLeavesTheQueue) {
    const auto limits = std::make_shared<SharedLimits>();
    const std::string text = std::string(head) + "[limits.resources]\ngpu = 1\n[nodes.a]\nplugin = \"disk\"\noperation = \"count\"\nuse = { gpu = 1 }\nwith = { text = \"x\" }\n";
    RunSettings how = settings();
    how.limits = limits;
    Asker elsewhere(limits);
    const Claims gpu = claims_of(*limits, {{"resource gpu", 1}}, 1);
    ASSERT_TRUE(elsewhere.member.take(gpu, 0, 1));
    const auto caller = std::make_shared<FakeCaller>(answer);
    std::atomic<bool> queued{false};
    const auto plan = plan_of(text);
    const auto result = run_plan(plan, Value(), caller, how, [&](const RunEvent& event) { queued = queued || event.state == NodeState::queued; }, [&] { return queued.load(); });
    EXPECT_EQ(result.state, RunResult::State::cancelled);
    EXPECT_EQ(result.abandoned, 0u);
    EXPECT_EQ(caller->calls.load(), 0);
    elsewhere.member.give(gpu);
    EXPECT_EQ(limits->thing("resource gpu")->in_use, 0u);
    EXPECT_EQ(run(plan, caller, how).result.state, RunResult::State::completed) << "the next one has its turn";
}

} // namespace
} // namespace symphony::tracker::test
