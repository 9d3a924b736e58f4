// SPDX-License-Identifier: Apache-2.0
#include "journal_rig.hpp"
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

} // namespace
} // namespace symphony::tracker::test
