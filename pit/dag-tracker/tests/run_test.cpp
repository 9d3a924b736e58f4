// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <random>

namespace symphony::tracker::test {
namespace {

std::string node(std::string_view id, std::string_view inputs, std::string_view more = {}, std::string_view plugin = "text", std::string_view operation = "join") {
    return "[nodes." + std::string(id) + "]\nplugin = \"" + std::string(plugin) + "\"\noperation = \"" + std::string(operation) + "\"\ninputs = { " + std::string(inputs) + " }\n" + std::string(more);
}
std::string output(std::string_view name, std::string_view from) { return "[outputs." + std::string(name) + "]\nfrom = \"" + std::string(from) + "\"\n"; }
std::string file(const std::string& body) { return std::string(head) + body; }

TEST(Run, PassesValuesAlongEdges) {
    const auto ran = run(file("[inputs.t]\ndefault = \"in\"\n" + node("a", "a = \"$inputs.t\"", "with = { b = [1, 2] }\n") + node("b", "a = \"a.text\"", {}, "disk") + node("c", "b = \"a.text\", a = \"b.text\"", {}, "old") + output("o", "c.text") + output("i", "$inputs.t")));
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.output("o"), "in[1 2]---in[1 2]--");
    EXPECT_EQ(ran.output("i"), "in");
    EXPECT_EQ(ran.events.front().kind, RunEvent::Kind::started);
    EXPECT_EQ(ran.events.back().kind, RunEvent::Kind::ended);
    EXPECT_EQ(ran.events.back().done, 3u);
}

TEST(Run, EachKeepsTheOrderOfItsList) {
    for (const std::string plugin : {"text", "disk", "old"}) {
        SCOPED_TRACE(plugin);
        const auto caller = std::make_shared<FakeCaller>(answer);
        const auto ran = run(plan_of(file(node("l", "", "with = { n = 50 }\n", "text", "list") + node("e", "text = \"l.items\"", "each = \"text\"\n", plugin, "count") + node("j", "a = \"e.text\", b = \"e.items\", c = \"e.results\"") + output("t", "e.text") + output("i", "e.items") + output("r", "e.results"))), caller);
        std::string texts = "[", items = "[";
        for (int i = 0; i < 50; ++i) {
            texts += (i == 0 ? "" : " ") + ("item-" + std::to_string(i)) + "!";
            items += (i == 0 ? "" : " ") + ("item-" + std::to_string(i));
        }
        EXPECT_EQ(ran.output("t"), texts + "]");
        EXPECT_EQ(ran.output("i"), items + "]");
        EXPECT_EQ(ran.run("e").calls, 50u);
        EXPECT_LE(caller->most_inside.load(), plugin == "old" ? 1 + 2 : 3 + 2);
    }
}

TEST(Run, EachOfNothingIsNothing) {
    const auto ran = run(file(node("e", "", "each = \"text\"\nwith = { text = [] }\n", "text", "count") + output("r", "e.results")));
    EXPECT_EQ(ran.output("r"), "[]");
    EXPECT_EQ(ran.state("e"), NodeState::completed);
}

TEST(Run, SerialProvidersTakeOneCallAtATime) {
    std::string body;
    for (int i = 0; i < 40; ++i) body += node("n" + std::to_string(i), "", {}, "old");
    const auto caller = std::make_shared<FakeCaller>(answer);
    const auto ran = run(plan_of(file(body)), caller);
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(caller->most_inside.load(), 1);
    EXPECT_EQ(caller->calls.load(), 40);
}

TEST(Run, AFailureStopsOnlyWhatNeedsIt) {
    const auto ran = run(file(node("bad", "", "with = { text = \"fail\" }\n", "text", "count") + node("after", "a = \"bad.text\"") + node("later", "a = \"after.text\"") + node("other", "", "with = { a = 1 }\n") + output("o", "other.text") + output("l", "later.text")));
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
    EXPECT_EQ(ran.state("bad"), NodeState::failed);
    EXPECT_EQ(ran.state("after"), NodeState::upstream_failed);
    EXPECT_EQ(ran.state("later"), NodeState::upstream_failed);
    EXPECT_EQ(ran.state("other"), NodeState::completed);
    EXPECT_EQ(ran.output("o"), "1--");
    EXPECT_EQ(ran.output("l"), "(none)");
    ASSERT_EQ(ran.result.problems.size(), 1u);
    EXPECT_EQ(ran.result.problems[0].error.reason(), "broken");
    EXPECT_EQ(ran.result.problems[0].error.hint(), "try another");
}

TEST(Run, FailFastCancelsTheRest) {
    const auto plan = plan_of(file("[nodes.bad]\nplugin = \"text\"\noperation = \"count\"\nwith = { text = \"fail\" }\n" + node("waits", "", {}, "disk") + node("next", "a = \"waits.text\"")));
    auto how = settings();
    how.fail_fast = true;
    std::shared_ptr<FakeCaller> caller;
    caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (request.provider->blocking) return caller->wait_for_cancel();
        return answer(request);
    });
    const auto ran = run(plan, caller, how);
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
    EXPECT_EQ(ran.state("bad"), NodeState::failed);
    EXPECT_EQ(ran.state("waits"), NodeState::cancelled);
    EXPECT_EQ(ran.state("next"), NodeState::cancelled);
}

const std::string mixed = "each = \"text\"\nwith = { text = [\"a\", \"fail-1\", \"b\", \"fail-2\"] }\n";

TEST(Run, CollectMakesFailuresData) {
    const auto ran = run(file(node("e", "", mixed + "on_error = \"collect\"\n", "disk", "count") + output("t", "e.text") + output("p", "e.problems") + output("i", "e.items")));
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.output("t"), "[a! b!]");
    EXPECT_EQ(ran.output("i"), "[a b]");
    EXPECT_EQ(ran.output("p"), "[{item:fail-1 path:fail-1 node:e reason:broken message:cannot do fail-1 hint:try another} {item:fail-2 path:fail-2 node:e reason:broken message:cannot do fail-2 hint:try another}]");
    EXPECT_EQ(ran.run("e").problems, 2u);
    ASSERT_EQ(ran.result.problems.size(), 2u);
    EXPECT_EQ(ran.result.problems[0].path, "fail-1");
}

TEST(Run, CollectOfAPlainNodeGivesOnlyProblems) {
    const auto ran = run(file(node("bad", "", "with = { text = \"fail\" }\non_error = \"collect\"\n", "text", "count") + node("skipped", "text = \"bad.text\"", {}, "text", "count") + node("told", "a = \"bad.problems\", b = \"bad.text\"") + output("o", "told.text")));
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.state("bad"), NodeState::completed);
    EXPECT_EQ(ran.state("skipped"), NodeState::skipped);
    EXPECT_NE(ran.output("o").find("reason:broken"), std::string::npos);
}

TEST(Run, SkipDropsFailures) {
    const auto ran = run(file(node("e", "", mixed + "on_error = \"skip\"\n", "text", "count") + node("bad", "", "with = { text = \"fail\" }\non_error = \"skip\"\n", "text", "count") + node("n", "text = \"bad.text\"", {}, "text", "count") + output("t", "e.text")));
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.output("t"), "[a! b!]");
    EXPECT_EQ(ran.state("bad"), NodeState::skipped);
    EXPECT_EQ(ran.state("n"), NodeState::skipped);
    EXPECT_EQ(ran.result.problems.size(), 3u);
}

TEST(Run, FailOfAnElementEndsTheNodeAndNamesTheElement) {
    const auto ran = run(file(node("e", "", "each = \"text\"\nparallel = 1\nwith = { text = [\"a\", \"fail\", \"b\", \"c\", \"d\"] }\n", "text", "count") + output("t", "e.text")));
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
    EXPECT_EQ(ran.state("e"), NodeState::failed);
    EXPECT_EQ(ran.run("e").calls, 2u);
    ASSERT_EQ(ran.result.problems.size(), 1u);
    EXPECT_EQ(ran.result.problems[0].error.message(), "fail: cannot do fail");
}

TEST(Run, RetriesWhatMayPass) {
    std::atomic<int> left{2};
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (left.fetch_sub(1) > 0) return Error(Code::busy, "busy", "not now");
        return answer(request);
    });
    for (const std::string plugin : {"text", "disk"}) {
        left = 2;
        const auto ran = run(plan_of(file(node("a", "", "with = { text = \"x\" }\nretry = { max = 3, backoff = \"1ms\" }\n", plugin, "count") + output("o", "a.text"))), caller);
        EXPECT_EQ(ran.output("o"), "x!") << plugin;
        EXPECT_EQ(ran.run("a").attempts, 3u);
    }
    left = 100;
    const auto ran = run(plan_of(file(node("a", "", "with = { text = \"x\" }\nretry = { max = 2, backoff = \"1ms\" }\n", "text", "count"))), caller);
    EXPECT_EQ(ran.state("a"), NodeState::failed);
    EXPECT_EQ(ran.run("a").calls, 3u);
}

TEST(Run, DoesNotRetryWhatCannotPass) {
    const auto ran = run(file(node("a", "", "with = { text = \"fail\" }\nretry = { max = 5, backoff = \"1ms\" }\n", "text", "count")));
    EXPECT_EQ(ran.run("a").calls, 1u);
}

std::string branching(const std::string& mode) {
    return "[inputs.t]\ntype = \"text\"\n[nodes.pick]\ntype = \"control\"\noperation = \"branch\"\ninputs = { value = \"$inputs.t\" }\n" + node("long", "a = { from = \"pick.value\", when = \"size(value) > 3\" }", "with = { b = \"long\" }\n") +
           node("short", "text = { from = \"pick.value\", when = \"else\" }", {}, "text", "count") + node("deep", "text = \"short.text\"", {}, "text", "count") +
           "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"" + mode + "\"\ninputs = { l = \"long.text\", s = \"deep.text\" }\n" + output("o", "m.value");
}

TEST(Run, BranchesAndMerges) {
    const Value short_one = ValueBuilder().map().add("t", "ab").end().build();
    const Value long_one = ValueBuilder().map().add("t", "abcd").end().build();
    for (const std::string mode : {"first", "any"}) {
        const auto one = run(file(branching(mode)), short_one);
        EXPECT_EQ(one.output("o"), "ab!!") << mode;
        // Though `a` is optional: a condition that does not hold skips.
        EXPECT_EQ(one.state("long"), NodeState::skipped);
        const auto two = run(file(branching(mode)), long_one);
        EXPECT_EQ(two.state("short"), NodeState::skipped) << mode;
        EXPECT_EQ(two.state("deep"), NodeState::skipped) << mode;
        EXPECT_EQ(two.output("o"), "abcdlong-") << mode;
    }
    EXPECT_EQ(run(file(branching("all")), long_one).output("o"), "[abcdlong-]");
    EXPECT_EQ(run(file(branching("named")), long_one).output("o"), "{l:abcdlong-}");
}

TEST(Run, MergeGoesOnWithoutWhatFailed) {
    const std::string body = node("bad", "", "with = { text = \"fail\" }\n", "text", "count") + node("good", "", "with = { text = \"fine\" }\n", "text", "count") +
                             "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"all\"\ninputs = { a = \"bad.text\", b = \"good.text\" }\n"
                             "[nodes.none]\ntype = \"control\"\noperation = \"merge\"\ninputs = { a = \"bad.text\" }\n" + output("o", "m.value");
    const auto ran = run(file(body));
    EXPECT_EQ(ran.output("o"), "[fine!]");
    EXPECT_EQ(ran.state("none"), NodeState::upstream_failed);
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
}

TEST(Run, AnyMergeDoesNotWaitForTheOthers) {
    std::shared_ptr<FakeCaller> caller;
    caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (request.provider->instrument) return caller->wait_for_cancel();  // only ends because `after` cancels
        if (request.operation == "join") caller->cancel_all();
        return answer(request);
    });
    const std::string body = "[nodes.slow]\ntype = \"instrument\"\nplugin = \"eyes\"\noperation = \"see\"\nwith = { image = 1 }\non_error = \"skip\"\n" + node("quick", "", "with = { text = \"q\" }\n", "text", "count") +
                             "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"any\"\ninputs = { s = \"slow.text\", q = \"quick.text\" }\n" + node("after", "a = \"m.value\"") + output("o", "after.text");
    const auto ran = run(plan_of(file(body)), caller);
    EXPECT_EQ(ran.output("o"), "q!--");
}

TEST(Run, ControlEdgesOnlyOrder) {
    const auto ran = run(file(node("first", "", "with = { text = \"x\" }\n", "disk", "count") + node("second", "", "with = { a = 1 }\nafter = [\"first\"]\n") + "[[edges]]\nfrom = \"first\"\nto = \"third\"\nkind = \"conditional\"\nwhen = \"value.total > 5\"\n" + node("third", "") + node("fourth", "", "after = [\"third\"]\n")));
    EXPECT_GE(ran.run("second").started_ns, ran.run("first").ended_ns);
    EXPECT_EQ(ran.state("third"), NodeState::skipped);
    EXPECT_EQ(ran.state("fourth"), NodeState::skipped);
}

TEST(Run, CancelStopsAndKeepsWhatIsDone) {
    std::shared_ptr<FakeCaller> caller;
    std::atomic<bool> blocked{false};
    caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (!request.provider->blocking) return answer(request);
        blocked = true;
        return caller->wait_for_cancel();
    });
    const std::string body = node("a", "", "with = { a = 1 }\n") + node("b", "a = \"a.text\"", {}, "disk") + node("c", "a = \"b.text\"") +
                             node("e", "a = \"a.text\"", "each = \"b\"\nwith = { b = [1, 2, 3, 4, 5, 6, 7, 8, 9] }\n", "disk") + output("a", "a.text") + output("c", "c.text");
    const auto ran = run(plan_of(file(body)), caller, settings(), Value(), [&] { return blocked.load(); });
    EXPECT_EQ(ran.result.state, RunResult::State::cancelled);
    EXPECT_FALSE(ran.result.late);
    EXPECT_EQ(ran.output("a"), "1--");
    EXPECT_EQ(ran.output("c"), "(none)");
    EXPECT_EQ(ran.state("b"), NodeState::cancelled);
    EXPECT_EQ(ran.state("c"), NodeState::cancelled);
    EXPECT_EQ(ran.state("e"), NodeState::cancelled);
    EXPECT_LE(ran.run("e").calls, 3u);
    EXPECT_EQ(ran.result.abandoned, 0u);
    EXPECT_TRUE(ran.result.problems.empty());
}

TEST(Run, ADeadlineStopsTheRun) {
    std::shared_ptr<FakeCaller> caller;
    caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        EXPECT_NE(request.deadline_ns, 0u);
        return caller->wait_for_cancel();
    });
    auto how = settings();
    how.deadline_ns = steady_now_ns() + 20'000'000;
    const auto ran = run(plan_of(file(node("a", "", {}, "disk") + node("b", "a = \"a.text\""))), caller, how);
    EXPECT_EQ(ran.result.state, RunResult::State::cancelled);
    EXPECT_TRUE(ran.result.late);
    EXPECT_EQ(ran.state("a"), NodeState::cancelled);
}

TEST(Run, ATimeoutIsGivenToEachCall) {
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        EXPECT_GT(request.deadline_ns, steady_now_ns());
        EXPECT_LT(request.deadline_ns, steady_now_ns() + 6'000'000'000);
        return Error(Code::deadline, "too late");
    });
    const auto ran = run(plan_of(file(node("a", "", "timeout = \"5s\"\nretry = { max = 1, backoff = \"0s\" }\n"))), caller);
    EXPECT_EQ(ran.state("a"), NodeState::failed);
    EXPECT_EQ(ran.run("a").calls, 2u);
}

TEST(Run, CallsThatNeverEndAreLeftBehind) {
    // Its threads outlive the run; they end when the test lets them.
    struct Stuck {
        std::mutex mutex;
        std::condition_variable changed;
        std::atomic<bool> begun{false};
        bool open = false;
        int gone = 0;
    };
    const auto stuck = std::make_shared<Stuck>();
    const auto caller = std::make_shared<FakeCaller>([stuck](const CallRequest&) -> Result<Value> {
        std::unique_lock lock(stuck->mutex);
        stuck->begun = true;
        stuck->changed.wait(lock, [&] { return stuck->open; });
        ++stuck->gone;
        stuck->changed.notify_all();
        return Error(Code::cancelled, "at last");
    });
    auto how = settings();
    how.grace_ns = 30'000'000;
    const auto ran = run(plan_of(file(node("a", "", {}, "disk") + node("b", "a = \"a.text\""))), caller, how, Value(), [&] { return stuck->begun.load(); });
    EXPECT_EQ(ran.result.abandoned, 1u);
    EXPECT_EQ(ran.result.state, RunResult::State::cancelled);
    EXPECT_EQ(ran.state("a"), NodeState::cancelled);
    EXPECT_EQ(ran.state("b"), NodeState::cancelled);
    std::unique_lock lock(stuck->mutex);
    stuck->open = true;
    stuck->changed.notify_all();
    stuck->changed.wait(lock, [&] { return stuck->gone == 1; });
}

TEST(Run, AnswersFromOtherThreadsAreTaken) {
    // A provider that computes elsewhere: call() returns first.
    class Later final : public Caller {
    public:
        ~Later() override {
            for (auto& thread : threads_) thread.join();
        }
        void call(CallRequest request, Progress, Done done) override {
            const std::lock_guard lock(mutex_);
            threads_.emplace_back([request = std::move(request), done = std::move(done)] { done(answer(request)); });
        }
        void cancel_all() noexcept override {}
        void begin_anew() override {}

    private:
        std::mutex mutex_;
        std::vector<std::thread> threads_;
    };
    std::string body = node("n0", "", "with = { text = \"x\" }\n", "text", "count");
    for (int i = 1; i < 60; ++i) body += node("n" + std::to_string(i), "text = \"n" + std::to_string((i - 1) / 2) + ".text\"", {}, i % 3 == 0 ? "disk" : "text", "count");
    const auto plan = plan_of(file(body + output("o", "n59.text")));
    const auto result = run_plan(plan, Value(), std::make_shared<Later>(), settings(), {}, {});
    EXPECT_EQ(result.state, RunResult::State::completed);
    ASSERT_EQ(result.outputs.size(), 1u);
    EXPECT_EQ(plain(result.outputs[0].second.view()), "x!!!!!!");
}

TEST(Run, WrongAnswersAreFailures) {
    const auto caller = std::make_shared<FakeCaller>([](const CallRequest&) -> Result<Value> { return ValueBuilder().text("no map").build(); });
    const auto ran = run(plan_of(file(node("a", ""))), caller);
    ASSERT_EQ(ran.result.problems.size(), 1u);
    EXPECT_EQ(ran.result.problems[0].error.reason(), "wrong-kind");
}

TEST(Run, ValuesAreBounded) {
    const std::string large(300'000, 'x');
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest&) -> Result<Value> { return ValueBuilder().map().add("text", std::string_view(large)).end().build(); });
    auto how = settings();
    how.value_bytes_max = 1'000'000;
    how.workers = 1;
    std::string body = node("n0", "");
    for (int i = 1; i < 40; ++i) body += node("n" + std::to_string(i), "a = \"n" + std::to_string(i - 1) + ".text\"");
    // A chain frees each value behind it,
    EXPECT_EQ(run(plan_of(file(body + output("o", "n39.text"))), caller, how).result.state, RunResult::State::completed);
    // many that all have to stay do not fit.
    std::string wide = "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"all\"\ninputs = { ";
    std::string nodes;
    for (int i = 0; i < 10; ++i) {
        nodes += node("n" + std::to_string(i), "");
        wide += (i == 0 ? "i" : ", i") + std::to_string(i) + " = \"n" + std::to_string(i) + ".text\"";
    }
    const auto ran = run(plan_of(file(nodes + wide + " }\n" + output("o", "m.value"))), caller, how);
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
    EXPECT_EQ(ran.result.problems.front().error.reason(), "values-too-large");
}

TEST(Run, ChainOfTenThousand) {
    std::string body = node("n0", "");
    for (int i = 1; i < 10'000; ++i) body += "[nodes.n" + std::to_string(i) + "]\nplugin=\"text\"\noperation=\"join\"\nafter=[\"n" + std::to_string(i - 1) + "\"]\n";
    const auto ran = run(file(body));
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.events.back().done, 10'000u);
}

/// What a serial interpreter makes of the same random workflow.
TEST(Run, RandomWorkflowsEqualASerialOracle) {
    const std::uint32_t first = std::random_device{}();
    for (std::uint32_t seed = first; seed != first + 25; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const int count = 2 + static_cast<int>(random() % 60);
        std::string body;
        std::vector<std::string> expected;
        std::vector<bool> failed;
        for (int i = 0; i < count; ++i) {
            const bool bad = random() % 12 == 0;
            std::string inputs, made;
            bool upstream = false;
            for (const std::string name : {"a", "b", "c"}) {
                if (i == 0 || random() % 3 == 0) {
                    made += "-";
                    continue;
                }
                const auto from = random() % static_cast<unsigned>(i);
                inputs += (inputs.empty() ? "" : ", ") + name + " = \"n" + std::to_string(from) + ".text\"";
                upstream = upstream || failed[from];
                made += expected[from];
            }
            made = std::to_string(std::hash<std::string>{}(made) % 100'000);
            body += node("n" + std::to_string(i), inputs, bad ? "description = \"bad\"\ntimeout = \"9m\"\n" : "", random() % 3 == 0 ? "disk" : random() % 2 == 0 ? "old" : "text");
            body += output("o" + std::to_string(i), "n" + std::to_string(i) + ".text");
            failed.push_back(bad || upstream);
            expected.push_back(made);
        }
        const auto caller = std::make_shared<FakeCaller>([](const CallRequest& request) -> Result<Value> {
            if (request.deadline_ns != 0) return Error(Code::plugin_failed, "broken", "told to");
            const auto joined = answer(request);
            return ValueBuilder().map().add("text", std::string_view(std::to_string(std::hash<std::string>{}(std::string((*joined)["text"].as_text())) % 100'000))).end().build();
        });
        const auto ran = run(plan_of(file(body)), caller);
        for (int i = 0; i < count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            ASSERT_EQ(ran.output("o" + std::to_string(i)), failed[at] ? "(none)" : expected[at]) << "node " << i;
        }
    }
}

} // namespace
} // namespace symphony::tracker::test
