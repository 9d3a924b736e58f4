// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include "blank_turns.hpp"

#include <symphony/nearest.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace symphony::tracker {

void Findings::error(std::string_view reason, std::string message, Place place, std::string hint) {
    add({Severity::error, std::string(reason), std::move(message), std::move(hint), file_, place.line, place.column});
}

void Findings::warning(std::string_view reason, std::string message, Place place, std::string hint) {
    add({Severity::warning, std::string(reason), std::move(message), std::move(hint), file_, place.line, place.column});
}

void Findings::add(Diagnostic diagnostic) {
    if (diagnostic.severity == Severity::error) ++errors_;
    if (found_.size() < findings_max) {
        found_.push_back(std::move(diagnostic));
        return;
    }
    ++left_out_;
    if (diagnostic.severity != Severity::error) return;
    // Many warnings must not hide why a file is refused.
    const auto warning = std::find_if(found_.rbegin(), found_.rend(), [](const Diagnostic& each) { return each.severity != Severity::error; });
    if (warning != found_.rend()) *warning = std::move(diagnostic);
}

std::vector<Diagnostic> Findings::take() {
    std::stable_sort(found_.begin(), found_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return a.line != b.line ? a.line < b.line : a.column < b.column;
    });
    if (left_out_ > 0) {
        found_.push_back({Severity::note, "more", std::to_string(left_out_) + " further findings are not listed", {}, file_, 0, 0});
    }
    left_out_ = 0;
    errors_ = 0;
    return std::exchange(found_, {});
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    constexpr std::size_t looked_at_max = 20'000;
    return symphony::nearest(word, candidates.first(std::min(candidates.size(), looked_at_max)));
}

std::string meant(std::string_view word, std::span<const std::string_view> candidates, std::string_view what) {
    if (const auto near = nearest(word, candidates); !near.empty()) return "did you mean " + shown(near) + "?";
    if (candidates.empty()) return {};
    constexpr std::size_t listed_max = 12;
    std::string text = std::string(what) + ": ";
    for (std::size_t i = 0; i < candidates.size() && i < listed_max; ++i) text += (i == 0 ? "" : ", ") + std::string(candidates[i]);
    if (candidates.size() > listed_max) text += " and " + std::to_string(candidates.size() - listed_max) + " more";
    return text;
}

std::string shown(std::string_view text) {
    constexpr std::size_t shown_max = 60;
    std::string clean = to_valid_utf8(text.substr(0, shown_max + 3));
    blank_turns(clean);
    if (text.size() > shown_max) {
        std::size_t cut = std::min(shown_max, clean.size());
        while (cut > 0 && (static_cast<unsigned char>(clean[cut]) & 0xC0u) == 0x80u) --cut;
        clean.resize(cut);
        clean += "…";
    }
    std::string out = "\"";
    for (const char c : clean) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
            out += escaped;
        } else {
            out += c;
        }
    }
    return out + '"';
}

} // namespace symphony::tracker
