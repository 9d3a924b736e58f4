// SPDX-License-Identifier: Apache-2.0
// Programs at the other end of a transport: the bus and its client in C++, over the real unix transport, in one process.
#include "served.hpp"

namespace symphony::bus {
namespace {

using testing::Served;

using namespace std::chrono_literals;
using Types = std::vector<std::string>;

/// Counts what comes, and waits for it.
class Counter {
public:
    void operator()(std::uint64_t more) {
        const std::lock_guard lock(mutex_);
        count_ += more;
        changed_.notify_all();
    }
    std::uint64_t wait_for(std::uint64_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 300s, [&] { return count_ >= count; })) << count_ << " of " << count;
        return count_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t count_ = 0;
};

ports::BusSubscription subscription(std::string pattern, std::uint8_t policy = 0, std::uint32_t queue_max = 0) {
    ports::BusSubscription out;
    out.pattern = std::move(pattern);
    out.policy = policy;
    out.queue_max = queue_max;
    return out;
}

TEST(Remote, ClientsAskAndAnswerEachOther) {
    Served served;
    const auto worker = served.connect(), asker = served.connect();
    ASSERT_TRUE(worker && asker);
    ASSERT_TRUE(worker->serve({"echo", {"say.*"}, 0, 0}, [&](const Client::Delivered& request) {
        EXPECT_TRUE(worker->respond(request.message, Value::copy(ValueView(ipc::content_of(request.message)))));
    }));
    const Value large = ValueBuilder().bytes(Bytes(std::vector<std::uint8_t>(3'000'000, 5))).build();
    for (const Value& content : {ValueBuilder().text("hello").build(), large, Value()}) {
        const auto answer = asker->request("say.it", content);
        ASSERT_TRUE(answer) << answer.error().message();
        EXPECT_EQ(answer->sender, "echo");
        EXPECT_TRUE(std::get<ipc::Response>(answer->payload).content == content);
    }
    const auto nobody = asker->request("sing", {});
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().reason(), "no-route");
    const auto twice = asker->serve({"echo", {}, 0, 0}, [](const Client::Delivered&) {});
    ASSERT_FALSE(twice);
    EXPECT_EQ(twice.error().reason(), "endpoint-exists");
    worker->close();
    const auto late = worker->request("say.it", {});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason(), "closed");
    while (!asker->endpoints()->empty()) std::this_thread::yield();
}

TEST(Remote, EventsOfManyPublishersArriveInTheOrderOfEach) {
    Served served;
    constexpr std::uint64_t publishers = 3, each = 20'000;
    const auto reader = served.connect();
    Counter got, lost;
    std::map<std::string, std::uint64_t, std::less<>> next;
    const auto read = [&](const Client::Delivered& event) {
        auto found = next.find(event.message.sender);
        if (found == next.end()) found = next.emplace(event.message.sender, 0).first;
        EXPECT_EQ(ValueView(ipc::content_of(event.message)).as_uint(~0ull), found->second++);
        got(1);
    };
    ASSERT_TRUE(reader->subscribe(subscription("n.#", ports::BusPolicy::block, 500), read, std::ref(lost)));
    std::vector<std::shared_ptr<Client>> writers; // who is closed may still have something to send
    std::vector<std::thread> threads;
    for (std::uint64_t p = 0; p < publishers; ++p) {
        writers.push_back(served.connect());
        threads.emplace_back([writer = writers.back(), p] {
            for (std::uint64_t i = 0; i < each; ++i) ASSERT_TRUE(writer->publish("n.x", ValueBuilder().unsigned_integer(i).build(), "writer-" + std::to_string(p)));
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(got.wait_for(publishers * each), publishers * each);
    EXPECT_EQ(reader->stats()->counters["lost"], 0u);
}

TEST(Remote, ASubscriberIsToldOfLossesAndOfItsEnd) {
    Served served;
    const auto reader = served.connect(), writer = served.connect();
    Counter got, lost;
    std::mutex gate;
    gate.lock();
    const auto hold = [&](const Client::Delivered& event) {
        const std::lock_guard wait(gate);
        got(event.message.type == "n" ? 1 : 0);
    };
    ASSERT_TRUE(reader->subscribe(subscription("n", ports::BusPolicy::drop_newest, 10), hold, [&](std::uint64_t many) { lost(many); }));
    const Value blob = ValueBuilder().bytes(Bytes(std::vector<std::uint8_t>(500'000))).build();
    constexpr std::uint64_t count = 400; // 200 MB: more than everything between the two holds
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_TRUE(writer->publish("n", blob));
    const auto stats = *writer->stats();
    gate.unlock();
    ASSERT_EQ(stats.subscriptions.size(), 1u);
    EXPECT_GT(stats.subscriptions[0].lost, 0u);
    EXPECT_EQ(lost.wait_for(stats.subscriptions[0].lost), stats.subscriptions[0].lost);
    EXPECT_EQ(got.wait_for(count - stats.subscriptions[0].lost), count - stats.subscriptions[0].lost);
}

TEST(Remote, WhoConnectsAndDoesNotEnterIsSentAway) {
    Served served(ValueBuilder().map().add("enter_ms", 50).end().build());
    const auto entered = served.connect();
    symphony::testing::FakeHost other;
    ASSERT_TRUE(other.add("transport-unix", testing::transport_unix()));
    const auto transport = *ports::TransportClient::acquire(other.host(), "transport-unix");
    const auto silent = transport.connect(*parse_address(served.address()), {});
    ASSERT_TRUE(silent) << silent.error().message();
    Result<void> end;
    while ((end = transport.receive(silent->connection, 1, 0, false))) {} // the greeting of the bus, and then the end
    EXPECT_EQ(end.error().code(), Code::peer_died) << end.error().message();
    const auto stats = entered->stats();
    ASSERT_TRUE(stats) << "who has entered may stay as long as it likes";
    EXPECT_EQ(stats->counters.at("refused_connections"), 1u);
}

TEST(Remote, ClientsHearOfTheEndOfTheBus) {
    Served served;
    const auto client = served.connect();
    ASSERT_NE(client, nullptr);
    served.stop.cancel();
    const auto ended = client->wait_closed(60s);
    ASSERT_TRUE(ended.has_value());
    EXPECT_EQ(ended->code(), Code::peer_died) << ended->message();
}

} // namespace
} // namespace symphony::bus
