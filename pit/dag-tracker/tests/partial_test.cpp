// SPDX-License-Identifier: Apache-2.0
#include "journal_rig.hpp"
#include "whole.hpp"
#include "partial.hpp"

namespace symphony::tracker::test {
namespace {

std::string counts(std::string_view id, std::string_view text) {
    return "[nodes." + std::string(id) + "]\nplugin = \"text\"\noperation = \"count\"\n" + (text.find('.') != std::string_view::npos ? "inputs = { text = \"" : "with = { text = \"") + std::string(text) + "\" }\n";
}
const std::string flow = std::string(head) + counts("a", "one") + counts("b", "a.text") + "[nodes.m]\ntype = \"control\"\noperation = \"branch\"\ninputs = { value = \"b.text\" }\n" + counts("c", "m.value") + counts("d", "c.text") +
                         counts("x", "other") + "[outputs.c]\nfrom = \"c.text\"\n[outputs.d]\nfrom = \"d.text\"\n[outputs.x]\nfrom = \"x.text\"\n";

StepEnd gives(std::string_view text) {
    StepEnd end;
    end.output = ValueBuilder().map().add("text", text).end().build();
    return end;
}
struct Partly {
    Ran ran;
    int calls = 0;
};
Partly run_partly(const PartialRun& asked, std::shared_ptr<StepLog> log = nullptr) {
    const auto plan = plan_of(flow);
    auto known = partial_run(plan->workflow, asked);
    EXPECT_TRUE(known) << known.error().message();
    RunSettings how = settings();
    how.known = std::make_shared<const KnownSteps>(*std::move(known));
    how.log = std::move(log);
    const auto caller = std::make_shared<FakeCaller>(answer);
    Partly out{run(plan, caller, how), 0};
    out.calls = caller->calls.load();
    return out;
}

TEST(Partial, APinnedNodeIsNotRun) {
    PartialRun asked;
    asked.pinned.emplace("b", gives("given"));
    const auto partly = run_partly(asked);
    EXPECT_EQ(partly.ran.output("d"), "given!!");
    EXPECT_EQ(partly.calls, 4) << "a, c, d, x";
}

TEST(Partial, OnlyRunsOneNode) {
    PartialRun asked;
    asked.only = "c";
    asked.earlier.emplace("b", gives("before"));
    asked.earlier.emplace("d", gives("not wanted"));
    const auto partly = run_partly(asked);
    EXPECT_EQ(partly.ran.output("c"), "before!");
    EXPECT_EQ(partly.ran.output("d"), "(none)");
    EXPECT_EQ(partly.ran.state("x"), NodeState::skipped);
    EXPECT_EQ(partly.ran.result.state, RunResult::State::completed);
    EXPECT_EQ(partly.calls, 1);
    const auto plan = plan_of(flow);
    asked.earlier.clear();
    EXPECT_EQ(partial_run(plan->workflow, asked).error().reason(), "not-known");
    asked.only = "nobody";
    EXPECT_EQ(partial_run(plan->workflow, asked).error().reason(), "no-such-node");
}

TEST(Partial, FromANodeTheRestIsRunAnew) {
    const auto plan = plan_of(flow);
    const Temporary folder;
    const auto journal = open(folder.folder());
    auto log = begin(*journal, *plan, flow);
    RunSettings how = settings();
    how.log = log;
    EXPECT_EQ(run(plan, std::make_shared<FakeCaller>(answer), how).output("d"), "one!!!!");
    EXPECT_TRUE(log->close(RunState::completed));
    PartialRun asked;
    asked.from = "c";
    asked.earlier = *journal->ends("last");
    EXPECT_EQ(asked.earlier.size(), 5u);
    auto second = begin(*journal, *plan, flow);
    const auto partly = run_partly(asked, second);
    EXPECT_EQ(partly.ran.output("d"), "one!!!!");
    EXPECT_EQ(partly.ran.output("x"), "other!");
    EXPECT_EQ(partly.calls, 2) << "c and d";
    // What it took is on its own record.
    second.reset();
    EXPECT_EQ(journal->ends("last")->size(), 5u);
}

// ---- in sub-workflows and loops that have policies ----

/// Adds "!" and then "!" to its text, in nodes p and q.
std::string body_of(std::string_view policies, std::string_view with) {
    return "[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\n" + std::string(policies) + "with = { text = " + std::string(with) +
           " }\n[nodes.s.body.inputs.text]\ntype = \"text\"\n[nodes.s.body.nodes.p]\nplugin = \"text\"\noperation = \"count\"\ninputs = { text = \"$inputs.text\" }\n"
           "[nodes.s.body.nodes.q]\nplugin = \"text\"\noperation = \"count\"\ninputs = { text = \"p.text\" }\n[nodes.s.body.outputs.text]\nfrom = \"q.text\"\n"
           "[nodes.z]\nplugin = \"text\"\noperation = \"join\"\ninputs = { a = \"s.text\" }\n[outputs.z]\nfrom = \"z.text\"\n";
}
constexpr std::string_view listed = "each = \"text\"\nelements_max = 4\nparallel = 1\non_error = \"skip\"\n";
constexpr std::string_view retried = "retry = { max = 2, backoff = \"1ms\" }\n";

/// Runs parts of one workflow, each on record, with a caller that says what it was asked for.
class Parts {
public:
    explicit Parts(const std::string& nodes) : plan_(whole_plan(std::string(head) + nodes)), journal_(open(folder_.folder())) {}

    Ran run(const PartialRun& asked = {}, const FakeCaller::Answer& how = answer) {
        auto log = begin(*journal_, *plan_);
        RunSettings with = settings();
        with.log = log;
        if (!asked.only.empty() || !asked.from.empty() || !asked.pinned.empty()) {
            auto known = partial_run(plan_->workflow, asked);
            EXPECT_TRUE(known) << known.error().message();
            if (known) with.known = std::make_shared<const KnownSteps>(*std::move(known));
        }
        auto ran = go(with, how);
        EXPECT_TRUE(log->close(RunState::failed));
        return ran;
    }
    /// The last run goes on, without the words that it was begun with.
    Ran resume(const FakeCaller::Answer& how = answer) {
        RunSettings with = settings();
        with.log = test::resume(*journal_, *plan_);
        return go(with, how);
    }
    /// What the last run knows.
    PartialRun after(std::string_view only, std::string_view from = {}) const {
        PartialRun asked;
        asked.only = only;
        asked.from = from;
        asked.earlier = *journal_->ends("last");
        return asked;
    }
    std::string refusal(const PartialRun& asked) const {
        const auto known = partial_run(plan_->workflow, asked);
        return known ? "" : std::string(known.error().reason()) + ": " + known.error().message();
    }
    std::vector<std::string> called;  ///< texts, sorted

private:
    Ran go(const RunSettings& with, const FakeCaller::Answer& how) {
        called.clear();
        std::mutex mutex;
        const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) {
            const std::lock_guard lock(mutex);
            called.push_back(plain(request.input[request.operation == "join" ? "a" : "text"]));
            return how(request);
        });
        auto ran = test::run(plan_, caller, with);
        std::sort(called.begin(), called.end());
        return ran;
    }

    std::shared_ptr<Plan> plan_;
    Temporary folder_;
    std::shared_ptr<Journal> journal_;
};
using Texts = std::vector<std::string>;

TEST(PartialBodies, OnlyOneNodeOfOneElement) {
    Parts parts(body_of(listed, "[\"a\", \"b\", \"c\"]"));
    PartialRun asked;
    asked.only = "s/2/p";
    const auto alone = parts.run(asked);
    EXPECT_EQ(alone.result.state, RunResult::State::completed);
    EXPECT_EQ(parts.called, (Texts{"b"})) << "its list is given in the workflow: nothing need be known";
    asked.only = "s/2/q";
    EXPECT_TRUE(parts.refusal(asked).starts_with("not-known: node \"s/2/q\" needs \"s/2/p\"")) << parts.refusal(asked);
    asked.pinned.emplace("s/2/p", gives("given"));
    EXPECT_EQ(parts.run(asked).result.state, RunResult::State::completed);
    EXPECT_EQ(parts.called, (Texts{"given"}));
    asked.only = "s/2";
    parts.run(asked);
    EXPECT_EQ(parts.called, (Texts{"given"})) << "all of the element but what is pinned";
    asked.only = "s";
    parts.run(asked);
    EXPECT_EQ(parts.called, (Texts{"a", "a!", "c", "c!", "given"})) << "all of it";
    asked.only = "z";
    EXPECT_TRUE(parts.refusal(asked).starts_with("not-known: node \"z\" needs \"s\"")) << "and not what is in it: " << parts.refusal(asked);
}

TEST(PartialBodies, AFailureOfWhatIsRunAloneIsTheRuns) {
    for (const std::string only : {"s/1/p", "s/1", "s/1/q"}) {
        Parts parts(body_of(listed, "[\"fail\", \"fail again\"]"));
        PartialRun asked;
        asked.only = only;
        if (only == "s/1/q") asked.pinned.emplace("s/1/p", gives("fail"));
        const auto ran = parts.run(asked);
        EXPECT_EQ(ran.result.state, RunResult::State::failed) << only << ": whoever would see to it is left out";
        EXPECT_FALSE(ran.result.problems.empty()) << only;
        EXPECT_EQ(parts.called, (Texts{"fail"})) << only;
        parts.resume();
        EXPECT_EQ(parts.called, (Texts{"fail"})) << only << ": and nothing else";
    }
    Parts bound(body_of("each = \"text\"\nelements_max = 2\n", "[\"a\", \"b\", \"c\"]"));
    PartialRun asked;
    asked.only = "s/1/p";
    const auto ran = bound.run(asked);
    EXPECT_EQ(ran.result.state, RunResult::State::failed);
    ASSERT_EQ(ran.result.problems.size(), 1u);
    EXPECT_EQ(ran.result.problems[0].error.reason(), "each-bound");
}

TEST(PartialBodies, OnlyALaterAttemptBeginsWithTheInputsOfTheFirst) {
    Parts parts(body_of(retried, "\"x\""));
    PartialRun asked;
    asked.only = "s/try-2/p";
    EXPECT_EQ(parts.run(asked).result.state, RunResult::State::completed);
    EXPECT_EQ(parts.called, (Texts{"x"}));
    asked.only = "s/try-2";
    EXPECT_EQ(parts.run(asked).state("s/try-2"), NodeState::completed);
    EXPECT_EQ(parts.called, (Texts{"x", "x!"}));
    // Interrupted and resumed, it is still that attempt.
    parts.run(asked, [](const CallRequest&) -> Result<Value> { return Error(Code::plugin_failed, "broken"); });
    parts.resume();
    EXPECT_EQ(parts.called, (Texts{"x", "x!"}));
}

TEST(PartialBodies, FromANodeTheOtherElementsStay) {
    Parts parts(body_of(listed, "[\"a\", \"b\", \"c\"]"));
    EXPECT_EQ(parts.run().output("z"), "[a!! b!! c!!]--");
    EXPECT_EQ(parts.run(parts.after("", "s/2/q")).output("z"), "[a!! b!! c!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!! c!!]", "b!"}));
    EXPECT_EQ(parts.run(parts.after("", "s/2")).output("z"), "[a!! b!! c!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!! c!!]", "b", "b!"}));
    EXPECT_EQ(parts.run(parts.after("", "s")).output("z"), "[a!! b!! c!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!! c!!]", "a", "a!", "b", "b!", "c", "c!"}));
    EXPECT_EQ(parts.run(parts.after("z")).output("z"), "[a!! b!! c!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!! c!!]"}));
}

TEST(PartialBodies, WhatWasSeenToInTheEarlierRunIsNotMadeAnew) {
    Parts parts(body_of(listed, "[\"a\", \"fail\"]"));
    EXPECT_EQ(parts.run().output("z"), "[a!!]--");
    EXPECT_EQ(parts.run(parts.after("", "z")).output("z"), "[a!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!!]"})) << "the element that failed is a part of what is known";
    PartialRun pinned;
    pinned.pinned.emplace("s", gives("given"));
    EXPECT_EQ(parts.run(pinned).output("z"), "given--");
    EXPECT_EQ(parts.called, (Texts{"given"})) << "what is in a pinned node is not run";
    for (auto* which : {&pinned.only, &pinned.from}) {
        *which = "s/1/p";
        EXPECT_TRUE(parts.refusal(pinned).starts_with("usage: node \"s/1/p\" is in \"s\", which is pinned")) << parts.refusal(pinned);
        which->clear();
    }
}

TEST(PartialBodies, FromALaterAttemptThoseBeforeAreOver) {
    std::atomic<int> failures{1};
    const auto fails_once = [&](const CallRequest& request) -> Result<Value> {
        if (plain(request.input["text"]) == "b!" && failures.fetch_sub(1) > 0) return Error(Code::busy, "busy", "not now");
        return answer(request);
    };
    Parts parts(body_of(std::string(listed) + std::string(retried), "[\"a\", \"b\"]"));
    EXPECT_EQ(parts.run({}, fails_once).output("z"), "[a!! b!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!!]", "a", "a!", "b", "b", "b!", "b!"}));
    const auto whole = parts.after("", "s/2/try-2/q");
    EXPECT_EQ(parts.run(whole).output("z"), "[a!! b!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!!]", "b!"}));
    PartialRun other = whole;
    other.from = "s/1/try-1/q";
    EXPECT_EQ(parts.run(other).output("z"), "[a!! b!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!!]", "a!"})) << "the attempt of the other element that failed is not made anew";
    other.from = "s/2/try-1/p";
    EXPECT_EQ(parts.run(other).output("z"), "[a!! b!!]--");
    EXPECT_EQ(parts.called, (Texts{"[a!! b!!]", "b", "b!"})) << "without a failure there is no second attempt";
}

TEST(PartialBodies, RoundsOfALoopAreParts) {
    Parts parts("[nodes.l]\ntype = \"control\"\noperation = \"loop\"\nmax = 4\nuntil = \"size(value.text) >= 3\"\non_error = \"skip\"\nwith = { text = \"x\" }\n[nodes.l.body.inputs.text]\ntype = \"text\"\n"
                "[nodes.l.body.nodes.p]\nplugin = \"text\"\noperation = \"count\"\ninputs = { text = \"$inputs.text\" }\n[nodes.l.body.outputs.text]\nfrom = \"p.text\"\n[outputs.o]\nfrom = \"l.text\"\n");
    EXPECT_EQ(parts.run().output("o"), "x!!");
    const auto whole = parts.after("l/2/p");
    parts.run(whole);
    EXPECT_EQ(parts.called, (Texts{"x!"}));
    PartialRun from = whole;
    from.only.clear();
    from.from = "l/2/p";
    EXPECT_EQ(parts.run(from).output("o"), "x!!");
    EXPECT_EQ(parts.called, (Texts{"x!"}));
    PartialRun loop;
    loop.only = "l";
    EXPECT_EQ(parts.run(loop).output("o"), "x!!");
    EXPECT_EQ(parts.called, (Texts{"x", "x!"}));
}

} // namespace
} // namespace symphony::tracker::test
