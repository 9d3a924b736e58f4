// SPDX-License-Identifier: Apache-2.0
#include "dispatcher.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace symphony::bus {
namespace {

struct Holding final : Job {
    std::atomic<bool>& gate;
    explicit Holding(std::atomic<bool>& from) : gate(from) {}
    bool work() override {
        gate.wait(false);
        return false;
    }
};

struct Telling final : Job {
    std::atomic<int> left;
    explicit Telling(int times) : left(times) {}
    bool work() override {
        const bool more = --left > 0;
        left.notify_all();
        return more;
    }
};

TEST(Dispatcher, FindsHandsForAJobThoughAllOthersKeepTheirThread) {
    for (int round = 0; round < 200; ++round) {
        std::atomic<bool> gate{false};
        Dispatcher dispatcher({2, 8, std::chrono::milliseconds(1), std::chrono::milliseconds(1)}, [] { return false; });
        const auto job = std::make_shared<Telling>(3);
        for (int i = 0; i < 3; ++i) dispatcher.post(std::make_shared<Holding>(gate));
        dispatcher.post(job);
        for (int left = job->left; left > 0; left = job->left) job->left.wait(left);
        EXPECT_FALSE(gate);
        gate = true;
        gate.notify_all();
    }
}

TEST(Dispatcher, DoesWhatIsQueuedWhenItStopsAndNothingAfter) {
    const auto before = std::make_shared<Telling>(5), after = std::make_shared<Telling>(5);
    Dispatcher dispatcher({1, 1, std::chrono::milliseconds(1), std::chrono::milliseconds(1)}, [] { return false; });
    dispatcher.post(before);
    dispatcher.stop();
    dispatcher.post(after);
    EXPECT_EQ(before->left, 0);
    EXPECT_EQ(after->left, 5);
}

TEST(Dispatcher, LooksAtTheClockUntilThereIsNothingToComeBackFor) {
    std::atomic<int> ticks{0};
    Dispatcher dispatcher({1, 1, std::chrono::milliseconds(1), std::chrono::milliseconds(1)}, [&] {
        const bool more = ++ticks % 3 != 0;
        ticks.notify_all();
        return more;
    });
    dispatcher.poke();
    for (int seen = ticks; seen < 3; seen = ticks) ticks.wait(seen);
    dispatcher.poke();
    for (int seen = ticks; seen < 6; seen = ticks) ticks.wait(seen);
    dispatcher.stop();
    EXPECT_EQ(ticks, 6);
}

} // namespace
} // namespace symphony::bus
