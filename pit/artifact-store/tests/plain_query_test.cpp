// SPDX-License-Identifier: Apache-2.0
#include "plain_query.hpp"

#include <gtest/gtest.h>

namespace symphony::store {
namespace {

const std::vector<std::string> tags{"monthly", "final draft"};
const std::vector<std::string> inputs{"aa11", "bb22"};
constexpr std::uint64_t may_2026_ms = 1'777'636'800'000; // 2026-05-01 12:00 UTC
const PlainDocument document{"9f86d081884c", "reports/Sales May.txt", "text/plain", tags, inputs, may_2026_ms};

void expect_match(std::string_view text, bool expected) {
    SCOPED_TRACE(text);
    const auto query = PlainQuery::parse(text);
    ASSERT_TRUE(query) << query.error().message();
    EXPECT_EQ(query->matches(document), expected);
}

void expect_refused(std::string_view text, std::string_view reason, std::string_view place) {
    SCOPED_TRACE(text);
    const auto query = PlainQuery::parse(text);
    ASSERT_FALSE(query);
    EXPECT_EQ(query.error().reason(), reason);
    EXPECT_NE(query.error().message().find(place), std::string::npos) << query.error().message();
}

TEST(PlainQuery, FindsWordsOfTheNameAndTags) {
    expect_match("", true);
    expect_match("sales", true);
    expect_match("SALES may", true);
    expect_match("sale", false);
    expect_match("sal*", true);
    expect_match("\"sales may\"", true);
    expect_match("\"may sales\"", false);
    expect_match("monthly", true);
    expect_match("9f86d0", true);
    expect_match("9f8", false);
    expect_match("name:monthly", false);
    expect_match("text:sales", false);
}

TEST(PlainQuery, HoldsFieldsAgainstWhatIsKnown) {
    expect_match("tag:monthly", true);
    expect_match("tag:month", false);
    expect_match("tag:mon*", true);
    expect_match("tag:\"final draft\"", true);
    expect_match("type:text/plain", true);
    expect_match("type:text/*", true);
    expect_match("input:bb22", true);
    expect_match("input:cc33", false);
}

TEST(PlainQuery, KnowsYearsMonthsDaysAndSpans) {
    expect_match("date:2026", true);
    expect_match("date:2026-05", true);
    expect_match("date:2026-05-01", true);
    expect_match("date:2026-05-02", false);
    expect_match("date:2026-04..2026-05", true);
    expect_match("date:2026-05-02..", false);
    expect_match("date:..2026-05-01", true);
    expect_match("date:..2026-04", false);
}

TEST(PlainQuery, BindsNotBeforeAndBeforeOr) {
    expect_match("sales -tag:monthly", false);
    expect_match("NOT nothing", true);
    expect_match("nothing OR sales", true);
    expect_match("nothing OR nobody sales", false);
    expect_match("(nothing OR sales) may", true);
    expect_match("sales AND may", true);
    expect_match("-(sales OR may)", false);
    expect_match("--sales", true);
    expect_match("sales ()", false);
}

TEST(PlainQuery, NamesThePlaceOfAFault) {
    expect_refused("sales (may", "bad-query", "byte 11");
    expect_refused("sales)", "bad-query", "byte 6");
    expect_refused("\"open", "bad-query", "quotation mark");
    expect_refused("colour:red", "bad-query", "\"colour\"");
    expect_refused("tag:", "bad-query", "tag:");
    expect_refused("date:yesterday", "bad-query", "no date");
    expect_refused("date:2026-13", "bad-query", "no date");
    expect_refused("a OR", "bad-query", "byte 5");
    expect_refused("\xFF", "bad-query", "UTF-8");
}

TEST(PlainQuery, IsBounded) {
    expect_refused(std::string(5000, 'a'), "query-too-large", "4096");
    expect_refused(std::string(200, '(') + "a" + std::string(200, ')'), "query-too-large", "deep");
    expect_refused(std::string(200, '-') + "a", "query-too-large", "deep");
    std::string many;
    for (int i = 0; i < 65; ++i) many += "a ";
    expect_refused(many, "query-too-large", "64 terms");
}

} // namespace
} // namespace symphony::store
