// SPDX-License-Identifier: Apache-2.0
#include "decode.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>

namespace files {

using symphony::Code;
using symphony::Error;
using symphony::Result;

namespace {

using namespace std::string_view_literals;

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

Error corrupt(std::string_view reason, std::string message, std::string hint) {
    return {Code::data_corrupt, reason, std::move(message), std::move(hint)};
}

Error bad_utf16(std::size_t at) {
    return corrupt("bad-utf16", "is not UTF-16 at byte " + std::to_string(at), "save the file as UTF-8");
}

void put_utf8(std::string& out, std::uint32_t c) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6);
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3F));
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

/// UTF-16 after its mark. Unpaired surrogates and zero characters are refused, not replaced.
Result<std::string> from_utf16(std::string_view content, bool little) {
    const auto unit = [&](std::size_t at) -> std::uint32_t {
        const auto first = static_cast<unsigned char>(content[at]);
        const auto second = static_cast<unsigned char>(content[at + 1]);
        return little ? std::uint32_t{first} | std::uint32_t{second} << 8 : std::uint32_t{second} | std::uint32_t{first} << 8;
    };
    std::string out;
    out.reserve(content.size());
    std::size_t at = 2;
    for (; at + 1 < content.size(); at += 2) {
        std::uint32_t c = unit(at);
        if (c == 0) return corrupt("binary", "has a zero character at byte " + std::to_string(at), {});
        if (c >= 0xD800 && c <= 0xDFFF) {
            if (c >= 0xDC00 || at + 3 >= content.size()) return bad_utf16(at);
            const std::uint32_t low = unit(at + 2);
            if (low < 0xDC00 || low > 0xDFFF) return bad_utf16(at);
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            at += 2;
        }
        put_utf8(out, c);
    }
    if (at != content.size()) return bad_utf16(at);
    return out;
}

symphony::Status check_utf8(std::string_view content) {
    if (const std::size_t zero = content.find('\0'); zero != std::string_view::npos) {
        return corrupt("binary", "has a zero byte at byte " + std::to_string(zero) + ", so it is no text", {});
    }
    if (const std::size_t good = symphony::valid_utf8_prefix(content); good != content.size()) {
        return corrupt("not-utf8", "is not UTF-8 at byte " + std::to_string(good),
                       "convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE, with the encoding it has");
    }
    return {};
}

enum class Mark : std::uint8_t { none, utf8, little, big, utf32 };

Mark mark_of(std::string_view content) {
    if (content.starts_with("\xFF\xFE\0\0"sv) || content.starts_with("\0\0\xFE\xFF"sv)) return Mark::utf32;
    if (content.starts_with("\xFF\xFE")) return Mark::little;
    if (content.starts_with("\xFE\xFF")) return Mark::big;
    return content.starts_with(utf8_mark) ? Mark::utf8 : Mark::none;
}

Error utf32() { return corrupt("unsupported-encoding", "is UTF-32, which is not read", "save the file as UTF-8"); }

} // namespace

Result<Decoded> decode(std::string content) {
    const Mark mark = mark_of(content);
    switch (mark) {
    case Mark::utf32: return utf32();
    case Mark::little:
    case Mark::big:
        return Decoded{SYMPHONY_TRY(from_utf16(content, mark == Mark::little)), mark == Mark::little ? "utf-16le" : "utf-16be"};
    case Mark::utf8:
    case Mark::none: break;
    }
    SYMPHONY_TRY(check_utf8(content));
    if (mark == Mark::none) return Decoded{std::move(content), "utf-8"};
    content.erase(0, utf8_mark.size());
    return Decoded{std::move(content), "utf-8-bom"};
}

symphony::Status check_text(std::string_view content) {
    const Mark mark = mark_of(content);
    if (mark == Mark::utf32) return utf32();
    if (mark != Mark::little && mark != Mark::big) return check_utf8(content);
    if (auto text = from_utf16(content, mark == Mark::little); !text) return std::move(text).error();
    return {};
}

std::uint64_t lines_of(std::string_view text) {
    const auto ends = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    return ends + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

} // namespace files
