// SPDX-License-Identifier: Apache-2.0
#include "http.hpp"

#include "words.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace symphony::packaging {
namespace {

constexpr std::size_t head_bytes_max = 32 * 1024;
constexpr std::size_t chunk_line_bytes_max = 1024;

Error bad(const std::string& what) { return {Code::data_corrupt, "bad-http", "the answer of the web server " + what}; }
Error cut() { return Error(Code::peer_died, "stream-cut", "the web server ended the connection in the middle of its answer").as_retryable(); }
Error too_large(std::uint64_t bytes_max) { return {Code::exhausted, "too-large", "the web server sends more than " + std::to_string(bytes_max) + " bytes"}; }

bool same_word(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
           });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

std::optional<std::uint64_t> number(std::string_view text, unsigned base) {
    if (text.empty() || text.size() > 15) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const int lower = std::tolower(static_cast<unsigned char>(c));
        const unsigned digit = lower >= '0' && lower <= '9' ? static_cast<unsigned>(lower - '0') : lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a' + 10) : 99;
        if (digit >= base) return std::nullopt;
        value = value * base + digit;
    }
    return value;
}

struct Head {
    int status = 0;
    bool keeps = true;
    bool chunked = false;
    std::optional<std::uint64_t> length;
    std::string location;
};

Status read_field(std::string_view line, Head& head) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line[0] == ' ' || line[0] == '\t' || line[colon - 1] == ' ') return bad("has a malformed head");
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (same_word(name, "content-length")) {
        const auto length = number(value, 10);
        // Two lengths that differ are how answers are smuggled.
        if (!length || (head.length && *head.length != *length)) return bad("has no clear length");
        head.length = length;
    } else if (same_word(name, "transfer-encoding")) {
        if (!same_word(value, "chunked") || head.chunked) return bad("is encoded as " + in_quotes(value));
        head.chunked = true;
    } else if (same_word(name, "content-encoding")) {
        if (!same_word(value, "identity")) return bad("is compressed, which was not asked for");
    } else if (same_word(name, "connection")) {
        if (same_word(value, "close")) head.keeps = false;
    } else if (same_word(name, "location")) {
        head.location = clean(value.substr(0, 300));
    }
    return {};
}

Result<Head> read_head(std::string_view text) {
    Head head;
    const auto first_end = text.find('\n');
    const auto first = trimmed(text.substr(0, first_end));
    const bool one_one = first.starts_with("HTTP/1.1 ");
    if ((!one_one && !first.starts_with("HTTP/1.0 ")) || first.size() < 12 || (first.size() > 12 && first[12] != ' ')) return bad("is not HTTP/1.1");
    const auto status = number(first.substr(9, 3), 10);
    if (!status || *status < 100) return bad("has no status");
    head.status = static_cast<int>(*status);
    head.keeps = one_one;
    text.remove_prefix(std::min(first_end == std::string_view::npos ? text.size() : first_end + 1, text.size()));
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (trimmed(line).empty()) continue;
        SYMPHONY_TRY(read_field(line, head));
    }
    if (head.chunked && head.length) return bad("has a length and chunks");
    return head;
}

/// Reads on until `behind` has as many bytes; false at the end of the stream.
Result<bool> fill(std::string& behind, std::size_t bytes, const ReadMore& more) {
    while (behind.size() < bytes) {
        const auto before = behind.size();
        SYMPHONY_TRY(more(behind));
        if (behind.size() == before) return false;
    }
    return true;
}

/// A line without its end, taken off `behind`.
Result<std::string> take_line(std::string& behind, const ReadMore& more) {
    for (;;) {
        if (const auto end = behind.find('\n'); end != std::string::npos) {
            std::string line(trimmed(std::string_view(behind).substr(0, end)));
            behind.erase(0, end + 1);
            return line;
        }
        if (behind.size() > chunk_line_bytes_max) return bad("has a chunk without a size");
        if (!SYMPHONY_TRY(fill(behind, behind.size() + 1, more))) return cut();
    }
}

Status take(std::string& behind, std::uint64_t bytes, const ReadMore& more, std::string& to) {
    while (bytes > 0) {
        if (behind.empty() && !SYMPHONY_TRY(fill(behind, 1, more))) return cut();
        const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, behind.size()));
        to.append(behind, 0, part);
        behind.erase(0, part);
        bytes -= part;
    }
    return {};
}

Status take_chunks(std::string& behind, const ReadMore& more, std::uint64_t bytes_max, std::string& to) {
    for (;;) {
        const auto line = SYMPHONY_TRY(take_line(behind, more));
        const auto size = number(trimmed(std::string_view(line).substr(0, line.find(';'))), 16);
        if (!size) return bad("has a chunk without a size");
        if (*size > bytes_max - to.size()) return too_large(bytes_max);
        if (*size == 0) break;
        SYMPHONY_TRY(take(behind, *size, more, to));
        if (!SYMPHONY_TRY(take_line(behind, more)).empty()) return bad("has a chunk that is longer than it says");
    }
    for (int trailers = 0; trailers < 100; ++trailers) {
        if (SYMPHONY_TRY(take_line(behind, more)).empty()) return {};
    }
    return bad("does not end");
}

} // namespace

Result<HttpAnswer> read_http(std::string& behind, const ReadMore& more, std::uint64_t body_bytes_max) {
    std::size_t end;
    for (;;) {
        end = behind.find("\r\n\r\n");
        if (end != std::string::npos) break;
        if (behind.size() > head_bytes_max) return bad("has a head that does not end");
        if (!SYMPHONY_TRY(fill(behind, behind.size() + 1, more))) return cut();
    }
    const auto head = SYMPHONY_TRY(read_head(std::string_view(behind).substr(0, end + 2)));
    behind.erase(0, end + 4);
    HttpAnswer answer{head.status, head.location, {}, false};
    if (head.status != 200) return answer;
    if (head.length && *head.length > body_bytes_max) return too_large(body_bytes_max);
    if (head.chunked) {
        SYMPHONY_TRY(take_chunks(behind, more, body_bytes_max, answer.body));
    } else if (head.length) {
        SYMPHONY_TRY(take(behind, *head.length, more, answer.body));
    } else {
        for (;;) {
            if (behind.size() > body_bytes_max) return too_large(body_bytes_max);
            if (!SYMPHONY_TRY(fill(behind, behind.size() + 1, more))) break;
        }
        answer.body.swap(behind);
        behind.clear();
        return answer;
    }
    answer.keeps = head.keeps;
    return answer;
}

} // namespace symphony::packaging
