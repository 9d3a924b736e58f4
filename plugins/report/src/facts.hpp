// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace report {

struct File {
    std::string_view path;
    std::string_view kind; // text, image, binary, empty, or what else the input said
    std::string_view mime;
    std::uint64_t size = 0;
    std::optional<std::uint64_t> lines;
    std::optional<std::uint64_t> words;
    std::string outcome; // "read", "recognised", "empty", "not read", or the reason of its problem
};

struct Word {
    std::string_view text;
    double confidence = 0; // 0 to 100
};

/// How sure the recognition was.
enum class Trust : std::uint8_t { high, fair, low };
inline constexpr double trust_high_min = 90;
inline constexpr double trust_fair_min = 70;
Trust trust_of(double confidence) noexcept;
/// "high", "fair", "low".
std::string_view name_of(Trust trust) noexcept;

struct Page {
    std::string_view path;
    std::string_view text;
    std::string_view language;
    double confidence = 0;
    std::uint64_t width = 0;
    std::uint64_t height = 0;
    std::vector<Word> words;
    symphony::ValueView value; // all of it, for the JSON

    std::uint64_t words_of(Trust trust) const noexcept;
};

struct Term {
    std::string_view term;
    std::uint64_t count = 0;
    std::uint64_t files = 0;
};

struct Match {
    std::string_view path;
    std::string_view excerpt;
    std::uint64_t line = 0;
    std::uint64_t column = 0;
    std::size_t begin = 0; // bytes of the excerpt that are the match; length 0 = not known
    std::size_t length = 0;
};

struct Pattern {
    std::string_view pattern;
    std::uint64_t count = 0; // of all, also of those that are not in `matches`
    std::vector<Match> matches;
};

enum class Severity : std::uint8_t { error, warning, note };
std::string_view name_of(Severity severity) noexcept;

struct Problem {
    Severity severity = Severity::error;
    std::string_view path;
    std::string_view node;
    std::string_view reason;
    std::string message; // without the path in front
    std::string remedy;  // the problem's own hint, else what is known about the reason
};

struct Skipped {
    std::string_view what;
    std::uint64_t count = 0;
};

struct Timing {
    std::string_view name;
    double milliseconds = 0;
};

/// Everything a report tells, sorted. Views point into the input value.
struct Facts {
    std::string_view title;
    std::string_view folder;
    std::string_view generated;
    std::vector<File> files;       // as found
    std::vector<Page> pages;       // as recognised
    std::vector<Term> terms;       // most frequent first
    std::vector<Pattern> patterns; // most matches first
    std::vector<Problem> problems; // errors, warnings, notes; then by reason and path
    std::vector<Skipped> skipped;
    std::vector<Timing> timings;
    std::uint64_t total_bytes = 0;
    std::uint64_t texts = 0;
    std::optional<std::uint64_t> total_words;
    std::optional<std::uint64_t> distinct;
    std::uint64_t match_count = 0;

    std::size_t count(Severity severity) const noexcept;
    /// Mean over the pages that have words; nothing without such a page.
    std::optional<double> mean_confidence() const noexcept;

    /// Reads the inputs of the operation `survey`; a wrong kind is named with its place.
    static symphony::Result<Facts> of(symphony::ValueView input);
};

} // namespace report
