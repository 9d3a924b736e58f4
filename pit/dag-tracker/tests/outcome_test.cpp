// SPDX-License-Identifier: Apache-2.0
#include "expression.hpp"

#include <gtest/gtest.h>

#include <random>

namespace symphony::tracker::test {
namespace {

void expect_outcome(std::string_view text, std::string_view type, bool can_hold, bool can_fail) {
    SCOPED_TRACE(std::string(text) + " of " + std::string(type));
    const auto made = Expression::parse(text);
    ASSERT_TRUE(made);
    const auto outcome = made->outcome(*manifests::Type::parse(type));
    EXPECT_EQ(outcome.can_hold, can_hold);
    EXPECT_EQ(outcome.can_fail, can_fail);
}

TEST(ExpressionOutcome, KnowsWhatCanNeverHold) {
    expect_outcome("size(value) < 0", "any", false, true);
    expect_outcome("size(value) >= 0", "any", true, false);
    expect_outcome("size(value) > 200", "text", true, true);
    expect_outcome("size(value) > 0", "integer", false, true);
    expect_outcome("value == 3", "text", false, true);
    expect_outcome("value == 3", "number", true, true);
    expect_outcome("value.name == \"x\"", "text", false, true);
    expect_outcome("exists(value.name)", "list<text>", false, true);
    expect_outcome("exists(value[0])", "list<text>", true, true);
    expect_outcome("value[0] == 1", "list<text>", false, true);
    expect_outcome("1 > 2", "any", false, true);
    expect_outcome("\"a\" == \"a\"", "any", true, false);
    expect_outcome("exists(value)", "text", true, false);
    expect_outcome("exists(value)", "text?", true, true);
    expect_outcome("else", "any", true, true);
    expect_outcome("false", "any", false, true);
    expect_outcome("value", "any", true, true);
}

TEST(ExpressionOutcome, FollowsAndOrNot) {
    expect_outcome("value == 3 and size(value) > 2", "text", false, true);
    expect_outcome("value == 3 or size(value) > 2", "text", true, true);
    expect_outcome("true or value", "any", true, false);
    expect_outcome("false and value", "any", false, true);
    expect_outcome("not (value == 3)", "text", true, false);
    expect_outcome("not exists(value.x) and not exists(value.y)", "text", true, false);
    expect_outcome("(value == 1 or value == 2) and size(value) == 0", "number", true, true);
    expect_outcome("inputs.mode == \"full\" and 1 < 0", "any", false, true);
}

/// What really happens must be among what was said to be possible.
TEST(ExpressionOutcome, NeverSaysTooLittle) {
    std::mt19937 engine(20261127);
    const auto pick = [&](auto& list) -> const auto& { return list[engine() % std::size(list)]; };
    const char* operands[] = {"value", "value.a", "value[0]", "size(value)", "exists(value.a)", "1", "2.5", "\"x\"", "true", "null", "inputs.n", "size(value[0])"};
    const char* comparisons[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
    const char* types[] = {"text", "integer", "list<integer>", "map<text>", "boolean?", "any", "number?", "list<map<integer>>"};
    const auto value_of = [&](std::string_view type) {
        ValueBuilder b;
        if (type == "text") b.text(engine() % 2 == 0 ? "x" : "longer");
        else if (type == "integer") b.integer(static_cast<int>(engine() % 4));
        else if (type == "list<integer>") { b.list(); for (auto i = engine() % 3; i > 0; --i) b.integer(static_cast<int>(engine() % 3)); b.end(); }
        else if (type == "map<text>") { b.map(); if (engine() % 2 == 0) b.add("a", "x"); b.end(); }
        else if (type == "boolean?") { if (engine() % 3 == 0) b.null(); else b.boolean(engine() % 2 == 0); }
        else if (type == "number?") { if (engine() % 3 == 0) b.null(); else b.number(static_cast<double>(engine() % 8) / 2); }
        else if (type == "any") { if (engine() % 2 == 0) b.text("x"); else b.list().integer(1).end(); }
        else { b.list(); for (auto i = engine() % 2; i > 0; --i) b.map().add("a", 1).end(); b.end(); }
        return b.build();
    };
    for (int round = 0; round < 4000; ++round) {
        const auto part = [&] {
            std::string text = pick(operands);
            if (engine() % 2 == 0) text += std::string(pick(comparisons)) + pick(operands);
            return (engine() % 4 == 0 ? "not (" + text + ")" : text);
        };
        std::string text = part();
        for (auto i = engine() % 4; i > 0; --i) text = engine() % 3 == 0 ? "(" + text + ")" + (engine() % 2 == 0 ? " and " : " or ") + part() : text + (engine() % 2 == 0 ? " and " : " or ") + part();
        const auto made = Expression::parse(text);
        ASSERT_TRUE(made) << text;
        const std::string_view type = pick(types);
        const auto outcome = made->outcome(*manifests::Type::parse(type));
        for (int i = 0; i < 8; ++i) {
            const bool held = made->holds(value_of(type), ValueBuilder().map().add("n", static_cast<int>(engine() % 3)).end().build());
            ASSERT_TRUE(held ? outcome.can_hold : outcome.can_fail) << text << " of " << type;
        }
    }
}

} // namespace
} // namespace symphony::tracker::test
