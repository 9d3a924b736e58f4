// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/toml_guard.hpp>

#include <string>

namespace symphony::manifests {
namespace {

constexpr unsigned dots_max = 16;

/// The offset behind a string that begins at `at`; the end of the line or text when it is not closed.
std::size_t skip_string(std::string_view text, std::size_t at) noexcept {
    const char quote = text[at];
    const char three[] = {quote, quote, quote};
    const bool long_form = text.substr(at, 3) == std::string_view(three, 3);
    at += long_form ? 3 : 1;
    while (at < text.size()) {
        if (text[at] == '\\' && quote == '"') {
            at += 2;
        } else if (!long_form && (text[at] == quote || text[at] == '\n')) {
            return text[at] == quote ? at + 1 : at;
        } else if (long_form && text.substr(at, 3) == std::string_view(three, 3)) {
            at += 3;
            // Up to two quotes may stand right before the closing three.
            for (int more = 0; more < 2 && at < text.size() && text[at] == quote; ++more) ++at;
            return at;
        } else {
            ++at;
        }
    }
    return text.size();
}

Place place_at(std::string_view text, std::size_t at) noexcept {
    Place place{1, 1};
    for (std::size_t i = 0; i < at; ++i) {
        if (text[i] == '\n') {
            ++place.line;
            place.column = 1;
        } else if ((static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u) {
            ++place.column;
        }
    }
    return place;
}

} // namespace

std::optional<Diagnostic> toml_trouble(std::string_view text, std::string_view file, std::size_t bytes_max) {
    if (text.size() > bytes_max) {
        return Diagnostic{Severity::error, "too-large",
                          "the file has at least " + std::to_string(text.size()) + " bytes, at most " + std::to_string(bytes_max) +
                              " are read",
                          "move long texts into files of their own", std::string(file), 0, 0};
    }
    unsigned dots = 0;
    for (std::size_t at = 0; at < text.size();) {
        switch (text[at]) {
        case '"':
        case '\'': at = skip_string(text, at); continue;
        case '#':
            while (at < text.size() && text[at] != '\n') ++at;
            continue;
        case '\n':
        case '=':
        case ',':
        case '[':
        case ']':
        case '{':
        case '}': dots = 0; break;
        case '.':
            if (++dots > dots_max) {
                const auto place = place_at(text, at);
                return Diagnostic{Severity::error, "too-deep",
                                  "a key of more than " + std::to_string(dots_max + 1) + " parts", {}, std::string(file),
                                  place.line, place.column};
            }
            break;
        default: break;
        }
        ++at;
    }
    return std::nullopt;
}

} // namespace symphony::manifests
