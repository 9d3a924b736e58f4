// SPDX-License-Identifier: Apache-2.0
#include "escape.hpp"
#include "html.hpp"

#include <algorithm>

namespace report::detail {

namespace {

using Problems = std::vector<Problem>;

/// Problems of one severity and reason stand together, because facts are sorted so.
Problems::const_iterator end_of_group(Problems::const_iterator first, Problems::const_iterator last) {
    return std::find_if(first, last, [&](const Problem& problem) { return problem.severity != first->severity || problem.reason != first->reason; });
}

std::string item(const Problem& problem, bool with_remedy) {
    std::string out = "<li>";
    if (!problem.path.empty()) out += path_html(problem.path) + " ";
    out += "<span class=\"why\">" + html(shortened(problem.message, 500));
    if (problem.path.empty() && !problem.node.empty()) out += " (step " + html(problem.node) + ")";
    out += "</span>";
    if (with_remedy) out += "<br><b>Remedy:</b> " + html(shortened(problem.remedy, 300));
    return out + "</li>\n";
}

std::string group(Problems::const_iterator first, Problems::const_iterator last, const PageLimits& limits) {
    const auto count = static_cast<std::size_t>(last - first);
    const std::string_view severity = name_of(first->severity);
    const bool one_remedy = std::all_of(first, last, [&](const Problem& problem) { return problem.remedy == first->remedy; });
    std::string out = "<article class=\"panel group " + std::string(first->severity == Severity::note ? "note-group" : severity) + "\">\n<header><span class=\"badge\">" + std::string(severity) + "</span><h3>" +
                      html(shortened(first->reason, 80)) + "</h3><span class=\"why\">" + counted(count, "time") + "</span></header>\n";
    if (one_remedy) out += "<p class=\"remedy\"><b>Remedy:</b> " + html(shortened(first->remedy, 300)) + "</p>\n";
    out += "<ul class=\"items\">\n";
    const std::size_t shown = std::min(count, limits.problems_per_group);
    for (auto problem = first; problem != first + static_cast<std::ptrdiff_t>(shown); ++problem) out += item(*problem, !one_remedy);
    return out + "</ul>\n" + cut_note(shown, count, "of this kind") + "</article>\n";
}

} // namespace

std::string problems_section(const Facts& facts, const PageLimits& limits) {
    std::string out = "<section id=\"problems\">\n<h2>Problems</h2>\n";
    if (facts.problems.empty()) return out + "<p class=\"good\">None. Every file that was found could be surveyed.</p>\n</section>\n";
    out += "<p class=\"about\">What could not be surveyed, or only in part, with what to do about it. Everything else in this report is complete.</p>\n";
    std::size_t shown = 0;
    std::size_t groups = 0;
    for (auto first = facts.problems.begin(); first != facts.problems.end(); ++groups) {
        const auto last = end_of_group(first, facts.problems.end());
        if (groups < limits.problem_groups) {
            out += group(first, last, limits);
            ++shown;
        }
        first = last;
    }
    return out + cut_note(shown, groups, "kinds of problems") + "</section>\n";
}

} // namespace report::detail
