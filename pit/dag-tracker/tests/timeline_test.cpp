// SPDX-License-Identifier: Apache-2.0
#include "timeline.hpp"

#include "markup.hpp"
#include "run_view.hpp"
#include "rig.hpp"
#include "told_run.hpp"

#include <symphony/json.hpp>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

namespace symphony::tracker::test {
namespace {

/// Every kind of step, two parts, retries, problems.
constexpr std::string_view sample = R"(
[workflow]
id = "w"
name = "Texts & <pictures> of a \"folder\""
version = "1.2.0"
[nodes.walk]
plugin = "files"
operation = "walk"
[nodes.read]
plugin = "files"
operation = "read"
each = "file"
inputs = { file = "walk.texts" }
[nodes.recognise]
type = "instrument"
plugin = "tesseract"
operation = "recognise"
each = "image"
inputs = { image = "walk.images" }
[nodes.texts]
type = "control"
operation = "merge"
mode = "concat"
inputs = { read = "read.text", recognised = "recognise.text" }
[nodes.count]
plugin = "text"
operation = "count"
inputs = { texts = "texts.value" }
[nodes.publish-to-everybody-who-asked-for-it]
plugin = "net"
operation = "put"
inputs = { body = "count.terms" }
[nodes.tell]
plugin = "net"
operation = "put"
inputs = { body = "count.terms" }
[nodes.maybe]
plugin = "text"
operation = "match"
inputs = { texts = "read.text" }
)";

Story sample_story() {
    ToldRun told(sample);
    told.run.made_from.plugins = ValueBuilder().map().key("org.symphony.files").map().add("version", "1.0.0").end().key("org.symphony.tesseract").map().add("version", "1.0.0").end()
                                     .key("org.symphony.text").map().add("version", "1.3.0").end().key("org.example.net").map().add("version", "0.4.1").end().end().build();
    told.ended("walk", 140, 120);
    for (int i = 0; i < 40; ++i) told.answered("read", 160 + i * 12);
    for (int i = 0; i < 9; ++i) told.begun("recognise", 141 + i * 150).answered("recognise", 290 + i * 160);
    told.ended("read", 640, 499, NodeState::completed, 2, {{no_id, "a/b.txt", Error(Code::io, "unreadable", "cannot be read", "check its permissions")}});
    told.begun("recognise", 1600);
    told.ended("maybe", 700, 12, NodeState::skipped);
    told.part(2);
    for (int i = 0; i < 12; ++i) told.begun("recognise", 7'260'000 + i * 100).answered("recognise", 7'260'120 + i * 104);
    told.ended("recognise", 7'261'300, 1300, NodeState::completed, 3);
    told.ended("count", 7'261'410, 105);
    told.ended("publish-to-everybody-who-asked-for-it", 7'261'900, 480, NodeState::failed, 4, {{no_id, "", Error(Code::io, "no-route", "the host </title><script>alert(1)</script> does not answer")}});
    told.begun("tell", 7'261'411);
    return told.over(RunState::failed, 7'262'000);
}

/// Tags that are open are closed, in their order; attributes are in quotes; nothing is a stranger's tag.
void expect_well_formed(std::string_view text) {
    std::vector<std::string> open;
    for (std::size_t at = text.find('<'); at != std::string_view::npos; at = text.find('<', at)) {
        const std::size_t end = text.find('>', at);
        ASSERT_NE(end, std::string_view::npos);
        const std::string_view tag = text.substr(at + 1, end - at - 1);
        at = end;
        if (tag.starts_with("!")) continue;
        ASSERT_EQ(std::count(tag.begin(), tag.end(), '"') % 2, 0) << tag;
        ASSERT_EQ(tag.find('<'), std::string_view::npos) << tag;
        const std::string name(tag.substr(tag.starts_with('/') ? 1 : 0, tag.find_first_of(" /\n", 1) - (tag.starts_with('/') ? 1 : 0)));
        ASSERT_NE(name, "script");
        if (tag.starts_with('/')) {
            ASSERT_FALSE(open.empty()) << tag;
            ASSERT_EQ(open.back(), name);
            open.pop_back();
        } else if (!tag.ends_with('/') && name != "meta") {
            open.push_back(name);
        }
    }
    EXPECT_TRUE(open.empty()) << open.back();
}

void expect_loads_nothing(std::string text) {
    for (const std::string_view own : {"http://www.w3.org/2000/svg"}) {
        for (std::size_t at; (at = text.find(own)) != std::string::npos;) text.erase(at, own.size());
    }
    for (const std::string_view outside : {"http:", "https:", "//", "@import", "src=", "data:"}) EXPECT_EQ(text.find(outside), std::string::npos) << outside;
}

class Utc {
public:
    Utc() {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
};

/// Set SYMPHONY_RENEW_GOLDEN to write the picture anew, then look at it.
TEST(Timeline, IsAsItWas) {
    const Utc utc;
    const std::string path = SYMPHONY_TRACKER_DIR "/tests/timeline.svg";
    const std::string drawn = timeline_svg(sample_story());
    if (std::getenv("SYMPHONY_RENEW_GOLDEN") != nullptr) std::ofstream(path) << drawn;
    std::ifstream file(path);
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(drawn, golden.str());
}

TEST(Timeline, PicturesAndPagesAreWellFormedAndLoadNothing) {
    for (const std::string& text : {timeline_svg(sample_story()), timeline_html(sample_story())}) {
        expect_well_formed(text);
        expect_loads_nothing(text);
        EXPECT_NE(text.find("Texts &amp; &lt;pictures&gt; of a &quot;folder&quot;"), std::string::npos);
        for (const std::string_view word : {"interrupted", "failed", "skipped", "cancelled", "3 attempts", "stood still for 2 h", "aria-labelledby", "prefers-color-scheme:dark"}) {
            EXPECT_NE(text.find(word), std::string::npos) << word;
        }
    }
}

TEST(Timeline, StrangersTextStaysText) {
    const std::string hostile = "</title><script>\"'&\x01\xff\xEF\xBF\xBF\u202E";
    const std::string clean = escaped(hostile);
    EXPECT_EQ(clean, "&lt;/title&gt;&lt;script&gt;&quot;&#39;&amp; \uFFFD  ");
    ToldRun told("[workflow]\nid=\"w\"\nversion=\"1.0.0\"\nname=\"<!--]]>&amp;<script>\\u202E\\u0001\"\n[nodes.a]\nplugin=\"</text><x\"\noperation=\"\\\"onload=\\\"\"\n");
    told.run.summary.path = told.run.made_from.path = "w<script>.toml";
    told.ended("a", 10, 4, NodeState::failed, 1, {{no_id, hostile, Error(Code::io, "x", hostile, hostile)}});
    const Story story = told.over(RunState::failed, 20);
    expect_well_formed(timeline_svg(story));
    expect_well_formed(timeline_html(story));
    const std::string text = timeline_text(story, 80, false);
    EXPECT_EQ(text.find('\x01'), std::string::npos);
    EXPECT_EQ(text.find("\u202E"), std::string::npos);
}

/// Ten thousand steps of many plugins, some of which failed with many problems.
Story crowd() {
    std::string text(head);
    constexpr int count = 10'000;
    for (int i = 0; i < count; ++i) text += "[nodes.n" + std::to_string(i) + "]\nplugin=\"plugin-" + std::to_string(i % 40) + "\"\noperation=\"join\"\n" + (i < 100 ? "" : "inputs={a=\"n" + std::to_string(i - 100) + ".text\"}\n");
    ToldRun told(text);
    for (int i = 0; i < count; ++i) {
        std::vector<Problem> problems;
        if (i % 7 == 0) problems.assign(20, {no_id, std::string(300, 'p'), Error(Code::io, "x", std::string(2000, 'm'))});
        told.ended("n" + std::to_string(i), 10 + i / 100 * 10, 4 + i % 90 / 10.0, i % 7 == 0 ? NodeState::failed : NodeState::completed, 1, std::move(problems));
    }
    return told.over(RunState::failed, 1020);
}

TEST(RunView, IsOneFileThatLoadsNothingAndStrangersTextCannotEndItsScript) {
    Findings findings{"w.toml"};
    auto workflow = parse_workflow("w.toml", sample, Limits{}, findings);
    ASSERT_TRUE(workflow);
    compile(*workflow);
    const std::string page = run_view(sample_story(), &*workflow);
    expect_loads_nothing(page);
    std::size_t scripts = 0;
    for (std::size_t at = 0; (at = page.find("<script", at)) != std::string::npos; ++at) ++scripts;
    EXPECT_EQ(scripts, 2u) << "the data and the program";
    EXPECT_NE(page.find("data-node=\"recognise\""), std::string::npos);
    const auto from = page.find("id=\"run\">") + 9;
    const auto data = parse_json(page.substr(from, page.find("</script>", from) - from));
    ASSERT_TRUE(data) << data.error().message();
    EXPECT_EQ((*data)["stints"].size(), sample_story().stints.size());
    EXPECT_NE(page.find("\\u003c/title\\u003e\\u003cscript\\u003e"), std::string::npos);
    EXPECT_LT(run_view(crowd(), nullptr).size(), 8'000'000u);
}

TEST(Timeline, ALargeRunIsABoundedPicture) {
    const Story story = crowd();
    const Timeline timeline = arrange(story);
    std::size_t rows = 0, crowds = 0, steps = 0;
    for (const auto& lane : timeline.lanes) {
        rows += lane.rows.size();
        crowds += lane.crowd.empty() ? 0 : 1;
        steps += lane.rows.size() + lane.crowd_steps;
    }
    EXPECT_LE(timeline.lanes.size(), 24u);
    EXPECT_EQ(rows, 48u);
    EXPECT_EQ(steps, 10'000u) << "none is forgotten";
    EXPECT_GT(crowds, 0u);
    const std::string svg = timeline_svg(story), html = timeline_html(story);
    EXPECT_LT(svg.size(), 400'000u);
    EXPECT_LT(html.size(), 1'500'000u);
    expect_well_formed(svg);
    EXPECT_LT(timeline_text(story, 100, false).size(), 40'000u);
}

TEST(Timeline, FailedAndCriticalStepsHaveRowsOfTheirOwn) {
    std::string text(head);
    for (int i = 0; i < 1000; ++i) text += "[nodes.n" + std::to_string(i) + "]\nplugin=\"text\"\noperation=\"join\"\n";
    ToldRun told(text);
    for (int i = 0; i < 1000; ++i) told.ended("n" + std::to_string(i), 10 + i, 4, i == 501 ? NodeState::failed : NodeState::completed);
    const Story story = told.over(RunState::failed, 2000);
    const Timeline timeline = arrange(story, {.rows_max = 12, .rows_crowded = 10});
    std::set<std::string> shown_steps;
    for (const auto& row : timeline.lanes.front().rows) shown_steps.insert(story.steps[row.step].name);
    EXPECT_EQ(shown_steps.size(), 10u);
    EXPECT_TRUE(shown_steps.contains("n501"));
    EXPECT_TRUE(shown_steps.contains("n999"));
}

TEST(Timeline, TheScaleIsCutWhereTheRunStoodStill) {
    const Story story = sample_story();
    const TimeScale scale(story, 0, 1000);
    ASSERT_EQ(scale.cuts().size(), 1u);
    EXPECT_GT(scale.cuts()[0].from, 300);
    EXPECT_LT(scale.cuts()[0].to, 700);
    EXPECT_DOUBLE_EQ(scale.at(0), 0);
    EXPECT_DOUBLE_EQ(scale.at(story.span_ns), 1000);
    double before = -1;
    for (std::int64_t ns = 0; ns <= story.span_ns; ns += story.span_ns / 997) {
        EXPECT_GE(scale.at(ns), before);
        before = scale.at(ns);
    }
    const auto ticks = scale.ticks(8);
    ASSERT_GT(ticks.size(), 4u);
    EXPECT_EQ(ticks[0].label, "0");
    EXPECT_EQ(ticks.back().label.front(), '+') << "behind a cut";
}

TEST(Timeline, TicksAreRound) {
    const auto labels = [](std::int64_t span_ms) {
        ToldRun told("x");
        told.ended("a", span_ms, 1);
        std::string all;
        for (const auto& tick : TimeScale(told.over(RunState::completed, span_ms), 0, 1000).ticks(5)) all += (all.empty() ? "" : ", ") + tick.label;
        return all;
    };
    EXPECT_EQ(labels(4), "0, 1 ms, 2 ms, 3 ms, 4 ms");
    EXPECT_EQ(labels(950), "0, 200 ms, 400 ms, 600 ms, 800 ms");
    EXPECT_EQ(labels(7'600), "0, 2 s, 4 s, 6 s");
    EXPECT_EQ(labels(200'000), "0, 1 min, 2 min, 3 min");
    EXPECT_EQ(labels(9'000'000), "0, 30 min, 1 h, 1 h 30, 2 h, 2 h 30");
}

TEST(Timeline, ARunWithoutAnyStepIsDrawnToo) {
    ToldRun told(sample);
    const Story story = told.over(RunState::interrupted, 0);
    expect_well_formed(timeline_svg(story));
    expect_well_formed(timeline_html(story));
    EXPECT_NE(timeline_text(story, 0, false).find("nothing is on record yet"), std::string::npos);
}

TEST(Timeline, ATerminalGetsNoLineThatIsTooLongAndNoControlCharacters) {
    for (const std::size_t columns : {20u, 60u, 80u, 133u, 1000u}) {
        std::istringstream lines(timeline_text(sample_story(), columns, false));
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(characters(line), std::clamp<std::size_t>(columns, 60, 200)) << line;
            EXPECT_EQ(std::count_if(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }), 0) << line;
        }
    }
}

} // namespace
} // namespace symphony::tracker::test
