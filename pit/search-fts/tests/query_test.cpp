// SPDX-License-Identifier: Apache-2.0
#include "period.hpp"
#include "query.hpp"
#include "vectors.hpp"

#include <gtest/gtest.h>

using namespace symphony::search;

namespace {

void expect_parsed(const std::string& query, const std::string& expected) {
    SCOPED_TRACE(query);
    const auto node = parse_query(query);
    ASSERT_TRUE(node) << node.error().message();
    EXPECT_EQ(to_text(*node), expected);
}

void expect_refused(const std::string& query, const std::string& reason, std::uint64_t at) {
    SCOPED_TRACE(query);
    const auto node = parse_query(query);
    ASSERT_FALSE(node) << to_text(*node);
    EXPECT_EQ(node.error().reason(), reason);
    EXPECT_EQ(node.error().code(), symphony::Code::invalid_argument);
    EXPECT_FALSE(node.error().hint().empty());
    const std::string place = at == 0 ? "query" : "(at byte " + std::to_string(at) + ")";
    EXPECT_NE(node.error().message().find(place), std::string::npos) << node.error().message();
}

} // namespace

TEST(Query, IsReadAsTheTableSays) {
    for (const auto& item : vectors().at("queries")) expect_parsed(item.at("query"), item.at("parsed"));
}

TEST(Query, IsRefusedAsTheTableSays) {
    for (const auto& item : vectors().at("errors")) expect_refused(item.at("query"), item.at("reason"), item.value("at", std::uint64_t{0}));
}

TEST(Query, WantsTheWordsThatAreNotExcluded) {
    const auto node = parse_query("fox -(dog cat) (name:bird OR NOT NOT cow) tag:x");
    ASSERT_TRUE(node);
    std::vector<std::string> wanted;
    for (const Node* words : wanted_words(*node)) wanted.push_back(words->words.front());
    EXPECT_EQ(wanted, (std::vector<std::string>{"fox", "bird", "cow"}));
}

TEST(Period, EndsWhereTheNextBegins) {
    EXPECT_EQ(parse_period("1999-12-31")->to_ms, parse_period("2000")->from_ms);
    EXPECT_EQ(parse_period("2000-02-29")->to_ms, parse_period("2000-03")->from_ms);
    EXPECT_EQ(parse_period("9999-12-31")->to_ms, 253402300800000u);
    EXPECT_FALSE(parse_period("2100-02-29"));
    EXPECT_FALSE(parse_period("2100-2"));
    EXPECT_FALSE(parse_period("2100-02-01x"));
}
