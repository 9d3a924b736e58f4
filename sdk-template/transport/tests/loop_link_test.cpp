// SPDX-License-Identifier: Apache-2.0
#include "loop_link.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

using namespace loop_link;
using symphony::Buffer;

namespace {

const Stop never = [] { return false; };

/// A listener on a thread of its own, and one connection to it.
class Pair {
public:
    explicit Pair(Limits limits = {}) : board(limits) {
        std::promise<std::uint64_t> accepted;
        auto heard = accepted.get_future();
        listener_ = std::jthread([this, accepted = std::move(accepted)]() mutable {
            const auto ended = board.listen("here", [&](std::uint64_t connection) { accepted.set_value(connection); }, [this] { return stop_.load(); });
            EXPECT_EQ(ended.error().code(), symphony::Code::cancelled);
        });
        auto made = board.connect("here");
        while (!made) made = board.connect("here"); // it may not listen yet
        here = *made;
        there = heard.get();
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
        stop_ = true;
        board.wake();
    }
    std::string receive(std::uint64_t connection, std::uint32_t frames_max = 100) {
        std::string out;
        const auto got = board.receive(connection, frames_max, [&](const Buffer& frame, bool end) { out += std::string(frame.text()) + (end ? "." : "|"); }, never);
        return got ? out : std::string(got.error().reason());
    }

    Switchboard board;
    std::uint64_t here = 0, there = 0;

private:
    std::atomic<bool> stop_{false};
    std::jthread listener_;
};

TEST(LoopLink, CarriesFramesInOrderAndTheEnd) {
    Pair pair;
    for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(pair.board.send(pair.here, Buffer::copy(std::string_view(text)), true, never));
    ASSERT_TRUE(pair.board.finish(pair.here));
    EXPECT_EQ(pair.receive(pair.there, 2), "a|b|");
    EXPECT_EQ(pair.receive(pair.there), "c|.");
    EXPECT_EQ(pair.receive(pair.there), "closed");
    EXPECT_EQ(pair.board.send(pair.here, {}, true, never).error().reason(), "finished");
    EXPECT_EQ(pair.board.status(pair.there)->received_frames, 3u);
}

TEST(LoopLink, WaitsForRoomOrSaysThatThereIsNone) {
    Pair pair(Limits{100, 1});
    ASSERT_TRUE(pair.board.send(pair.here, Buffer::copy(std::string_view("a")), true, never));
    EXPECT_EQ(pair.board.send(pair.here, {}, false, never).error().reason(), "queue-full");
    auto second = std::async(std::launch::async, [&] { return static_cast<bool>(pair.board.send(pair.here, Buffer::copy(std::string_view("b")), true, never)); });
    EXPECT_EQ(pair.receive(pair.there), "a|");
    EXPECT_TRUE(second.get());
    EXPECT_EQ(pair.receive(pair.there), "b|");
    EXPECT_EQ(pair.board.send(pair.here, Buffer::make(101), true, never).error().reason(), "frame-too-large");
}

TEST(LoopLink, TellsWhoIsGone) {
    Pair pair;
    pair.board.close(pair.there);
    EXPECT_EQ(pair.receive(pair.here), "closed");
    EXPECT_EQ(pair.receive(pair.there), "no-connection");
    EXPECT_EQ(pair.board.connect("nowhere").error().reason(), "no-listener");
    EXPECT_EQ(pair.board.listen("here", [](std::uint64_t) {}, never).error().reason(), "address-in-use");
}

TEST(LoopLink, StopsWaitingWhenItIsTold) {
    Pair pair;
    EXPECT_EQ(pair.board.receive(pair.here, 1, [](const Buffer&, bool) {}, [] { return true; }).error().reason(), "cancelled");
}

} // namespace
