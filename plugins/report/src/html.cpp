// SPDX-License-Identifier: Apache-2.0
#include "html.hpp"

#include "chart.hpp"
#include "escape.hpp"
#include "style.hpp"

#include <algorithm>
#include <array>

namespace report {

namespace detail {

std::string cut_note(std::size_t shown, std::uint64_t all, std::string_view things) {
    if (shown >= all) return {};
    return "<p class=\"note\">" + grouped(shown) + " of " + grouped(all) + " " + html(things) + " shown; <code>report.json</code> has all of them.</p>\n";
}

std::string path_html(std::string_view path) {
    std::string text = html(path);
    for (std::size_t at = text.find('/'); at != std::string::npos; at = text.find('/', at + 6)) text.insert(at + 1, "<wbr>");
    return "<bdi class=\"path\">" + text + "</bdi>";
}

} // namespace detail

namespace {

using detail::cut_note;
using detail::path_html;

std::string tile(std::string_view number, std::string_view name, std::string_view more, bool trouble = false) {
    std::string out = trouble ? "<li class=\"trouble\">" : "<li>";
    out += "<b>" + html(number) + "</b><span class=\"name\">" + html(name) + "</span>";
    if (!more.empty()) out += "<span class=\"more\">" + html(more) + "</span>";
    return out + "</li>\n";
}

std::uint64_t troubles(const Facts& facts) { return facts.count(Severity::error) + facts.count(Severity::warning); }

std::string tiles(const Facts& facts) {
    std::string out = "<ul class=\"tiles\" aria-label=\"Summary\">\n";
    out += tile(grouped(facts.files.size()), facts.files.size() == 1 ? "file" : "files", bytes_text(facts.total_bytes));
    out += tile(grouped(facts.texts), facts.texts == 1 ? "text read" : "texts read", facts.total_words ? counted(*facts.total_words, "word") : "");
    const auto confidence = facts.mean_confidence();
    out += tile(grouped(facts.pages.size()), facts.pages.size() == 1 ? "page image" : "page images", confidence ? "recognised, " + fixed(*confidence, 0) + " of 100 sure" : "");
    const std::uint64_t distinct = facts.distinct.value_or(facts.terms.size());
    out += tile(grouped(distinct), distinct == 1 ? "distinct term" : "distinct terms", facts.terms.empty() ? "" : "most often: " + shortened(facts.terms.front().term, 24));
    out += tile(grouped(facts.match_count), facts.match_count == 1 ? "match" : "matches", facts.patterns.empty() ? "" : "of " + counted(facts.patterns.size(), "pattern"));
    const std::size_t notes = facts.count(Severity::note);
    out += tile(grouped(troubles(facts)), troubles(facts) == 1 ? "problem" : "problems", notes > 0 ? "and " + counted(notes, "note") : "", troubles(facts) > 0);
    return out + "</ul>\n";
}

/// The result in sentences, for whoever reads nothing else.
std::string lead(const Facts& facts) {
    std::string out = "<p class=\"lead\">";
    if (facts.files.empty()) {
        out += "No file was found.";
    } else {
        out += "Of " + counted(facts.files.size(), "file") + ", " + counted(facts.texts, "text was", "texts were") + " read";
        out += facts.pages.empty() ? "." : " and " + counted(facts.pages.size(), "page was", "pages were") + " recognised.";
    }
    if (!facts.terms.empty()) {
        const Term& first = facts.terms.front();
        out += " The most frequent term is <em>" + html(shortened(first.term, 40)) + "</em>, " + counted(first.count, "time") + " in " + counted(first.files, "file") + ".";
    }
    const std::uint64_t trouble = troubles(facts);
    out += trouble == 0 ? " Nothing went wrong." : trouble == 1 ? " <a href=\"#problems\">One thing</a> needs a look." : " <a href=\"#problems\">" + grouped(trouble) + " things</a> need a look.";
    return out + "</p>\n";
}

std::string terms_section(const Facts& facts, const PageLimits& limits) {
    std::string out = "<section id=\"terms\">\n<h2>Terms</h2>\n";
    if (facts.terms.empty()) return out + "<p class=\"about\">No terms were counted.</p>\n</section>\n";
    const std::size_t charted = std::min(facts.terms.size(), limits.chart_terms);
    out += "<p class=\"about\">How often a word stands in the texts and the recognised pages.</p>\n<div class=\"panel\">\n<div class=\"scroll\">\n";
    std::vector<Bar> bars;
    for (std::size_t i = 0; i < charted; ++i) {
        const Term& term = facts.terms[i];
        bars.push_back({std::string(term.term), term.count, "in " + counted(term.files, "file")});
    }
    out += bar_chart("terms-chart", "The " + counted(charted, "most frequent term"), "times", bars) + "</div>\n";
    const std::size_t shown = std::min(facts.terms.size(), std::max(limits.terms, charted));
    if (shown > charted) {
        out += "<ul class=\"words\" aria-label=\"Further terms\">\n";
        for (std::size_t i = charted; i < shown; ++i) {
            out += "<li>" + html(shortened(facts.terms[i].term, 60)) + " <span>" + grouped(facts.terms[i].count) + "</span></li>\n";
        }
        out += "</ul>\n";
    }
    out += "</div>\n" + cut_note(shown, facts.terms.size(), "counted terms");
    return out + "</section>\n";
}

struct KindSum {
    std::string_view css_class;
    std::string_view name;
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

std::string kinds(const Facts& facts) {
    std::array<KindSum, 4> sums{{{"k1", "text"}, {"k2", "image"}, {"k3", "other"}, {"k4", "empty"}}};
    for (const File& file : facts.files) {
        KindSum& sum = sums[file.kind == "text" ? 0 : file.kind == "image" ? 1 : file.kind == "empty" ? 3 : 2];
        ++sum.files;
        sum.bytes += file.size;
    }
    std::vector<Share> shares;
    std::string legend = "<ul class=\"legend\">\n";
    for (const KindSum& sum : sums) {
        if (sum.files == 0) continue;
        shares.push_back({sum.css_class, std::string(sum.name), sum.files});
        legend += "<li><span class=\"swatch " + std::string(sum.css_class) + "\"></span>" + grouped(sum.files) + " " + std::string(sum.name) + ", " + bytes_text(sum.bytes) + "</li>\n";
    }
    return share_strip("Files by kind", shares) + "\n" + legend + "</ul>\n";
}

std::string files_section(const Facts& facts, const PageLimits& limits) {
    std::string out = "<section id=\"files\">\n<h2>Files</h2>\n";
    if (facts.files.empty()) return out + "<p class=\"about\">No file was found.</p>\n</section>\n";
    out += "<p class=\"about\">What the folder holds, and what became of it.</p>\n<div class=\"panel\">\n" + kinds(facts);
    const std::size_t shown = std::min(facts.files.size(), limits.files);
    out += "<div class=\"scroll\">\n<table style=\"margin-top:1.1rem\">\n<thead><tr><th scope=\"col\">File</th><th scope=\"col\" class=\"hide-narrow\">Kind</th><th scope=\"col\" class=\"n\">Size</th>"
           "<th scope=\"col\" class=\"n hide-narrow\">Lines</th><th scope=\"col\" class=\"n\">Words</th><th scope=\"col\">Outcome</th></tr></thead>\n<tbody>\n";
    for (std::size_t i = 0; i < shown; ++i) {
        const File& file = facts.files[i];
        out += "<tr><td>" + path_html(file.path) + "</td><td class=\"hide-narrow\">" + html(file.mime.empty() || file.kind == "empty" ? file.kind : file.mime) + "</td><td class=\"n\">" + bytes_text(file.size) + "</td>";
        out += "<td class=\"n hide-narrow\">" + (file.lines ? grouped(*file.lines) : "") + "</td><td class=\"n\">" + (file.words ? grouped(*file.words) : "") + "</td><td>" + html(file.outcome) + "</td></tr>\n";
    }
    out += "</tbody>\n</table>\n</div>\n</div>\n" + cut_note(shown, facts.files.size(), "files");
    if (!facts.skipped.empty()) {
        out += "<p class=\"note\">Left out by rule:";
        for (std::size_t i = 0; i < facts.skipped.size(); ++i) {
            std::string what(facts.skipped[i].what);
            std::replace(what.begin(), what.end(), '_', ' ');
            out += (i == 0 ? " " : ", ") + grouped(facts.skipped[i].count) + " " + html(what);
        }
        out += ".</p>\n";
    }
    return out + "</section>\n";
}

std::string timings_section(const Facts& facts, const PageLimits& limits) {
    if (facts.timings.empty()) return {};
    std::string out = "<section id=\"timings\">\n<h2>Timings</h2>\n<div class=\"panel\">\n<table>\n<thead><tr><th scope=\"col\">Step</th><th scope=\"col\" class=\"n\">Time</th></tr></thead>\n<tbody>\n";
    const std::size_t shown = std::min(facts.timings.size(), limits.timings);
    for (std::size_t i = 0; i < shown; ++i) {
        out += "<tr><td>" + html(facts.timings[i].name) + "</td><td class=\"n\">" + time_text(facts.timings[i].milliseconds) + "</td></tr>\n";
    }
    return out + "</tbody>\n</table>\n</div>\n" + cut_note(shown, facts.timings.size(), "steps") + "</section>\n";
}

} // namespace

std::string to_html(const Facts& facts, const PageLimits& limits) {
    const std::string title = html(shortened(facts.title.empty() ? "Survey" : facts.title, 200));
    std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    // Whatever a name or an excerpt smuggles in: nothing is run and nothing is fetched.
    out += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";
    out += "<meta name=\"generator\" content=\"Symphony report " SYMPHONY_PLUGIN_VERSION "\">\n<title>" + title + "</title>\n<style>";
    out += style();
    out += "</style>\n</head>\n<body>\n<header>\n<p class=\"eyebrow\">Symphony survey</p>\n<h1>" + title + "</h1>\n";
    if (!facts.folder.empty() || !facts.generated.empty()) {
        out += "<p class=\"where\">" + (facts.folder.empty() ? "" : facts.folder == "." ? "the workspace" : path_html(facts.folder));
        if (!facts.generated.empty()) out += (facts.folder.empty() ? "" : " \u00b7 ") + html(shortened(facts.generated, 100));
        out += "</p>\n";
    }
    out += lead(facts) + tiles(facts);
    out += "<nav aria-label=\"Sections\"><a href=\"#terms\">Terms</a><a href=\"#matches\">Matches</a><a href=\"#pages\">Recognised pages</a><a href=\"#files\">Files</a><a href=\"#problems\">Problems</a></nav>\n</header>\n<main>\n";
    out += terms_section(facts, limits) + detail::matches_section(facts, limits) + detail::pages_section(facts, limits) + files_section(facts, limits) +
           detail::problems_section(facts, limits) + timings_section(facts, limits);
    out += "</main>\n<footer>Made by Symphony's <code>survey</code>. The same facts, complete, are in <code>report.json</code>; a short form for text is <code>report.md</code>.</footer>\n</body>\n</html>\n";
    return out;
}

} // namespace report
