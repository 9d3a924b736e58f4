// SPDX-License-Identifier: Apache-2.0
#include "chart.hpp"
#include "escape.hpp"
#include "html.hpp"

#include <algorithm>

namespace report::detail {

namespace {

/// The text with words of low trust underlined. Words come in reading order, so each is looked for behind the last.
std::string text_html(const Page& page, std::size_t characters) {
    const std::string kept = shortened(page.text, characters);
    const std::string_view text = kept;
    std::string out;
    std::size_t done = 0;
    for (const Word& word : page.words) {
        if (word.text.empty()) continue;
        constexpr std::size_t reach = 400; // a word that is not where it should be must not swallow the rest
        const std::size_t at = text.substr(0, std::min(text.size(), done + reach)).find(word.text, done);
        if (at == std::string_view::npos) continue;
        out += html(text.substr(done, at - done));
        const bool doubtful = trust_of(word.confidence) == Trust::low;
        if (doubtful) out += "<span class=\"doubt\" title=\"confidence " + fixed(word.confidence, 0) + " of 100\">";
        out += html(word.text);
        if (doubtful) out += "</span>";
        done = at + word.text.size();
    }
    out += html(text.substr(done));
    for (std::size_t at = out.find("\n\n"); at != std::string::npos; at = out.find("\n\n", at)) out.replace(at, 2, "<span class=\"gap\"></span>");
    return out;
}

std::string sheet(const Page& page, const PageLimits& limits, bool open) {
    const Trust trust = trust_of(page.confidence);
    std::string out = "<article class=\"panel sheet\">\n<div><h3>" + path_html(page.path.empty() ? "page" : page.path) + "</h3>\n<p class=\"facts\">";
    out += counted(page.words.size(), "word") + ", " + grouped(page.width) + " \u00d7 " + grouped(page.height) + " pixels";
    if (!page.language.empty()) out += ", model " + html(shortened(page.language, 40));
    out += "</p></div>\n<div>";
    if (page.text.empty()) {
        out += "<p class=\"facts\">No text was found on this page.</p></div>\n</article>\n";
        return out;
    }
    out += "<span class=\"score\">" + fixed(page.confidence, 1) + "<small> of 100, " + std::string(name_of(trust)) + "</small></span>" + confidence_bar(page.confidence);
    if (!page.words.empty()) {
        std::string words;
        for (const Trust each : {Trust::high, Trust::fair, Trust::low}) {
            const std::uint64_t n = page.words_of(each);
            if (n > 0) words += (words.empty() ? "" : ", ") + grouped(n) + " " + std::string(name_of(each));
        }
        out += "<p class=\"facts\">words: " + words + "</p>";
    }
    out += "</div>\n<details" + std::string(open ? " open" : "") + "><summary>Recognised text</summary><div class=\"read\">" + text_html(page, limits.page_characters) + "</div></details>\n</article>\n";
    return out;
}

} // namespace

std::string pages_section(const Facts& facts, const PageLimits& limits) {
    std::string out = "<section id=\"pages\">\n<h2>Recognised pages</h2>\n";
    if (facts.pages.empty()) return out + "<p class=\"about\">No page image was recognised.</p>\n</section>\n";
    out += "<p class=\"about\">How sure the recognition is of each page. Ticks mark " + fixed(trust_fair_min, 0) + " and " + fixed(trust_high_min, 0) +
           "; words below " + fixed(trust_fair_min, 0) + " are underlined with dots.</p>\n";
    out += "<ul class=\"legend\" style=\"margin:0 0 1rem\"><li><span class=\"swatch high\"></span>high, from " + fixed(trust_high_min, 0) + "</li><li><span class=\"swatch fair\"></span>fair, from " +
           fixed(trust_fair_min, 0) + "</li><li><span class=\"swatch low\"></span>low</li></ul>\n<div class=\"sheets\">\n";
    const std::size_t shown = std::min(facts.pages.size(), limits.pages);
    for (std::size_t i = 0; i < shown; ++i) out += sheet(facts.pages[i], limits, i == 0);
    out += "</div>\n" + cut_note(shown, facts.pages.size(), "pages");
    return out + "</section>\n";
}

} // namespace report::detail
