// SPDX-License-Identifier: Apache-2.0
#include "display_path.hpp"

#include <symphony/utf8.hpp>

namespace files {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// U+0080 to U+009F, in UTF-8 C2 80 to C2 9F: terminals act on them as well.
bool is_c1(std::string_view text, std::size_t at) {
    return text[at] == '\xC2' && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

void put_escaped(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

} // namespace

std::string shown(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    while (!path.empty()) {
        const std::size_t good = symphony::valid_utf8_prefix(path);
        for (std::size_t i = 0; i < good; ++i) {
            if (is_c1(path, i)) {
                put_escaped(out, path[i++]);
                put_escaped(out, path[i]);
            } else if (is_control(path[i]) || path[i] == '\\') {
                put_escaped(out, path[i]);
            } else {
                out += path[i];
            }
        }
        path.remove_prefix(good);
        if (path.empty()) break;
        put_escaped(out, path.front());
        path.remove_prefix(1);
    }
    return out;
}

std::string raw_path(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x' && hex_digit(text[i + 2]) >= 0 && hex_digit(text[i + 3]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 2]) * 16 + hex_digit(text[i + 3]));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool odd(std::string_view path) {
    if (!symphony::is_valid_utf8(path)) return true;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (is_control(path[i]) || is_c1(path, i)) return true;
    }
    return false;
}

} // namespace files
