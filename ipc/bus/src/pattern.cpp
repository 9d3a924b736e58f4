// SPDX-License-Identifier: Apache-2.0
#include "pattern.hpp"

#include <symphony/utf8.hpp>

namespace symphony::bus {
namespace {

/// Takes the first segment off. @return False when there is none left.
bool next(std::string_view& rest, bool& more, std::string_view& segment) noexcept {
    if (!more) return false;
    const auto dot = rest.find('.');
    segment = rest.substr(0, dot);
    more = dot != std::string_view::npos;
    rest = more ? rest.substr(dot + 1) : std::string_view();
    return true;
}

std::string shown(std::string_view text) { return "\"" + to_valid_utf8(text.substr(0, 100)) + "\""; }

} // namespace

Result<Pattern> Pattern::parse(std::string_view text) {
    const auto bad = [&](std::string_view what, std::size_t at) {
        return Error(Code::invalid_argument, "bad-pattern", "pattern " + shown(text) + ": " + std::string(what) + " at byte " + std::to_string(at),
                     "a pattern is words between dots; `*` is one word, `#` at the end any number of them");
    };
    if (text.empty()) return bad("is empty", 0);
    if (text.size() > bytes_max) return bad("is longer than " + std::to_string(bytes_max) + " bytes", bytes_max);
    if (!is_valid_utf8(text)) return bad("is not UTF-8", 0);
    std::string_view rest = text, segment;
    for (bool more = true; next(rest, more, segment);) {
        const auto at = static_cast<std::size_t>(segment.data() == nullptr ? text.size() : static_cast<std::size_t>(segment.data() - text.data()));
        if (segment.empty()) return bad("has an empty segment", at);
        if (segment == "#" && more) return bad("has `#` before its end", at);
        if (segment.size() > 1 && segment.find_first_of("*#") != std::string_view::npos) return bad("has `*` or `#` inside of a word", at);
    }
    return Pattern(text);
}

bool Pattern::matches(std::string_view name) const noexcept {
    if (exact_) return name == text_;
    std::string_view pattern = text_, wanted, got;
    bool more = true, more_name = !name.empty();
    while (next(pattern, more, wanted)) {
        if (wanted == "#") return true;
        if (!next(name, more_name, got)) return false;
        if (wanted != "*" && wanted != got) return false;
    }
    return !more_name;
}

int Pattern::compare(const Pattern& a, const Pattern& b) noexcept {
    const auto rank = [](std::string_view segment) { return segment == "#" ? 2 : segment == "*" ? 1 : 0; };
    std::string_view rest_a = a.text_, rest_b = b.text_, one, other;
    bool more_a = true, more_b = true;
    for (;;) {
        one = other = {};
        const bool there_a = next(rest_a, more_a, one), there_b = next(rest_b, more_b, other);
        if (!there_a && !there_b) return 0;
        // An end is more specific than `#`: `a` before `a.#`.
        const int rank_a = there_a ? rank(one) : 1, rank_b = there_b ? rank(other) : 1;
        if (rank_a != rank_b) return rank_a - rank_b;
        if (const int order = one.compare(other); order != 0) return order;
    }
}

Status check_name(std::string_view name) {
    const auto pattern = Pattern::parse(name);
    if (pattern && pattern->exact()) return {};
    return Error(Code::invalid_argument, "bad-name", "name " + shown(name) + (pattern ? " has `*` or `#`" : " is none: " + pattern.error().message()),
                 "a name is words between dots, at most 255 bytes");
}

} // namespace symphony::bus
