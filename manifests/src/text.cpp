// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/nearest.hpp>

namespace symphony::manifests {

bool is_c1_control(std::string_view text, std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]) == 0xC2 && at + 1 < text.size() &&
           (static_cast<unsigned char>(text[at + 1]) & 0xE0u) == 0x80u;
}

void append_quoted(std::string& out, std::string_view text) {
    constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto byte = static_cast<unsigned char>(c);
        if (is_c1_control(text, i)) {
            const auto code = static_cast<unsigned char>(text[++i]);
            out += "\\u00";
            out += hex[code >> 4];
            out += hex[code & 15];
            continue;
        }
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\t': out += "\\t"; break;
        case '\r': out += "\\r"; break;
        default:
            if (byte < 0x20 || byte == 0x7f) {
                out += "\\u00";
                out += hex[byte >> 4];
                out += hex[byte & 15];
            } else {
                out += c;
            }
        }
    }
    out += '"';
}

std::string quoted(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

std::string shown(std::string_view text) {
    constexpr std::size_t shown_max = 40;
    if (text.size() <= shown_max) return quoted(text);
    std::size_t end = shown_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
    return quoted(text.substr(0, end)) + "…";
}

void append_toml_key(std::string& out, std::string_view key) {
    const auto bare = [](char c) { return is_alnum(c) || c == '_' || c == '-'; };
    if (!key.empty() && all_of(key, bare)) {
        out += key;
    } else {
        append_quoted(out, key);
    }
}

bool has_control(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) return true;
        if (is_c1_control(text, i)) return true;
    }
    return false;
}

std::string without_controls(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (is_c1_control(text, i)) {
            out += '?';
            ++i;
        } else {
            out += byte < 0x20 || byte == 0x7f ? '?' : text[i];
        }
    }
    return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) { return symphony::nearest(word, known); }

std::string joined(const std::vector<std::string_view>& words, std::string_view last) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i != 0) {
            if (i + 1 == words.size()) {
                out.append(" ").append(last).append(" ");
            } else {
                out += ", ";
            }
        }
        out += words[i];
    }
    return out;
}

} // namespace symphony::manifests
