// SPDX-License-Identifier: Apache-2.0
#include "bus_plugin.hpp"

#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace symphony::bus {
namespace {

using namespace std::chrono_literals;
using ports::BusClient;
using Types = std::vector<std::string>;
constexpr std::uint32_t flags = SYMPHONY_INSTANCE_CONCURRENT | SYMPHONY_INSTANCE_BLOCKING;

/// The plugin in a host of the test.
class Bus {
public:
    Bus() {
        const auto status = host.add("bus", symphony::testing::descriptor_of<BusPlugin, flags>());
        EXPECT_TRUE(status) << status.error().message();
        client.emplace(*BusClient::acquire(host.host(), "bus"));
    }

    static ports::EnvelopeRecord message(std::string_view type, std::uint8_t kind, std::string_view sender = "tester") {
        ports::EnvelopeRecord out;
        out.type = type;
        out.kind = kind;
        out.sender = sender;
        return out;
    }
    static ports::EnvelopeRecord event(std::string_view type, Value content = {}) {
        auto out = message(type, 3);
        out.content = std::move(content);
        return out;
    }
    static ports::EnvelopeRecord answer(const ports::EnvelopeRecord& request, std::string_view sender) {
        auto out = message("", 2, sender);
        out.correlation = request.id;
        out.content = request.content;
        return out;
    }

    symphony::testing::FakeHost host;
    std::optional<BusClient> client;
};

/// Collects what a subscription or an endpoint gets, and how its call ends.
class Inbox {
public:
    CallOptions<ports::BusDelivery> options() {
        CallOptions<ports::BusDelivery> out;
        out.cancel = source.token();
        out.on_part = [this](const ports::BusDelivery& delivery) {
            const std::lock_guard lock(mutex_);
            for (const auto& message : delivery.messages) {
                types_.push_back(message.type);
                if (on_message) on_message(message);
            }
            lost_ += delivery.lost;
            changed_.notify_all();
        };
        return out;
    }
    auto ended() {
        return [this](const Result<void>& result) {
            const std::lock_guard lock(mutex_);
            end_ = result ? "done" : std::string(result.error().reason());
            changed_.notify_all();
        };
    }
    Types wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 30s, [&] { return types_.size() >= count; })) << types_.size() << " of " << count;
        return types_;
    }
    std::string wait_for_end() {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 30s, [&] { return !end_.empty(); }));
        return end_;
    }
    std::uint64_t wait_for_losses(std::uint64_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 30s, [&] { return lost_ >= count; })) << lost_;
        return lost_;
    }

    CancelSource source;
    std::function<void(const ports::EnvelopeRecord&)> on_message;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Types types_;
    std::uint64_t lost_ = 0;
    std::string end_;
};

template <class T>
void expect_refused(const Result<T>& result, std::string_view reason) {
    ASSERT_FALSE(result) << "expected " << reason;
    EXPECT_EQ(result.error().reason(), reason) << result.error().message();
}

TEST(Bus, DeliversToSubscribersUntilTheyCancel) {
    Bus bus;
    Inbox inbox;
    ports::BusSubscription subscription;
    subscription.pattern = "build.*";
    bus.client->subscribe_async(subscription, inbox.ended(), inbox.options());
    EXPECT_EQ(*bus.client->publish({Bus::event("build.start"), Bus::event("test.start"), Bus::event("build.end")}), 2u);
    EXPECT_EQ(inbox.wait_for(2), (Types{"build.start", "build.end"}));
    inbox.source.cancel();
    EXPECT_EQ(inbox.wait_for_end(), "cancelled");
    EXPECT_EQ(*bus.client->publish({Bus::event("build.start")}), 0u);
}

TEST(Bus, CarriesRequestsToAnEndpointAndItsAnswerBack) {
    Bus bus;
    Inbox service;
    service.on_message = [&](const ports::EnvelopeRecord& request) { EXPECT_TRUE(bus.client->publish({Bus::answer(request, "echo")})); };
    bus.client->serve_async({"echo", {"say"}, 0, 0}, service.ended(), service.options());
    auto request = Bus::message("say", 1);
    request.content = ValueBuilder().text("hello").build();
    const auto answer = bus.client->request(request);
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->content.as_text(), "hello");
    EXPECT_EQ(answer->sender, "echo");
    EXPECT_EQ(bus.client->endpoints("say")->size(), 1u);
    expect_refused(bus.client->request(Bus::message("sing", 1)), "no-route");
    expect_refused(bus.client->publish({request}), "request-published");
    service.source.cancel();
    EXPECT_EQ(service.wait_for_end(), "cancelled");
    expect_refused(bus.client->request(request), "no-route");
}

TEST(Bus, MakesAnErrorOfAnAnswerThatIsOne) {
    Bus bus;
    Inbox service;
    service.on_message = [&](const ports::EnvelopeRecord& request) {
        auto failure = Bus::answer(request, "bad");
        failure.kind = 4;
        failure.content = Value();
        failure.failure = ports::EnvelopeFailure{static_cast<std::int32_t>(Code::io), false, "disk-full", "no room left", "delete something"};
        EXPECT_TRUE(bus.client->publish({failure}));
    };
    bus.client->serve_async({"bad", {"say"}, 0, 0}, service.ended(), service.options());
    const auto answer = bus.client->request(Bus::message("say", 1));
    expect_refused(answer, "disk-full");
    EXPECT_EQ(answer.error().hint(), "delete something");
    service.source.cancel();
    service.wait_for_end();
}

TEST(Bus, EndsRequestsAtTheirTimeAndWhenTheirEndpointGoes) {
    Bus bus;
    Inbox service;
    bus.client->serve_async({"mute", {"say"}, 0, 0}, service.ended(), service.options());
    auto request = Bus::message("say", 1);
    request.timeout_ms = 20;
    expect_refused(bus.client->request(request), "no-answer");
    request.timeout_ms = 60'000;
    std::thread asker([&] { expect_refused(bus.client->request(request), "endpoint-gone"); });
    service.wait_for(2);
    service.source.cancel();
    asker.join();
    service.wait_for_end();
}

TEST(Bus, EndsARequestThatIsCancelled) {
    Bus bus;
    Inbox service;
    bus.client->serve_async({"mute", {"say"}, 0, 0}, service.ended(), service.options());
    CancelSource source;
    std::thread asker([&] {
        CallOptions<> options;
        options.cancel = source.token();
        expect_refused(bus.client->request(Bus::message("say", 1), options), "cancelled");
    });
    service.wait_for(1);
    source.cancel();
    asker.join();
    service.source.cancel();
    service.wait_for_end();
    EXPECT_EQ(bus.client->stats()->counters["answered"], 0u);
}

TEST(Bus, DropsWhoGivesNoSignOfLife) {
    Bus bus;
    Inbox service;
    bus.client->serve_async({"hung", {"say"}, 50, 0}, service.ended(), service.options());
    auto request = Bus::message("say", 1);
    request.timeout_ms = 60'000;
    expect_refused(bus.client->request(request), "endpoint-hung");
    EXPECT_FALSE(bus.client->endpoints("")->front().healthy);
    EXPECT_TRUE(bus.client->heartbeat("hung"));
    EXPECT_TRUE(bus.client->endpoints("")->front().healthy);
    service.source.cancel();
    service.wait_for_end();
}

TEST(Bus, TellsASubscriberWhatItLost) {
    Bus bus;
    Inbox inbox;
    std::mutex gate;
    gate.lock();
    inbox.on_message = [&](const ports::EnvelopeRecord&) { const std::lock_guard wait(gate); };
    ports::BusSubscription subscription;
    subscription.pattern = "#";
    subscription.queue_max = 4;
    subscription.batch_max = 1;
    bus.client->subscribe_async(subscription, inbox.ended(), inbox.options());
    std::vector<ports::EnvelopeRecord> many(100, Bus::event("n"));
    ASSERT_TRUE(bus.client->publish(many));
    const auto stats = *bus.client->stats(); // told while the subscriber still holds its first message
    gate.unlock();
    const std::uint64_t lost = inbox.wait_for_losses(95);
    EXPECT_EQ(inbox.wait_for(100 - lost).size(), 100 - lost);
    EXPECT_EQ(stats.subscriptions.at(0).lost, lost);
    inbox.source.cancel();
    inbox.wait_for_end();
}

TEST(Bus, ServesOthersWhileReceiversHoldItsThreads) {
    Bus bus;
    std::mutex gate;
    gate.lock();
    std::vector<std::unique_ptr<Inbox>> slow;
    for (int i = 0; i < 4; ++i) { // more than there are threads
        slow.push_back(std::make_unique<Inbox>());
        slow.back()->on_message = [&](const ports::EnvelopeRecord&) { const std::lock_guard wait(gate); };
        ports::BusSubscription subscription;
        subscription.pattern = "n";
        bus.client->subscribe_async(subscription, slow.back()->ended(), slow.back()->options());
    }
    Inbox quick;
    ports::BusSubscription subscription;
    subscription.pattern = "#";
    bus.client->subscribe_async(subscription, quick.ended(), quick.options());
    ASSERT_TRUE(bus.client->publish({Bus::event("n"), Bus::event("m")}));
    EXPECT_EQ(quick.wait_for(2), (Types{"n", "m"}));
    gate.unlock();
    quick.source.cancel();
    quick.wait_for_end();
    for (auto& inbox : slow) {
        inbox->wait_for(1);
        inbox->source.cancel();
        inbox->wait_for_end();
    }
}

TEST(Bus, RefusesWhatIsNoSubscriptionEndpointOrRoute) {
    Bus bus;
    ports::BusSubscription subscription;
    subscription.pattern = "a..b";
    expect_refused(bus.client->subscribe(subscription), "bad-pattern");
    subscription.pattern = "a";
    subscription.policy = 9;
    expect_refused(bus.client->subscribe(subscription), "bad-subscription");
    expect_refused(bus.client->serve({"a.*", {}, 0, 0}), "bad-endpoint");
    expect_refused(bus.client->serve({"a", {}, 10, 0}), "bad-endpoint");
    expect_refused(bus.client->serve({"a", {"**"}, 0, 0}), "bad-pattern");
    expect_refused(bus.client->set_routes({{"#", {}, "", 0}, {"#.a", {}, "", 0}}), "bad-pattern");
    EXPECT_TRUE(bus.client->set_routes({{"#", {"a"}, "x.y", -7}}));
    EXPECT_EQ(*bus.client->routes(), (std::vector<ports::BusRoute>{{"#", {"a"}, "x.y", -7}}));
    auto bad = Bus::event("a");
    bad.sender = std::string(256, 'x');
    expect_refused(bus.client->publish({Bus::event("a"), bad}), "too-large");
    expect_refused(bus.client->publish({Bus::event("")}), "bad-envelope");
}

TEST(Bus, EndsEverythingWhenItIsEnded) {
    Inbox inbox, service;
    {
        Bus bus;
        ports::BusSubscription subscription;
        subscription.pattern = "#";
        bus.client->subscribe_async(subscription, inbox.ended(), inbox.options());
        bus.client->serve_async({"mute", {"say"}, 0, 0}, service.ended(), service.options());
        bus.client->request_async(Bus::message("say", 1), [](const Result<ports::EnvelopeRecord>& got) { expect_refused(got, "stopping"); });
        EXPECT_TRUE(bus.host.quiesce("bus", 30s));
    }
    EXPECT_EQ(inbox.wait_for_end(), "stopping");
    EXPECT_EQ(service.wait_for_end(), "stopping");
}

} // namespace
} // namespace symphony::bus
