// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/types.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// A compiled condition such as `size(value.items) > 3 and inputs.mode == "full"`; docs/workflow-file.md has the language.
/// Evaluation takes time and memory in proportion to the expression's length and never fails. Const methods may be
/// called concurrently.
class Expression {
public:
    static constexpr std::size_t bytes_max = 4096;
    static constexpr std::size_t levels_max = 32;

    /// @return The expression, or `invalid_argument` "bad-expression" naming the column in `text`, from 1.
    static Result<Expression> parse(std::string_view text);

    bool holds(ValueView value, ValueView inputs) const;

    struct Outcome {
        bool can_hold = true;
        bool can_fail = true;
    };
    /// What is possible for a value of a type and any inputs; too much rather than too little. "else" can always be either.
    Outcome outcome(manifests::Type value) const;
    /// `when = "else"`: holds when no other conditional edge of the same output does.
    bool is_else() const noexcept { return code_.empty(); }
    const std::string& text() const noexcept { return text_; }

private:
    friend class ExpressionParser;
    enum class Op : std::uint8_t {
        constant,     // push constants_[argument]
        path,         // push what the path of `argument` leads to
        exists, size, // replace the top
        equal, differs, less, at_most, greater, at_least,
        negate,
        skip_unless,  // jump to `argument` when the top does not hold, leaving it; else drop it
        skip_if,
    };
    struct Instruction {
        Op op;
        std::uint32_t argument;
    };
    struct Step {
        std::string name;        // of a member; empty with `index` >= 0
        std::int64_t index = -1;
    };
    struct Path {
        bool inputs = false;
        std::vector<Step> steps;
    };
    std::string text_;
    std::vector<Instruction> code_;
    std::vector<Value> constants_;
    std::vector<Path> paths_;
};

} // namespace symphony::tracker
