// SPDX-License-Identifier: Apache-2.0
// What an expression can come to when only the type of its value is known: an abstract run of the same instructions over
// sets of kinds and intervals (Cousot and Cousot 1977).
#include "expression.hpp"

#include <algorithm>
#include <limits>

namespace symphony::tracker {
using manifests::Type;

namespace {

constexpr unsigned null_kind = 1, false_kind = 2, true_kind = 4, number_kind = 8, text_kind = 16, bytes_kind = 32, list_kind = 64, map_kind = 128, any_kind = 255;
constexpr unsigned falsy = null_kind | false_kind;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// A set of values: those of the kinds, numbers only from `low` to `high`, and when `text` is known only that text.
struct Set {
    unsigned kinds = any_kind;
    double low = -infinity;
    double high = infinity;
    const Value* text = nullptr;  // the one text it can be
    Type type;                    // of lists and maps: what they hold

    bool empty() const noexcept { return kinds == 0; }
    bool single_number() const noexcept { return kinds == number_kind && low == high; }
};

Set set_of(Type type) {
    Set set;
    set.type = type;
    switch (type.kind()) {
    case Type::Kind::any: return set;
    case Type::Kind::boolean: set.kinds = false_kind | true_kind; break;
    case Type::Kind::integer:
    case Type::Kind::number: set.kinds = number_kind; break;
    case Type::Kind::text: set.kinds = text_kind; break;
    case Type::Kind::bytes: set.kinds = bytes_kind; break;
    case Type::Kind::list: set.kinds = list_kind; break;
    case Type::Kind::map: set.kinds = map_kind; break;
    }
    if (type.optional()) set.kinds |= null_kind;
    return set;
}

Set set_of(const Value& constant) {
    Set set;
    switch (constant.kind()) {
    case Kind::null: set.kinds = null_kind; break;
    case Kind::boolean: set.kinds = constant.as_bool() ? true_kind : false_kind; break;
    case Kind::integer:
    case Kind::number:
        set.kinds = number_kind;
        set.low = set.high = constant.view().as_double();
        break;
    case Kind::text:
        set.kinds = text_kind;
        set.text = &constant;
        break;
    default: break;
    }
    return set;
}

Set truths(bool can_be_true, bool can_be_false) {
    Set set;
    set.kinds = (can_be_true ? true_kind : 0u) | (can_be_false ? false_kind : 0u);
    return set;
}

Set joined(const Set& a, const Set& b) {
    if (a.empty()) return b;
    if (b.empty()) return a;
    Set set;
    set.kinds = a.kinds | b.kinds;
    const bool both = (a.kinds & b.kinds & number_kind) != 0;
    const Set& numbers = (a.kinds & number_kind) != 0 ? a : b;
    set.low = both ? std::min(a.low, b.low) : numbers.low;
    set.high = both ? std::max(a.high, b.high) : numbers.high;
    if (a.type == b.type) set.type = a.type;
    return set;
}

/// One member or element. What is not there is null, so that only a value without members is surely null.
Set member(const Set& from, bool index) {
    const unsigned container = index ? list_kind : map_kind;
    Set set;
    set.kinds = null_kind;
    if ((from.kinds & container) == 0) return set;
    if (from.kinds == any_kind || from.type.kind() == Type::Kind::any) return Set();
    set = set_of(from.type.element());
    set.kinds |= null_kind;
    return set;
}

Set size_of(const Set& from) {
    Set set;
    set.kinds = number_kind;
    set.low = 0;
    set.high = (from.kinds & (text_kind | bytes_kind | list_kind | map_kind)) == 0 ? 0 : infinity;
    return set;
}

Set equal(const Set& a, const Set& b) {
    if (a.empty() || b.empty()) return truths(false, false);
    unsigned common = a.kinds & b.kinds;
    if ((common & number_kind) != 0 && (a.high < b.low || b.high < a.low)) common &= ~number_kind;
    if ((common & text_kind) != 0 && a.text != nullptr && b.text != nullptr && a.text->as_text() != b.text->as_text()) common &= ~text_kind;
    const bool same = (a.kinds == b.kinds) && (a.kinds == null_kind || a.kinds == true_kind || a.kinds == false_kind || (a.single_number() && b.single_number() && a.low == b.low) ||
                                               (a.kinds == text_kind && a.text != nullptr && b.text != nullptr && a.text->as_text() == b.text->as_text()));
    return truths(common != 0, !same);
}

/// a < b, or a <= b with `or_equal`.
Set less(const Set& a, const Set& b, bool or_equal) {
    if (a.empty() || b.empty()) return truths(false, false);
    const bool numbers = (a.kinds & b.kinds & number_kind) != 0;
    const bool only_numbers = a.kinds == number_kind && b.kinds == number_kind;
    const bool can = (numbers && (or_equal ? a.low <= b.high : a.low < b.high)) || (a.kinds & b.kinds & ~number_kind & (or_equal ? any_kind : text_kind | bytes_kind)) != 0;
    const bool always = only_numbers && (or_equal ? a.high <= b.low : a.high < b.low);
    return truths(can, !always);
}

/// The truth of what is left of a set when only true or only false ones are kept.
Set kept(const Set& from, bool held) {
    Set set = from;
    set.kinds &= held ? ~falsy & any_kind : falsy;
    return set;
}

} // namespace

Expression::Outcome Expression::outcome(Type value) const {
    if (is_else()) return {};
    struct Jump {
        std::size_t to;
        Set top;
        bool always;  // what follows never counts
    };
    std::vector<Set> stack;
    std::vector<Jump> jumps;  // the inner ones last, and they arrive first
    const auto arrive = [&](std::size_t at) {
        auto first = jumps.size();
        while (first > 0 && jumps[first - 1].to == at) --first;
        if (first == jumps.size()) return;
        Set whole;
        whole.kinds = 0;
        bool over = false;
        for (auto i = first; i < jumps.size() && !over; ++i) {
            whole = joined(whole, jumps[i].top);
            over = jumps[i].always;
        }
        stack.back() = over ? whole : joined(whole, stack.back());
        jumps.resize(first);
    };
    const auto pop = [&] {
        const Set top = stack.back();
        stack.pop_back();
        return top;
    };
    for (std::size_t at = 0; at < code_.size(); ++at) {
        arrive(at);
        const auto [op, argument] = code_[at];
        switch (op) {
        case Op::constant: stack.push_back(set_of(constants_[argument])); break;
        case Op::path: {
            Set found = paths_[argument].inputs ? Set() : set_of(value);
            for (const Step& step : paths_[argument].steps) found = member(found, step.index >= 0);
            stack.push_back(found);
            break;
        }
        case Op::exists: {
            const Set top = pop();
            stack.push_back(truths((top.kinds & ~null_kind) != 0, (top.kinds & null_kind) != 0));
            break;
        }
        case Op::size: stack.push_back(size_of(pop())); break;
        case Op::negate: {
            const Set top = pop();
            stack.push_back(truths((top.kinds & falsy) != 0, (top.kinds & ~falsy) != 0));
            break;
        }
        case Op::skip_unless:
        case Op::skip_if: {
            const bool if_held = op == Op::skip_if;
            const Set top = pop();
            jumps.push_back({argument, kept(top, if_held), kept(top, !if_held).empty()});
            break;
        }
        default: {
            const Set right = pop();
            const Set left = pop();
            Set made;
            if (op == Op::equal) made = equal(left, right);
            else if (op == Op::less || op == Op::at_most) made = less(left, right, op == Op::at_most);
            else if (op == Op::greater || op == Op::at_least) made = less(right, left, op == Op::at_least);
            else {
                const Set same = equal(left, right);
                made = truths((same.kinds & false_kind) != 0, (same.kinds & true_kind) != 0);
            }
            stack.push_back(made);
        }
        }
    }
    arrive(code_.size());
    if (stack.empty()) return {};
    return {(stack.back().kinds & ~falsy) != 0, (stack.back().kinds & falsy) != 0};
}

} // namespace symphony::tracker
