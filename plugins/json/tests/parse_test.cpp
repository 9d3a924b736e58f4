// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include <limits>

namespace {

using symphony::Value;
using symphony::ValueBuilder;

symphony::Result<Value> parse(std::string_view text) {
    return run("parse", ValueBuilder().map().add("text", text).end().build().view());
}
/// Parsed and printed again, which sorts keys.
void expect_value(std::string_view text, std::string_view printed) {
    SCOPED_TRACE(text);
    const auto result = parse(text);
    ASSERT_TRUE(result) << result.error().message();
    ASSERT_TRUE(Value::check(result->bytes()));
    const auto again = run("format", ValueBuilder().map().add("value", (*result)["value"]).end().build().view());
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ((*again)["text"].as_text(), printed);
}
void expect_bad(std::string_view text, std::string_view reason, std::string_view message) {
    SCOPED_TRACE(text.substr(0, 100));
    const auto result = parse(text);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), reason);
    EXPECT_EQ(result.error().message(), "parse: input \"text\": " + std::string(message));
}

TEST(Parse, KeepsEveryValueExactly) {
    expect_value(R"( {"b": [1, -2, 3.5, true, false, null, "ä\u00e4\n"], "a": {}} )", R"({"a":{},"b":[1,-2,3.5,true,false,null,"ää\n"]})");
    expect_value("18446744073709551615", "18446744073709551615");
    expect_value("-9223372036854775808", "-9223372036854775808");
    expect_value("0.1", "0.1");
    expect_value("[1E2, 5e-324, -0.0]", "[100.0,5e-324,-0.0]");
}

TEST(Parse, ReadsBytesBack) {
    expect_value(R"({"x":{"$bytes":"AAEC"},"y":[{"$bytes":""}]})", R"({"x":{"$bytes":"AAEC"},"y":[{"$bytes":""}]})");
    EXPECT_TRUE((*parse(R"({"x":{"$bytes":"AAEC"}})"))["value"]["x"].is_bytes());
    EXPECT_TRUE((*parse(R"({"$bytes":"AAEC","other":1})"))["value"].is_map());
    EXPECT_TRUE((*parse(R"({"$bytes":1})"))["value"].is_map());
    expect_bad(R"({"$bytes":"?"})", "bad-base64", "a \"$bytes\" map: text is not base64");
}

TEST(Parse, SaysLineAndColumnOfWhatIsWrong) {
    expect_bad("", "bad-json", "line 1, column 1: syntax error while parsing value - unexpected end of input; expected '[', '{', or a literal");
    expect_bad("{\n  \"ä\": x}", "bad-json", "line 2, column 8: syntax error while parsing value - invalid literal; last read: '\"ä\": x'");
    expect_bad("[1,]", "bad-json", "line 1, column 4: syntax error while parsing value - unexpected ']'; expected '[', '{', or a literal");
    expect_bad("1 2", "bad-json", "line 1, column 3: syntax error while parsing value - unexpected number literal; expected end of input");
}

TEST(Parse, RefusesWhatJsonLeavesOpen) {
    expect_bad("{\"a\":1,\n \"b\":2, \"a\":3}", "duplicate-key", "line 2, column 9: key \"a\" is there twice");
    expect_bad(R"({"x":[{"q\"":1,"q\"":2}]})", "duplicate-key", "line 1, column 16: key \"q\"\" is there twice");
    expect_bad("[1, 18446744073709551616]", "number-out-of-range", "line 1, column 5: integer 18446744073709551616 does not fit 64 bits");
    expect_bad("-99999999999999999999", "number-out-of-range", "line 1, column 1: integer -99999999999999999999 does not fit 64 bits");
    expect_bad("[0, 1e999]", "number-out-of-range", "line 1, column 5: number 1e999 does not fit a double");
    expect_bad(std::string(101, '['), "too-deep", "line 1, column 101: more than 100 lists and maps in each other");
    EXPECT_TRUE(parse(std::string(100, '[') + std::string(100, ']')));
}

TEST(Parse, EndsOnHostileText) {
    for (const std::string& text : {std::string(2'000'000, '['), std::string(1'000'000, '"'), "\"" + std::string(1'000'000, '\\'), std::string("[1,2"), std::string("{\"a\":"),
                                    std::string("nul"), std::string("\"\\ud800\""), std::string("01"), std::string("+1"), std::string("NaN"), std::string("// c\n1"), std::string("\0", 1)}) {
        const auto result = parse(text);
        ASSERT_FALSE(result) << text.substr(0, 40);
        EXPECT_LE(result.error().message().size(), 400u);
    }
}

TEST(Parse, FindsDuplicatesAmongManyKeys) {
    std::string text = "{";
    for (int i = 0; i < 50'000; ++i) text += (i > 0 ? ",\"k" : "\"k") + std::to_string(i * 7919 % 50'000) + "\":0";
    EXPECT_TRUE(parse(text + "}"));
    const auto result = parse(text + ",\"k77\":1}");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), "duplicate-key");
}

TEST(Parse, StopsWhenCancelled) {
    std::string text = "[0";
    for (int i = 0; i < 100'000; ++i) text += ",0";
    const auto result = json::apply("parse", ValueBuilder().map().add("text", text + "]").end().build(), [] { return true; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), symphony::Code::cancelled);
}

TEST(Format, PrintsSortedAndIndentedAsAsked) {
    expect_output("format", R"({"value":{"b":1,"a":[1,{}]}})", R"({"text":"{\"a\":[1,{}],\"b\":1}"})");
    expect_output("format", R"({"value":{"b":1,"a":[]},"pretty":true})", R"({"text":"{\n  \"a\": [],\n  \"b\": 1\n}"})");
    expect_output("format", R"({"value":null})", R"({"text":"null"})");
    expect_refused("format", R"({})", "missing-input", R"(format: input "value" is missing)");
    expect_refused("format", R"({"value":1,"pretty":1})", "wrong-kind", R"(format: input "pretty" is integer, not boolean)");
    const auto result = run("format", ValueBuilder().map().add("value", std::numeric_limits<double>::infinity()).end().build().view());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), R"(format: input "value": JSON has no number for infinity or NaN)");
}

TEST(Parse, RefusesWrongInputsByName) {
    expect_refused("parse", "{}", "missing-input", R"(parse: input "text" is missing)");
    expect_refused("parse", R"({"text":[]})", "wrong-kind", R"(parse: input "text" is list, not text)");
    expect_refused("guess", "{}", "unknown-operation", R"(there is no operation "guess")");
}

} // namespace
