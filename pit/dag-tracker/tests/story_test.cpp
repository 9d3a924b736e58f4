// SPDX-License-Identifier: Apache-2.0
#include "story.hpp"

#include "metrics.hpp"
#include "rig.hpp"
#include "told_run.hpp"
#include "trace.hpp"

#include <random>

namespace symphony::tracker::test {
namespace {

constexpr std::int64_t ms = 1'000'000;

/// a, then b and c, which a merge joins for d.
constexpr std::string_view diamond = R"(
[workflow]
id = "w"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "list"
with = { n = 3 }
[nodes.b]
plugin = "text"
operation = "count"
each = "text"
inputs = { text = "a.items" }
[nodes.c]
plugin = "org.test.disk"
operation = "count"
inputs = { text = "a.count" }
[nodes.m]
type = "control"
operation = "merge"
mode = "named"
inputs = { b = "b.text", c = "c.text" }
[nodes.d]
plugin = "text"
operation = "join"
inputs = { a = "m.value" }
)";

TEST(Story, StartsFollowFromEndsAndFromHowLongTheyTook) {
    ToldRun told(diamond);
    told.ended("a", 10, 4).begun("c", 12).answered("b", 20).answered("b", 25).answered("b", 30).ended("b", 30, 20).ended("c", 90, 78).ended("d", 95, 3);
    const Story story = told.over(RunState::completed, 96);
    EXPECT_EQ(stint_of(story, "a").start_ns, 6 * ms);
    EXPECT_EQ(stint_of(story, "c").start_ns, 12 * ms);
    EXPECT_EQ(stint_of(story, "c").took_ns(), 78 * ms);
    EXPECT_EQ(stint_of(story, "b").answered_ms, (std::vector<std::uint32_t>{20, 25, 30}));
    EXPECT_EQ(story.span_ns, 96 * ms);
    EXPECT_EQ(critical(story), "a c d") << "the merge stands for c, which ended last";
    EXPECT_EQ(story.critical[0].wait_ns, 6 * ms);
    EXPECT_EQ(story.critical[1].wait_ns, 2 * ms);
    EXPECT_EQ(story.critical[2].wait_ns, 2 * ms);
    EXPECT_EQ(story.wait_ns(stint_of(story, "c")), 2 * ms);
    EXPECT_FALSE(story.wait_ns(stint_of(story, "a"))) << "it needs nothing";
}

TEST(Story, AStepDoesNotBeginBeforeWhatItWaitedFor) {
    ToldRun told(diamond);
    told.ended("a", 10, 4).ended("b", 10, 0.3).ended("c", 11, 0.9).ended("d", 11, 0.4);
    const Story story = told.over(RunState::completed, 12);
    EXPECT_EQ(stint_of(story, "b").start_ns, 10 * ms);
    EXPECT_GE(stint_of(story, "d").start_ns, stint_of(story, "c").end_ns);
    EXPECT_LT(stint_of(story, "d").end_ns, 12 * ms) << "moved by less than the millisecond that was cut off";
    EXPECT_EQ(critical(story), "a c d");
}

TEST(Story, PluginsAreThoseOnRecord) {
    ToldRun told(diamond);
    told.run.made_from.plugins = ValueBuilder().map().key("org.test.text").map().add("version", "1.4.0").end().key("org.test.disk").map().add("version", "0.9.3").end().end().build();
    told.ended("a", 10, 4).ended("c", 20, 4);
    const Story story = told.over(RunState::failed, 30);
    const auto find = [&](std::string_view name) { return *std::find_if(story.steps.begin(), story.steps.end(), [&](const auto& step) { return step.name == name; }); };
    EXPECT_EQ(find("a").plugin, "org.test.text");
    EXPECT_EQ(find("a").version, "1.4.0");
    EXPECT_EQ(find("c").plugin, "org.test.disk");
    EXPECT_EQ(find("c").version, "0.9.3");
    EXPECT_TRUE(find("b").each);
    EXPECT_EQ(find("m").kind, "merge");
    EXPECT_EQ(find("m").plugin, "");
}

TEST(Story, WhatWasUnderWayWhenARunDiedIsInterruptedAndTheTimeUntilItWentOnDoesNotCount) {
    ToldRun told(diamond);
    told.ended("a", 10, 4).begun("c", 12).answered("b", 40);
    told.part(2).begun("c", 3'600'050).ended("b", 3'600'100, 80).ended("c", 3'600'200, 150).ended("d", 3'600'300, 50);
    const Story story = told.over(RunState::completed, 3'600'310);
    ASSERT_EQ(story.parts.size(), 2u);
    EXPECT_EQ(story.parts[0].end_ns, 40 * ms);
    EXPECT_EQ(story.parts[1].start_ns, 3'600'020 * ms);
    EXPECT_EQ(story.busy_ns(), (40 + 290) * ms);
    std::size_t interrupted = 0;
    for (const Stint& stint : story.stints) {
        if (stint.state != StintState::interrupted) continue;
        ++interrupted;
        EXPECT_EQ(stint.part, 1u);
        EXPECT_EQ(stint.end_ns, 40 * ms);
    }
    EXPECT_EQ(interrupted, 2u);
    EXPECT_EQ(stint_of(story, "c").state, StintState::done);
    EXPECT_EQ(critical(story), "a c d");
    EXPECT_EQ(story.critical[1].wait_ns, 60 * ms) << "30 ms until the run died and 30 ms in the second part, but not the hour between";
}

TEST(Story, ARunThatGoesOnHasComeUntilNow) {
    ToldRun told(diamond);
    told.ended("a", 10, 4).begun("c", 12);
    const Story story = told.over(RunState::running, 500);
    EXPECT_EQ(stint_of(story, "c").state, StintState::running);
    EXPECT_EQ(stint_of(story, "c").end_ns, 500 * ms);
    EXPECT_EQ(story.span_ns, 500 * ms);
}

TEST(Story, WhatWasUnderWayWhenARunWasCancelledIsCancelled) {
    ToldRun told(diamond);
    told.ended("a", 10, 4).begun("c", 12);
    EXPECT_EQ(stint_of(told.over(RunState::cancelled, 40), "c").state, StintState::cancelled);
}

TEST(Story, AClockThatJumpsHarmsNobody) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 200; ++round) {
        ToldRun told(diamond);
        const auto when = [&]() -> std::int64_t {
            const std::int64_t far[] = {0, -5, -4'000'000'000'000, 9'000'000'000'000, 1'000, 1ll << 62};
            return random() % 4 == 0 ? far[random() % 6] : static_cast<std::int64_t>(random() % 1000);
        };
        for (const std::string_view node : {"a", "b", "c", "d", "gone"}) {
            if (random() % 2 == 0) told.begun(node, when() / 4);
            if (random() % 2 == 0) told.answered(node, when() / 4);
            if (random() % 3 != 0) told.ended(node, when() / 4, static_cast<double>(when()) / 1e3);
            if (random() % 5 == 0) told.part(static_cast<std::uint32_t>(1 + random() % 4));
        }
        const Story story = told.over(static_cast<RunState>(1 + random() % 5), when() / 4);
        for (const Stint& stint : story.stints) {
            EXPECT_GE(stint.start_ns, 0);
            EXPECT_GE(stint.end_ns, stint.start_ns);
        }
        for (const auto& step : story.critical) EXPECT_GE(step.wait_ns, 0);
        EXPECT_GE(story.busy_ns(), 0);
        EXPECT_TRUE(Value::check(chrome_trace(story).bytes()));
        EXPECT_TRUE(Value::check(otlp_spans(story).bytes()));
    }
}

TEST(Story, AWorkflowThatCannotBeReadAnyMoreStillHasItsSteps) {
    ToldRun told("nothing that anybody can read");
    told.ended("a", 10, 4).ended("b", 30, 4, NodeState::failed, 2, {{no_id, "", Error(Code::plugin_failed, "broken", "cannot")}});
    const Story story = told.over(RunState::failed, 40);
    ASSERT_EQ(story.steps.size(), 2u);
    EXPECT_EQ(story.steps[0].kind, "");
    EXPECT_EQ(critical(story), "b");
    EXPECT_EQ(story.counts()[static_cast<std::size_t>(StintState::failed)], 1u);
}

TEST(Story, ADeepChainIsOnePath) {
    constexpr int count = 10'000;
    std::string text(head);
    for (int i = 0; i < count; ++i) text += "[nodes.n" + std::to_string(i) + "]\nplugin=\"text\"\noperation=\"join\"\n" + (i == 0 ? "" : "inputs={a=\"n" + std::to_string(i - 1) + ".text\"}\n");
    ToldRun told(text);
    for (int i = 0; i < count; ++i) told.ended("n" + std::to_string(i), i + 1, 1);
    const Story story = told.over(RunState::completed, count);
    EXPECT_EQ(story.critical.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(story.critical.back().wait_ns, 0);
}

// ---- traces ----

TEST(Trace, IdsFollowFromNamesAndAreNeverEqual) {
    EXPECT_EQ(trace_id_of("r1"), trace_id_of("r1"));
    EXPECT_EQ(trace_id_of("r1").size(), 32u);
    std::set<std::string> ids;
    for (const std::string_view run : {"r1", "r2", ""}) {
        for (const std::string_view node : {"", "a", "b", "ab"}) {
            for (std::uint32_t attempt = 0; attempt < 3; ++attempt) ids.insert(span_id_of(run, node, attempt));
        }
    }
    EXPECT_EQ(ids.size(), 36u);
    for (const auto& id : ids) EXPECT_EQ(id.size(), 16u);
}

TEST(Trace, StepsAtTheSameTimeHaveThreadsOfTheirOwn) {
    ToldRun told(diamond);
    told.ended("a", 100, 90).ended("b", 200, 90).ended("c", 200, 95).ended("d", 300, 50);
    const Value trace = chrome_trace(told.over(RunState::completed, 310));
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> at;
    for (const auto event : trace["traceEvents"].items()) {
        if (event["ph"].as_text() == "X") at[std::string(event["name"].as_text())] = {event["pid"].as_uint(), event["tid"].as_uint()};
    }
    EXPECT_EQ(at["a"].first, at["b"].first) << "one plugin";
    EXPECT_NE(at["b"].first, at["c"].first) << "two plugins";
    EXPECT_EQ(at["a"].second, at["d"].second) << "one after the other";
}

// ---- metrics ----

TEST(Metrics, LabelsAreEscapedAndBounded) {
    EXPECT_EQ(metrics_label("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    Metrics metrics;
    for (int i = 0; i < 300; ++i) {
        ToldRun told(std::string(head) + "[nodes.n]\nplugin=\"p" + std::to_string(i) + "\"\noperation=\"x\"\n");
        told.run.summary.workflow = "w" + std::to_string(i);
        told.ended("n", 10, 4);
        metrics.add(told.over(RunState::completed, 20));
    }
    const std::string text = metrics.text();
    const auto count = [&](std::string_view what) {
        std::size_t found = 0;
        for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++found;
        return found;
    };
    EXPECT_EQ(count("\nsymphony_steps{"), Metrics::labels_max + 1);
    EXPECT_EQ(count("\nsymphony_runs{"), Metrics::labels_max + 1);
    EXPECT_NE(text.find("symphony_steps{plugin=\"other\",state=\"done\"} 236\n"), std::string::npos);
    EXPECT_NE(text.find("symphony_step_duration_seconds_bucket{plugin=\"p0\",le=\"0.001\"} 0\n"), std::string::npos);
    EXPECT_NE(text.find("symphony_step_duration_seconds_bucket{plugin=\"p0\",le=\"0.005\"} 1\n"), std::string::npos);
    EXPECT_NE(text.find("symphony_step_duration_seconds_bucket{plugin=\"p0\",le=\"+Inf\"} 1\n"), std::string::npos);
}

} // namespace
} // namespace symphony::tracker::test
