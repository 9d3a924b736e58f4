// SPDX-License-Identifier: Apache-2.0
#include "markdown.hpp"

#include "escape.hpp"

#include <algorithm>

namespace report {

namespace {

std::string cut(std::size_t shown, std::uint64_t all, std::string_view things) {
    if (shown >= all) return {};
    return "\n" + grouped(shown) + " of " + grouped(all) + " " + std::string(things) + " shown; report.json has all of them.\n";
}

std::string row(std::initializer_list<std::string> cells) {
    std::string out = "|";
    for (const std::string& cell : cells) out += " " + cell + " |";
    return out + "\n";
}

std::string summary(const Facts& facts) {
    std::string out = "- " + counted(facts.files.size(), "file") + ", " + bytes_text(facts.total_bytes) + "\n";
    if (facts.texts > 0 || facts.total_words) out += "- " + counted(facts.texts, "text") + " read" + (facts.total_words ? ", " + counted(*facts.total_words, "word") : "") + "\n";
    const auto confidence = facts.mean_confidence();
    out += "- " + counted(facts.pages.size(), "page") + " recognised" + (confidence ? ", mean confidence " + fixed(*confidence, 1) + " of 100" : "") + "\n";
    if (facts.distinct || !facts.terms.empty()) out += "- " + counted(facts.distinct.value_or(facts.terms.size()), "distinct term") + "\n";
    if (!facts.patterns.empty()) out += "- " + counted(facts.match_count, "match", "matches") + " of " + counted(facts.patterns.size(), "pattern") + "\n";
    out += "- " + counted(facts.count(Severity::error), "error") + ", " + counted(facts.count(Severity::warning), "warning") + ", " + counted(facts.count(Severity::note), "note") + "\n";
    return out;
}

std::string terms(const Facts& facts, const MarkdownLimits& limits) {
    if (facts.terms.empty()) return {};
    std::string out = "\n## Terms\n\n| term | times | files |\n| --- | ---: | ---: |\n";
    const std::size_t shown = std::min(facts.terms.size(), limits.terms);
    for (std::size_t i = 0; i < shown; ++i) {
        const Term& term = facts.terms[i];
        out += row({markdown(shortened(term.term, 60)), grouped(term.count), grouped(term.files)});
    }
    return out + cut(shown, facts.terms.size(), "terms");
}

std::string excerpt(const Match& match) {
    if (match.length == 0) return markdown(match.excerpt);
    const std::string_view matched = match.excerpt.substr(match.begin, match.length);
    // Emphasis needs something other than a blank at its edges.
    const bool bold = matched.front() != ' ' && matched.back() != ' ';
    const std::string_view star = bold ? "**" : "";
    return markdown(match.excerpt.substr(0, match.begin)) + std::string(star) + markdown(matched) + std::string(star) + markdown(match.excerpt.substr(match.begin + match.length));
}

std::string matches(const Facts& facts, const MarkdownLimits& limits) {
    if (facts.patterns.empty()) return {};
    std::string out = "\n## Matches\n";
    const std::size_t patterns = std::min(facts.patterns.size(), limits.patterns);
    for (std::size_t p = 0; p < patterns; ++p) {
        const Pattern& pattern = facts.patterns[p];
        out += "\n### " + markdown(shortened(pattern.pattern, 120)) + ": " + grouped(pattern.count) + "\n\n";
        const std::size_t shown = std::min(pattern.matches.size(), limits.matches_per_pattern);
        for (std::size_t i = 0; i < shown; ++i) {
            const Match& match = pattern.matches[i];
            out += "- " + markdown(match.path) + ":" + std::to_string(match.line) + ":" + std::to_string(match.column) + " " + excerpt(match) + "\n";
        }
        if (shown < pattern.count) out += "\n" + grouped(shown) + " of " + grouped(pattern.count) + " shown.\n";
    }
    return out + cut(patterns, facts.patterns.size(), "patterns");
}

/// Longer than every run of backticks inside, so that the text cannot end its block.
std::string fence_for(std::string_view text) {
    std::size_t longest = 2;
    std::size_t run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return std::string(longest + 1, '`');
}

std::string pages(const Facts& facts, const MarkdownLimits& limits) {
    if (facts.pages.empty()) return {};
    std::string out = "\n## Recognised pages\n\n| page | confidence | trust | words | pixels |\n| --- | ---: | --- | ---: | ---: |\n";
    const std::size_t shown = std::min(facts.pages.size(), limits.pages);
    for (std::size_t i = 0; i < shown; ++i) {
        const Page& page = facts.pages[i];
        out += row({markdown(page.path), fixed(page.confidence, 1), std::string(name_of(trust_of(page.confidence))), grouped(page.words.size()), grouped(page.width) + " x " + grouped(page.height)});
    }
    out += cut(shown, facts.pages.size(), "pages");
    for (std::size_t i = 0; i < shown; ++i) {
        const Page& page = facts.pages[i];
        if (page.text.empty()) continue;
        const std::string text = shortened(page.text, limits.page_characters);
        const std::string fence = fence_for(text);
        out += "\n### " + markdown(page.path) + "\n\n" + fence + "text\n" + text + "\n" + fence + "\n";
    }
    return out;
}

std::string files(const Facts& facts, const MarkdownLimits& limits) {
    if (facts.files.empty()) return {};
    std::string out = "\n## Files\n\n| file | kind | bytes | lines | words | outcome |\n| --- | --- | ---: | ---: | ---: | --- |\n";
    const std::size_t shown = std::min(facts.files.size(), limits.files);
    for (std::size_t i = 0; i < shown; ++i) {
        const File& file = facts.files[i];
        out += row({markdown(file.path), markdown(file.kind), grouped(file.size), file.lines ? grouped(*file.lines) : "", file.words ? grouped(*file.words) : "", markdown(file.outcome)});
    }
    return out + cut(shown, facts.files.size(), "files");
}

std::string problems(const Facts& facts, const MarkdownLimits& limits) {
    std::string out = "\n## Problems\n\n";
    if (facts.problems.empty()) return out + "None.\n";
    const std::size_t shown = std::min(facts.problems.size(), limits.problems);
    for (std::size_t i = 0; i < shown; ++i) {
        const Problem& problem = facts.problems[i];
        out += "- **" + std::string(name_of(problem.severity)) + "** " + markdown(problem.reason) + ": ";
        if (!problem.path.empty()) out += markdown(problem.path) + ": ";
        out += markdown(problem.message) + "  \n  Remedy: " + markdown(problem.remedy) + "\n";
    }
    return out + cut(shown, facts.problems.size(), "problems");
}

std::string timings(const Facts& facts) {
    if (facts.timings.empty()) return {};
    std::string out = "\n## Timings\n\n| step | time |\n| --- | ---: |\n";
    for (const Timing& timing : facts.timings) out += row({markdown(timing.name), time_text(timing.milliseconds)});
    return out;
}

} // namespace

std::string to_markdown(const Facts& facts, const MarkdownLimits& limits) {
    std::string out = "# " + markdown(facts.title.empty() ? "Survey" : facts.title) + "\n\n";
    if (!facts.folder.empty()) out += "Folder: " + markdown(facts.folder) + "\n\n";
    if (!facts.generated.empty()) out += "Generated: " + markdown(facts.generated) + "\n\n";
    return out + summary(facts) + terms(facts, limits) + matches(facts, limits) + pages(facts, limits) + files(facts, limits) + problems(facts, limits) + timings(facts);
}

} // namespace report
