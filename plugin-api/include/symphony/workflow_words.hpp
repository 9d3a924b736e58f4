// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

/// The words of a workflow document that have a form: the same for who makes one and for who reads it.
namespace symphony::workflow_words {

namespace detail {
constexpr bool is_low(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
constexpr bool is_word(char c) noexcept { return is_low(c) || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// What stands before the first `end`, which is taken away with it.
constexpr std::string_view take(std::string_view& from, char end) noexcept {
    const auto at = from.find(end);
    const auto part = from.substr(0, at);
    from = at == std::string_view::npos ? std::string_view() : from.substr(at + 1);
    return part;
}
inline bool is_number(std::string_view text) noexcept { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }
/// Dot-separated identifiers of SemVer 2.0.0, 9 and 10.
inline bool are_identifiers(std::string_view parts, bool plain_numbers) noexcept {
    if (parts.empty() || parts.back() == '.') return false;
    while (!parts.empty()) {
        const auto part = take(parts, '.');
        if (part.empty() || !std::all_of(part.begin(), part.end(), [](char c) { return (is_word(c) && c != '_') || c == '-'; })) return false;
        if (plain_numbers && part.size() > 1 && part.front() == '0' && is_number(part)) return false;
    }
    return true;
}
} // namespace detail

/// Of nodes, inputs and outputs: [A-Za-z0-9_][A-Za-z0-9_-]{0,63}.
inline bool is_id(std::string_view text) noexcept {
    if (text.empty() || text.size() > 64 || !detail::is_word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return detail::is_word(c) || c == '-'; });
}

/// [a-z0-9][a-z0-9.-]{0,99}.
inline bool is_workflow_id(std::string_view text) noexcept {
    if (text.empty() || text.size() > 100 || !detail::is_low(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return detail::is_low(c) || c == '.' || c == '-'; });
}

/// An id or short name of a plugin: [A-Za-z0-9_][A-Za-z0-9_.-]{0,254}.
inline bool is_plugin_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 255 || !detail::is_word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return detail::is_word(c) || c == '.' || c == '-'; });
}

/// A relative path that stays beneath its folder.
inline bool is_inner_path(std::string_view path) noexcept {
    if (path.empty() || path.size() > 255 || path.front() == '/' || path.back() == '/') return false;
    if (std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\\' || c == 0x7F; })) return false;
    while (!path.empty()) {
        const auto part = detail::take(path, '/');
        if (part.empty() || part == "." || part == "..") return false;
    }
    return true;
}

/// SemVer 2.0.0, with numbers of at most 19 digits.
inline bool is_version(std::string_view text) noexcept {
    const auto number = [](std::string_view part) { return detail::is_number(part) && part.size() <= 19 && (part.size() == 1 || part.front() != '0'); };
    const auto plus = text.find('+');
    if (plus != std::string_view::npos && !detail::are_identifiers(text.substr(plus + 1), false)) return false;
    text = text.substr(0, plus);
    const auto minus = text.find('-');
    if (minus != std::string_view::npos && !detail::are_identifiers(text.substr(minus + 1), true)) return false;
    text = text.substr(0, minus);
    if (std::count(text.begin(), text.end(), '.') != 2) return false;
    const auto major = detail::take(text, '.'), minor = detail::take(text, '.');
    return number(major) && number(minor) && number(text);
}

/// any boolean integer number text bytes list map list<T> map<T>, and a ? behind it.
inline bool is_type(std::string_view text) noexcept {
    constexpr int nesting_max = 16;
    if (text.ends_with('?')) text.remove_suffix(1);
    for (int depth = 0; text.ends_with('>'); ++depth) {
        const bool list = text.starts_with("list<");
        if (depth == nesting_max || (!list && !text.starts_with("map<"))) return false;
        text.remove_prefix(list ? 5 : 4);
        text.remove_suffix(1);
    }
    for (const std::string_view one : {"any", "boolean", "integer", "number", "text", "bytes", "list", "map"}) {
        if (text == one) return true;
    }
    return false;
}

} // namespace symphony::workflow_words
