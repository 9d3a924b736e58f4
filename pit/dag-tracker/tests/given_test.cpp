// SPDX-License-Identifier: Apache-2.0
#include "given.hpp"

#include "rig.hpp"

namespace symphony::tracker::test {
namespace {

void expect_value(std::string_view text, std::string_view type, const std::string& expected) {
    SCOPED_TRACE(std::string(text) + " as " + std::string(type));
    const auto value = value_given(text, *Type::parse(type));
    ASSERT_TRUE(value) << value.error().message();
    EXPECT_EQ(plain(value->view()), expected);
}
void expect_bad(std::string_view text, std::string_view type) {
    SCOPED_TRACE(std::string(text) + " as " + std::string(type));
    const auto value = value_given(text, *Type::parse(type));
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().reason(), "usage");
}

TEST(GivenInputs, AreReadByTheirType) {
    expect_value("a b", "text", "a b");
    expect_value("12", "text", "12");
    expect_value("-12", "integer", "-12");
    expect_value("yes", "boolean", "true");
    expect_value("12", "number?", "12");
    expect_value("a,b c,,d", "list<text>", "[a b c  d]");
    expect_value("[\"a,b\"]", "list<text>", "[a,b]");
    expect_value("[1, 2]", "list<integer>", "[1 2]");
    expect_value("{\"k\": [true]}", "map", "{k:[true]}");
    expect_value("[1]", "any", "[1]");
    expect_value("plain", "any", "plain");
}

TEST(GivenInputs, RefuseWhatIsNotOfTheType) {
    expect_bad("1.5", "integer");
    expect_bad("12x", "integer");
    expect_bad("maybe", "boolean");
    expect_bad("nan", "number");
    expect_bad("[1, \"a\"]", "list<integer>");
    expect_bad("{", "map");
    expect_bad("%%%", "bytes");
}

TEST(GivenInputs, NameTheNearestInput) {
    const auto plan = plan_of(std::string(head) + "[inputs.folder]\ntype=\"text\"\n[nodes.a]\nplugin=\"text\"\noperation=\"count\"\ninputs={text=\"$inputs.folder\"}\n");
    const std::vector<std::string> wrong{"foldr=x"};
    const auto given = inputs_given(plan->workflow, wrong);
    ASSERT_FALSE(given);
    EXPECT_EQ(given.error().reason(), "usage");
    EXPECT_EQ(given.error().hint(), "did you mean \"folder\"?");
    const std::vector<std::string> twice{"folder=a", "folder=b"};
    EXPECT_NE(inputs_given(plan->workflow, twice).error().message().find("twice"), std::string::npos);
    const std::vector<std::string> bare{"folder"};
    EXPECT_FALSE(inputs_given(plan->workflow, bare));
    const auto missing = check_inputs(plan->workflow, ValueBuilder().map().end().build());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().reason(), "missing-input");
    EXPECT_EQ(required_inputs(plan->workflow), "--input folder=…");
    const std::vector<std::string> right{"folder=a=b"};
    const auto value = inputs_given(plan->workflow, right);
    ASSERT_TRUE(value);
    EXPECT_EQ(plain(value->view()), "{folder:a=b}");
    EXPECT_TRUE(check_inputs(plan->workflow, value->view()));
}

} // namespace
} // namespace symphony::tracker::test
