// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/types.hpp>

#include <gtest/gtest.h>

namespace symphony::manifests {
namespace {

Type type(std::string_view text) {
    const auto found = Type::parse(text);
    EXPECT_TRUE(found) << text;
    return found ? *found : Type();
}

void expect_fit(std::string_view to, std::string_view from, Fit expected) {
    EXPECT_EQ(fit(type(to), type(from)), expected) << to << " from " << from;
    EXPECT_EQ(accepts(type(to), type(from)), expected != Fit::never);
}

TEST(Type, ReadsAndPrints) {
    for (const auto* text : {"any", "boolean", "integer", "number", "text", "bytes", "list", "map", "list<text>", "map<integer>?",
                             "list<map<list<number>>>", "any?", "list<list>", "map<list>?"}) {
        EXPECT_EQ(type(text).text(), text);
    }
    EXPECT_EQ(type("list<any>"), type("list"));
    EXPECT_EQ(type("map<any>?").text(), "map?");
    EXPECT_EQ(type("map<list<text>>").kind(), Type::Kind::map);
    EXPECT_EQ(type("map<list<text>>").element(), type("list<text>"));
    EXPECT_EQ(type("list").element(), Type());
    EXPECT_EQ(type("text").element(), Type());
    EXPECT_TRUE(type("text?").optional());
    EXPECT_EQ(type("text?").as_optional(false), type("text"));
}

TEST(Type, RefusesWhatIsNone) {
    for (const auto* text : {"", "?", "string", "Text", "list<>", "list<text", "list text>", "list<text?>", "text??", "map<text,text>",
                             "list<text>>", "text ", "set<text>", "text<list>"}) {
        SCOPED_TRACE(text);
        const auto found = Type::parse(text);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().reason(), "bad-type");
    }
    EXPECT_EQ(Type::parse("intger").error().hint(), "did you mean \"integer\"?");
}

TEST(Type, NestsSixteenDeepAndNoDeeper) {
    std::string text = "text";
    for (unsigned i = 0; i < Type::nesting_max; ++i) text = "list<" + text + ">";
    EXPECT_EQ(type(text).text(), text);
    EXPECT_FALSE(Type::parse("map<" + text + ">"));
}

TEST(Fit, FollowsTheTypes) {
    expect_fit("text", "text", Fit::always);
    expect_fit("text", "integer", Fit::never);
    expect_fit("number", "integer", Fit::always);
    expect_fit("integer", "number", Fit::never);
    expect_fit("bytes", "text", Fit::never);
    expect_fit("text", "list<text>", Fit::never);
    expect_fit("list", "map", Fit::never);
}

TEST(Fit, IsCovariantInElements) {
    expect_fit("list<number>", "list<integer>", Fit::always);
    expect_fit("list<integer>", "list<number>", Fit::never);
    expect_fit("map<list<number>>", "map<list<integer>>", Fit::always);
    expect_fit("list", "list<text>", Fit::always);
    expect_fit("list<text>", "list", Fit::when_run);
    expect_fit("list<text>", "map<text>", Fit::never);
}

TEST(Fit, TakesAnyAndLeavesTheRestToTheRun) {
    expect_fit("any", "map<bytes>", Fit::always);
    expect_fit("any", "any", Fit::always);
    expect_fit("text", "any", Fit::when_run);
}

TEST(Fit, LetsAValueBeMissingOnlyWhereThatIsAllowed) {
    expect_fit("text?", "text", Fit::always);
    expect_fit("text?", "text?", Fit::always);
    expect_fit("text", "text?", Fit::never);
    expect_fit("any", "text?", Fit::never);
    expect_fit("any?", "text?", Fit::always);
}

} // namespace
} // namespace symphony::manifests
