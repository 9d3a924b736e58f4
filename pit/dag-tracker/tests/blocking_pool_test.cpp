// SPDX-License-Identifier: Apache-2.0
#include "blocking_pool.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

namespace symphony::tracker {
namespace {

struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    int inside = 0;
    int most = 0;
    int done = 0;
    bool open = false;

    void pass() {
        std::unique_lock lock(mutex);
        most = std::max(most, ++inside);
        changed.notify_all();
        changed.wait(lock, [this] { return open; });
        --inside;
        ++done;
        changed.notify_all();
    }
    void wait(int how_many) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return inside == how_many; });
    }
    void let_go() {
        const std::lock_guard lock(mutex);
        open = true;
        changed.notify_all();
    }
};

TEST(BlockingPool, RunsAsManyAtATimeAsAllowed) {
    Gate gate;
    {
        BlockingPool pool(3, 12);
        for (int i = 0; i < 20; ++i) pool.post([&](const BlockingPool::Ticket&) { gate.pass(); });
        gate.wait(3);
        gate.let_go();
    }
    EXPECT_EQ(gate.done, 20);
    EXPECT_EQ(gate.most, 3);
}

TEST(BlockingPool, GivesThePlaceOfAHangingTaskToAnother) {
    auto stuck = std::make_shared<Gate>();
    Gate rest;
    rest.let_go();
    std::vector<BlockingPool::Ticket> tickets(2);
    {
        BlockingPool pool(2, 8);
        std::mutex mutex;
        for (int i = 0; i < 2; ++i) {
            pool.post([&, i, stuck](const BlockingPool::Ticket& ticket) {
                {
                    const std::lock_guard lock(mutex);
                    tickets[static_cast<std::size_t>(i)] = ticket;
                }
                stuck->pass();
            });
        }
        stuck->wait(2);
        for (int i = 0; i < 10; ++i) pool.post([&](const BlockingPool::Ticket&) { rest.pass(); });
        EXPECT_EQ(pool.hanging(), 0u);
        {
            const std::lock_guard lock(mutex);
            for (const auto& ticket : tickets) {
                ticket.leave();
                ticket.leave();
            }
        }
        EXPECT_EQ(pool.hanging(), 2u);
    }
    // The pool is gone and did not wait for the two.
    EXPECT_EQ(rest.done, 10);
    EXPECT_EQ(stuck->done, 0);
    stuck->let_go();
    std::unique_lock lock(stuck->mutex);
    stuck->changed.wait(lock, [&] { return stuck->done == 2; });
}

TEST(BlockingPool, EndsWithNothingToDo) {
    BlockingPool pool(4, 4);
    EXPECT_EQ(pool.hanging(), 0u);
}

} // namespace
} // namespace symphony::tracker
