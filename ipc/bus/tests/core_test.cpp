// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <random>
#include <thread>

namespace symphony::bus {
namespace {

using testing::Reader;
using testing::Rig;
using Types = std::vector<std::string>;
constexpr std::uint64_t ms = 1'000'000;

Route route(std::string_view pattern, std::vector<std::string> endpoints, std::int32_t priority = 0, std::string capability = {}) {
    return {*Pattern::parse(pattern), std::move(endpoints), std::move(capability), priority};
}

void expect_match(std::string_view pattern, std::string_view name, bool expected) {
    const auto parsed = Pattern::parse(pattern);
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(parsed->matches(name), expected) << pattern << " and " << name;
}

TEST(Pattern, TakesStarForOneSegmentAndHashForTheRest) {
    expect_match("a.b", "a.b", true);
    expect_match("a.b", "a.b.c", false);
    expect_match("a.*", "a.b", true);
    expect_match("a.*", "a", false);
    expect_match("a.*", "a.b.c", false);
    expect_match("*.b", "a.b", true);
    expect_match("a.*.c", "a.b.c", true);
    expect_match("a.#", "a", true);
    expect_match("a.#", "a.b.c", true);
    expect_match("a.#", "ab", false);
    expect_match("#", "a.b", true);
    expect_match("#", "", true);
    expect_match("*", "", false);
    expect_match("*", "a", true);
    expect_match("*", "a.b", false);
}

TEST(Pattern, SaysWhatIsWrongWithOne) {
    for (const std::string_view bad : {"", ".", "a.", ".a", "a..b", "#.a", "a.#.b", "a*", "a.b#", "**", "\xFF"}) {
        const auto parsed = Pattern::parse(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().reason(), "bad-pattern");
    }
    EXPECT_FALSE(Pattern::parse(std::string(256, 'a')));
    EXPECT_TRUE(Pattern::parse(std::string(255, 'a')));
}

TEST(Message, HasNoEmptySegmentInItsType) {
    Rig rig;
    for (const std::string_view bad : {".", "a.", ".a", "a..b", "..", "a.b.."}) {
        const auto status = check(rig.event(bad)->view());
        ASSERT_FALSE(status) << bad;
        EXPECT_EQ(status.error().reason(), "bad-envelope");
        EXPECT_NE(status.error().message().find("\"type\""), std::string::npos);
    }
    for (const std::string_view good : {"a", "a.b", "a-b.c"}) EXPECT_TRUE(check(rig.event(good)->view())) << good;
}

TEST(Budget, BoundsAllQueuesTogetherAndCountsWhatDoesNotFit) {
    CoreLimits limits;
    limits.queued_bytes_max = 1 << 20;
    Rig rig(limits);
    constexpr std::size_t readers = 20, messages = 100;
    std::vector<std::shared_ptr<Reader>> all;
    for (std::size_t i = 0; i < readers; ++i) {
        const auto policy = i % 2 == 0 ? ports::BusPolicy::drop_oldest : ports::BusPolicy::drop_newest;
        all.push_back(rig.listen("n", ports::BusKinds::event, {policy, 1024, 64u << 20}));
    }
    const auto large = ValueBuilder().bytes(Bytes(std::vector<std::uint8_t>(30'000))).build();
    for (std::size_t i = 0; i < messages; ++i) rig.publish(rig.event("n", large));
    EXPECT_LE(rig.core.budget()->used(), limits.queued_bytes_max);
    EXPECT_GT(rig.core.budget()->used(), limits.queued_bytes_max / 2) << "what there is room for is kept";
    std::size_t kept = 0, lost = 0;
    for (const auto& one : all) {
        const auto figures = one->figures();
        EXPECT_EQ(figures.queued + figures.lost, messages);
        kept += figures.queued;
        lost += figures.lost;
    }
    EXPECT_LE(kept * 30'000, limits.queued_bytes_max);
    EXPECT_EQ(rig.counted("lost"), lost);
    for (const auto& one : all) one->messages();
    EXPECT_EQ(rig.core.budget()->used(), 0u) << "who reads gives it back";
    EXPECT_EQ(rig.publish(rig.event("n", large)), "20");
    all.clear();
}

TEST(Pattern, MatchesAsASlowMatcherDoes) {
    // Segments as letters, so that a pattern is as good as a small regular expression.
    const std::function<bool(const Types&, std::size_t, const Types&, std::size_t)> slow = [&](const Types& p, std::size_t i, const Types& n, std::size_t j) {
        if (i == p.size()) return j == n.size();
        if (p[i] == "#") return true;
        return j < n.size() && (p[i] == "*" || p[i] == n[j]) && slow(p, i + 1, n, j + 1);
    };
    std::mt19937 random(6);
    const auto joined = [](const Types& parts) {
        std::string out;
        for (const auto& part : parts) out += (out.empty() ? "" : ".") + part;
        return out;
    };
    int matches = 0;
    for (int round = 0; round < 20'000; ++round) {
        Types pattern, name;
        for (auto left = random() % 4 + 1; left > 0; --left) pattern.push_back(random() % 3 == 0 ? "*" : random() % 2 == 0 ? "a" : "b");
        if (random() % 3 == 0) pattern.push_back("#");
        for (auto left = random() % 5 + 1; left > 0; --left) name.push_back(random() % 2 == 0 ? "a" : "b");
        const bool expected = slow(pattern, 0, name, 0);
        expect_match(joined(pattern), joined(name), expected);
        matches += expected ? 1 : 0;
    }
    EXPECT_GT(matches, 500);
}

// The fifteen ways in which other buses went wrong.

TEST(OtherBusesFailed, ToDeliverTheVeryBytesOfAMessage) {
    Rig rig;
    const auto one = rig.listen("data.*"), two = rig.listen("#");
    const Value content = ValueBuilder().bytes(Bytes(std::vector<std::uint8_t>(100'000, 0x5A))).build();
    rig.publish(rig.event("data.block", content));
    const auto first = one->messages(), second = two->messages();
    ASSERT_EQ(first.size(), 1u);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_TRUE(std::get<ipc::Event>(first[0]->envelope().payload).content == content);
    EXPECT_EQ(ipc::content_of(first[0]->view()).data(), content.bytes().data()) << "the content was copied";
    EXPECT_EQ(first[0].get(), second[0].get());
}

TEST(OtherBusesFailed, ToGiveTheReplyToWhoAsked) {
    Rig rig;
    const auto service = rig.join("service", {"add"});
    const auto first = rig.ask("add"), second = rig.ask("add");
    ASSERT_EQ(Rig::reader(service).read(), (Types{"add", "add"}));
    EXPECT_EQ(rig.answer(second.id, "service"), "1");
    EXPECT_EQ(*second.answers, (Types{""}));
    EXPECT_TRUE(first.answers->empty());
    EXPECT_EQ(rig.answer(first.id, "service"), "1");
    EXPECT_EQ(*first.answers, (Types{""}));
}

TEST(OtherBusesFailed, ToNoticeThatAnEndpointIsDead) {
    Rig rig;
    const auto service = rig.join("service", {"add"});
    const auto asked = rig.ask("add");
    rig.core.remove(service, {});
    EXPECT_EQ(*asked.answers, (Types{"endpoint-gone"}));
    EXPECT_EQ(*rig.ask("add").answers, (Types{"no-route"}));
    EXPECT_EQ(*rig.ask("add", "service").answers, (Types{"no-endpoint"}));
    EXPECT_EQ(rig.publish(rig.event("note", {}, "tester", "service")), "no-endpoint");
    EXPECT_EQ(Rig::reader(service).ended(), (Types{"done"}));
}

TEST(OtherBusesFailed, ToKeepTheAnswerForOneTypeApartFromThatForOthers) {
    Rig rig;
    const auto a = rig.join("a"), b = rig.join("b"), rest = rig.join("rest");
    ASSERT_TRUE(rig.core.set_routes({route("x.one", {"a"}), route("x.two", {"b"}), route("#", {"rest"}, -1)}));
    const std::map<std::string, std::string> expected{{"x.one", "a"}, {"x.two", "b"}, {"x", "rest"}, {"x.one.more", "rest"}, {"y", "rest"}};
    std::mt19937 random(6);
    for (int i = 0; i < 5'000; ++i) { // in every order, also after more types than a publisher remembers
        auto one = expected.begin();
        std::advance(one, static_cast<std::ptrdiff_t>(random() % expected.size()));
        ASSERT_EQ(rig.taker(one->first, {a, b, rest}), one->second) << one->first << " at " << i;
        ASSERT_EQ(rig.taker("other." + std::to_string(i), {a, b, rest}), "rest");
    }
}

TEST(OtherBusesFailed, ToLoseNothingWhenManyPublishAtOnce) {
    Rig rig;
    constexpr int senders = 4, each = 5'000;
    const auto reader = rig.listen("n.*", ports::BusKinds::event, {ports::BusPolicy::block, senders * each, 1u << 30});
    std::vector<std::thread> threads;
    for (int s = 0; s < senders; ++s) {
        threads.emplace_back([&rig, s] {
            Publisher publisher(rig.core);
            for (int i = 0; i < each; ++i) {
                Publisher::Outcome outcome;
                const auto message = rig.event("n." + std::to_string(s), ValueBuilder().integer(i).build());
                EXPECT_TRUE(publisher.publish(message, outcome));
                EXPECT_GE(outcome.receivers, 1u); // one that comes and goes may have got it, too
                if (i % 500 == 0) rig.core.unsubscribe(*rig.core.subscribe({*Pattern::parse("n.#"), 4, {}, "", false, std::make_shared<Reader>()}), {});
            }
        });
    }
    for (auto& thread : threads) thread.join();
    std::map<std::string, std::int64_t> next; // and each sender's in its order
    for (const auto& message : reader->messages()) {
        const auto number = ValueView(ipc::content_of(message->view())).as_int(-1);
        ASSERT_EQ(number, next[std::string(message->view().type)]++);
    }
    for (int s = 0; s < senders; ++s) EXPECT_EQ(next["n." + std::to_string(s)], each);
    EXPECT_EQ(rig.counted("published"), std::uint64_t{senders * each});
    EXPECT_EQ(reader->lost(), 0u);
}

TEST(OtherBusesFailed, ToPutPriorityBeforeTheMoreSpecificPattern) {
    Rig rig;
    const auto a = rig.join("a"), b = rig.join("b"), c = rig.join("c");
    ASSERT_TRUE(rig.core.set_routes({route("#", {"a"}, 5), route("x.*", {"b"}, 1), route("x.y", {"c"}, 1)}));
    EXPECT_EQ(rig.taker("x.y", {a, b, c}), "a");
    ASSERT_TRUE(rig.core.set_routes({route("#", {"a"}, 1), route("x.*", {"b"}, 1), route("x.y", {"c"}, 1)}));
    EXPECT_EQ(rig.taker("x.y", {a, b, c}), "c");
    EXPECT_EQ(rig.taker("x.z", {a, b, c}), "b");
    EXPECT_EQ(rig.taker("z", {a, b, c}), "a");
    ASSERT_TRUE(rig.core.set_routes({route("*.y", {"b"}), route("x.*", {"c"})})); // the first difference decides
    EXPECT_EQ(rig.taker("x.y", {a, b, c}), "c");
}

TEST(OtherBusesFailed, ToTakeADotForADot) {
    Rig rig;
    const auto reader = rig.listen("user.*");
    EXPECT_EQ(rig.publish("userXlogin"), "0");
    EXPECT_EQ(rig.publish("user.login"), "1");
    EXPECT_EQ(rig.publish("user.login.twice"), "0");
    EXPECT_EQ(reader->read(), (Types{"user.login"}));
}

void expect_losses(std::uint8_t policy, const Types& kept, std::uint64_t lost, const Types& ended = {}) {
    SCOPED_TRACE(static_cast<int>(policy));
    Rig rig;
    const auto reader = rig.listen("#", ports::BusKinds::event, {policy, 2, 1u << 20});
    for (const auto* type : {"1", "2", "3", "4"}) rig.publish(type);
    EXPECT_EQ(reader->read(), kept);
    EXPECT_EQ(reader->lost(), lost);
    EXPECT_EQ(reader->ended(), ended);
    EXPECT_EQ(reader->figures().lost, lost);
    rig.publish("5");
    EXPECT_EQ(reader->read(), ended.empty() ? Types{"5"} : Types{});
}

TEST(OtherBusesFailed, ToShowWhatIsLost) {
    expect_losses(ports::BusPolicy::drop_oldest, {"3", "4"}, 2);
    expect_losses(ports::BusPolicy::drop_newest, {"1", "2"}, 2);
    expect_losses(ports::BusPolicy::block, {"1", "2"}, 2); // there was nobody to make room in time
    expect_losses(ports::BusPolicy::disconnect, {}, 3, {"too-slow"}); // what waited, and the one that did not fit
}

TEST(OtherBusesFailed, ToTakeASlowAnswerForAnError) {
    Rig rig;
    const auto service = rig.join("service", {"add"});
    const auto asked = rig.ask("add", {}, 60'000);
    for (int i = 0; i < 59; ++i) {
        rig.now_ns += 1000 * ms;
        EXPECT_TRUE(rig.core.tick());
    }
    EXPECT_TRUE(asked.answers->empty());
    EXPECT_EQ(rig.answer(asked.id, "service"), "1");
    EXPECT_EQ(*asked.answers, (Types{""}));
}

TEST(OtherBusesFailed, ToLetAnEndpointComeBackAfterARestart) {
    Rig rig;
    auto service = rig.join("service", {"add"});
    auto twin = std::make_shared<Endpoint>();
    twin->name = "service";
    twin->receiver = std::make_shared<Reader>();
    const auto status = rig.core.add(twin);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().reason(), "endpoint-exists");
    rig.core.remove(service, {});
    const auto anew = rig.join("service", {"add"});
    rig.core.remove(service, {}); // the end of the first, told once more, does not end the second
    EXPECT_EQ(rig.taker("add", {anew}), "service");
    EXPECT_TRUE(Rig::reader(service).read().empty());
}

TEST(OtherBusesFailed, ToForgetTheRequestsOfWhoHadTheNameBefore) {
    Rig rig;
    const auto before = rig.join("service", {"add"});
    const auto asked = rig.ask("add");
    rig.core.remove(before, {});
    const auto after = rig.join("service", {"add"});
    EXPECT_EQ(rig.answer(asked.id, "service"), "late-reply") << "memory of the first endpoint serves the second";
    EXPECT_EQ(*asked.answers, (Types{"endpoint-gone"}));
    EXPECT_TRUE(Rig::reader(after).read().empty());
}

TEST(OtherBusesFailed, ToEndARequestAtItsTimeAndRefuseTheLateReply) {
    Rig rig;
    const auto service = rig.join("service", {"add"});
    const auto asked = rig.ask("add", {}, 100);
    rig.now_ns += 99 * ms;
    rig.core.tick();
    EXPECT_TRUE(asked.answers->empty());
    rig.now_ns += 1 * ms;
    rig.core.tick();
    EXPECT_EQ(*asked.answers, (Types{"no-answer"}));
    EXPECT_EQ(rig.answer(asked.id, "service"), "late-reply");
    EXPECT_EQ(*asked.answers, (Types{"no-answer"}));
    EXPECT_EQ(rig.counted("timed_out"), 1u);
    EXPECT_EQ(rig.counted("late_replies"), 1u);
    EXPECT_FALSE(rig.core.tick()) << "nothing is left to wait for";
}

TEST(OtherBusesFailed, ToRefuseTheSecondReply) {
    Rig rig;
    const auto service = rig.join("service", {"add"});
    const auto asked = rig.ask("add");
    EXPECT_EQ(rig.answer(asked.id, "service"), "1");
    EXPECT_EQ(rig.answer(asked.id, "service"), "duplicate-reply");
    EXPECT_EQ(*asked.answers, (Types{""}));
    EXPECT_EQ(rig.counted("duplicate_replies"), 1u);
}

TEST(OtherBusesFailed, ToRefuseAReplyOfWhoWasNotAsked) {
    Rig rig;
    const auto service = rig.join("service", {"add"}), thief = rig.join("thief");
    const auto asked = rig.ask("add");
    EXPECT_EQ(rig.answer(asked.id, "thief"), "not-the-receiver");
    EXPECT_EQ(rig.answer(rig.ids.next(), "service"), "unknown-request");
    EXPECT_TRUE(asked.answers->empty());
    EXPECT_EQ(rig.answer(asked.id, "service"), "1");
    EXPECT_EQ(rig.counted("refused"), 1u);
    EXPECT_EQ(rig.counted("unknown_replies"), 1u);
}

TEST(OtherBusesFailed, ToStayCorrectWhenSubscribersComeAndGoWhileItPublishes) {
    Rig rig;
    const auto constant = rig.listen("#", ports::BusKinds::event, {ports::BusPolicy::block, 100'000, 1u << 30});
    std::atomic<bool> stop{false};
    std::thread others([&] {
        while (!stop) {
            const auto id = *rig.core.subscribe({*Pattern::parse("n"), 4, {}, "", false, std::make_shared<Reader>()});
            rig.core.unsubscribe(id, {});
        }
    });
    for (int i = 0; i < 5'000; ++i) rig.publish(rig.event("n", ValueBuilder().integer(i).build()));
    stop = true;
    others.join();
    std::int64_t next = 0;
    for (const auto& message : constant->messages()) ASSERT_EQ(ValueView(ipc::content_of(message->view())).as_int(-1), next++);
    EXPECT_EQ(next, 5'000);
}

TEST(Endpoints, LeaveRoutingWhenTheyMissThreeHeartbeatsAndComeBackWithTheNext) {
    Rig rig;
    const auto service = rig.join("service", {"add"}, 250), spare = rig.join("zz-spare", {"add"});
    EXPECT_EQ(rig.taker("add", {service, spare}), "service");
    const auto asked = rig.ask("add");
    static_cast<void>(Rig::reader(service).read());
    rig.now_ns += 749 * ms;
    rig.core.tick();
    EXPECT_TRUE(asked.answers->empty());
    rig.now_ns += 1 * ms;
    EXPECT_TRUE(rig.core.tick());
    EXPECT_EQ(*asked.answers, (Types{"endpoint-hung"}));
    EXPECT_EQ(rig.taker("add", {service, spare}), "zz-spare");
    EXPECT_EQ(*rig.ask("add", "service").answers, (Types{"endpoint-hung"}));
    EXPECT_FALSE(rig.core.endpoints("add")[0].healthy);
    EXPECT_TRUE(rig.core.heartbeat("service"));
    EXPECT_EQ(rig.taker("add", {service, spare}), "service");
    EXPECT_EQ(rig.core.heartbeat("nobody").error().reason(), "no-endpoint");
}

TEST(Endpoints, AreFoundByWhatTheyCan) {
    Rig rig;
    const auto ocr = rig.join("ocr", {"image.read.*"}), all = rig.join("all", {"image.#"}), b = rig.join("b");
    EXPECT_EQ(rig.taker("image.read.png", {ocr, all}), "ocr");
    EXPECT_EQ(rig.taker("image.scale", {ocr, all}), "all");
    EXPECT_EQ(rig.taker("sound", {ocr, all}), "no-route");
    ASSERT_TRUE(rig.core.set_routes({route("scan", {}, 0, "image.read.png"), route("#", {"b"}, -1)}));
    EXPECT_EQ(rig.taker("scan", {ocr, all, b}), "all") << "of those with the capability the first by name";
    EXPECT_EQ(rig.taker("sound", {ocr, all, b}), "b") << "the default route";
    EXPECT_EQ(rig.core.endpoints("image.read.png").size(), 2u);
    EXPECT_EQ(rig.core.endpoints("").size(), 3u);
}

TEST(Endpoints, GetEventsOfTheBestRouteAllOfThem) {
    Rig rig;
    const auto a = rig.join("a", {"log.#"}), b = rig.join("b"), c = rig.join("c");
    EXPECT_EQ(rig.publish("log.line"), "0") << "what an endpoint can is about requests";
    ASSERT_TRUE(rig.core.set_routes({route("log.*", {"a", "b", "absent"}), route("#", {"c"})}));
    EXPECT_EQ(rig.publish("log.line"), "2");
    EXPECT_EQ(Rig::reader(a).read(), (Types{"log.line"}));
    EXPECT_EQ(Rig::reader(b).read(), (Types{"log.line"}));
    EXPECT_TRUE(Rig::reader(c).read().empty());
}

TEST(Endpoints, RefuseRequestsThatDoNotFit) {
    Rig rig;
    const auto service = rig.join("service", {"add"}, 0, {ports::BusPolicy::drop_newest, 1, 1u << 20});
    const auto first = rig.ask("add"), second = rig.ask("add");
    EXPECT_TRUE(first.answers->empty());
    EXPECT_EQ(*second.answers, (Types{"queue-full"}));
    CoreLimits limits;
    limits.open_requests_max = 1;
    Rig small(limits);
    const auto other = small.join("service", {"add"});
    const auto open = small.ask("add");
    EXPECT_EQ(*small.ask("add").answers, (Types{"queue-full"}));
}

TEST(Subscriptions, ChooseKindsAndSenders) {
    Rig rig;
    const auto everything = rig.listen("#", 15), events = rig.listen("#");
    Subscription from{*Pattern::parse("#")};
    from.sender = *Pattern::parse("editor.*");
    const auto chosen = std::make_shared<Reader>();
    from.receiver = chosen;
    ASSERT_TRUE(rig.core.subscribe(std::move(from)));
    const auto service = rig.join("service", {"add"});
    const auto asked = rig.ask("add");
    rig.answer(asked.id, "service");
    rig.publish(rig.event("e", {}, "editor.one"));
    EXPECT_EQ(everything->read(), (Types{"add", "", "e"}));
    EXPECT_EQ(events->read(), (Types{"e"}));
    EXPECT_EQ(chosen->read(), (Types{"e"}));
}

TEST(Subscriptions, OfPolicyBlockHoldTheirPublisherUntilThereIsRoom) {
    Rig rig;
    const auto reader = rig.listen("#", ports::BusKinds::event, {ports::BusPolicy::block, 1, 1u << 20});
    Publisher::Outcome outcome;
    ASSERT_TRUE(rig.publisher.publish(rig.event("1"), outcome));
    const auto second = rig.event("2");
    ASSERT_TRUE(rig.publisher.publish(second, outcome));
    ASSERT_EQ(outcome.blocked.size(), 1u);
    std::thread publisher([&] { rig.publisher.finish(second, outcome, std::chrono::steady_clock::now() + std::chrono::minutes(1)); });
    Types got;
    while (got.size() < 2) {
        for (auto& type : reader->read()) got.push_back(std::move(type));
        std::this_thread::yield();
    }
    publisher.join();
    EXPECT_EQ(got, (Types{"1", "2"}));
    EXPECT_EQ(outcome.receivers, 1u);
    EXPECT_EQ(reader->lost(), 0u);
}

TEST(Subscriptions, AreBoundedByBytesToo) {
    Rig rig;
    const auto reader = rig.listen("#", ports::BusKinds::event, {ports::BusPolicy::drop_oldest, 1000, 100'000});
    const Value content = ValueBuilder().bytes(Bytes(std::vector<std::uint8_t>(40'000))).build();
    for (const auto* type : {"1", "2", "3"}) rig.publish(rig.event(type, content));
    rig.publish(rig.event("4", ValueBuilder().bytes(Bytes(std::vector<std::uint8_t>(200'000))).build()));
    EXPECT_EQ(reader->read(), (Types{"2", "3"}));
    EXPECT_EQ(reader->lost(), 2u);
}

TEST(Subscriptions, AndEndpointsAndRoutesAreBoundedInNumber) {
    CoreLimits limits;
    limits.endpoints_max = limits.subscriptions_max = limits.routes_max = 1;
    Rig rig(limits);
    rig.listen("a");
    rig.join("a");
    EXPECT_EQ(rig.core.subscribe({*Pattern::parse("b"), 4, {}, "", false, std::make_shared<Reader>()}).error().reason(), "too-many-subscriptions");
    auto endpoint = std::make_shared<Endpoint>();
    endpoint->name = "b";
    EXPECT_EQ(rig.core.add(endpoint).error().reason(), "too-many-endpoints");
    EXPECT_EQ(rig.core.set_routes({route("a", {}), route("b", {})}).error().reason(), "too-many-routes");
}

} // namespace
} // namespace symphony::bus
