// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"
#include "remedies.hpp"

namespace report {
namespace {

using test::input;

void expect_refused(std::string_view json, std::string_view reason, std::string_view in_message) {
    SCOPED_TRACE(json);
    const auto value = input(json);
    const auto facts = Facts::of(value);
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.error().reason(), reason);
    EXPECT_NE(facts.error().message().find(in_message), std::string::npos) << facts.error().message();
}

TEST(Facts, WrongInputsAreNamedWithTheirPlace) {
    expect_refused(R"({"files":1})", "wrong-kind", "files");
    expect_refused(R"({"files":[{}, 7]})", "wrong-kind", "item 1");
    expect_refused(R"({"problems":["x"]})", "wrong-kind", "problems");
    expect_refused(R"({"problems":[["x"]]})", "wrong-kind", "problems");
    expect_refused(R"({"title":5})", "wrong-kind", "title");
    expect_refused(R"({"counts":[]})", "wrong-kind", "counts");
    expect_refused(R"({"flies":[]})", "unknown-input", "flies");
    expect_refused("[]", "wrong-kind", "map");
}

TEST(Facts, EverythingMayBeMissing) {
    const auto value = input(R"({"files":null})");
    const auto facts = Facts::of(value);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->title, "Survey");
    EXPECT_FALSE(facts->mean_confidence());
}

TEST(Facts, SortsProblemsAndDropsTheSecondPath) {
    const auto value = input(R"({"problems":[{"path":"b","severity":"note","reason":"empty","message":"is empty"},
        [{"path":"a/x","reason":"io","message":"read: \"a/x\": cannot read"},{"path":"a","severity":"warning","reason":"w","message":"a story"}],
        {"path":"a","reason":"io","message":"a: gone","hint":"look"}]})");
    const auto facts = Facts::of(value);
    ASSERT_TRUE(facts);
    std::string told;
    for (const Problem& problem : facts->problems) told += std::string(name_of(problem.severity)) + " " + std::string(problem.path) + ": " + problem.message + "; ";
    EXPECT_EQ(told, "error a: gone; error a/x: cannot read; warning a: a story; note b: is empty; ");
    EXPECT_EQ(facts->problems[0].remedy, "look");
    EXPECT_FALSE(facts->problems[1].remedy.empty());
}

TEST(Facts, CountsAreExactEvenWhenMatchesAreCut) {
    const auto value = input(R"({"counts":{"a":7,"b":9,"c":0},"matches":[{"pattern":"a","path":"p","excerpt":"a"}]})");
    const auto facts = Facts::of(value);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->match_count, 16u);
    ASSERT_EQ(facts->patterns.size(), 3u);
    EXPECT_EQ(facts->patterns[0].pattern, "b");
}

TEST(Facts, AMatchOutsideItsExcerptIsNotMarked) {
    const auto value = input(R"({"matches":[{"pattern":"a","path":"p","excerpt":"abc","begin":2,"length":5},{"pattern":"a","path":"p","excerpt":"\u00e9","begin":1,"length":1}]})");
    const auto facts = Facts::of(value);
    ASSERT_TRUE(facts);
    for (const Match& match : facts->patterns[0].matches) EXPECT_EQ(match.length, 0u);
}

TEST(Facts, TextsAreMapsOrPathsBesideTheirLines) {
    const auto value = input(R"({"files":[{"path":"a"},{"path":"b"},{"path":"c"}],"texts":["a",{"path":"b","lines":5},"c"],"lines":[3,4]})");
    const auto facts = Facts::of(value);
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->texts, 3u);
    EXPECT_EQ(facts->files[0].lines, 3u);
    EXPECT_EQ(facts->files[1].lines, 5u);
    EXPECT_EQ(facts->files[2].lines, std::nullopt);
    EXPECT_EQ(facts->files[2].outcome, "read");
    expect_refused(R"({"texts":[1]})", "wrong-kind", "texts");
}

TEST(Facts, EveryReasonHasARemedy) {
    for (const char* reason : {"image-broken", "empty", "never-heard-of", ""}) EXPECT_FALSE(remedy_for(reason).empty());
}

TEST(Survey, RefusesOtherOperationsAndStops) {
    EXPECT_EQ(apply("draw", symphony::Value(), [] { return false; }).error().reason(), "unknown-operation");
    EXPECT_EQ(apply("survey", input("{}"), [] { return true; }).error().code(), symphony::Code::cancelled);
}

} // namespace
} // namespace report
