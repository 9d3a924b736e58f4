// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ends.hpp"

#include <array>
#include <thread>

/// What every transport owes, whatever carries the bytes. A transport names a setup: `add()` puts an instance into a host, `address()` is where
/// they meet, `many` whether one listener takes several connections, `self()` what the system says of who is there when it is this process.
namespace symphony::transport::testing {

template <class Setup>
class TransportContract : public ::testing::Test {};
TYPED_TEST_SUITE_P(TransportContract);

TYPED_TEST_P(TransportContract, CarriesFramesOfEverySizeBothWaysInOrder) {
    Connected<TypeParam> ends;
    for (const bool stay : {false, true}) {
        for (const std::size_t size : {0u, 1u, 15u, 16u, 17u, 4079u, 4096u, 65535u, 65536u, 300000u, 1u << 20, 5u << 20}) {
            SCOPED_TRACE(std::to_string(size) + (stay ? " stay" : ""));
            const std::string content = pattern(size, size);
            Arrivals<Result<void>> sent;
            ends.here().send_async(ends.mine, text(content), true, [&](Result<void> result) { sent.put(std::move(result)); });
            const auto there = ends.hear(1, stay);
            ASSERT_FALSE(there.error) << there.error->message();
            ASSERT_EQ(there.frames.size(), 1u);
            EXPECT_TRUE(there.frames.front() == content);
            ASSERT_TRUE(*sent.take());
            ASSERT_TRUE(ends.there().send(ends.yours, text(content), true));
            const auto back = receive(ends.here(), ends.mine, 1, stay);
            ASSERT_EQ(back.frames.size(), 1u);
            EXPECT_TRUE(back.frames.front() == content);
        }
    }
    const auto status = ends.here().status(ends.mine);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->sent_frames, 24u);
    EXPECT_EQ(status->received_frames, 24u);
    EXPECT_EQ(status->sent_bytes, status->received_bytes);
    EXPECT_EQ(status->dropped_frames, 0u);
    EXPECT_FALSE(status->broken);
}

TYPED_TEST_P(TransportContract, SaysWhoIsAtTheOtherEnd) {
    Connected<TypeParam> ends;
    for (const auto& peer : {ends.peer(), ends.listening().last().peer}) EXPECT_EQ(peer, TypeParam::self());
}

TYPED_TEST_P(TransportContract, TakesSeveralFramesAtOnce) {
    Connected<TypeParam> ends;
    for (int i = 0; i < 10; ++i) ends.say(std::to_string(i));
    std::vector<std::string> all;
    while (all.size() < 10) {
        const auto some = ends.hear(4);
        ASSERT_FALSE(some.error);
        EXPECT_LE(some.frames.size(), 4u);
        all.insert(all.end(), some.frames.begin(), some.frames.end());
    }
    EXPECT_EQ(all, (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
}

TYPED_TEST_P(TransportContract, LingersForMoreFrames) {
    for (const bool stay : {false, true}) {
        Connected<TypeParam> ends;
        ends.say("one");
        Arrivals<Received> heard;
        std::thread listener([&] { heard.put(receive(ends.there(), ends.yours, 3, stay, 600'000)); });
        ends.say("two");
        ends.say("three");
        const auto all = heard.take();
        listener.join();
        ASSERT_TRUE(all);
        EXPECT_EQ(all->frames, (std::vector<std::string>{"one", "two", "three"}));
        ends.say("four");
        EXPECT_EQ(receive(ends.there(), ends.yours, 3, stay, 1).frames, (std::vector<std::string>{"four"})) << "gives up after its time";
    }
}

TYPED_TEST_P(TransportContract, HoldsASenderWhoseReaderDoesNotRead) {
    TransportLimits small;
    small.queue_frames_max = 4;
    Connected<TypeParam> ends(small, small);
    const std::string content = pattern(60'000, 1);
    const std::size_t taken = ends.fill(content);
    expect_refused(ends.here().send(ends.mine, text(content), false), Code::busy, "queue-full");
    EXPECT_EQ(ends.here().status(ends.mine)->send_queue_frames, 4u);
    EXPECT_LE(ends.there().status(ends.yours)->receive_queue_frames, 4u);
    expect_refused(ends.here().send(ends.mine, text(content), true, {.deadline_ns = ends.soon()}), Code::deadline, "deadline");
    Arrivals<Result<void>> sent;
    ends.here().send_async(ends.mine, text("last"), true, [&](Result<void> result) { sent.put(std::move(result)); });
    EXPECT_EQ(sent.size(), 0u) << "it waits";
    for (std::size_t i = 0; i < taken; ++i) {
        const auto some = ends.hear();
        ASSERT_EQ(some.frames.size(), 1u) << i << ": " << (some.error ? some.error->message() : "");
        ASSERT_TRUE(some.frames.front() == content);
    }
    EXPECT_EQ(ends.hear().frames, (std::vector<std::string>{"last"}));
    EXPECT_TRUE(*sent.take());
}

TYPED_TEST_P(TransportContract, BoundsTheBytesThatWait) {
    TransportLimits small;
    small.frame_bytes_max = 100'000;
    small.queue_bytes_max = 200'000;
    Connected<TypeParam> ends(small, small);
    const std::string content = pattern(90'000, 1);
    const std::size_t taken = ends.fill(content);
    EXPECT_EQ(ends.here().status(ends.mine)->send_queue_frames, 2u);
    EXPECT_LE(ends.there().status(ends.yours)->receive_queue_frames, 2u);
    for (std::size_t i = 0; i < taken; ++i) ASSERT_TRUE(ends.hear(1, i % 2 == 0).frames.at(0) == content) << i;
}

TYPED_TEST_P(TransportContract, EndsAWaitAtItsDeadlineOrWhenItIsCancelled) {
    Connected<TypeParam> ends;
    for (const bool stay : {false, true}) {
        const auto late = receive(ends.there(), ends.yours, 1, stay, 0, {.deadline_ns = ends.soon()});
        expect_error(late.error, Code::deadline, "deadline");
        CancelSource source;
        Arrivals<Received> heard;
        std::thread listener([&] { heard.put(receive(ends.there(), ends.yours, 1, stay, 0, {.cancel = source.token()})); });
        source.cancel();
        const auto cancelled = heard.take();
        listener.join();
        ASSERT_TRUE(cancelled);
        expect_error(cancelled->error, Code::cancelled, "cancelled");
        ends.say("still there");
        EXPECT_EQ(ends.hear(1, stay).frames, (std::vector<std::string>{"still there"}));
    }
}

TYPED_TEST_P(TransportContract, AllowsOneReceiveAtATime) {
    Connected<TypeParam> ends;
    Arrivals<Result<void>> first;
    Arrivals<std::string> frames;
    ends.there().receive_async(ends.yours, 1, 0, false, [&](Result<void> result) { first.put(std::move(result)); },
                               {.on_part = [&](const Frame& frame) { frames.put(std::string(frame.content.text())); }});
    expect_error(ends.hear().error, Code::misuse, "already-receiving");
    ends.say("for the first");
    EXPECT_TRUE(*first.take());
    EXPECT_EQ(*frames.take(), "for the first");
}

TYPED_TEST_P(TransportContract, FinishesOneDirectionAndGoesOnInTheOther) {
    for (const bool stay : {false, true}) {
        Connected<TypeParam> ends;
        ends.say("before");
        ASSERT_TRUE(ends.here().finish(ends.mine));
        ASSERT_TRUE(ends.here().finish(ends.mine)) << "twice is once";
        expect_refused(ends.here().send(ends.mine, text("after"), true), Code::misuse, "finished");
        auto heard = ends.hear(1, stay);
        EXPECT_EQ(heard.frames, (std::vector<std::string>{"before"}));
        if (!heard.end) heard = ends.hear(1, stay);
        EXPECT_TRUE(heard.end);
        expect_error(ends.hear(1, stay).error, Code::peer_died, "closed");
        EXPECT_TRUE(ends.there().status(ends.yours)->finished_there);
        ASSERT_TRUE(ends.there().send(ends.yours, text("answer"), true));
        EXPECT_EQ(receive(ends.here(), ends.mine, 1, stay).frames, (std::vector<std::string>{"answer"}));
        ASSERT_TRUE(ends.there().finish(ends.yours));
        EXPECT_TRUE(receive(ends.here(), ends.mine, 1, stay).end);
        const auto over = ends.here().status(ends.mine);
        ASSERT_TRUE(over);
        EXPECT_TRUE(over->finished_here && over->finished_there);
        EXPECT_FALSE(over->broken) << "both had their say";
    }
}

TYPED_TEST_P(TransportContract, FinishesAfterWhatWaits) {
    TransportLimits small;
    small.queue_frames_max = 2;
    Connected<TypeParam> ends(small, small);
    const std::string content = pattern(60'000, 2);
    const std::size_t taken = ends.fill(content);
    Arrivals<Result<void>> sent;
    ends.here().send_async(ends.mine, text("last"), true, [&](Result<void> result) { sent.put(std::move(result)); });
    ASSERT_TRUE(ends.here().finish(ends.mine));
    for (std::size_t i = 0; i < taken; ++i) ASSERT_EQ(ends.hear().frames.size(), 1u) << i;
    EXPECT_EQ(ends.hear().frames, (std::vector<std::string>{"last"}));
    EXPECT_TRUE(ends.hear().end);
    EXPECT_TRUE(*sent.take());
}

TYPED_TEST_P(TransportContract, DeliversWhatCameBeforeAClose) {
    for (const bool stay : {false, true}) {
        Connected<TypeParam> ends;
        ends.say("one");
        ends.say("two");
        ASSERT_TRUE(ends.here().close(ends.mine));
        ASSERT_TRUE(ends.here().close(ends.mine)) << "a stale one is no error";
        EXPECT_EQ(ends.hear(1, stay).frames, (std::vector<std::string>{"one"}));
        EXPECT_EQ(ends.hear(1, stay).frames, (std::vector<std::string>{"two"}));
        expect_error(ends.hear(1, stay).error, Code::peer_died, "closed");
        expect_error(ends.hear(1, !stay).error, Code::peer_died, "closed");
        EXPECT_TRUE(ends.there().status(ends.yours)->broken);
        expect_refused(ends.there().send(ends.yours, text("to nobody"), true), Code::peer_died, "closed");
        expect_refused(ends.here().send(ends.mine, text("closed"), true), Code::not_found, "no-connection");
        expect_refused(ends.here().status(ends.mine), Code::not_found, "no-connection");
        expect_refused(ends.here().finish(ends.mine), Code::not_found, "no-connection");
        expect_error(receive(ends.here(), ends.mine).error, Code::not_found, "no-connection");
    }
}

TYPED_TEST_P(TransportContract, WakesWhoWaitsWhenTheOtherSideCloses) {
    for (const bool stay : {false, true}) {
        Connected<TypeParam> ends;
        Arrivals<Received> heard;
        std::thread listener([&] { heard.put(ends.hear(1, stay)); });
        ASSERT_TRUE(ends.here().close(ends.mine));
        const auto end = heard.take();
        listener.join();
        ASSERT_TRUE(end);
        expect_error(end->error, Code::peer_died, "closed");
    }
}

TYPED_TEST_P(TransportContract, WakesWhoWaitsWhenItIsClosedHere) {
    for (const bool stay : {false, true}) {
        Connected<TypeParam> ends;
        Arrivals<Received> heard;
        std::thread listener([&] { heard.put(ends.hear(1, stay)); });
        ASSERT_TRUE(ends.there().close(ends.yours));
        const auto end = heard.take();
        listener.join();
        ASSERT_TRUE(end);
        expect_error(end->error, Code::not_found, "no-connection");
    }
}

TYPED_TEST_P(TransportContract, CountsWhatAClosedConnectionDidNotHandOver) {
    TransportLimits small;
    small.queue_frames_max = 4;
    Connected<TypeParam> ends(small, small);
    const std::string content = pattern(60'000, 3);
    const std::uint64_t taken = ends.fill(content);
    Arrivals<Result<void>> waiting;
    ends.here().send_async(ends.mine, text("waits"), true, [&](Result<void> result) { waiting.put(std::move(result)); });
    ASSERT_TRUE(ends.there().close(ends.yours));
    expect_refused(*waiting.take(), Code::peer_died, "closed");
    const auto status = ends.here().status(ends.mine);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->dropped_frames, 4u);
    EXPECT_EQ(status->sent_frames + status->dropped_frames, taken);
    EXPECT_EQ(status->send_queue_frames, 0u);
}

TYPED_TEST_P(TransportContract, RefusesFramesThatAreTooLong) {
    TransportLimits mine, yours;
    mine.frame_bytes_max = 5000;
    yours.frame_bytes_max = 4000;
    Connected<TypeParam> ends(mine, yours);
    expect_refused(ends.here().send(ends.mine, text(pattern(4001, 1)), true), Code::invalid_argument, "frame-too-large");
    expect_refused(ends.there().send(ends.yours, text(pattern(4001, 1)), true), Code::invalid_argument, "frame-too-large");
    ends.say(pattern(4000, 1));
    EXPECT_TRUE(ends.hear().frames.at(0) == pattern(4000, 1));
}

TYPED_TEST_P(TransportContract, RefusesWhatTheConfigurationDoesNotAllow) {
    const Ends<TypeParam> ends(ValueBuilder().map().add("frame_bytes_max", 10'000).add("queue_frames_max", 10).add("queue_bytes_max", 20'000).end().build());
    const auto refuse = [&](auto member, auto value) {
        TransportLimits limits;
        limits.*member = value;
        expect_refused(ends.here().connect(ends.address(), limits), Code::invalid_argument, "bad-limits");
        expect_refused(ends.here().listen(ends.address(), limits), Code::invalid_argument, "bad-limits");
    };
    refuse(&TransportLimits::frame_bytes_max, 10'001u);
    refuse(&TransportLimits::queue_frames_max, 11u);
    refuse(&TransportLimits::queue_bytes_max, 20'001u);
    refuse(&TransportLimits::queue_bytes_max, 9'999u);
}

TYPED_TEST_P(TransportContract, RefusesAddressesThatItCannotRead) {
    const Ends<TypeParam> ends;
    Address other = ends.address();
    other.scheme = "pigeon";
    expect_refused(ends.here().connect(other, {}), Code::unsupported, "scheme");
    expect_refused(ends.here().listen(other, {}), Code::unsupported, "scheme");
    Address options = ends.address();
    options.options["klingon"] = "yes";
    expect_refused(ends.here().connect(options, {}), Code::invalid_argument, "bad-address");
    expect_refused(ends.here().listen(options, {}), Code::invalid_argument, "bad-address");
}

TYPED_TEST_P(TransportContract, StopsListeningAndKeepsWhatItAccepted) {
    Connected<TypeParam> ends;
    ends.listening().cancel();
    expect_refused(ends.listening().end(), Code::cancelled, "cancelled");
    ends.say("still there");
    EXPECT_EQ(ends.hear().frames, (std::vector<std::string>{"still there"}));
    if (TypeParam::many) expect_refused(ends.here().connect(ends.address(), {}), Code::not_found, "no-listener");
}

TYPED_TEST_P(TransportContract, EndsAllCallsWhenThePluginStops) {
    Arrivals<Result<void>> ended;
    {
        Connected<TypeParam> ends;
        ends.there().receive_async(ends.yours, 1, 0, false, [&](Result<void> result) { ended.put(std::move(result)); });
        ASSERT_TRUE(ends.host().quiesce("there", std::chrono::seconds(30)));
        expect_refused(*ended.take(), Code::cancelled, "stopping");
        expect_refused(ends.there().connect(ends.address(), {}), Code::cancelled, "stopping");
        expect_error(receive(ends.here(), ends.mine).error, Code::peer_died, "closed");
    }
}

TYPED_TEST_P(TransportContract, SendsFromManyThreadsEachInItsOrder) {
    Connected<TypeParam> ends;
    constexpr int threads = 4, each = 500;
    std::vector<std::thread> senders;
    for (int t = 0; t < threads; ++t) {
        senders.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) EXPECT_TRUE(ends.here().send(ends.mine, text(std::to_string(t) + ":" + std::to_string(i)), true));
        });
    }
    std::array<int, threads> next{};
    for (int got = 0; got < threads * each;) {
        const auto some = ends.hear(64, got % 2 == 0);
        ASSERT_FALSE(some.error) << some.error->message();
        for (const auto& frame : some.frames) {
            const auto colon = frame.find(':');
            auto& expected = next.at(static_cast<std::size_t>(std::stoi(frame.substr(0, colon))));
            ASSERT_EQ(std::stoi(frame.substr(colon + 1)), expected++);
            ++got;
        }
    }
    for (auto& sender : senders) sender.join();
}

REGISTER_TYPED_TEST_SUITE_P(TransportContract, CarriesFramesOfEverySizeBothWaysInOrder, SaysWhoIsAtTheOtherEnd, TakesSeveralFramesAtOnce, LingersForMoreFrames,
                            HoldsASenderWhoseReaderDoesNotRead, BoundsTheBytesThatWait, EndsAWaitAtItsDeadlineOrWhenItIsCancelled, AllowsOneReceiveAtATime,
                            FinishesOneDirectionAndGoesOnInTheOther, FinishesAfterWhatWaits, DeliversWhatCameBeforeAClose, WakesWhoWaitsWhenTheOtherSideCloses,
                            WakesWhoWaitsWhenItIsClosedHere, CountsWhatAClosedConnectionDidNotHandOver, RefusesFramesThatAreTooLong, RefusesWhatTheConfigurationDoesNotAllow,
                            RefusesAddressesThatItCannotRead, StopsListeningAndKeepsWhatItAccepted, EndsAllCallsWhenThePluginStops, SendsFromManyThreadsEachInItsOrder);

} // namespace symphony::transport::testing
