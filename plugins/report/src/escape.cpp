// SPDX-License-Identifier: Apache-2.0
#include "escape.hpp"

#include <symphony/utf8.hpp>

#include <charconv>
#include <cmath>

namespace report {

namespace {

/// The code point of well-formed UTF-8 at `at`, which moves behind it.
char32_t next_character(std::string_view text, std::size_t& at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
    const char32_t lead = byte(at);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t character = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) character = character << 6 | (byte(at + i) & 0x3Fu);
    at += length;
    return character;
}

/// Characters that change how their neighbours are shown, or show nothing: bidirectional controls, separators, byte order
/// marks. Not the joiners U+200C and U+200D, which scripts and emoji need.
bool is_deceptive(char32_t c) noexcept {
    return (c >= 0x80 && c < 0xA0) || c == 0x61C || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

void append_code_point(std::string& out, char32_t c) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<std::uint32_t>(c), 16).ptr;
    out += "[U+";
    for (auto missing = 4 - (end - digits); missing > 0; --missing) out += '0';
    for (const char* p = digits; p != end; ++p) out += *p >= 'a' ? static_cast<char>(*p - 'a' + 'A') : *p;
    out += ']';
}

/// U+2400 SYMBOL FOR NULL and its neighbours.
void append_picture(std::string& out, unsigned char control) {
    out += "\xE2\x90";
    out += static_cast<char>(control == 0x7F ? 0xA1 : 0x80 + control);
}

template <class Ascii>
std::string escaped(std::string_view given, const Ascii& ascii) {
    const std::string mended = symphony::is_valid_utf8(given) ? std::string() : symphony::to_valid_utf8(given);
    const std::string_view text = mended.empty() ? given : std::string_view(mended);
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const char32_t c = next_character(text, at);
        if (c < 0x80) ascii(out, static_cast<char>(c));
        else if (is_deceptive(c)) append_code_point(out, c);
        else out.append(text.substr(begin, at - begin));
    }
    return out;
}

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::size_t bytes_of_characters(std::string_view text, std::size_t characters) noexcept {
    std::size_t at = 0;
    for (; characters > 0 && at < text.size(); --characters) {
        ++at;
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u) ++at;
    }
    return at;
}

} // namespace

std::string html(std::string_view text) {
    return escaped(text, [](std::string& out, char c) {
        switch (c) {
        case '&': out += "&amp;"; return;
        case '<': out += "&lt;"; return;
        case '>': out += "&gt;"; return;
        case '"': out += "&quot;"; return;
        case '\'': out += "&#39;"; return;
        case '\n': out += '\n'; return;
        case '\t': out += ' '; return;
        default:
            if (is_control(c)) append_picture(out, static_cast<unsigned char>(c));
            else out += c;
        }
    });
}

std::string markdown(std::string_view text) {
    return escaped(text, [](std::string& out, char c) {
        constexpr std::string_view special = "\\`*_[]<>|~&#$";
        if (c == '\n' || c == '\t' || c == '\r') {
            out += ' ';
        } else if (is_control(c)) {
            append_picture(out, static_cast<unsigned char>(c));
        } else if (c == '/' && out.size() > 1 && out.ends_with(":/")) {
            out.insert(out.size() - 2, "\\"); // no link of its own
            out += c;
        } else {
            if (special.find(c) != std::string_view::npos) out += '\\';
            out += c;
        }
    });
}

std::size_t character_count(std::string_view text) noexcept {
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
    return count;
}

std::string shortened(std::string_view text, std::size_t characters) {
    if (character_count(text) <= characters) return std::string(text);
    return std::string(text.substr(0, bytes_of_characters(text, characters - 1))) + "\u2026";
}

std::string shortened_front(std::string_view text, std::size_t characters) {
    const std::size_t count = character_count(text);
    if (count <= characters) return std::string(text);
    return "\u2026" + std::string(text.substr(bytes_of_characters(text, count - (characters - 1))));
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
    return digits;
}

std::string fixed(double number, int digits) {
    char text[64];
    const auto [end, failed] = std::to_chars(text, text + sizeof text, std::isfinite(number) ? number : 0.0, std::chars_format::fixed, digits);
    return failed == std::errc() ? std::string(text, end) : std::string("0");
}

std::string bytes_text(std::uint64_t bytes) {
    if (bytes < 1000) return counted(bytes, "byte");
    double scaled = static_cast<double>(bytes);
    std::size_t unit = 0;
    static constexpr std::string_view units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    while (scaled >= 999.5 && unit + 1 < std::size(units)) {
        scaled /= 1000;
        ++unit;
    }
    return fixed(scaled, scaled < 9.95 ? 1 : 0) + " " + std::string(units[unit]);
}

std::string time_text(double milliseconds) {
    if (!(milliseconds >= 0)) return "0 ms";
    if (milliseconds < 999.5) return fixed(milliseconds, milliseconds < 9.95 ? 1 : 0) + " ms";
    if (milliseconds < 59'950) return fixed(milliseconds / 1000, 1) + " s";
    const auto seconds = static_cast<std::uint64_t>(milliseconds / 1000 + 0.5);
    return grouped(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
}

std::string counted(std::uint64_t number, std::string_view singular, std::string_view plural) {
    if (number == 1) return "1 " + std::string(singular);
    return grouped(number) + " " + (plural.empty() ? std::string(singular) + "s" : std::string(plural));
}

} // namespace report
