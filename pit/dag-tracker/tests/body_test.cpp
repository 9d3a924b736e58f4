// SPDX-License-Identifier: Apache-2.0
#include "journal_rig.hpp"
#include "whole.hpp"

#include <set>

namespace symphony::tracker::test {
namespace {

Ran run_whole(const std::string& body, const FileTexts& texts = {}, const Value& inputs = Value()) {
    return run(whole_plan(std::string(head) + body, texts), std::make_shared<FakeCaller>(answer), settings(), inputs);
}
std::string output(std::string_view name, std::string_view from) { return "[outputs." + std::string(name) + "]\nfrom = \"" + std::string(from) + "\"\n"; }

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

/// Adds "!" and then "?" to its text.
const std::string twice = R"(
[nodes.s]
type = "control"
operation = "workflow"
inputs = { text = "a.text" }
[nodes.s.body.inputs.text]
type = "text"
[nodes.s.body.inputs.more]
type = "text"
default = "?"
[nodes.s.body.nodes.one]
plugin = "text"
operation = "count"
inputs = { text = "$inputs.text" }
[nodes.s.body.nodes.two]
plugin = "disk"
operation = "join"
inputs = { a = "one.text", b = "$inputs.more" }
[nodes.s.body.outputs.both]
from = "two.text"
type = "text"
[nodes.s.body.outputs.given]
from = "$inputs.text"
)";
const std::string first = "[nodes.a]\nplugin = \"text\"\noperation = \"count\"\nwith = { text = \"x\" }\n";

TEST(SubWorkflow, IsOneNodeFromOutside) {
    const auto ran = run_whole(first + twice + "[nodes.z]\nplugin = \"text\"\noperation = \"count\"\ninputs = { text = \"s.both\" }\n" + output("o", "z.text") + output("g", "s.given"));
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.output("o"), "x!!?-!");
    EXPECT_EQ(ran.output("g"), "x!");
    EXPECT_EQ(ran.state("s/one"), NodeState::completed);
    EXPECT_EQ(ran.state("s"), NodeState::completed);
    const auto more = run_whole(first + replaced(twice, "operation = \"workflow\"\n", "operation = \"workflow\"\nwith = { more = \"+\" }\n") + output("o", "s.both"));
    EXPECT_EQ(more.output("o"), "x!!+-");
}

TEST(SubWorkflow, FailsAndIsSkippedAsOne) {
    const std::string failing = "[nodes.a]\nplugin = \"text\"\noperation = \"count\"\nwith = { text = \"fail\" }\n";
    const auto before = run_whole(failing + twice + output("o", "s.both"));
    EXPECT_EQ(before.state("s"), NodeState::upstream_failed);
    EXPECT_EQ(before.state("s/one"), NodeState::upstream_failed);
    std::string inside = first + twice + output("o", "s.given");
    inside = replaced(inside, "plugin = \"disk\"\noperation = \"join\"\ninputs = { a = \"one.text\", b = \"$inputs.more\" }", "plugin = \"text\"\noperation = \"count\"\nwith = { text = \"fail\" }\nafter = [\"one\"]");
    const auto failed = run_whole(inside);
    EXPECT_EQ(failed.state("s/two"), NodeState::failed);
    EXPECT_EQ(failed.state("s"), NodeState::upstream_failed);
    EXPECT_EQ(failed.output("o"), "(none)");
    const auto skipped = run_whole("[nodes.a]\nplugin = \"text\"\noperation = \"count\"\nwith = { text = \"fail\" }\non_error = \"skip\"\n" + twice + output("o", "s.both"));
    EXPECT_EQ(skipped.state("s"), NodeState::skipped);
    EXPECT_EQ(skipped.state("s/two"), NodeState::skipped);
}

TEST(SubWorkflow, HasItsOwnInputsInConditionsAndNests) {
    const auto ran = run_whole(R"(
[inputs.n]
default = 1
[nodes.s]
type = "control"
operation = "workflow"
with = { n = 2 }
[nodes.s.body.inputs.n]
type = "integer"
[nodes.s.body.nodes.a]
plugin = "text"
operation = "count"
with = { text = "in" }
[nodes.s.body.nodes.yes]
plugin = "text"
operation = "join"
inputs = { a = { from = "a.text", when = "inputs.n == 2" } }
[nodes.s.body.nodes.deep]
type = "control"
operation = "workflow"
inputs = { text = "yes.text" }
body = { inputs = { text = { type = "text" } }, nodes = { b = { plugin = "text", operation = "count", inputs = { text = "$inputs.text" } } }, outputs = { t = { from = "b.text" } } }
[nodes.s.body.outputs.t]
from = "deep.t"
)" + output("o", "s.t"));
    EXPECT_EQ(ran.output("o"), "in!--!");
    EXPECT_EQ(ran.state("s/deep/b"), NodeState::completed);
}

TEST(SubWorkflow, ComesFromAFile) {
    const std::string sub = "[workflow]\nid = \"sub\"\nversion = \"2.0.0\"\n[inputs.text]\ntype = \"text\"\n[nodes.c]\nplugin = \"text\"\noperation = \"count\"\ninputs = { text = \"$inputs.text\" }\n[outputs.t]\nfrom = \"c.text\"\n";
    const std::string middle = "[workflow]\nid = \"middle\"\nversion = \"1.0.0\"\n[inputs.text]\ntype = \"text\"\n[nodes.m]\ntype = \"control\"\noperation = \"workflow\"\nfile = \"sub.toml\"\ninputs = { text = \"$inputs.text\" }\n[outputs.t]\nfrom = \"m.t\"\n";
    const std::string outer = first + "[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\nfile = \"in/middle.toml\"\ninputs = { text = \"a.text\" }\n" + output("o", "s.t");
    const auto ran = run_whole(outer, {{"in/middle.toml", middle}, {"in/sub.toml", sub}});
    EXPECT_EQ(ran.output("o"), "x!!");
    const auto missing = read_whole(std::string(head) + outer, {{"in/middle.toml", middle}});
    ASSERT_NE(missing.find("unreadable-file"), nullptr) << manifests::format(missing.diagnostics);
    EXPECT_NE(missing.find("unreadable-file")->hint.find("--include in/sub.toml"), std::string::npos);
    const std::string again = replaced(middle, "sub.toml", "middle.toml");
    const auto ring = read_whole(std::string(head) + outer, {{"in/middle.toml", again}});
    ASSERT_NE(ring.find("workflow-recursion"), nullptr) << manifests::format(ring.diagnostics);
    EXPECT_NE(ring.find("workflow-recursion")->message.find("in/middle.toml -> in/middle.toml"), std::string::npos);
    const std::string broken = replaced(sub, "\"count\"", "\"cuont\"");
    const auto fault = read_whole(std::string(head) + outer, {{"in/middle.toml", middle}, {"in/sub.toml", broken}});
    ASSERT_NE(fault.find("unknown-operation"), nullptr) << manifests::format(fault.diagnostics);
    EXPECT_EQ(fault.find("unknown-operation")->file, "in/sub.toml");
}

TEST(SubWorkflow, IsNotDeeperThanItMayBe) {
    FileTexts files;
    for (int i = 0; i < 20; ++i) {
        files["f" + std::to_string(i) + ".toml"] = "[workflow]\nid = \"f\"\nversion = \"1.0.0\"\n[nodes.m]\ntype = \"control\"\noperation = \"workflow\"\nfile = \"f" + std::to_string(i + 1) + ".toml\"\n";
    }
    const auto deep = read_whole(std::string(head) + "[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\nfile = \"f0.toml\"\n", files);
    EXPECT_NE(deep.find("workflow-depth"), nullptr) << manifests::format(deep.diagnostics);
    std::string text = "nodes = { c = { plugin = \"text\", operation = \"join\" } }";
    for (int i = 0; i < 9; ++i) text = "nodes = { s = { type = \"control\", operation = \"workflow\", body = { " + text + " } } }";
    const auto inner = read_whole(std::string(head) + "[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\nbody = { " + text + " }\n");
    EXPECT_FALSE(inner.ok());
    EXPECT_TRUE(inner.find("workflow-depth") != nullptr || inner.find("too-deep") != nullptr) << manifests::format(inner.diagnostics);
}

std::string loop(const std::string& more) {
    return R"(
[nodes.l]
type = "control"
operation = "loop"
with = { text = "x" }
)" + more + R"(
[nodes.l.body.inputs.text]
type = "text"
[nodes.l.body.inputs.mark]
default = "m"
[nodes.l.body.nodes.c]
plugin = "text"
operation = "count"
inputs = { text = "$inputs.text" }
[nodes.l.body.outputs.text]
from = "c.text"
[nodes.l.body.outputs.mark-seen]
from = "$inputs.mark"
)";
}

TEST(Loop, RunsUntilItIsDone) {
    const std::string outputs = output("o", "l.text") + output("n", "l.rounds") + output("d", "l.done") + output("m", "l.mark-seen");
    const auto until = run_whole(loop("max = 10\nuntil = \"size(value.text) >= 4\"") + outputs);
    EXPECT_EQ(until.output("o"), "x!!!");
    EXPECT_EQ(until.output("n"), "3");
    EXPECT_EQ(until.output("d"), "true");
    EXPECT_EQ(until.output("m"), "m") << "what a round does not give stays as it was";
    EXPECT_EQ(until.state("l/3/c"), NodeState::completed);
    EXPECT_EQ(until.state("l/4/c"), NodeState::skipped);
    EXPECT_EQ(until.state("l"), NodeState::completed);
    const auto going = run_whole(loop("max = 10\nwhile = \"size(value.text) < 3\"") + outputs);
    EXPECT_EQ(going.output("o"), "x!!");
    EXPECT_EQ(going.output("n"), "2");
}

TEST(Loop, ReachesItsBound) {
    const auto fails = run_whole(loop("max = 3\nuntil = \"size(value.text) > 100\"") + output("o", "l.text"));
    EXPECT_EQ(fails.state("l"), NodeState::failed);
    ASSERT_EQ(fails.result.problems.size(), 1u);
    EXPECT_EQ(fails.result.problems[0].error.reason(), "loop-bound");
    const auto takes = run_whole(loop("max = 3\nuntil = \"size(value.text) > 100\"\non_bound = \"take\"") + output("o", "l.text") + output("d", "l.done") + output("n", "l.rounds"));
    EXPECT_EQ(takes.output("o"), "x!!!");
    EXPECT_EQ(takes.output("d"), "false");
    EXPECT_EQ(takes.output("n"), "3");
    const auto failed = run_whole(replaced(loop("max = 5\nuntil = \"false\""), "text = \"x\"", "text = \"fail\"") + output("o", "l.text"));
    EXPECT_EQ(failed.state("l/1/c"), NodeState::failed);
    EXPECT_EQ(failed.state("l"), NodeState::upstream_failed);
    EXPECT_NE(failed.state("l/2/c"), NodeState::completed);
}

TEST(Loop, GoesOnWithTheRoundItWasIn) {
    const std::string text = std::string(head) + loop("max = 10\nuntil = \"size(value.text) >= 5\"") + output("o", "l.text");
    const auto plan = whole_plan(text);
    const Temporary folder;
    const auto journal = open(folder.folder());
    std::atomic<bool> reached{false};
    std::shared_ptr<FakeCaller> first_caller;
    first_caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (plain(request.input["text"]) != "x!!") return answer(request);
        reached = true;
        return Error(Code::cancelled, "cancelled");
    });
    RunSettings how = settings();
    how.log = begin(*journal, *plan, text);
    run(plan, first_caller, how, Value(), [&] { return reached.load(); });
    how.log = nullptr;
    const auto second = std::make_shared<FakeCaller>(answer);
    how.log = resume(*journal, *plan);
    const auto ran = run(plan, second, how);
    EXPECT_EQ(ran.output("o"), "x!!!!");
    EXPECT_EQ(second->calls.load(), 2) << "two rounds were done";
}

/// A sub-workflow of one call, with what `more` says of its node.
std::string sub(const std::string& more, const std::string& text = "\"x\"") {
    return "[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\nwith = { text = " + text + " }\n" + more + R"(
[nodes.s.body.inputs.text]
type = "text"
[nodes.s.body.nodes.c]
plugin = "text"
operation = "count"
inputs = { text = "$inputs.text" }
[nodes.s.body.nodes.d]
plugin = "disk"
operation = "count"
inputs = { text = "c.text" }
[nodes.s.body.outputs.text]
from = "d.text"
)";
}
std::string paths_of(const Ran& ran) {
    std::string out;
    for (const auto& problem : ran.result.problems) out += std::string(ran.plan->workflow.node_name(problem.node)) + (problem.path.empty() ? "" : "[" + problem.path + "]") + " ";
    return out;
}

TEST(BodyPolicies, AFallbackStandsInForAllOfIt) {
    const std::string standby = "[nodes.f]\nplugin = \"text\"\noperation = \"count\"\nwith = { text = \"instead\" }\n";
    const auto node = run_whole(sub("fallback = \"f\"", "\"fail\"") + standby + output("o", "s.text"));
    EXPECT_EQ(node.result.state, RunResult::State::completed) << "what failed inside was seen to";
    EXPECT_EQ(node.output("o"), "instead!");
    EXPECT_EQ(node.state("s/c"), NodeState::failed);
    EXPECT_EQ(node.state("s"), NodeState::completed);
    EXPECT_EQ(paths_of(node), "s/c s ");
    const auto values = run_whole(sub("fallback = { text = \"none\" }", "\"fail\"") + output("o", "s.text"));
    EXPECT_EQ(values.output("o"), "none");
    EXPECT_EQ(values.result.state, RunResult::State::completed);
    const auto unneeded = run_whole(sub("fallback = \"f\"") + standby + output("o", "s.text"));
    EXPECT_EQ(unneeded.output("o"), "x!!");
    EXPECT_EQ(unneeded.state("f"), NodeState::skipped);
    const auto both = run_whole(sub("fallback = \"f\"", "\"fail\"") + replaced(standby, "instead", "fail, too") + output("o", "s.text"));
    EXPECT_EQ(both.state("s"), NodeState::failed);
    EXPECT_EQ(both.result.state, RunResult::State::failed);
}

TEST(BodyPolicies, OnErrorSaysWhatAFailureInsideIs) {
    const auto skipped = run_whole(sub("on_error = \"skip\"\ndefault = { text = \"nothing\" }", "\"fail\"") + output("o", "s.text") +
                                   "[nodes.z]\nplugin = \"text\"\noperation = \"count\"\ninputs = { text = \"s.text\" }\n" + output("z", "z.text"));
    EXPECT_EQ(skipped.result.state, RunResult::State::completed);
    EXPECT_EQ(skipped.state("s"), NodeState::skipped);
    EXPECT_EQ(skipped.output("z"), "nothing!") << "its default is there for those behind it";
    const auto collected = run_whole(sub("on_error = \"collect\"", "\"fail\"") + output("p", "s.problems"));
    EXPECT_EQ(collected.result.state, RunResult::State::completed);
    EXPECT_NE(collected.output("p").find("node:s"), std::string::npos) << collected.output("p");
    EXPECT_NE(collected.output("p").find("reason:broken"), std::string::npos);
    const auto plain_failure = run_whole(sub("", "\"fail\"") + output("o", "s.text"));
    EXPECT_EQ(plain_failure.result.state, RunResult::State::failed);
    EXPECT_EQ(plain_failure.state("s"), NodeState::upstream_failed);
    const std::string upstream = "[nodes.a]\nplugin = \"text\"\noperation = \"count\"\nwith = { text = \"fail\" }\n" +
                                 replaced(sub("on_error = \"skip\"\nfallback = { }", "1"), "with = { text = 1 }", "inputs = { text = \"a.text\" }");
    EXPECT_TRUE(read_whole(std::string(head) + upstream).reasons().contains("bad-value")) << "on_error and fallback exclude each other";
    const auto before = run_whole(replaced(upstream, "on_error = \"skip\"\n", "") + output("o", "s.text"));
    EXPECT_EQ(before.state("s"), NodeState::upstream_failed) << "a failure before it is not its own";
}

TEST(BodyPolicies, AttemptsAreMadeWhileTheFailureMayPass) {
    for (const bool in_loop : {false, true}) {
        const std::string retry = "retry = { max = 2, backoff = \"1ms\" }";
        const std::string text = in_loop ? replaced(loop("max = 3\nuntil = \"size(value.text) >= 3\"\n" + retry), "with = { text = \"x\" }", "with = { text = \"x\" }") + output("o", "l.text") : sub(retry) + output("o", "s.text");
        const std::string node = in_loop ? "l" : "s";
        std::atomic<int> calls{0};
        const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
            if (calls.fetch_add(1) < 2) return Error(Code::busy, "busy", "not now");
            return answer(request);
        });
        const auto ran = run(whole_plan(std::string(head) + text), caller, settings());
        EXPECT_EQ(ran.result.state, RunResult::State::completed) << node;
        EXPECT_EQ(ran.output("o"), in_loop ? "x!!" : "x!!");
        EXPECT_EQ(ran.state(node + "/try-2"), NodeState::failed);
        EXPECT_EQ(ran.state(node + "/try-3"), NodeState::completed);
        EXPECT_EQ(ran.state(node), NodeState::completed);
    }
    const auto cannot = run_whole(sub("retry = { max = 2, backoff = \"1ms\" }", "\"fail\"") + output("o", "s.text"));
    EXPECT_EQ(cannot.state("s/try-2"), NodeState::skipped) << "it would fail again";
    EXPECT_EQ(cannot.state("s"), NodeState::failed);
    EXPECT_EQ(cannot.result.state, RunResult::State::failed);
    const auto used_up = run_whole("[limits]\nretries = 1\n" + sub("retry = { max = 3, backoff = \"1ms\" }", "\"busy\"") + output("o", "s.text"));
    EXPECT_EQ(used_up.state("s/try-2"), NodeState::failed);
    EXPECT_EQ(used_up.state("s/try-3"), NodeState::skipped) << "the run's budget is used up";
    EXPECT_EQ(used_up.result.state, RunResult::State::failed);
}

TEST(BodyPolicies, EachIsOnceForEachElementInOrder) {
    const std::string list = "[\"a\", \"b\", \"fail\", \"c\"]";
    const std::string outputs = output("t", "s.text") + output("i", "s.items") + output("r", "s.results");
    const auto skipped = run_whole(sub("each = \"text\"\nelements_max = 5\non_error = \"skip\"", list) + outputs);
    EXPECT_EQ(skipped.result.state, RunResult::State::completed);
    EXPECT_EQ(skipped.output("t"), "[a!! b!! c!!]");
    EXPECT_EQ(skipped.output("i"), "[a b c]");
    EXPECT_EQ(skipped.output("r"), "[{text:a!!} {text:b!!} {text:c!!}]");
    EXPECT_EQ(skipped.state("s/5"), NodeState::skipped) << "there is no fifth";
    EXPECT_EQ(skipped.state("s/3"), NodeState::failed);
    const auto collected = run_whole(sub("each = \"text\"\nelements_max = 4\non_error = \"collect\"", list) + output("p", "s.problems"));
    EXPECT_NE(collected.output("p").find("item:fail"), std::string::npos) << collected.output("p");
    const auto failed = run_whole(sub("each = \"text\"\nelements_max = 4", list) + outputs);
    EXPECT_EQ(failed.state("s"), NodeState::failed);
    EXPECT_EQ(failed.result.state, RunResult::State::failed);
    const auto replaced_by = run_whole(sub("each = \"text\"\nelements_max = 4\nfallback = { text = [] }", list) + output("t", "s.text"));
    EXPECT_EQ(replaced_by.output("t"), "[]");
    EXPECT_EQ(replaced_by.result.state, RunResult::State::completed);
    const auto none = run_whole(sub("each = \"text\"\nelements_max = 4", "[]") + outputs);
    EXPECT_EQ(none.output("t"), "[]");
    EXPECT_EQ(none.result.state, RunResult::State::completed);
    const auto bound = run_whole(sub("each = \"text\"\nelements_max = 3\non_error = \"skip\"", list) + outputs);
    EXPECT_EQ(bound.state("s"), NodeState::failed);
    ASSERT_EQ(bound.result.problems.size(), 1u);
    EXPECT_EQ(bound.result.problems[0].error.reason(), "each-bound");
}

TEST(BodyPolicies, EachMayBeTriedAndLooped) {
    const std::string body = replaced(loop("max = 4\nuntil = \"size(value.text) >= 4\"\neach = \"text\"\nelements_max = 3\nretry = { max = 1, backoff = \"1ms\" }\non_error = \"skip\""), "text = \"x\"", "text = [\"a\", \"busy\", \"abc\"]");
    const auto ran = run_whole(body + output("o", "l.text") + output("n", "l.rounds"));
    EXPECT_EQ(ran.output("o"), "[a!!! abc!]");
    EXPECT_EQ(ran.output("n"), "[3 1]");
    EXPECT_EQ(ran.state("l/2/try-2/1/c"), NodeState::failed);
}

TEST(BodyPolicies, OnlySoManyElementsRunAtATime) {
    std::string list;
    for (int i = 0; i < 12; ++i) list += (i == 0 ? "[\"" : ", \"") + std::to_string(i) + "\"";
    std::mutex mutex;
    std::set<std::string> inside;
    std::size_t most = 0;
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        std::string element = plain(request.input["text"]);
        const bool ends = element.ends_with("!");
        if (ends) element.pop_back();
        {
            const std::lock_guard lock(mutex);
            inside.insert(element);
            most = std::max(most, inside.size());
            if (ends) inside.erase(element);
        }
        return answer(request);
    });
    const auto ran = run(whole_plan(std::string(head) + sub("each = \"text\"\nelements_max = 12\nparallel = 2", list + "]") + output("o", "s.text")), caller, settings());
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_LE(most, 2u) << "an element begins when one of those before it has ended";
    EXPECT_TRUE(ran.output("o").starts_with("[0!! 1!! 2!! "));
}

TEST(BodyPolicies, WhatWasSeenToIsNotRunAgain) {
    const std::string text = std::string(head) + sub("fallback = { text = \"none\" }", "\"fail\"") + "[nodes.z]\nplugin = \"disk\"\noperation = \"count\"\ninputs = { text = \"s.text\" }\n" + output("o", "z.text");
    const auto plan = whole_plan(text);
    const Temporary folder;
    const auto journal = open(folder.folder());
    std::atomic<bool> reached{false};
    const auto stops = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (plain(request.input["text"]) != "none") return answer(request);
        reached = true;
        return Error(Code::cancelled, "cancelled");
    });
    RunSettings how = settings();
    how.log = begin(*journal, *plan, text);
    run(plan, stops, how, Value(), [&] { return reached.load(); });
    how.log = nullptr;
    const auto second = std::make_shared<FakeCaller>(answer);
    how.log = resume(*journal, *plan);
    const auto ran = run(plan, second, how);
    EXPECT_EQ(ran.output("o"), "none!");
    EXPECT_EQ(second->calls.load(), 1) << "only what was stopped";
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
}

TEST(BodyPolicies, ABodyThatIsNotAPluginsCallHasOtherWords) {
    for (const std::string key : {"timeout = \"5s\"", "cache = \"never\"", "ttl = \"5s\"", "compensate = \"x\"", "quorum = 1", "finally = true", "use = { gpu = 1 }", "priority = 1"}) {
        const auto found = read_whole(std::string(head) + sub(key));
        ASSERT_NE(found.find("unknown-key"), nullptr) << key << manifests::format(found.diagnostics);
        EXPECT_NE(found.find("unknown-key")->hint.size(), 0u) << key;
    }
}

TEST(Bodies, AreChecked) {
    const std::pair<std::string, std::string> faults[] = {
        {loop("max = 3"), "missing-key"},
        {loop("until = \"true\""), "missing-key"},
        {loop("max = 3\nuntil = \"true\"\nwhile = \"true\""), "missing-key"},
        {loop("max = 0\nuntil = \"true\""), "bad-value"},
        {loop("max = 3\nuntil = \"else\""), "bad-expression"},
        {loop("max = 3\nuntil = \"value.(\""), "bad-expression"},
        {loop("max = 3\nuntil = \"true\"\non_bound = \"stop\""), "bad-value"},
        {loop("max = 3\nuntil = \"true\"\nfile = \"a.toml\""), "missing-key"},
        {loop("max = 3\nuntil = \"true\"\nmode = \"all\""), "unknown-key"},
        {loop("max = 3\nuntil = \"true\"") + output("o", "l.nothing"), "unknown-port"},
        {loop("max = 3\nuntil = \"true\"\neach = \"text\""), "missing-key"},
        {loop("max = 3\nuntil = \"true\"\nelements_max = 3"), "unknown-key"},
        {loop("max = 3\nuntil = \"true\"\neach = \"text\"\nelements_max = 0"), "bad-value"},
        {loop("max = 3\nuntil = \"true\"\neach = \"text\"\nelements_max = 3"), "type-mismatch"},
        {loop("max = 3\nuntil = \"true\"\neach = \"more\"\nelements_max = 3"), "missing-input"},
        {loop("max = 3\nuntil = \"true\"\nparallel = 3"), "unknown-key"},
        {loop("max = 3\nuntil = \"true\"\nfallback = { nothing = 1 }"), "unknown-port"},
        {loop("max = 3\nuntil = \"true\"\ndefault = { text = 1 }"), "type-mismatch"},
        {loop("max = 3\nuntil = \"true\"\nretry = { max = 101 }"), "bad-value"},
        {"[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\n", "missing-key"},
        {"[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\nfile = \"/etc/passwd\"\n", "bad-path"},
        {"[nodes.s]\ntype = \"control\"\noperation = \"workflow\"\nbody = { nodes = { }, workflow = { } }\n", "unknown-key"},
        {first + replaced(twice, "{ text = \"a.text\" }", "{ text = \"a.total\" }"), "type-mismatch"},
        {first + replaced(twice, "{ text = \"a.text\" }", "{ test = \"a.text\" }"), "unknown-port"},
        {first + replaced(twice, "inputs = { text = \"a.text\" }\n", ""), "missing-input"},
        {"[nodes.l]\ntype = \"control\"\noperation = \"loop\"\nmax = 2\nuntil = \"true\"\nwith = { text = \"x\" }\nbody = { inputs = { text = { type = \"text\" } }, nodes = { c = { plugin = \"text\", operation = \"count\", inputs = { text = "
         "\"$inputs.text\" } } }, outputs = { text = { from = \"c.total\" } } }\n", "type-mismatch"},
    };
    for (const auto& [body, reason] : faults) {
        SCOPED_TRACE(body);
        const auto found = read_whole(std::string(head) + body);
        EXPECT_TRUE(found.reasons().contains(reason)) << manifests::format(found.diagnostics);
    }
    Limits small;
    small.nodes_max = 20;
    EXPECT_TRUE(read_whole(std::string(head) + loop("max = 20\nuntil = \"true\"") + output("o", "l.text"), {}, small).reasons().contains("too-many-nodes"));
}

} // namespace
} // namespace symphony::tracker::test
