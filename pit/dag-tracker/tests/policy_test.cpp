// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::tracker::test {
namespace {

/// A node that counts a text; "fail" in it fails, "busy" may pass next time.
std::string counts(std::string_view id, std::string_view text, std::string_view more = {}, std::string_view plugin = "text") {
    return "[nodes." + std::string(id) + "]\nplugin = \"" + std::string(plugin) + "\"\noperation = \"count\"\n" +
           (text.find('.') != std::string_view::npos ? "inputs = { text = \"" : "with = { text = \"") + std::string(text) + "\" }\n" + std::string(more);
}
std::string join(std::string_view id, std::string_view inputs, std::string_view more = {}) {
    return "[nodes." + std::string(id) + "]\nplugin = \"text\"\noperation = \"join\"\ninputs = { " + std::string(inputs) + " }\n" + std::string(more);
}
std::string output(std::string_view name, std::string_view from) { return "[outputs." + std::string(name) + "]\nfrom = \"" + std::string(from) + "\"\n"; }
std::string file(const std::string& body) { return std::string(head) + body; }

TEST(Fallback, AnotherNodeStandsIn) {
    for (const std::string plugin : {"text", "disk", "old"}) {
        SCOPED_TRACE(plugin);
        const auto ran = run(file(counts("a", "fail", "fallback = \"b\"\n", plugin) + counts("b", "spare", {}, plugin) + join("c", "a = \"a.text\"") + output("o", "c.text") + output("direct", "a.text")));
        EXPECT_EQ(ran.result.state, RunResult::State::completed);
        EXPECT_EQ(ran.output("o"), "spare!--");
        EXPECT_EQ(ran.output("direct"), "spare!");
        EXPECT_EQ(ran.state("a"), NodeState::completed);
        EXPECT_EQ(ran.state("b"), NodeState::completed);
        ASSERT_EQ(ran.result.problems.size(), 1u) << "the failure is told";
        EXPECT_EQ(ran.result.problems[0].error.reason(), "broken");
        EXPECT_EQ(ran.events.back().done, 3u);
    }
}

TEST(Fallback, IsSkippedWhenNobodyNeedsIt) {
    const auto caller = std::make_shared<FakeCaller>(answer);
    const auto ran = run(plan_of(file(counts("first", "x") + counts("a", "fine", "fallback = \"b\"\n") + counts("b", "first.text", "fallback = \"c\"\n") + counts("c", "spare") + output("o", "a.text"))), caller);
    EXPECT_EQ(ran.output("o"), "fine!");
    EXPECT_EQ(ran.state("b"), NodeState::skipped);
    EXPECT_EQ(ran.state("c"), NodeState::skipped);
    EXPECT_EQ(caller->calls.load(), 2);
    EXPECT_TRUE(ran.result.problems.empty());
}

TEST(Fallback, OneAfterTheOtherUntilOneDoesIt) {
    const auto ran = run(file(counts("a", "fail-1", "fallback = \"b\"\n") + counts("b", "fail-2", "fallback = \"c\"\n", "disk") + counts("c", "third") + output("o", "a.text")));
    EXPECT_EQ(ran.output("o"), "third!");
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.result.problems.size(), 2u);
    const auto none = run(file(counts("a", "fail-1", "fallback = \"b\"\n") + counts("b", "fail-2", {}, "disk") + join("after", "a = \"a.text\"") + output("o", "a.text")));
    EXPECT_EQ(none.result.state, RunResult::State::failed);
    EXPECT_EQ(none.state("a"), NodeState::failed);
    EXPECT_EQ(none.state("b"), NodeState::failed);
    EXPECT_EQ(none.state("after"), NodeState::upstream_failed);
    EXPECT_EQ(none.result.problems.size(), 2u);
}

TEST(Fallback, ComesAfterTheRetriesAndTakesWhatItReadsFromElsewhere) {
    const auto ran = run(file(counts("source", "from-elsewhere", {}, "disk") + counts("a", "busy", "retry = { max = 2, backoff = \"0s\" }\nfallback = \"b\"\n") + counts("b", "source.text") + output("o", "a.text")));
    EXPECT_EQ(ran.run("a").calls, 3u);
    EXPECT_EQ(ran.output("o"), "from-elsewhere!!");
}

TEST(Fallback, OutputsTakeThePlaceOfWhatFailed) {
    const auto ran = run(file(counts("a", "fail", "fallback = { text = \"none\" }\n") + counts("b", "a.text") + join("c", "a = \"a.total\"") + output("o", "b.text")));
    EXPECT_EQ(ran.output("o"), "none!");
    EXPECT_EQ(ran.state("a"), NodeState::completed);
    EXPECT_EQ(ran.state("c"), NodeState::completed) << "an optional input";
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.run("a").problems, 1u);
}

TEST(Default, GivesWhatASkippedNodeWouldHaveGiven) {
    const auto ran = run(file(counts("a", "fail", "on_error = \"skip\"\ndefault = { text = \"none\" }\n") + counts("b", "a.text") + join("c", "", "after = [\"a\"]\n") + output("o", "b.text") +
                              "[nodes.pick]\ntype = \"control\"\noperation = \"branch\"\ninputs = { value = \"a.text\" }\n[nodes.long]\nplugin = \"text\"\noperation = \"count\"\n"
                              "inputs = { text = { from = \"pick.value\", when = \"size(value) > 100\" } }\ndefault = { text = \"short\" }\n" + counts("d", "long.text") + output("p", "d.text")));
    EXPECT_EQ(ran.state("a"), NodeState::skipped);
    EXPECT_EQ(ran.state("long"), NodeState::skipped);
    EXPECT_EQ(ran.output("o"), "none!");
    EXPECT_EQ(ran.output("p"), "short!");
    EXPECT_EQ(ran.state("c"), NodeState::completed) << "order only: it has what it waited for";
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
}

TEST(Quorum, SoManyAreEnough) {
    const auto flow = [](const std::string& texts, int quorum) {
        std::string body, inputs;
        int at = 0;
        for (const char c : texts) {
            const std::string id = "n" + std::to_string(at++);
            body += counts(id, c == 'f' ? "fail" : "fine");
            inputs += (inputs.empty() ? "" : ", ") + id + " = \"" + id + ".text\"";
        }
        return file(body + "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nmode = \"all\"\nquorum = " + std::to_string(quorum) + "\ninputs = { " + inputs + " }\n" + output("o", "m.value"));
    };
    EXPECT_EQ(run(flow("oofo", 3)).output("o"), "[fine! fine! fine!]");
    const auto few = run(flow("offo", 3));
    EXPECT_EQ(few.output("o"), "(none)");
    EXPECT_EQ(few.state("m"), NodeState::upstream_failed);
    // Of a node that calls something: what failed is left out.
    const auto called = run(file(counts("x", "fail") + counts("y", "fine") + counts("z", "fail") + join("j", "a = \"x.text\", b = \"y.text\"", "after = [\"z\"]\nquorum = 1\n") + output("o", "j.text")));
    EXPECT_EQ(called.output("o"), "-fine!-");
    EXPECT_EQ(run(file(counts("x", "fail") + counts("y", "fine") + counts("z", "fail") + join("j", "a = \"x.text\", b = \"y.text\"", "after = [\"z\"]\nquorum = 2\n"))).state("j"), NodeState::upstream_failed);
    // What it cannot do without is still needed.
    EXPECT_EQ(run(file(counts("x", "fail") + counts("y", "fine") + "[nodes.c]\nplugin = \"text\"\noperation = \"count\"\ninputs = { text = \"x.text\" }\nafter = [\"y\"]\nquorum = 1\n")).state("c"), NodeState::skipped);
}

/// What was asked of "join" with a text in `a`, in order.
struct Told {
    std::mutex mutex;
    std::vector<std::string> words;
    std::shared_ptr<FakeCaller> caller = std::make_shared<FakeCaller>([this](const CallRequest& request) -> Result<Value> {
        if (request.operation == "join") {
            const std::lock_guard lock(mutex);
            words.push_back(plain(request.input["a"]) + "/" + plain(request.input["b"]));
        }
        return answer(request);
    });
    std::string all() {
        const std::lock_guard lock(mutex);
        std::string text;
        for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
        return text;
    }
};

std::string undoing(const std::string& last) {
    return counts("a", "one", "compensate = \"ua\"\n") + join("ua", "b = \"a.text\"", "with = { a = \"undo-a\" }\n") + counts("b", "a.text", "compensate = \"ub\"\n", "disk") +
           join("ub", "b = \"b.text\"", "with = { a = \"undo-b\" }\n") + counts("c", last, "after = [\"b\"]\ncompensate = \"uc\"\n") + join("uc", "", "with = { a = \"undo-c\" }\n") +
           join("end", "b = \"c.text\"", "with = { a = \"end\" }\nfinally = true\n") + join("very-end", "b = \"end.text\"", "with = { a = \"very-end\" }\nfinally = true\n") + output("o", "very-end.text");
}

TEST(Compensation, UndoesWhatWasDoneTheLastFirst) {
    Told told;
    const auto ran = run(plan_of(file(undoing("fail"))), told.caller);
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
    EXPECT_TRUE(ran.result.undone);
    EXPECT_EQ(told.all(), "undo-b/one!! undo-a/one! end/null very-end/end--");
    EXPECT_EQ(ran.state("uc"), NodeState::skipped) << "c was not done";
    EXPECT_EQ(ran.state("very-end"), NodeState::completed);
    EXPECT_EQ(ran.output("o"), "very-endend---");
    EXPECT_EQ(ran.events.back().done, 8u);
}

TEST(Compensation, IsNotWantedWhenTheRunCompletes) {
    Told told;
    const auto ran = run(plan_of(file(undoing("fine"))), told.caller);
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_FALSE(ran.result.undone);
    EXPECT_EQ(told.all(), "end/fine! very-end/endfine!-");
    EXPECT_EQ(ran.state("ua"), NodeState::skipped);
    EXPECT_EQ(ran.events.back().done, 8u);
}

TEST(Compensation, ThatFailsIsToldAndTheNextOneRuns) {
    Told told;
    const auto ran = run(plan_of(file(counts("a", "one", "compensate = \"ua\"\n") + join("ua", "", "with = { a = \"undo-a\" }\n") + counts("b", "a.text", "compensate = \"ub\"\n") +
                                      counts("ub", "fail-to-undo", {}, "disk") + counts("c", "fail", "after = [\"b\"]\n"))), told.caller);
    EXPECT_EQ(told.all(), "undo-a/null");
    EXPECT_EQ(ran.state("ub"), NodeState::failed);
    EXPECT_EQ(ran.state("ua"), NodeState::completed);
    EXPECT_EQ(ran.result.problems.size(), 2u);
}

TEST(Finally, RunsHoweverTheRunEnded) {
    Told told;
    std::atomic<bool> waits{false};
    auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (request.provider->instrument) {
            waits = true;
            return told.caller->wait_for_cancel();
        }
        return answer(request);
    });
    // The instrument waits for the other caller's word, so that only its cancel ends it.
    class Both final : public Caller {
    public:
        Both(std::shared_ptr<FakeCaller> first, std::shared_ptr<FakeCaller> second, std::atomic<bool>& waits) : first_(std::move(first)), second_(std::move(second)), waits_(waits) {}
        void call(CallRequest request, Progress progress, Done done) override {
            if (!request.provider->instrument) return first_->call(std::move(request), std::move(progress), std::move(done));
            waits_ = true;
            second_->call(std::move(request), std::move(progress), std::move(done));
        }
        void cancel_all() noexcept override { first_->cancel_all(); }
        void begin_anew() override { first_->begin_anew(); }

    private:
        std::shared_ptr<FakeCaller> first_, second_;
        std::atomic<bool>& waits_;
    };
    const auto plan = plan_of(file(counts("a", "one", "compensate = \"ua\"\n") + join("ua", "", "with = { a = \"undo-a\" }\n") +
                                   "[nodes.slow]\ntype = \"instrument\"\nplugin = \"eyes\"\noperation = \"see\"\ninputs = { image = \"a.text\" }\n" +
                                   join("end", "b = \"a.text\", c = \"slow.text\"", "with = { a = \"end\" }\nfinally = true\n") + output("o", "end.text")));
    const auto result = run_plan(plan, Value(), std::make_shared<Both>(told.caller, caller, waits), settings(), {}, [&] { return waits.load(); });
    EXPECT_EQ(result.state, RunResult::State::cancelled);
    EXPECT_EQ(told.all(), "undo-a/null end/one!");
    ASSERT_EQ(result.outputs.size(), 1u);
    EXPECT_EQ(plain(result.outputs[0].second.view()), "endone!-");
}

TEST(Finally, ThatFailsFailsTheRun) {
    const auto ran = run(file(counts("a", "one") + counts("end", "fail", "finally = true\n")));
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
    EXPECT_EQ(ran.state("a"), NodeState::completed);
    EXPECT_EQ(ran.state("end"), NodeState::failed);
}

TEST(Finally, HasAGraceAndNotMore) {
    std::shared_ptr<FakeCaller> caller;
    caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> { return request.provider->blocking ? caller->wait_for_cancel() : Result<Value>(answer(request)); });
    const auto ran = run(plan_of("[workflow]\nid = \"w\"\nversion = \"1.0.0\"\ngrace = \"20ms\"\n" + counts("a", "one") + counts("end", "x", "finally = true\n", "disk") + counts("next", "end.text", "finally = true\n")), caller);
    EXPECT_EQ(ran.state("end"), NodeState::cancelled);
    EXPECT_EQ(ran.state("next"), NodeState::cancelled);
    EXPECT_EQ(ran.result.abandoned, 0u);
}

TEST(Retry, KindsSayHowLongItWaits) {
    const auto waited = [](const std::string& retry) {
        const auto caller = std::make_shared<FakeCaller>([](const CallRequest&) -> Result<Value> { return Error(Code::busy, "busy", "not now"); });
        const auto ran = run(plan_of(file(counts("a", "x", retry))), caller);
        EXPECT_EQ(ran.run("a").calls, 4u);
        return (ran.run("a").ended_ns - ran.run("a").started_ns) / 1'000'000;
    };
    EXPECT_GE(waited("retry = { max = 3, backoff = \"2ms\", kind = \"constant\" }\n"), 6u);
    EXPECT_GE(waited("retry = { max = 3, backoff = \"1ms\", kind = \"exponential\" }\n"), 2u + 4u + 8u);
    waited("retry = { max = 3, backoff = \"1ms\", kind = \"jitter\" }\n");
}

TEST(Retry, BudgetsAreForTheRunAndForEachPlugin) {
    const auto tried = [](const std::string& limits) {
        std::string body;
        for (int i = 0; i < 4; ++i) body += counts("t" + std::to_string(i), "busy", "retry = { max = 5, backoff = \"0s\" }\n") + counts("d" + std::to_string(i), "busy", "retry = { max = 5, backoff = \"0s\" }\n", "disk");
        const auto caller = std::make_shared<FakeCaller>(answer);
        const auto ran = run(plan_of(file("[limits]\n" + limits + body)), caller);
        for (const auto& problem : ran.result.problems) EXPECT_NE(problem.error.hint().find("[limits]"), std::string::npos) << problem.error.hint();
        return caller->calls.load();
    };
    EXPECT_EQ(tried("retries = 7\n"), 8 + 7);
    EXPECT_EQ(tried("retries = 0\n"), 8);
    EXPECT_EQ(tried("plugins = { text = { retries = 3 }, disk = { retries = 2 } }\n"), 8 + 5);
    EXPECT_EQ(tried("retries = 4\nplugins = { \"org.test.disk\" = { retries = 0 } }\n"), 8 + 4);
}

TEST(Limits, AreForCallsOfAPluginAtATime) {
    for (const std::string plugin : {"text", "disk"}) {
        std::string body = "[limits.plugins." + plugin + "]\ncalls = 1\n";
        for (int i = 0; i < 40; ++i) body += counts("n" + std::to_string(i), "x", {}, plugin);
        const auto caller = std::make_shared<FakeCaller>(answer);
        EXPECT_EQ(run(plan_of(file(body)), caller).result.state, RunResult::State::completed);
        EXPECT_EQ(caller->most_inside.load(), 1) << plugin;
        EXPECT_EQ(caller->calls.load(), 40);
    }
}

TEST(Limits, ResourcesAreForAllStepsTogether) {
    for (const int each : {0, 1}) {
        std::string body = "[limits.resources]\ngpu = 3\nlicence = 1\n";
        for (int i = 0; i < 30; ++i) {
            const std::string use = i % 3 == 0 ? "use = { gpu = 2, licence = 1 }\n" : i % 3 == 1 ? "use = { gpu = 1 }\n" : "use = { licence = 1 }\n";
            const std::string id = "n" + std::to_string(i);
            if (each == 0) body += counts(id, "x", use, i % 2 == 0 ? "text" : "disk");
            else body += "[nodes." + id + "]\nplugin = \"disk\"\noperation = \"count\"\neach = \"text\"\nwith = { text = [\"a\", \"busy\", \"c\"] }\non_error = \"skip\"\nretry = { max = 2, backoff = \"0s\" }\n" + use;
        }
        const auto plan = plan_of(file(body));
        // Who is called is not told apart: what all of them use together must not pass the limits.
        RunSettings how = settings();
        how.blocking_threads = 8;
        const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) { return answer(request); });
        const auto ran = run(plan, caller, how);
        EXPECT_EQ(ran.result.state, RunResult::State::completed);
        EXPECT_LE(caller->most_inside.load(), 4) << "three with a gpu each, and one with the licence";
    }
}

TEST(Limits, PrioritiesSayWhoGoesFirst) {
    std::string body = "[limits.plugins.disk]\ncalls = 1\n" + counts("gate", "gate", {}, "disk");
    for (int i = 0; i < 9; ++i) body += counts("n" + std::to_string(i), std::to_string(i), "priority = " + std::to_string(i % 3 * 10 - 10) + "\n", "disk");
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> order;
    std::size_t queued = 0;
    const auto plan = plan_of(file(body));
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        std::unique_lock lock(mutex);
        // The first one lets nobody else in before all are there.
        if (order.empty()) changed.wait(lock, [&] { return queued == 10; });
        order.push_back(plain(request.input["text"]));
        return answer(request);
    });
    RunSettings how = settings();
    const auto result = run_plan(plan, Value(), caller, how, [&](const RunEvent& event) {
        if (event.state != NodeState::queued) return;
        const std::lock_guard lock(mutex);
        ++queued;
        changed.notify_all();
    }, {});
    EXPECT_EQ(result.state, RunResult::State::completed);
    ASSERT_EQ(order.size(), 10u);
    std::vector<int> priorities;
    for (std::size_t i = 2; i < order.size(); ++i) {
        if (order[i] != "gate") priorities.push_back(std::stoi(order[i]) % 3);
    }
    EXPECT_TRUE(std::is_sorted(priorities.rbegin(), priorities.rend())) << testing::PrintToString(order);
}

struct Fault {
    std::string body;
    std::string reason;
};

TEST(Policies, AreChecked) {
    const std::string a = counts("a", "x"), b = counts("b", "x"), reads = output("o", "a.text");
    const Fault faults[] = {
        {counts("a", "x", "fallback = \"c\"\n"), "unknown-node"},
        {counts("a", "x", "fallback = \"a\"\n"), "bad-value"},
        {counts("a", "x", "fallback = 3\n"), "wrong-kind"},
        {counts("a", "x", "fallback = \"b\"\n") + counts("b", "x", "fallback = \"a\"\n"), "too-deep"},
        {counts("a", "x", "fallback = \"c\"\n") + counts("b", "x", "fallback = \"c\"\n") + counts("c", "x"), "two-roles"},
        {counts("a", "x", "fallback = \"b\"\ncompensate = \"b\"\n") + b, "two-roles"},
        {counts("a", "x", "fallback = \"b\"\n") + counts("b", "x", "finally = true\n"), "two-roles"},
        {counts("a", "x", "fallback = \"b\"\n") + b + counts("c", "b.text"), "role-order"},
        {counts("a", "x", "compensate = \"b\"\n") + b + counts("c", "b.text"), "role-order"},
        {counts("a", "x", "compensate = \"b\"\n") + b + output("p", "b.text"), "role-order"},
        {counts("a", "x", "finally = true\n") + counts("c", "a.text"), "role-order"},
        {counts("a", "x", "finally = true\nfallback = \"b\"\n") + b, "two-roles"},
        {counts("a", "x", "fallback = \"b\"\n") + "[nodes.b]\nplugin = \"text\"\noperation = \"list\"\nwith = { n = 1 }\n" + reads, "unknown-port"},
        {counts("a", "x", "fallback = \"b\"\non_error = \"skip\"\n") + b, "bad-value"},
        {counts("a", "x", "fallback = \"m\"\n") + "[nodes.m]\ntype = \"control\"\noperation = \"branch\"\ninputs = { value = \"a.text\" }\n", "wrong-node-type"},
        {counts("a", "x", "fallback = { text = 3 }\n") + reads, "type-mismatch"},
        {counts("a", "x", "default = { nothing = 3 }\n") + reads, "unknown-port"},
        {counts("a", "x", "default = \"text\"\n"), "wrong-kind"},
        {counts("a", "x", "quorum = 1\n") + b, "bad-value"},
        {counts("a", "x", "quorum = 0\n"), "bad-value"},
        {a + "[nodes.m]\ntype = \"control\"\noperation = \"merge\"\nquorum = 1\ninputs = { a = \"a.text\" }\n", "bad-value"},
        {a + "[nodes.m]\ntype = \"control\"\noperation = \"branch\"\nquorum = 1\ninputs = { value = \"a.text\" }\n", "unknown-key"},
        {counts("a", "x", "retry = { max = 1, kind = \"often\" }\n"), "bad-value"},
        {"[limits]\nretries = -1\n" + a, "bad-value"},
        {"[limits.plugins.text]\ncalls = 0\n" + a, "bad-value"},
        {"[limits.plugins.text]\n" + a, "missing-key"},
        {"[limits.plugins.\"no name\"]\ncalls = 1\n" + a, "bad-id"},
        {"[limits.plugins.disk]\ncalls = 1\n" + a, "unused-limit"},
        {counts("a", "x", "use = { gpu = 1 }\n"), "unknown-resource"},
        {"[limits.resources]\ngpu = 1\n" + counts("a", "x", "use = { gpu = 2 }\n"), "bad-value"},
        {"[limits.resources]\ngpu = 0\n" + a, "bad-value"},
        {"[limits.resources]\n\"a b\" = 1\n" + a, "bad-id"},
        {counts("a", "x", "priority = 5000\n"), "bad-value"},
    };
    for (const auto& [body, reason] : faults) {
        SCOPED_TRACE(body);
        const auto found = read(file(body));
        EXPECT_TRUE(found.reasons().contains(reason)) << manifests::format(found.diagnostics);
        EXPECT_LE(found.diagnostics.size(), 3u) << manifests::format(found.diagnostics);
    }
    // A fallback that waits for what waits for the node it stands in for.
    const auto ring = read(file(counts("a", "x", "fallback = \"b\"\n") + counts("c", "a.text") + counts("b", "c.text")));
    ASSERT_NE(ring.find("cycle"), nullptr) << manifests::format(ring.diagnostics);
    EXPECT_NE(ring.find("cycle")->message.find("stands in for"), std::string::npos);
}

TEST(Policies, ALongRingOfFallbacksIsNotWalkedAgainAndAgain) {
    std::string body;
    for (int i = 0; i < 9'000; ++i) body += counts("n" + std::to_string(i), "x", "fallback = \"n" + std::to_string((i + 1) % 9'000) + "\"\n");
    const auto found = read(file(body));
    EXPECT_TRUE(found.reasons().contains("too-deep"));
}

} // namespace
} // namespace symphony::tracker::test
