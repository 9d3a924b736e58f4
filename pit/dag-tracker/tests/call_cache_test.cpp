// SPDX-License-Identifier: Apache-2.0
#include "call_cache.hpp"
#include "memory_store.hpp"
#include "run_memory.hpp"
#include "rig.hpp"
#include "temporary.hpp"

#include <symphony/sqlite_files/database.hpp>

#include <fstream>
#include <future>
#include <random>

namespace symphony::tracker::test {
namespace {

/// A call that is known by a number, and its answer.
CallFacts call(int number, int operation = 0) {
    Provider of;
    of.id = "org.test";
    of.sha256 = std::to_string(operation);
    return StepFacts(of, nullptr, "op", ValueBuilder().map().add("n", number).end().build()).single();
}
Value answer_of(const std::string& text) { return ValueBuilder().map().add("text", std::string_view(text)).end().build(); }

struct Cache {
    Temporary folder;
    std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
    std::int64_t now = 1'000'000;
    CallCache::Options options;
    std::shared_ptr<CallCache> cache;

    Cache() {
        options.now_ms = [this] { return now; };
        options.values = store;
    }
    void open() {
        cache.reset();
        auto opened = CallCache::open(folder.folder(), options);
        ASSERT_TRUE(opened) << opened.error().message();
        cache = *std::move(opened);
    }
    Recalled find(CallFacts what, std::uint64_t scope = 1, std::uint64_t ttl_ms = 0) {
        std::promise<Recalled> found;
        cache->find(std::move(what), {scope, "run", ttl_ms}, [&](Recalled answer) { found.set_value(std::move(answer)); });
        return found.get_future().get();
    }
    std::string text(const Recalled& found) { return found.answer && *found.answer ? std::string((**found.answer)["text"].as_text()) : "none"; }
    void keep(CallFacts what, const std::string& text, std::uint64_t scope = 1) { cache->keep(std::move(what), {scope, "run", 0}, answer_of(text)); }
};

TEST(CallCache, GivesWhatWasKept) {
    Cache c;
    c.open();
    EXPECT_EQ(c.find(call(1)).note.recall, Recall::first);
    c.keep(call(1), "one");
    EXPECT_EQ(c.text(c.find(call(1))), "one") << "also before it is written";
    c.cache->flush();
    const Recalled found = c.find(call(1));
    EXPECT_EQ(found.note.recall, Recall::hit);
    EXPECT_EQ(found.note.run, "run");
    EXPECT_EQ(found.note.made_ms, 1'000'000);
    c.open();
    EXPECT_EQ(c.text(c.find(call(1))), "one") << "and in another process";
    const auto stats = c.cache->stats();
    ASSERT_TRUE(stats);
    EXPECT_EQ(stats->entries, 1u);
    EXPECT_EQ(stats->hits, 3u);
    EXPECT_EQ(stats->misses, 1u);
}

TEST(CallCache, AMissIsComparedWithTheNearestEarlierCall) {
    Cache c;
    c.open();
    c.keep(call(1), "one", 7);
    c.cache->flush();
    const auto input = c.find(call(2), 7).note;
    EXPECT_EQ(input.recall, Recall::differs);
    ASSERT_TRUE(input.difference);
    EXPECT_EQ(words_of(*input.difference), "input \"n\"");
    EXPECT_EQ(words_of(*c.find(call(1, 5), 7).note.difference), "library of the plugin: another build");
    EXPECT_EQ(c.find(call(2), 8).note.recall, Recall::first) << "another node";
    // Another node whose answer it was is compared with from then on.
    EXPECT_EQ(c.text(c.find(call(1), 8)), "one");
    EXPECT_EQ(c.find(call(2), 8).note.recall, Recall::differs);
}

TEST(CallCache, AnswersGrowOldWhenTheyMay) {
    Cache c;
    c.open();
    c.keep(call(1), "one");
    c.cache->flush();
    c.now += 500;
    EXPECT_EQ(c.text(c.find(call(1), 1, 1000)), "one");
    c.now += 501;
    EXPECT_EQ(c.find(call(1), 1, 1000).note.recall, Recall::expired);
    EXPECT_EQ(c.text(c.find(call(1), 1, 0)), "one");
    c.keep(call(1), "new");
    c.cache->flush();
    EXPECT_EQ(c.text(c.find(call(1), 1, 1000)), "new");
    EXPECT_EQ(c.cache->stats()->entries, 1u);
    c.now -= 100'000;  // a clock that jumps back
    EXPECT_EQ(c.text(c.find(call(1), 1, 1000)), "new");
}

TEST(CallCache, LargeAnswersAreElsewhereAndChecked) {
    Cache c;
    c.open();
    const std::string large(200'000, 'y');
    c.keep(call(1), large);
    c.keep(call(2), large);
    c.cache->flush();
    EXPECT_EQ(c.store->values.size(), 1u) << "the same bytes are stored once";
    EXPECT_GT(c.cache->stats()->stored_bytes, 400'000u);
    EXPECT_LT(std::filesystem::file_size(c.folder.path / "cache.sqlite"), 100'000u);
    EXPECT_EQ(c.text(c.find(call(1))), large);
    c.store->values.begin()->second[100'000] ^= 1;
    EXPECT_EQ(c.find(call(1)).note.recall, Recall::lost);
    EXPECT_NE(c.find(call(1)).note.recall, Recall::lost) << "it is not asked for again";
    c.store->values.clear();
    EXPECT_EQ(c.find(call(2)).note.recall, Recall::lost);
    // Without a store a middle-sized answer is in the row, and a large one is not kept.
    c.store->refusal = "full";
    c.keep(call(3), large);
    c.keep(call(4), std::string(5u << 20, 'z'));
    c.cache->flush();
    EXPECT_EQ(c.text(c.find(call(3))), large);
    EXPECT_FALSE(c.find(call(4)).answer);
}

TEST(CallCache, TheLeastRecentlyUsedGoAndTheirValuesToo) {
    Cache c;
    c.options.bytes_max = 40u * 100'000;
    c.open();
    for (int i = 0; i < 30; ++i) {
        c.keep(call(i), std::string(100'000, 'a') + std::to_string(i), static_cast<std::uint64_t>(i));
        c.cache->flush();
        c.now += 4'000'000;
    }
    EXPECT_EQ(c.text(c.find(call(0), 0)).size(), 100'001u) << "used now, so not the next to go";
    c.cache->flush();
    for (int i = 30; i < 50; ++i) {
        c.keep(call(i), std::string(100'000, 'a') + std::to_string(i), static_cast<std::uint64_t>(i));
        c.cache->flush();
        c.now += 1000;
    }
    const auto stats = c.cache->stats();
    ASSERT_TRUE(stats);
    EXPECT_LE(stats->bytes, c.options.bytes_max);
    EXPECT_EQ(stats->entries + stats->evicted, 50u);
    EXPECT_GT(stats->evicted, 10u);
    EXPECT_EQ(c.store->held(), stats->entries) << "what went is not held any more";
    EXPECT_FALSE(c.find(call(1), 1).answer);
    EXPECT_TRUE(c.find(call(0), 0).answer);
    EXPECT_TRUE(c.find(call(49), 49).answer);
    EXPECT_TRUE(c.cache->clear());
    EXPECT_EQ(c.store->held(), 0u);
    EXPECT_EQ(c.cache->stats()->entries, 0u);
    EXPECT_EQ(c.find(call(49), 49).note.recall, Recall::first);
}

TEST(CallCache, DamageIsFoundAndNothingWrongIsGiven) {
    Cache c;
    c.open();
    for (int i = 0; i < 40; ++i) c.keep(call(i), "answer " + std::to_string(i));
    c.cache->flush();
    c.cache.reset();
    std::ifstream file(c.folder.path / "cache.sqlite", std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(file)), {});
    ASSERT_FALSE(good.empty());
    std::mt19937 random(20261127);
    int lost = 0;
    for (int round = 0; round < 200; ++round) {
        std::string bad = good;
        for (int i = 0; i < 1 + round % 5; ++i) bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
        Cache damaged;
        std::ofstream(damaged.folder.path / "cache.sqlite", std::ios::binary) << bad;
        auto opened = CallCache::open(damaged.folder.folder(), damaged.options);
        if (!opened) {
            EXPECT_FALSE(opened.error().reason().empty());
            ++lost;
            continue;
        }
        damaged.cache = *std::move(opened);
        for (int i = 0; i < 40; ++i) {
            const auto found = damaged.find(call(i));
            if (found.answer) {
                ASSERT_EQ(damaged.text(found), "answer " + std::to_string(i)) << "round " << round;
            } else {
                ++lost;
            }
        }
    }
    EXPECT_GT(lost, 0);
}

TEST(CallCache, ADatabaseOfSomethingElseIsRefusedAndCanBeReplaced) {
    Cache c;
    std::ofstream(c.folder.path / "cache.sqlite") << std::string(5000, 'x');
    const auto opened = CallCache::open(c.folder.folder(), c.options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Code::data_corrupt);
    EXPECT_EQ(opened.error().reason(), "cache-corrupt");
    EXPECT_TRUE(CallCache::remove(*c.folder.folder()));
    c.open();
    EXPECT_EQ(c.find(call(1)).note.recall, Recall::first);
}

// ---- runs ----

struct Counting {
    std::mutex mutex;
    std::map<std::string, int> seen;
    std::shared_ptr<FakeCaller> caller = std::make_shared<FakeCaller>([this](const CallRequest& request) {
        {
            const std::lock_guard lock(mutex);
            ++seen[std::string(request.provider->name) + "." + std::string(request.operation) + plain(request.input.view())];
        }
        return answer(request);
    });
};

std::string flow(std::string_view start, std::string_view more = {}) {
    return std::string(head) + R"(
[nodes.a]
plugin = "text"
operation = "count"
with = { text = ")" + std::string(start) + R"(" }
)" + std::string(more) + R"(
[nodes.see]
type = "instrument"
plugin = "eyes"
operation = "see"
inputs = { image = "a.text" }
[nodes.l]
plugin = "text"
operation = "list"
with = { n = 4 }
[nodes.e]
plugin = "disk"
operation = "join"
inputs = { a = "l.items", b = "a.text" }
each = "a"
[nodes.f]
plugin = "old"
operation = "count"
inputs = { text = "l.items" }
each = "text"
[outputs.see]
from = "see.text"
[outputs.e]
from = "e.text"
[outputs.f]
from = "f.text"
)";
}

Ran run_with(Cache& c, const std::shared_ptr<Plan>& plan, Counting& calls, Recall why_not = Recall::run_says_no) {
    RunMemory::Options options;
    options.cache = c.cache;
    options.why_not = why_not;
    options.run = "r";
    RunSettings how = settings();
    how.memory = std::make_shared<RunMemory>(plan, options);
    Ran ran = run(plan, calls.caller, how);
    if (c.cache) c.cache->flush();
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    return ran;
}

TEST(RunMemory, OnlyWhatChangedIsCalledAgain) {
    Cache c;
    c.open();
    Counting first, second, third;
    const auto before = run_with(c, plan_of(flow("x")), first);
    EXPECT_EQ(first.seen.size(), 11u) << "a, see, l, four of each";
    const auto same = run_with(c, plan_of(flow("x")), second);
    EXPECT_EQ(second.seen.size(), 1u) << "the instrument is not pure";
    for (const std::string name : {"see", "e", "f"}) EXPECT_EQ(same.output(name), before.output(name));
    EXPECT_EQ(same.run("e").recalled, 4u);
    EXPECT_EQ(same.run("e").calls, 0u);
    EXPECT_EQ(same.run("see").recalled, 0u);
    const auto other = run_with(c, plan_of(flow("y")), third);
    EXPECT_EQ(third.seen.size(), 6u) << "a, see and the elements of e, which have a.text";
    EXPECT_EQ(other.run("f").recalled, 4u);
    EXPECT_EQ(other.run("l").recalled, 1u);
    const bool told = std::any_of(same.events.begin(), same.events.end(), [](const RunEvent& event) { return event.state == NodeState::completed && event.note == "cached"; });
    EXPECT_TRUE(told);
}

TEST(RunMemory, ANodeMaySayOtherwise) {
    Cache c;
    c.open();
    const std::string always = flow("x", "cache = \"never\"\n") + "[nodes.seen]\ntype = \"instrument\"\nplugin = \"eyes\"\noperation = \"see\"\ncache = \"always\"\ninputs = { image = \"l.items\" }\n" +
                               "[nodes.twice]\ntype = \"instrument\"\nplugin = \"eyes\"\noperation = \"see\"\ncache = \"within-run\"\neach = \"image\"\nparallel = 1\nwith = { image = [\"p\", \"p\", \"q\", \"p\"] }\n";
    Counting first, second;
    const auto before = run_with(c, plan_of(always), first);
    EXPECT_EQ(before.run("twice").calls, 2u);
    EXPECT_EQ(before.run("twice").recalled, 2u);
    const auto after = run_with(c, plan_of(always), second);
    EXPECT_EQ(after.run("a").calls, 1u);
    EXPECT_EQ(after.run("seen").recalled, 1u);
    EXPECT_EQ(after.run("twice").calls, 2u) << "another run";
}

TEST(RunMemory, WithoutACacheEveryCallIsMade) {
    Cache c;
    Counting calls;
    for (const Recall why : {Recall::run_says_no, Recall::unavailable}) {
        const auto ran = run_with(c, plan_of(flow("x")), calls, why);
        EXPECT_EQ(ran.run("e").calls, 4u);
    }
}

TEST(RunMemory, FailuresAreNotKept) {
    Cache c;
    c.open();
    const std::string failing = std::string(head) + "[nodes.e]\nplugin = \"text\"\noperation = \"count\"\neach = \"text\"\non_error = \"collect\"\nwith = { text = [\"a\", \"fail\", \"b\"] }\n[outputs.o]\nfrom = \"e.text\"\n";
    Counting first, second;
    run_with(c, plan_of(failing), first);
    const auto ran = run_with(c, plan_of(failing), second);
    EXPECT_EQ(ran.output("o"), "[a! b!]");
    EXPECT_EQ(ran.run("e").recalled, 2u);
    EXPECT_EQ(ran.run("e").problems, 1u);
    EXPECT_EQ(second.seen.size(), 1u);
}

} // namespace
} // namespace symphony::tracker::test
