// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

namespace {

TEST(Normalise, BringsTextIntoTheFormAsked) {
    expect_output("normalise", R"({"text":"e\u0301"})", R"({"text":"\u00e9"})");
    expect_output("normalise", R"({"text":"\u00e9","form":"NFD"})", R"({"text":"e\u0301"})");
    expect_output("normalise", R"({"text":"\ufb01 \u2460","form":"NFKC"})", R"({"text":"fi 1"})");
    expect_output("normalise", R"({"text":"\ufb01 \u00e9","form":"NFKD"})", R"({"text":"fi e\u0301"})");
    expect_output("normalise", R"({"text":""})", R"({"text":""})");
}

TEST(Normalise, FoldsCaseForComparing) {
    expect_output("normalise", R"({"text":"Stra\u00dfe \u03a3\u03c2","fold_case":true})", R"({"text":"strasse \u03c3\u03c3"})");
}

TEST(Normalise, CollapsesEveryKindOfBlank) {
    expect_output("normalise", R"({"text":"  a \t\n b\u00a0\u2003c \u3000","collapse_blanks":true})", R"({"text":"a b c"})");
    expect_output("normalise", R"({"text":" \n ","collapse_blanks":true})", R"({"text":""})");
}

TEST(Normalise, GivesTheSameWhereverLongTextIsCut) {
    std::string text;
    std::string expected;
    while (text.size() < (3u << 20)) {
        text += "e\u0301";
        expected += "é";
    }
    symphony::ValueBuilder input;
    input.map().add("text", text).end();
    const auto result = run("normalise", input.build().view());
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_TRUE((*result)["text"].as_text() == expected);
}

TEST(Normalise, RefusesOtherForms) {
    expect_refused("normalise", R"({"text":"","form":"nfc"})", "bad-choice", R"(normalise: input "form" is "nfc", not NFC, NFD, NFKC or NFKD)");
    expect_refused("normalise", R"({"text":"","fold_case":"yes"})", "wrong-kind", R"(normalise: input "fold_case" is text, not boolean)");
}

} // namespace
