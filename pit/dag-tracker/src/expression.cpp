// SPDX-License-Identifier: Apache-2.0
#include "expression.hpp"

#include <charconv>
#include <cmath>
#include <optional>

namespace symphony::tracker {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool starts_name(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) noexcept { return starts_name(c) || is_digit(c) || c == '-'; }

enum class Order : std::uint8_t { less, equal, greater, none };

template <class T>
Order order_of(const T& a, const T& b) {
    return a < b ? Order::less : b < a ? Order::greater : a == b ? Order::equal : Order::none;
}

/// Exact also where a double cannot hold the integer.
Order order_of_numbers(ValueView a, ValueView b) {
    if (a.is_integer() && b.is_integer()) {
        const auto left = a.to_int();
        const auto right = b.to_int();
        if (left && right) return order_of(*left, *right);
        if (!left && !right) return order_of(a.as_uint(), b.as_uint());
        return left ? Order::less : Order::greater;
    }
    return order_of(a.as_double(), b.as_double());
}

Order order_of_bytes(Bytes a, Bytes b) {
    return order_of(text_of(a), text_of(b));
}

Order compare(ValueView a, ValueView b) {
    if (a.is_number() && b.is_number()) return order_of_numbers(a, b);
    if (a.kind() != b.kind()) return Order::none;
    switch (a.kind()) {
    case Kind::text: return order_of(a.as_text(), b.as_text());
    case Kind::bytes: return order_of_bytes(a.as_bytes(), b.as_bytes());
    case Kind::boolean: return a.as_bool() == b.as_bool() ? Order::equal : Order::none;
    case Kind::null: return Order::equal;
    // Lists and maps are equal when they are written alike.
    case Kind::list:
    case Kind::map: return text_of(a.bytes()) == text_of(b.bytes()) ? Order::equal : Order::none;
    default: return Order::none;
    }
}

bool truth(ValueView value) noexcept { return !value.is_null() && value.as_bool(true); }

} // namespace

/// Recursive descent; every level of recursion passes `deeper`, so text cannot overflow the stack.
class ExpressionParser {
public:
    explicit ExpressionParser(std::string_view text) : text_(text) { made_.text_ = std::string(text); }

    Result<Expression> run() {
        if (text_.size() > Expression::bytes_max) return fail("longer than " + std::to_string(Expression::bytes_max) + " bytes");
        skip_blanks();
        if (word("else")) {
            skip_blanks();
            if (at_ == text_.size()) return std::move(made_);
            return fail("\"else\" stands alone");
        }
        if (!any_of()) return *std::move(error_);
        skip_blanks();
        if (at_ < text_.size()) return fail("expected an operator or the end");
        return std::move(made_);
    }

private:
    using Op = Expression::Op;

    Error fail(const std::string& what) const {
        return {Code::invalid_argument, "bad-expression", what + " at column " + std::to_string(at_ + 1)};
    }
    bool stop(const std::string& what) {
        if (!error_) error_ = fail(what);
        return false;
    }
    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    bool eat(std::string_view sign) {
        skip_blanks();
        if (text_.substr(at_, sign.size()) != sign) return false;
        at_ += sign.size();
        return true;
    }
    bool word(std::string_view name) {
        skip_blanks();
        if (text_.substr(at_, name.size()) != name) return false;
        if (at_ + name.size() < text_.size() && in_name(text_[at_ + name.size()])) return false;
        at_ += name.size();
        return true;
    }
    void emit(Op op, std::size_t argument = 0) { made_.code_.push_back({op, static_cast<std::uint32_t>(argument)}); }

    /// left { word right }: each `right` is jumped over when `left` already decides.
    bool chain(std::string_view name, Op jump, bool (ExpressionParser::*next)()) {
        if (!(this->*next)()) return false;
        std::vector<std::size_t> jumps;
        while (word(name)) {
            jumps.push_back(made_.code_.size());
            emit(jump);
            if (!(this->*next)()) return false;
        }
        for (const auto from : jumps) made_.code_[from].argument = static_cast<std::uint32_t>(made_.code_.size());
        return true;
    }
    bool any_of() { return chain("or", Op::skip_if, &ExpressionParser::all_of); }
    bool all_of() { return chain("and", Op::skip_unless, &ExpressionParser::inverted); }

    bool inverted() {
        bool negated = false;
        bool seen = false;
        while (word("not")) {
            negated = !negated;
            seen = true;
        }
        if (!comparison()) return false;
        if (negated) emit(Op::negate);
        else if (seen) {  // not not x is a boolean too
            emit(Op::negate);
            emit(Op::negate);
        }
        return true;
    }

    bool comparison() {
        if (!operand()) return false;
        skip_blanks();
        constexpr std::pair<std::string_view, Op> signs[] = {{"==", Op::equal}, {"!=", Op::differs}, {"<=", Op::at_most},
                                                             {">=", Op::at_least}, {"<", Op::less}, {">", Op::greater}};
        for (const auto& [sign, op] : signs) {
            if (!eat(sign)) continue;
            if (!operand()) return false;
            emit(op);
            return true;
        }
        if (at_ < text_.size() && text_[at_] == '=') return stop("\"=\" is no operator; equality is \"==\"");
        return true;
    }

    bool operand() {
        skip_blanks();
        if (at_ >= text_.size()) return stop("expected a value, the text ends");
        const char c = text_[at_];
        if (c == '(') {
            ++at_;
            if (++level_ > Expression::levels_max) return stop("more than " + std::to_string(Expression::levels_max) + " levels");
            if (!any_of()) return false;
            --level_;
            return eat(")") || stop("expected \")\"");
        }
        if (c == '"' || c == '\'') {
            std::string text;
            return quoted_text(text) && constant(ValueBuilder().text(text).build());
        }
        if (is_digit(c) || c == '-') return number();
        if (word("true")) return constant(ValueBuilder().boolean(true).build());
        if (word("false")) return constant(ValueBuilder().boolean(false).build());
        if (word("null")) return constant(Value());
        if (word("exists")) return function(Op::exists);
        if (word("size")) return function(Op::size);
        return path();
    }

    bool constant(Value value) {
        made_.constants_.push_back(std::move(value));
        emit(Op::constant, made_.constants_.size() - 1);
        return true;
    }
    bool function(Op op) {
        if (!eat("(")) return stop("expected \"(\"");
        if (!path()) return false;
        emit(op);
        return eat(")") || stop("expected \")\"");
    }

    bool number() {
        const char* from = text_.data() + at_;
        const char* end = text_.data() + text_.size();
        std::int64_t integer = 0;
        const auto whole = std::from_chars(from, end, integer);
        double real = 0;
        const auto fraction = std::from_chars(from, end, real);
        if (fraction.ec != std::errc() || !std::isfinite(real)) return stop("expected a number");
        at_ += static_cast<std::size_t>(fraction.ptr - from);
        if (at_ < text_.size() && in_name(text_[at_])) return stop("expected a number");
        const bool exact = whole.ec == std::errc() && whole.ptr == fraction.ptr;
        return constant(exact ? ValueBuilder().integer(integer).build() : ValueBuilder().number(real).build());
    }

    bool quoted_text(std::string& out) {
        const char quote = text_[at_++];
        while (at_ < text_.size() && text_[at_] != quote) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                ++at_;
                const char c = text_[at_];
                if (c == 'n') out += '\n';
                else if (c == 't') out += '\t';
                else if (c == '\\' || c == '"' || c == '\'') out += c;
                else return stop("unknown escape; there are \\n \\t \\\\ \\\" and \\'");
                ++at_;
            } else {
                out += text_[at_++];
            }
        }
        if (at_ >= text_.size()) return stop("text without its closing quote");
        ++at_;
        return true;
    }

    bool path() {
        Expression::Path made;
        if (word("inputs")) made.inputs = true;
        else if (!word("value")) return stop("expected a value; a path starts with \"value\" or \"inputs\"");
        for (;;) {
            if (at_ < text_.size() && text_[at_] == '.') {
                ++at_;
                const std::size_t from = at_;
                while (at_ < text_.size() && in_name(text_[at_])) ++at_;
                if (at_ == from) return stop("expected a name after \".\"");
                made.steps.push_back({std::string(text_.substr(from, at_ - from)), -1});
            } else if (at_ < text_.size() && text_[at_] == '[') {
                ++at_;
                if (!step(made)) return false;
                if (!eat("]")) return stop("expected \"]\"");
            } else {
                break;
            }
            if (made.steps.size() > Expression::levels_max) return stop("a path of more than " + std::to_string(Expression::levels_max) + " steps");
        }
        made_.paths_.push_back(std::move(made));
        emit(Op::path, made_.paths_.size() - 1);
        return true;
    }
    bool step(Expression::Path& made) {
        skip_blanks();
        if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
            std::string name;
            if (!quoted_text(name)) return false;
            made.steps.push_back({std::move(name), -1});
            return true;
        }
        std::uint32_t index = 0;
        const char* from = text_.data() + at_;
        const auto read = std::from_chars(from, text_.data() + text_.size(), index);
        if (read.ec != std::errc()) return stop("expected an index or a name in quotes");
        at_ += static_cast<std::size_t>(read.ptr - from);
        made.steps.push_back({{}, static_cast<std::int64_t>(index)});
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t level_ = 0;
    Expression made_;
    std::optional<Error> error_;
};

Result<Expression> Expression::parse(std::string_view text) { return ExpressionParser(text).run(); }

bool Expression::holds(ValueView value, ValueView inputs) const {
    static constexpr std::uint8_t yes[] = {0xC3};
    static constexpr std::uint8_t no[] = {0xC2};
    struct Item {
        ValueView view;
        std::int64_t size = -1;  // a number that is no value anywhere: the answer of size()
    };
    std::vector<Item> stack;
    std::vector<Value> numbers;  // keeps the bytes of sizes alive
    const auto view_of = [&](const Item& item) {
        if (item.size < 0) return item.view;
        numbers.push_back(ValueBuilder().integer(item.size).build());
        return numbers.back().view();
    };
    const auto pop = [&] {
        const Item top = stack.back();
        stack.pop_back();
        return view_of(top);
    };
    const auto push = [&](bool held) { stack.push_back({ValueView(held ? Bytes(yes) : Bytes(no)), -1}); };
    for (std::size_t at = 0; at < code_.size(); ++at) {
        const auto [op, argument] = code_[at];
        switch (op) {
        case Op::constant: stack.push_back({constants_[argument].view(), -1}); break;
        case Op::path: {
            ValueView found = paths_[argument].inputs ? inputs : value;
            for (const Step& step : paths_[argument].steps) {
                found = step.index >= 0 ? found.at(static_cast<std::size_t>(step.index)) : found[step.name];
            }
            stack.push_back({found, -1});
            break;
        }
        case Op::exists: push(!pop().is_null()); break;
        case Op::size: {
            const auto kind = stack.back().view.kind();
            const bool sized = kind == Kind::list || kind == Kind::map || kind == Kind::text || kind == Kind::bytes;
            stack.back().size = sized ? static_cast<std::int64_t>(stack.back().view.size()) : 0;
            break;
        }
        case Op::negate: push(!truth(pop())); break;
        case Op::skip_unless:
        case Op::skip_if: {
            const bool held = truth(view_of(stack.back()));
            if (held == (op == Op::skip_if)) at = argument - 1;
            else stack.pop_back();
            break;
        }
        default: {
            const ValueView right = pop();
            const ValueView left = pop();
            const Order order = compare(left, right);
            push(op == Op::equal      ? order == Order::equal
                 : op == Op::differs  ? order != Order::equal
                 : op == Op::less     ? order == Order::less
                 : op == Op::at_most  ? order == Order::less || order == Order::equal
                 : op == Op::greater  ? order == Order::greater
                                      : order == Order::greater || order == Order::equal);
        }
        }
    }
    return !stack.empty() && truth(pop());
}

} // namespace symphony::tracker
