// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include <chrono>

namespace {

symphony::Result<symphony::Value> find(std::string_view text, const std::vector<std::string>& patterns, int most = 100) {
    symphony::ValueBuilder input;
    input.map().add("text", text).add("max_matches", most).key("patterns").list();
    for (const std::string& pattern : patterns) input.text(pattern);
    return run("match", input.end().end().build().view());
}

/// Matches as "line:column:pattern" one after the other.
void expect_found(std::string_view text, const std::vector<std::string>& patterns, std::string_view places) {
    SCOPED_TRACE(text);
    const auto result = find(text, patterns);
    ASSERT_TRUE(result) << result.error().message();
    std::string found;
    for (const symphony::ValueView match : (*result)["matches"].items()) {
        found += (found.empty() ? "" : " ") + std::to_string(match["line"].as_uint()) + ":" + std::to_string(match["column"].as_uint()) + ":" +
                 std::string(match["pattern"].as_text());
    }
    EXPECT_EQ(found, places);
}

TEST(Match, FindsLiteralsWithLineAndColumn) {
    expect_found("one two\ntwo", {"two"}, "1:5:two 2:1:two");
    expect_found("äö two\n\n  two", {"two"}, "1:4:two 3:3:two");
    expect_found("aaaa", {"aa"}, "1:1:aa 1:3:aa");
    expect_found("a.c abc", {"a.c"}, "1:1:a.c");
    expect_found("", {"x"}, "");
}

TEST(Match, FindsExpressionsLineByLine) {
    expect_found("Ab\nab b", {"/^a/"}, "2:1:/^a/");
    expect_found("Ab\nab b", {"/^a/i"}, "1:1:/^a/i 2:1:/^a/i");
    expect_found("x1 x22", {R"(/x\d+/)"}, R"(1:1:/x\d+/ 1:4:/x\d+/)");
    expect_found("äxä", {"/x*/"}, "1:2:/x*/");
    expect_found("Привет", {R"(/\p{Cyrillic}+/)"}, R"(1:1:/\p{Cyrillic}+/)");
}

TEST(Match, TakesPathsLiterally) {
    expect_found("see /usr/lib or /", {"/usr/lib", "/"}, "1:5:/usr/lib 1:5:/ 1:9:/ 1:17:/");
}

TEST(Match, OrdersByPlaceThenPattern) {
    expect_found("b a b", {"b", "a", "/./"}, "1:1:b 1:1:/./ 1:2:/./ 1:3:a 1:3:/./ 1:4:/./ 1:5:b 1:5:/./");
}

TEST(Match, CountsEverythingAlsoWhatItDoesNotShow) {
    const auto result = find("a b a b a", {"b", "a", "z"}, 3);
    ASSERT_TRUE(result);
    EXPECT_EQ(*symphony::print_json((*result)["counts"]), R"({"a":3,"b":2,"z":0})");
    EXPECT_EQ((*result)["total"].as_uint(), 5u);
    EXPECT_EQ((*result)["matches"].size(), 3u);
    EXPECT_EQ((*result)["matches"].at(1)["pattern"].as_text(), "b");
    EXPECT_TRUE((*result)["truncated"].as_bool());
}

TEST(Match, ShowsTheLineAroundAMatchWithoutControlCharacters) {
    expect_output("match", R"({"texts":[{"path":"p","text":"x\nsay\tneedle\u001b now\r\ny"}],"patterns":["needle"]})",
                  R"({"matches":[{"path":"p","line":2,"column":5,"pattern":"needle","excerpt":"say needle  now","begin":4,"length":6}],"counts":{"needle":1},"total":1,"truncated":false})");
    std::string line;
    for (int i = 0; i < 200; ++i) line += "ж";
    const auto result = find(line + "needle" + line, {"needle"});
    ASSERT_TRUE(result);
    const std::string_view excerpt = (*result)["matches"].at(0)["excerpt"].as_text();
    EXPECT_LE(excerpt.size(), 170u);
    EXPECT_TRUE(symphony::is_valid_utf8(excerpt));
    EXPECT_NE(excerpt.find("жneedleж"), std::string_view::npos);
}

TEST(Match, SurvivesExpressionsThatBlowUpElsewhere) {
    const std::string text(1 << 20, 'a');
    for (const std::string pattern : {"/(a+)+$b/", "/(a|aa)+c/", "/(.*)(.*)(.*)(.*)x/", "/(a?){50}a{50}c/", R"(/\C\C/)"}) {
        EXPECT_TRUE(find(text, {pattern})) << pattern;
    }
    expect_found("äö", {R"(/\C/)"}, R"(1:1:/\C/ 1:2:/\C/)");
}

TEST(Match, RefusesBadPatternsByTheirPlace) {
    expect_refused("match", R"({"text":"","patterns":["a",""]})", "bad-pattern", R"(match: input "patterns": item 1 is empty)");
    expect_refused("match", R"({"text":"","patterns":["a","a"]})", "bad-pattern", R"(match: input "patterns": item 1 repeats "a")");
    expect_refused("match", R"({"text":"","patterns":["/(a/"]})", "bad-pattern", R"(match: input "patterns": item 0 "/(a/": missing ): (?m)(a)");
    expect_refused("match", R"({"text":"","patterns":["/(a)\\1/"]})", "bad-pattern", R"(match: input "patterns": item 0 "/(a)\1/": invalid escape sequence: \1)");
    expect_refused("match", R"({"text":""})", "missing-input", R"(match: input "patterns" is missing)");
    expect_refused("match", R"({"text":"","patterns":"a"})", "wrong-kind", R"(match: input "patterns" is text, not list)");
    std::string huge = "/";
    for (int i = 0; i < 3; ++i) huge += "(" + std::string(1000, 'a') + "){1000}";
    const auto result = find("a", {huge + "/"});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), "bad-pattern");
}

} // namespace
