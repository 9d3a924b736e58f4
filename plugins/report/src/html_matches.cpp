// SPDX-License-Identifier: Apache-2.0
#include "escape.hpp"
#include "html.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace report::detail {

namespace {

/// What stands before the match: without indentation, and from the first whole word when the line was cut.
std::string before_html(const Match& match) {
    std::string_view before = match.excerpt.substr(0, match.begin);
    const bool cut = match.column > character_count(before) + 1;
    if (cut) before.remove_prefix(std::min(before.find(' '), before.size()));
    before.remove_prefix(std::min(before.find_first_not_of(" \t"), before.size()));
    return (cut ? "\u2026 " : "") + html(before);
}

std::string excerpt_html(const Match& match) {
    if (match.length == 0) return html(match.excerpt);
    return before_html(match) + "<mark>" + html(match.excerpt.substr(match.begin, match.length)) + "</mark>" + html(match.excerpt.substr(match.begin + match.length));
}

/// At most `most` matches from as many files as possible, in their order: the first of every file, then the second, ...
std::vector<const Match*> chosen(const std::vector<Match>& matches, std::size_t most) {
    std::unordered_map<std::string_view, std::size_t> seen;
    std::vector<std::pair<std::size_t, std::size_t>> ranked; // how many of the same file come before, place
    for (std::size_t i = 0; i < matches.size(); ++i) ranked.emplace_back(seen[matches[i].path]++, i);
    const std::size_t kept = std::min(most, ranked.size());
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end());
    ranked.resize(kept);
    std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    std::vector<const Match*> out;
    for (const auto& [before, place] : ranked) out.push_back(&matches[place]);
    return out;
}

std::size_t files_of(const std::vector<Match>& matches) {
    std::unordered_set<std::string_view> paths;
    for (const Match& match : matches) paths.insert(match.path);
    return paths.size();
}

std::string pattern_block(const Pattern& pattern, const PageLimits& limits, bool open) {
    std::string out = open ? "<details class=\"pattern panel\" open>" : "<details class=\"pattern panel\">";
    const std::vector<const Match*> rows = chosen(pattern.matches, limits.matches_per_pattern);
    const std::size_t shown = rows.size();
    const bool complete = pattern.matches.size() == pattern.count;
    out += "<summary><code>" + html(shortened(pattern.pattern, 120)) + "</code><span class=\"count\">" + counted(pattern.count, "match", "matches");
    if (complete) out += " in " + counted(files_of(pattern.matches), "file");
    out += "</span></summary>\n";
    if (shown > 0) {
        out += "<table>\n<thead><tr><th scope=\"col\" class=\"at\">Where</th><th scope=\"col\">What stands there</th></tr></thead>\n<tbody>\n";
        for (const Match* match : rows) {
            out += "<tr><td>" + path_html(match->path) + " <span class=\"place\">" + grouped(match->line) + ":" + grouped(match->column) + "</span></td>";
            out += "<td class=\"excerpt\">" + excerpt_html(*match) + "</td></tr>\n";
        }
        out += "</tbody>\n</table>\n";
    }
    if (shown < pattern.count) {
        out += "<p class=\"note\">" + grouped(shown) + " of " + grouped(pattern.count) + " shown; <code>report.json</code> has " +
               (complete ? "all of them" : "the first " + grouped(pattern.matches.size())) + ".</p>\n";
    }
    return out + "</details>\n";
}

} // namespace

std::string matches_section(const Facts& facts, const PageLimits& limits) {
    std::string out = "<section id=\"matches\">\n<h2>Matches</h2>\n";
    if (facts.patterns.empty()) return out + "<p class=\"about\">Nothing was searched for.</p>\n</section>\n";
    out += "<p class=\"about\">Where the words and expressions that were asked for stand, as line:column.</p>\n";
    std::vector<const Pattern*> missed;
    std::size_t shown = 0;
    std::size_t found = 0;
    for (const Pattern& pattern : facts.patterns) {
        if (pattern.count == 0) {
            missed.push_back(&pattern);
            continue;
        }
        ++found;
        if (shown == limits.patterns) continue;
        out += pattern_block(pattern, limits, shown < 3);
        ++shown;
    }
    out += cut_note(shown, found, "patterns with matches");
    if (!missed.empty()) {
        out += "<p class=\"note\">Not found anywhere:";
        const std::size_t named = std::min(missed.size(), limits.patterns);
        for (std::size_t i = 0; i < named; ++i) out += (i == 0 ? " <code>" : ", <code>") + html(shortened(missed[i]->pattern, 120)) + "</code>";
        if (named < missed.size()) out += " and " + grouped(missed.size() - named) + " more";
        out += ".</p>\n";
    }
    return out + "</section>\n";
}

} // namespace report::detail
