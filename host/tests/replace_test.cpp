// SPDX-License-Identifier: Apache-2.0
// One instance takes the place of another, in both placements: nothing is lost, and whatever fails leaves the old one at work.
#include "rig.hpp"

#include "isolation.hpp"

#include <symphony/sandbox/machine.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t method_echo = 1, method_never = 4, method_answer_kept = 18, method_count = 26;

/// Two plugins, of which the first runs and has counted to two.
class Replaced : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        if (GetParam()) {
            if (sandbox::Machine::probe().grade < sandbox::Grade::no_namespaces) GTEST_SKIP() << "this machine cannot isolate well enough";
            Isolation::Options options;
            options.runner = RUNNER;
            isolation_.emplace(std::move(options));
            rig.options.isolation = &*isolation_;
            rig.options.placement.in_process_all = false;
        }
        rig.add("probe");
        rig.add("probe");
        rig.run();
        ASSERT_EQ(count(), "1");
        ASSERT_EQ(count(), "2");
    }
    void TearDown() override {
        if (IsSkipped()) return;
        EXPECT_TRUE(rig.runtime().shutdown(20s));
        rig.end();
        isolation_.reset();
    }
    std::string count() { return rig.call(method_count); }
    Status replace(std::size_t now = 0, std::size_t next = 1) { return rig.runtime().replace(now, next, 5s); }
    /// Nothing of what failed is left, and the first goes on with its state.
    void expect_old_goes_on() {
        EXPECT_EQ(rig.status(0).state, State::active);
        EXPECT_NE(rig.status(1).state, State::active);
        EXPECT_EQ(count(), "3");
    }

    std::optional<Isolation> isolation_;
    Rig rig;
};

} // namespace

TEST_P(Replaced, TheNewOneHasTheStateAndTheHandles) {
    const auto before = rig.runtime().acquire("operator/1");
    ASSERT_TRUE(before);
    ASSERT_TRUE(replace());
    EXPECT_EQ(count(), "3") << "the state was carried over";
    const auto reply = rig.runtime().call(*before, method_count, {});
    ASSERT_TRUE(reply) << reply.error().message();
    EXPECT_EQ((*reply)[0].text(), "4") << "a handle from before leads to it";
    EXPECT_EQ(rig.status(1).state, State::active);
    EXPECT_EQ(rig.status(0).state, State::discovered) << "the old one is not told of any more";
    EXPECT_EQ(rig.status(1).pid != 0, GetParam());
}

TEST_P(Replaced, OneThatDoesNotStartLeavesTheOldOneAtWork) {
    rig.config = mode("init-fails");
    const Status done = replace();
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message(), HasSubstr("no model here"));
    expect_old_goes_on();
}

TEST_P(Replaced, OneThatDoesNotTakeTheStateLeavesTheOldOneAtWork) {
    rig.config = mode("load-fails");
    const Status done = replace();
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message(), HasSubstr("this is not my state"));
    expect_old_goes_on();
    rig.config = mode("");
    EXPECT_TRUE(replace()) << "the next try";
    EXPECT_EQ(count(), "4");
}

TEST_P(Replaced, OneThatIsAtWorkStaysAndTakesCallsAgain) {
    const auto port = rig.runtime().acquire("operator/1");
    ASSERT_TRUE(port);
    std::thread caller([&] { static_cast<void>(rig.runtime().call(*port, method_never, {})); });
    while (rig.status(0).calls < 3) std::this_thread::yield();
    const Status done = rig.runtime().replace(0, 1, 50ms);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::busy);
    expect_old_goes_on();
    rig.call(method_answer_kept); // which ends the call of the other thread
    caller.join();
    EXPECT_TRUE(replace());
    EXPECT_EQ(count(), "4");
}

TEST_P(Replaced, NothingIsDoneForOneThatDoesNotRun) {
    rig.add("probe");
    EXPECT_TRUE(rig.runtime().replace(1, 2, 1s));
    EXPECT_EQ(rig.status(2).state, State::discovered);
    EXPECT_EQ(count(), "3");
}

TEST_P(Replaced, ARetiredOneTakesNoCallsAnyMore) {
    const auto port = rig.runtime().acquire("operator/1", "probe");
    ASSERT_TRUE(port);
    ASSERT_TRUE(rig.runtime().retire(0, 1s));
    const auto reply = rig.runtime().call(*port, method_echo, {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().reason(), "stale-port");
    EXPECT_EQ(count(), "1") << "one that is there again begins anew";
}

/// Replacements one after the other, with callers that never stop. SYMPHONY_REPLACEMENTS=1000 is the long form.
TEST_P(Replaced, NoCallIsLostUnderLoad) {
    const char* wish = std::getenv("SYMPHONY_REPLACEMENTS");
    const std::size_t rounds = wish != nullptr ? std::stoul(wish) : GetParam() ? 5 : 20;
    while (rig.size() < rounds + 1) rig.add("probe");
    std::atomic<bool> enough{false};
    std::atomic<std::uint64_t> calls{0}, lost{0};
    const auto port = rig.runtime().acquire("operator/1");
    ASSERT_TRUE(port);
    std::vector<std::thread> callers;
    std::mutex mutex;
    std::string first;
    for (int i = 0; i < 3; ++i) {
        callers.emplace_back([&] {
            while (!enough.load()) {
                const auto reply = rig.runtime().call(*port, method_count, {});
                ++calls;
                if (reply) continue;
                ++lost;
                const std::lock_guard lock(mutex);
                if (first.empty()) first = Rig::describe(reply.error());
            }
        });
    }
    for (std::size_t i = 0; i < rounds; ++i) {
        const std::uint64_t before = calls.load();
        const Status done = replace(i, i + 1);
        EXPECT_TRUE(done) << i << ": " << done.error().message();
        while (calls.load() == before) std::this_thread::yield();
    }
    enough = true;
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(lost.load(), 0u) << first;
    EXPECT_EQ(count(), std::to_string(3 + calls.load())) << "every call was counted once, in one state";
}

INSTANTIATE_TEST_SUITE_P(Placement, Replaced, testing::Bool(), [](const auto& chosen) { return chosen.param ? "isolated" : "in_process"; });
