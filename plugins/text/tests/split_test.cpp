// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

namespace {

void expect_parts(std::string_view by, std::string_view text, std::string_view parts) {
    symphony::ValueBuilder input;
    input.map().add("text", text).add("by", by).end();
    const auto result = run("split", input.build().view());
    SCOPED_TRACE(std::string(by) + ": " + std::string(text));
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(*symphony::print_json((*result)["parts"]), parts);
    EXPECT_EQ((*result)["count"].as_uint(), (*result)["parts"].size());
    EXPECT_FALSE((*result)["truncated"].as_bool());
}

TEST(Split, EndsLinesAtEveryKindOfLineEnd) {
    expect_parts("lines", "", "[]");
    expect_parts("lines", "one", R"(["one"])");
    expect_parts("lines", "one\n", R"(["one"])");
    expect_parts("lines", "one\r\ntwo\rthree\n\nfour", R"(["one","two","three","","four"])");
    expect_parts("lines", "\n\n", R"(["",""])");
}

TEST(Split, FindsWordsInManyScripts) {
    expect_parts("words", "The quick (\"brown\") fox can't jump 32.3 feet, right?",
                 R"(["The","quick","brown","fox","can't","jump","32.3","feet","right"])");
    expect_parts("words", "std::regex foo_bar __ a.b 1,5 _x", R"(["std","regex","foo_bar","a.b","1,5","_x"])");
    expect_parts("words", "Größe, naïve l'été: Привет", R"(["Größe","naïve","l'été","Привет"])");
    expect_parts("words", "こんにちは 世界", R"(["こんにちは","世界"])");
    expect_parts("words", "สวัสดีชาวโลก", R"(["สวัสดี","ชาว","โลก"])");
    expect_parts("words", " \n\t.,;—… 🙂 ", "[]");
}

TEST(Split, FindsSentencesAcrossWrappedLines) {
    expect_parts("sentences", "One is here. Two\ngoes on! Is it three?\n\nA heading\n\nLast", R"(["One is here.","Two goes on!","Is it three?","A heading","Last"])");
    expect_parts("sentences", "Pi is 3.14 here. これは文です。次の文。", R"(["Pi is 3.14 here.","これは文です。","次の文。"])");
    expect_parts("sentences", "\n \n", "[]");
}

TEST(Split, SaysWhenItStopsAtTheLimit) {
    expect_output("split", R"({"text":"a b c","by":"words","max_parts":2})", R"({"parts":["a","b"],"count":2,"truncated":true})");
    expect_output("split", R"({"text":"a b","by":"words","max_parts":2})", R"({"parts":["a","b"],"count":2,"truncated":false})");
    expect_output("split", R"({"text":"a\nb","by":"lines","max_parts":1})", R"({"parts":["a"],"count":1,"truncated":true})");
}

TEST(Split, RefusesWrongInputsByName) {
    expect_refused("split", R"({"by":"words"})", "missing-input", R"(split: input "text" is missing)");
    expect_refused("split", R"({"text":1,"by":"words"})", "wrong-kind", R"(split: input "text" is integer, not text)");
    expect_refused("split", R"({"text":"","by":"pages"})", "bad-choice", R"(split: input "by" is "pages", not lines, words or sentences)");
    expect_refused("split", R"({"text":"","by":"words","max_parts":0})", "out-of-range", R"(split: input "max_parts" is 0, not in 1 to 10000000)");
    expect_refused("split", R"({"text":"","by":"words","limit":1})", "unknown-input", R"(split: there is no input "limit")");
    expect_refused("split", R"([])", "wrong-kind", R"(split: inputs are list, not map)");
    expect_refused("shred", R"({})", "unknown-operation", R"(there is no operation "shred")");
}

TEST(Split, StopsWhenCancelled) {
    for (const std::string_view by : {"lines", "words", "sentences"}) {
        symphony::ValueBuilder input;
        input.map().add("text", "One. Two.").add("by", by).end();
        const auto result = text::apply("split", input.build(), [] { return true; });
        ASSERT_FALSE(result) << by;
        EXPECT_EQ(result.error().code(), symphony::Code::cancelled);
    }
}

} // namespace
