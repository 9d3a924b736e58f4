// SPDX-License-Identifier: Apache-2.0
#include "markup.hpp"

#include "blank_turns.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>

namespace symphony::tracker {
namespace {

bool begins(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }

} // namespace

std::string escaped(std::string_view text) {
    std::string clean = to_valid_utf8(text);
    blank_turns(clean);
    for (const std::string_view never : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"}) {  // no characters, and no XML
        for (std::size_t at = 0; (at = clean.find(never, at)) != std::string::npos;) clean.replace(at, never.size(), " ");
    }
    std::string out;
    out.reserve(clean.size());
    for (const char c : clean) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '"') out += "&quot;";
        else if (c == '\'') out += "&#39;";
        else if ((byte < 0x20 && c != '\n') || byte == 0x7F) out += ' ';
        else out += c;
    }
    return out;
}

std::string one_line(std::string_view text) {
    std::string out = to_valid_utf8(text);
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    }
    blank_turns(out);
    return out;
}

std::string cut(std::string_view text, std::size_t max) {
    std::size_t seen = 0;
    std::size_t keep = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!begins(text[i])) continue;
        if (seen == max - 1) keep = i;
        if (++seen > max) return std::string(text.substr(0, keep)) + "…";
    }
    return std::string(text);
}

std::size_t characters(std::string_view text) noexcept { return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins)); }

} // namespace symphony::tracker
