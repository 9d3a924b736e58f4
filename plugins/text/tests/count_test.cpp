// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

namespace {

/// `terms` as "term=count/files term=count/files ...".
void expect_terms(std::string_view input, std::string_view terms) {
    SCOPED_TRACE(input);
    const auto result = run("count", input);
    ASSERT_TRUE(result) << result.error().message();
    std::string found;
    for (const symphony::ValueView term : (*result)["terms"].items()) {
        found += (found.empty() ? "" : " ") + std::string(term["term"].as_text()) + "=" + std::to_string(term["count"].as_uint()) + "/" +
                 std::to_string(term["files"].as_uint());
    }
    EXPECT_EQ(found, terms);
}

TEST(Count, PutsTheMostFrequentFirstAndEqualOnesByName) {
    expect_terms(R"({"text":"b a c a B a"})", "a=3/1 b=2/1 c=1/1");
    expect_terms(R"({"text":""})", "");
}

TEST(Count, CountsFilesOnceForEachTerm) {
    expect_terms(R"({"texts":[{"path":"1","text":"x x y"},{"path":"2","text":"x"},{"path":"3","text":""}]})", "x=3/2 y=1/1");
}

TEST(Count, TakesOneFormForAllWaysOfWriting) {
    expect_terms(R"({"text":"\u00c9t\u00e9 e\u0301te\u0301 \u00e9t\u00e9"})", "été=3/1");
}

TEST(Count, LeavesOutNumbersStopWordsAndShortTerms) {
    expect_terms(R"({"text":"12 3.5 a1 the Cat and THE hat","stop_words":["the","AND"]})", "a1=1/1 cat=1/1 hat=1/1");
    expect_terms(R"({"text":"the cat sat on it and it isn't","stop_words":["@english","sat"]})", "cat=1/1");
    expect_terms(R"({"text":"a ab abc \u00e9t \u00e9t\u00e9","min_length":3})", "abc=1/1 été=1/1");
}

TEST(Count, SaysTotalsPerFileAndWhatIsNotShown) {
    expect_output("count", R"({"texts":[{"path":"a","text":"x y 1"},{"path":"b","text":"x"}],"top":1})",
                  R"({"terms":[{"term":"x","count":2,"files":2}],"total_words":4,"distinct":2,"truncated":true,
                      "files":[{"path":"a","words":3},{"path":"b","words":1}]})");
    expect_output("count", R"({"text":"x"})",
                  R"({"terms":[{"term":"x","count":1,"files":1}],"total_words":1,"distinct":1,"truncated":false,"files":[{"path":"","words":1}]})");
}

TEST(Count, TakesNoDataForTerms) {
    const std::string blob(1000, 'A');
    symphony::ValueBuilder input;
    input.map().add("text", "x " + blob).end();
    const auto result = run("count", input.build().view());
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["distinct"].as_uint(), 1u);
    EXPECT_EQ((*result)["total_words"].as_uint(), 2u);
}

TEST(Count, KeepsManyTermsApart) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += "w" + std::to_string(i) + " ";
    symphony::ValueBuilder input;
    input.map().add("text", text + text).add("top", 1'000'000).end();
    const auto result = run("count", input.build().view());
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["distinct"].as_uint(), 100'000u);
    EXPECT_FALSE((*result)["truncated"].as_bool());
    for (const symphony::ValueView term : (*result)["terms"].items()) ASSERT_EQ(term["count"].as_uint(), 2u) << term["term"].as_text();
}

TEST(Count, RefusesWrongInputsByName) {
    expect_refused("count", "{}", "missing-input", R"(count: input "text" or "texts" is missing)");
    expect_refused("count", R"({"texts":{}})", "wrong-kind", R"(count: input "texts" is map, not list)");
    expect_refused("count", R"({"texts":[{"path":"a","text":"x"},7]})", "wrong-kind", R"(count: input "texts": item 1 is integer, not map {path, text})");
    expect_refused("count", R"({"texts":[{"path":"a"}]})", "wrong-kind", R"(count: input "texts": item 0 has no text "text")");
    expect_refused("count", R"({"text":"","stop_words":["a",null]})", "wrong-kind", R"(count: input "stop_words": item 1 is null, not text)");
    expect_refused("count", R"({"text":"","stop_words":["@klingon"]})", "bad-choice", R"(count: input "stop_words" names the list "@klingon"; there is only @english)");
    expect_refused("count", R"({"text":"","top":-1})", "out-of-range", R"(count: input "top" is -1, not in 1 to 1000000)");
    expect_refused("count", R"({"text":"","top":2.5})", "wrong-kind", R"(count: input "top" is number, not integer)");
}

} // namespace
