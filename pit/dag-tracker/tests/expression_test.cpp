// SPDX-License-Identifier: Apache-2.0
#include "expression.hpp"

#include <gtest/gtest.h>

namespace symphony::tracker {
namespace {

Value sample() {
    ValueBuilder out;
    out.map().add("n", 3).add("big", std::uint64_t{18446744073709551615u}).add("x", 2.5).add("t", "abc").add("no", false).key("nothing").null();
    out.key("l").list().integer(10).text("b").end();
    out.key("m").map().add("deep key", 1).end();
    return out.end().build();
}

void expect_holds(std::string_view text, bool expected) {
    SCOPED_TRACE(text);
    const auto parsed = Expression::parse(text);
    ASSERT_TRUE(parsed) << parsed.error().message();
    const Value inputs = ValueBuilder().map().add("mode", "full").end().build();
    EXPECT_EQ(parsed->holds(sample(), inputs), expected);
}

void expect_refused(std::string_view text, std::string_view words) {
    SCOPED_TRACE(text.substr(0, 80));
    const auto parsed = Expression::parse(text);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().reason(), "bad-expression");
    EXPECT_NE(parsed.error().message().find(words), std::string::npos) << parsed.error().message();
}

TEST(Expression, ComparesNumbersByValue) {
    expect_holds("value.n == 3", true);
    expect_holds("value.n == 3.0", true);
    expect_holds("value.x < value.n", true);
    expect_holds("value.n >= 3 and value.n <= 3", true);
    expect_holds("value.big > 9223372036854775807", true);
    expect_holds("value.n > -1", true);
}

TEST(Expression, ComparesTextsByBytesAndKindsNever) {
    expect_holds("value.t == \"abc\"", true);
    expect_holds("value.t < 'abd'", true);
    expect_holds("value.t == 3", false);
    expect_holds("value.t != 3", true);
    expect_holds("value.t < 3", false);
    expect_holds("value.no == false", true);
    expect_holds("value.nothing == null", true);
}

TEST(Expression, WalksPaths) {
    expect_holds("value.l[0] == 10", true);
    expect_holds("value.l[1] == \"b\"", true);
    expect_holds("value.m[\"deep key\"] == 1", true);
    expect_holds("value.gone.further[7] == null", true);
    expect_holds("inputs.mode == \"full\"", true);
}

TEST(Expression, KnowsExistsAndSize) {
    expect_holds("exists(value.n)", true);
    expect_holds("exists(value.nothing)", false);
    expect_holds("exists(value.gone)", false);
    expect_holds("size(value.l) == 2", true);
    expect_holds("size(value.t) > 2", true);
    expect_holds("size(value.n) == 0", true);
    expect_holds("size(value) == 8 and not (size(value.l) > 2)", true);
}

TEST(Expression, JoinsConditionsWithTheUsualPrecedence) {
    expect_holds("false and false or true", true);
    expect_holds("false and (false or true)", false);
    expect_holds("not false and not not true", true);
    expect_holds("true or value.gone.x == 1", true);
    expect_holds("value.t", true);
    expect_holds("value.no", false);
    expect_holds("value.nothing", false);
    expect_holds("0", true);
}

TEST(Expression, SaysWhereItIsWrong) {
    expect_refused("", "the text ends at column 1");
    expect_refused("value.n = 3", "equality is \"==\"");
    expect_refused("foo == 1", "starts with \"value\" or \"inputs\" at column 1");
    expect_refused("value. == 1", "after \".\"");
    expect_refused("value.n == 3 3", "at column 14");
    expect_refused("(value.n", "expected \")\"");
    expect_refused("\"open", "closing quote");
    expect_refused("size value", "expected \"(\"");
    expect_refused("1 == 2 == 3", "expected an operator or the end");
    expect_refused("value[-1]", "index");
    expect_refused("else or true", "stands alone");
    expect_refused("1e999", "number");
}

TEST(Expression, IsBoundedInLengthAndDepth) {
    expect_refused(std::string(5000, ' '), "longer than");
    expect_refused(std::string(1000, '(') + "1" + std::string(1000, ')'), "levels");
    std::string nots;
    for (int i = 0; i < 1000; ++i) nots += "not ";
    expect_holds(nots + "true", true);
    std::string ors = "false";
    for (int i = 0; i < 400; ++i) ors += " or false";
    expect_holds(ors, false);
    std::string path = "value";
    for (int i = 0; i < 40; ++i) path += ".a";
    expect_refused(path, "steps");
}

TEST(Expression, ElseIsOnItsOwn) {
    const auto parsed = Expression::parse(" else ");
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->is_else());
}

} // namespace
} // namespace symphony::tracker
