// SPDX-License-Identifier: Apache-2.0
#include <symphony/json.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace symphony {
namespace {

void expect_same(std::string_view json) {
    SCOPED_TRACE(json);
    const auto value = parse_json(json);
    ASSERT_TRUE(value) << value.error().message();
    EXPECT_TRUE(Value::check(value->bytes()));
    const auto printed = print_json(*value);
    ASSERT_TRUE(printed) << printed.error().message();
    EXPECT_EQ(*printed, json);
}

void expect_refused(std::string_view json, std::string_view reason) {
    SCOPED_TRACE(json);
    const auto value = parse_json(json);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().reason(), reason) << value.error().message();
}

TEST(Json, ComesBackAsItWas) {
    expect_same(R"({"a":[-9223372036854775808,18446744073709551615,0.1,"é",true,null,{}],"b":{"$bytes":"AP8="}})");
    expect_same("[]");
    expect_same("\"x\"");
}

TEST(Json, RefusesWhatItCannotKeep) {
    expect_refused("18446744073709551616", "number-out-of-range");
    expect_refused(R"({"a":1,"a":2})", "duplicate-key");
    expect_refused("\"\xFF\"", "bad-json");
    expect_refused("[1,", "bad-json");
    expect_refused(R"({"$bytes":"A"})", "bad-base64");
    expect_refused(R"({"$bytes":"AB=="})", "bad-base64"); // stray bits
    expect_refused(std::string(200, '['), "too-deep");
}

TEST(Json, RefusesValuesThatAreNoJson) {
    EXPECT_EQ(print_json(ValueBuilder().number(std::numeric_limits<double>::infinity()).build()).error().reason(), "not-json");
    EXPECT_EQ(to_json(ValueBuilder().bytes({}).build(), JsonBytes::refuse).error().reason(), "not-json");
    EXPECT_EQ(to_json(ValueBuilder().map().add("$bytes", "x").end().build()).error().reason(), "reserved-key");
    EXPECT_EQ(from_json(nlohmann::json("\xFF")).error().reason(), "bad-utf8");
}

} // namespace
} // namespace symphony
