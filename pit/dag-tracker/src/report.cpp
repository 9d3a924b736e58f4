// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include "blank_turns.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace symphony::tracker {
namespace {

/// Damerau-Levenshtein without overlapping edits; stops above `limit`.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
    if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        std::size_t least = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
            least = std::min(least, row[j]);
        }
        if (least > limit) return limit + 1;
        before.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

} // namespace

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
    if (word.empty() || word.size() > 128) return {};
    const std::size_t limit = word.size() < 2 ? 0 : std::max<std::size_t>(1, word.size() / 3);
    std::string_view best;
    std::size_t best_distance = limit + 1;
    std::size_t looked_at = 0;
    for (const auto candidate : candidates) {
        if (++looked_at > 20'000) break;
        const auto found = distance(word, candidate, best_distance - 1);
        if (found < best_distance) {
            best = candidate;
            best_distance = found;
            if (found == 0) break;
        }
    }
    return best;
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
