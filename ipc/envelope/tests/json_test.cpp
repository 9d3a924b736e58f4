// SPDX-License-Identifier: Apache-2.0
#include "codecs.hpp"
#include "generate.hpp"

#include <symphony/json.hpp>

#include <gtest/gtest.h>

namespace symphony::ipc {
namespace {

std::string written(ValueView value) {
    OutBuffer out;
    const auto status = json::write_value(out, value);
    return status ? std::string(out.text()) : "refused: " + status.error().message();
}
Result<Value> parsed(std::string_view text) {
    json::Reader reader;
    return reader.read_value(Buffer::copy(text));
}

/// JSON text that stands for itself.
void expect_same(std::string_view text) {
    const auto value = parsed(text);
    ASSERT_TRUE(value) << text << ": " << value.error().message();
    EXPECT_EQ(written(*value), text);
}
void expect_refused(std::string_view text, std::string_view reason, std::string_view words) {
    const auto value = parsed(text);
    ASSERT_FALSE(value) << text.substr(0, 100);
    EXPECT_EQ(value.error().reason(), reason) << value.error().message();
    EXPECT_NE(value.error().message().find(words), std::string::npos) << value.error().message();
}

TEST(Json, NumbersKeepTheirKindAndTheirDigits) {
    for (const auto* text : {"0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1.0", "-0.0", "0.1", "1e+300", "5e-324",
                             "1.7976931348623157e+308", "[]", "{}", "[[],{\"a\":{}}]", "true", "false", "null"}) {
        expect_same(text);
    }
    EXPECT_EQ(written(*parsed("1e2")), "100.0");
    EXPECT_EQ(written(*parsed("-0")), "0");
}

TEST(Json, NumbersThatDoNotFitAreRefused) {
    expect_refused("18446744073709551616", "number-out-of-range", "18446744073709551616");
    expect_refused("[-9223372036854775809]", "number-out-of-range", "-9223372036854775809");
    expect_refused("1e999", "number-out-of-range", "byte");
    expect_refused("01", "bad-json", "byte");
    expect_refused("NaN", "bad-json", "byte");
}

TEST(Json, TextIsEscapedAsTheRfcAsks) {
    std::string all;
    for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
    for (const std::string& text : {all, all + all.substr(3) + "🙂" + all, std::string(600, '\n'), std::string(1, '"'), std::string(7, 'x') + "\"" + std::string(8, 'y')}) {
        const Value value = ValueBuilder().text(text).build();
        EXPECT_EQ(written(value), nlohmann::json(text).dump());
        EXPECT_TRUE(*parsed(written(value)) == value);
    }
    EXPECT_EQ(written(*parsed("\"\\u00e9\\ud83d\\ude42\\/\"")), "\"é🙂/\"");
}

TEST(Json, TextThatIsNotUnicodeIsRefused) {
    expect_refused("\"\xFF\"", "bad-utf8", "byte 1");
    expect_refused("[\"ok\",\"\xED\xA0\x80\"]", "bad-utf8", "byte 7");
    for (const auto* text : {R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")", R"("\ud800x")"}) expect_refused(text, "bad-json", "byte");
}

TEST(Json, AKeyTwiceIsRefusedInAnyOrder) {
    expect_refused(R"({"a":1,"a":2})", "duplicate-key", "\"a\"");
    expect_refused(R"([{"b":1,"c":2,"a":1,"\u0062":2}])", "duplicate-key", "\"b\"");
}

TEST(Json, BytesAreBase64AndStrict) {
    const Value value = ValueBuilder().bytes(bytes_of(std::string_view("\x00\x01\xFE\xFF", 4))).build();
    EXPECT_EQ(written(value), R"({"$bytes":"AAH+/w=="})");
    expect_same(R"({"$bytes":""})");
    expect_same(R"([{"$bytes":"AA=="},{"$bytes":"AAA="},{"$bytes":"AAAA"}])");
    for (const auto* text : {"A", "AB==", "AAB=", "====", "A===", "AA=A", "AA==AAAA", "AAA\\n"}) {
        expect_refused(R"({"$bytes":")" + std::string(text) + "\"}", "bad-base64", "$bytes");
    }
    EXPECT_TRUE(parsed(R"({"$bytes":"A","more":1})")) << "two members are a map";
}

TEST(Json, WhatItCannotSayIsNotWritten) {
    for (const double number : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_EQ(written(ValueBuilder().list().number(number).end().build()), "refused: JSON has no way to say infinity or NaN");
    }
    EXPECT_EQ(written(ValueBuilder().map().add("$bytes", "AA==").end().build()), "refused: JSON has no way to say a map whose one key is \"$bytes\": it would read as bytes");
}

TEST(Json, HostileTextIsRefusedBeforeItCosts) {
    expect_refused("", "bad-json", "");
    expect_refused(std::string(200'000, '['), "bad-json", "byte");
    expect_refused(std::string(200'000, '[') + std::string(200'000, ']'), "too-deep", "128");
    expect_refused(std::string(129, '[') + std::string(129, ']'), "too-deep", "128");
    EXPECT_TRUE(parsed(std::string(128, '[') + std::string(128, ']')));
    expect_refused("[1,]", "bad-json", "byte 4");
    expect_refused("1 2", "bad-json", "byte");
    expect_refused(std::string("\"a\0b\"", 5), "bad-json", "byte");
    json::Reader reader;
    const auto large = reader.read_value(bytes_of(std::string(1001, ' ')), 1000);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().reason(), "too-large");
}

TEST(Json, AgreesWithTheTreeOfTheSdk) {
    constexpr std::uint64_t seed = 9;
    testing::Generator generator(seed);
    for (int i = 0; i < 2000; ++i) {
        const Value value = generator.value();
        const std::string text = written(value);
        const auto through_tree = parse_json(text);
        ASSERT_TRUE(through_tree) << "seed " << seed << " value " << i << ": " << through_tree.error().message();
        ASSERT_TRUE(*through_tree == value) << "seed " << seed << " value " << i << "\n" << text;
        const auto back = parsed(*print_json(value, 1));
        ASSERT_TRUE(back) << "seed " << seed << " value " << i << ": " << back.error().message();
        ASSERT_TRUE(*back == value) << "seed " << seed << " value " << i;
    }
}

TEST(Json, AReaderIsGoodForManyMessagesOfAllSizes) {
    json::Reader reader;
    for (const std::size_t size : {std::size_t{1}, std::size_t{3} << 20, std::size_t{10}, std::size_t{1} << 20, std::size_t{5000}}) {
        const Value value = ValueBuilder().list().text(std::string(size, 'x')).integer(1).end().build();
        const auto back = reader.read_value(bytes_of(written(value)));
        ASSERT_TRUE(back) << size << ": " << back.error().message();
        EXPECT_TRUE(*back == value) << size;
    }
}

} // namespace
} // namespace symphony::ipc
