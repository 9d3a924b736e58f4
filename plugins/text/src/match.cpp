// SPDX-License-Identifier: Apache-2.0
#include "documents.hpp"
#include "words.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace text {

using symphony::Inputs;
using symphony::Result;
using symphony::Value;
using symphony::ValueBuilder;
using symphony::ValueView;

namespace {

constexpr std::uint64_t matches_default = 10'000;
constexpr std::uint64_t matches_max = 1'000'000;
constexpr std::size_t patterns_max = 1000;
constexpr std::size_t excerpt_before = 60;
constexpr std::size_t excerpt_after = 100;
constexpr std::uint64_t hits_between_checks = 4096;

/// A literal, or a regular expression that RE2 runs in time linear in the text.
struct Pattern {
    std::string_view given;
    std::unique_ptr<re2::RE2> regex; // null for a literal
};

struct Hit {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t pattern = 0;
    friend bool operator<(const Hit& a, const Hit& b) { return a.begin != b.begin ? a.begin < b.begin : a.pattern < b.pattern; }
};

/// `/body/flags` with flags of i, s, U is a regular expression; everything else is taken literally.
bool split_regex(std::string_view given, std::string_view& body, std::string_view& flags) {
    const std::size_t last = given.rfind('/');
    if (given.size() < 3 || given[0] != '/' || last < 2) return false;
    flags = given.substr(last + 1);
    if (flags.find_first_not_of("isU") != std::string_view::npos) return false;
    body = given.substr(1, last - 1);
    return true;
}

Result<std::vector<Pattern>> compile(const Inputs& inputs) {
    const std::vector<std::string_view> given = SYMPHONY_TRY(inputs.texts("patterns", true));
    if (given.size() > patterns_max) {
        return inputs.error("out-of-range", "input \"patterns\" has " + std::to_string(given.size()) + " items, at most 1000 are taken");
    }
    std::vector<Pattern> patterns;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto refuse = [&](const std::string& why) {
            return inputs.error("bad-pattern", "input \"patterns\": item " + std::to_string(i) + " " + why,
                                "write /expression/ in RE2 syntax, or plain text to be found as it is");
        };
        if (given[i].empty()) return refuse("is empty");
        for (const Pattern& other : patterns) {
            if (other.given == given[i]) return refuse("repeats " + Inputs::quoted(given[i].substr(0, 60)));
        }
        Pattern pattern{given[i], nullptr};
        std::string_view body, flags;
        if (split_regex(given[i], body, flags)) {
            re2::RE2::Options options;
            options.set_log_errors(false);
            const std::string source = "(?m" + std::string(flags) + ")" + std::string(body);
            pattern.regex = std::make_unique<re2::RE2>(source, options);
            if (!pattern.regex->ok()) {
                return refuse(Inputs::quoted(given[i].substr(0, 60)) + ": " + symphony::to_valid_utf8(pattern.regex->error()));
            }
        }
        patterns.push_back(std::move(pattern));
    }
    return patterns;
}

bool starts_character(std::string_view text, std::size_t at) {
    return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0u) != 0x80u;
}

/// Calls `hit(begin, end)` for each match, leftmost first, without overlap, empty ones left out, until it answers false.
template <class OnHit>
void each_match(const Pattern& pattern, std::string_view text, const OnHit& hit) {
    std::size_t at = 0;
    if (!pattern.regex) {
        while (at < text.size()) {
            const void* found = ::memmem(text.data() + at, text.size() - at, pattern.given.data(), pattern.given.size());
            if (found == nullptr) return;
            const auto begin = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
            at = begin + pattern.given.size();
            if (!hit(begin, at)) return;
        }
        return;
    }
    const re2::StringPiece whole(text.data(), text.size());
    re2::StringPiece found;
    while (at < text.size() && pattern.regex->Match(whole, at, text.size(), re2::RE2::UNANCHORED, &found, 1)) {
        auto begin = static_cast<std::size_t>(found.data() - text.data());
        std::size_t end = begin + found.size();
        while (!starts_character(text, begin)) --begin; // \C matches inside characters; we give whole ones
        while (!starts_character(text, end)) ++end;
        if (!found.empty() && !hit(begin, end)) return;
        at = end > at ? end : at;
        if (!found.empty()) continue;
        do ++at; // past one character
        while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u);
    }
}

/// Line and column of ascending positions of one text, both from 1; a column is a character.
class Places {
public:
    explicit Places(std::string_view text) : text_(text) {}
    void move_to(std::size_t position) {
        while (const void* found = std::memchr(text_.data() + scanned_, '\n', position - scanned_)) {
            scanned_ = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data()) + 1;
            line_start_ = counted_ = scanned_;
            columns_ = 0;
            ++line_;
        }
        scanned_ = position;
        columns_ += characters(text_.substr(counted_, position - counted_));
        counted_ = position;
    }
    std::uint64_t line() const noexcept { return line_; }
    std::uint64_t column() const noexcept { return columns_ + 1; }
    std::size_t line_start() const noexcept { return line_start_; }

private:
    std::string_view text_;
    std::size_t scanned_ = 0;
    std::size_t counted_ = 0; // columns_ holds the characters from line_start_ to here
    std::size_t line_start_ = 0;
    std::uint64_t line_ = 1;
    std::uint64_t columns_ = 0;
};

struct Excerpt {
    std::string text;
    std::size_t begin = 0; // bytes of `text` before the match
    std::size_t length = 0; // bytes of the match that are in `text`
};

/// The match with what stands around it in its line, on one line, cut between characters.
Excerpt excerpt(std::string_view text, std::size_t line_start, const Hit& hit) {
    std::size_t begin = std::max(line_start, hit.begin > excerpt_before ? hit.begin - excerpt_before : 0);
    while (!starts_character(text, begin)) ++begin;
    std::size_t end = std::min(text.size(), hit.begin + excerpt_after);
    const std::size_t line_end = text.find_first_of("\r\n", hit.begin);
    if (line_end != std::string_view::npos) end = std::min(end, std::max(line_end, hit.begin));
    while (!starts_character(text, end)) --end;
    std::string out(text.substr(begin, end - begin));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    }
    return {std::move(out), hit.begin - begin, std::min(hit.end, end) - hit.begin};
}

/// Keeps the first `most` hits of a text over all patterns, in order.
void keep_first(std::vector<Hit>& hits, std::uint64_t most) {
    if (hits.size() <= most) return;
    const auto cut = hits.begin() + static_cast<std::ptrdiff_t>(most);
    std::nth_element(hits.begin(), cut, hits.end());
    hits.erase(cut, hits.end());
}

} // namespace

Result<Value> match(ValueView input, const Cancelled& cancelled) {
    const Inputs inputs = SYMPHONY_TRY(Inputs::of("match", input, {"text", "texts", "patterns", "max_matches"}));
    const std::vector<Document> texts = SYMPHONY_TRY(documents(inputs));
    const std::vector<Pattern> patterns = SYMPHONY_TRY(compile(inputs));
    const std::uint64_t most = SYMPHONY_TRY(inputs.integer_or("max_matches", matches_default, 1, matches_max));

    std::vector<std::uint64_t> counts(patterns.size(), 0);
    std::uint64_t total = 0;
    std::uint64_t shown = 0;
    ValueBuilder out;
    out.map(4).key("matches").list();
    std::vector<Hit> hits;
    for (const Document& document : texts) {
        hits.clear();
        for (std::size_t p = 0; p < patterns.size(); ++p) {
            std::uint64_t kept = 0;
            bool stop = cancelled();
            if (!stop) {
                each_match(patterns[p], document.text, [&](std::size_t begin, std::size_t end) {
                    ++counts[p];
                    if (kept < most - shown) {
                        hits.push_back({begin, end, p});
                        ++kept;
                    }
                    if (++total % hits_between_checks == 0) stop = cancelled();
                    return !stop;
                });
            }
            if (stop) return cancelled_error("match");
            keep_first(hits, most - shown);
        }
        std::sort(hits.begin(), hits.end());
        Places places(document.text);
        for (const Hit& hit : hits) {
            places.move_to(hit.begin);
            const Excerpt around = excerpt(document.text, places.line_start(), hit);
            out.map(7).add("path", document.path).add("line", places.line()).add("column", places.column());
            out.add("pattern", patterns[hit.pattern].given).add("excerpt", around.text).add("begin", around.begin).add("length", around.length).end();
        }
        shown += hits.size();
    }
    out.end().key("counts").map(patterns.size());
    for (std::size_t p = 0; p < patterns.size(); ++p) out.add(patterns[p].given, counts[p]);
    return out.end().add("total", total).add("truncated", shown < total).end().build();
}

} // namespace text
