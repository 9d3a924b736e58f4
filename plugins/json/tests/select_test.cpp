// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

namespace {

using symphony::ValueBuilder;

constexpr std::string_view shop = R"({"books":[{"title":"A","price":1},{"title":"B","tags":["x","y"]}],"a/b":{"~":{"*":7}},"n":null,"":0})";

void expect_found(std::string_view path, std::string_view paths, std::string_view values) {
    SCOPED_TRACE(path);
    const auto result = run("select", ValueBuilder().map().add("value", from_text(shop)).add("path", path).end().build().view());
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(*symphony::print_json((*result)["paths"]), paths);
    EXPECT_EQ(*symphony::print_json((*result)["values"]), values);
    EXPECT_TRUE(symphony::equal((*result)["value"], (*result)["values"].at(0)));
}

TEST(Select, FollowsAPointer) {
    expect_found("/books/0/title", R"(["/books/0/title"])", R"(["A"])");
    expect_found("/books/1/tags/1", R"(["/books/1/tags/1"])", R"(["y"])");
    expect_found("/a~1b/~0/~2", R"(["/a~1b/~0/~2"])", "[7]");
    expect_found("/n", R"(["/n"])", "[null]");
    expect_found("/", R"(["/"])", "[0]");
    expect_output("select", R"({"value":5,"path":""})", R"({"value":5,"values":[5],"paths":[""],"count":1,"truncated":false})");
}

TEST(Select, TakesEveryMemberForAStar) {
    expect_found("/books/*/title", R"(["/books/0/title","/books/1/title"])", R"(["A","B"])");
    expect_found("/a~1b/*/*", R"(["/a~1b/~0/~2"])", "[7]");
    expect_found("/books/*/nothing", "[]", "[]");
}

TEST(Select, TakesEveryDepthForTwoStars) {
    expect_found("/**/title", R"(["/books/0/title","/books/1/title"])", R"(["A","B"])");
    expect_found("/**/**/tags/**/1", R"(["/books/1/tags/1"])", R"(["y"])");
    expect_found("/books/1/tags/**", R"(["/books/1/tags","/books/1/tags/0","/books/1/tags/1"])", R"([["x","y"],"x","y"])");
}

TEST(Select, GivesTheDefaultForNothing) {
    expect_output("select", R"({"value":{},"path":"/a","default":[1]})", R"({"value":[1],"values":[],"paths":[],"count":0,"truncated":false})");
    expect_output("select", R"({"value":{"a":null},"path":"/a","default":1})", R"({"value":null,"values":[null],"paths":["/a"],"count":1,"truncated":false})");
}

TEST(Select, SaysWhatIsThereInstead) {
    expect_refused("select", R"({"value":{"a":{"x":1,"y":2}},"path":"/a/z"})", "nothing-there", R"(select: there is no "z" at "/a", which is a map with the keys x, y)");
    expect_refused("select", R"({"value":[1,2],"path":"/2"})", "nothing-there", R"(select: there is no "2" at "", which is a list of 2)");
    expect_refused("select", R"({"value":[1,2],"path":"/01"})", "nothing-there", R"(select: there is no "01" at "", which is a list of 2)");
    expect_refused("select", R"({"value":{"a":1},"path":"/a/b"})", "nothing-there", R"(select: there is no "b" at "/a", which is an integer)");
    expect_refused("select", R"({"value":{},"path":"a"})", "bad-path", R"(select: input "path" does not begin with /)");
    expect_refused("select", R"({"value":{},"path":"/~3"})", "bad-path", R"(select: input "path" has a ~ that is not ~0, ~1 or ~2)");
    expect_refused("select", R"({"path":"/a"})", "missing-input", R"(select: input "value" is missing)");
}

TEST(Select, IsBoundedOnHostileValues) {
    ValueBuilder value;
    value.map().key("path").text("/**/**/**/**").key("value");
    for (int i = 0; i < 60; ++i) value.list();
    for (int i = 0; i < 3000; ++i) value.text(std::string(100, 'x'));
    for (int i = 0; i < 60; ++i) value.end();
    const auto result = run("select", value.end().build().view());
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["count"].as_uint(), 3060u);
    ValueBuilder wide;
    wide.map().key("path").text("/*").key("value").list();
    for (int i = 0; i < 100'001; ++i) wide.integer(i);
    const auto cut = run("select", wide.end().end().build().view());
    ASSERT_TRUE(cut);
    EXPECT_EQ((*cut)["count"].as_uint(), 100'000u);
    EXPECT_TRUE((*cut)["truncated"].as_bool());
}

} // namespace
