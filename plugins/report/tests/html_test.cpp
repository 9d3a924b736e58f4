// SPDX-License-Identifier: Apache-2.0
#include "html.hpp"
#include "inputs.hpp"
#include "markup.hpp"

#include <algorithm>

namespace report {
namespace {

using test::Element;
using test::Markup;
using test::html_of;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

Markup parsed(const std::string& page) {
    Markup markup(page);
    EXPECT_EQ(markup.error(), "");
    return markup;
}

/// Nothing that runs, loads or leads anywhere outside the page.
void expect_self_contained(const Markup& markup) {
    static const std::set<std::string> allowed{"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "section", "article", "div", "p", "h1", "h2", "h3", "ul", "li", "b",
                                               "em", "small", "span", "a", "bdi", "wbr", "br", "code", "mark", "details", "summary", "table", "thead", "tbody", "tr", "th", "td",
                                               "svg", "g", "desc", "line", "text", "rect"};
    for (const Element& element : markup.elements()) {
        EXPECT_TRUE(allowed.contains(element.name)) << element.name;
        for (const auto& [name, value] : element.attributes) {
            EXPECT_FALSE(name.starts_with("on")) << name;
            EXPECT_TRUE(name != "src" && name != "srcset" && name != "xlink:href") << name;
            EXPECT_TRUE(name != "href" || value.starts_with("#")) << value;
        }
        const bool loads = contains(element.text, "url(") || contains(element.text, "@import") || contains(element.text, "<");
        EXPECT_FALSE(element.name == "style" && loads);
    }
}

std::string with_name(const std::string& name) {
    const std::string quoted = nlohmann::json(name).dump();
    return R"({"title":)" + quoted + R"(,"folder":)" + quoted + R"(,"files":[{"path":)" + quoted + R"(,"kind":"text","mime":)" + quoted + R"(,"size":1}],"texts":[{"path":)" + quoted +
           R"(,"lines":1}],"terms":[{"term":)" + quoted + R"(,"count":1,"files":1}],"counts":{)" + quoted + R"(:1},"matches":[{"path":)" + quoted + R"(,"pattern":)" + quoted + R"(,"excerpt":)" + quoted +
           R"(,"line":1,"column":1}],"pages":[{"path":)" + quoted + R"(,"text":)" + quoted + R"(,"language":)" + quoted + R"(,"confidence":50,"words":[{"text":)" + quoted + R"(,"confidence":10}]}],"problems":[{"path":)" +
           quoted + R"(,"reason":)" + quoted + R"(,"message":)" + quoted + R"(,"hint":)" + quoted + R"(}],"skipped":{)" + quoted + R"(:3},"timings":[{"name":)" + quoted + R"(,"milliseconds":1}]})";
}

TEST(Html, IsWellFormedAndSelfContained) {
    const Markup markup = parsed(html_of(test::small));
    expect_self_contained(markup);
    EXPECT_EQ(markup.all("script").size(), 0u);
    EXPECT_EQ(markup.all("h1").front()->text, "Survey");
}

TEST(Html, TilesTellTheTotals) {
    const Markup markup = parsed(html_of(test::small));
    std::vector<std::string> tiles;
    for (const Element* tile : markup.all("li")) {
        if (contains(tile->text, "files") || contains(tile->text, "text read") || contains(tile->text, "page image") || contains(tile->text, "problem")) tiles.push_back(tile->text);
    }
    ASSERT_GE(tiles.size(), 4u);
    EXPECT_TRUE(contains(tiles[0], "5files81 kB")) << tiles[0];
    EXPECT_TRUE(contains(tiles[1], "1text read7 words")) << tiles[1];
    EXPECT_TRUE(contains(tiles[2], "1page image")) << tiles[2];
    EXPECT_TRUE(contains(tiles[3], "1problemand 1 note")) << tiles[3];
}

TEST(Html, ChartBarsAreAsLongAsTheirCounts) {
    const Markup markup = parsed(html_of(test::small));
    const auto bars = markup.all("rect", "bar");
    ASSERT_EQ(bars.size(), 2u);
    const double longest = std::stod(bars[0]->attributes.at("width"));
    EXPECT_NEAR(std::stod(bars[1]->attributes.at("width")), longest / 4, 0.1);
    const auto labels = markup.all("text", "label");
    EXPECT_EQ(labels.at(0)->text, "plugin");
    EXPECT_EQ(markup.all("text", "value").at(0)->text, "40");
    EXPECT_EQ(markup.all("desc").front()->text, "plugin 40, host 10 times");
}

TEST(Html, ShowsTheConfidenceOfAPageInWordsAndAsABar) {
    const Markup markup = parsed(html_of(test::small));
    const auto meters = markup.all("svg", "meter");
    ASSERT_EQ(meters.size(), 1u);
    EXPECT_EQ(meters[0]->attributes.at("aria-label"), "confidence 88.5 of 100, fair");
    const auto bars = markup.all("rect", "fair");
    ASSERT_FALSE(bars.empty());
    EXPECT_EQ(bars[0]->attributes.at("width"), "177");
    EXPECT_EQ(markup.all("span", "score").at(0)->text, "88.5 of 100, fair");
    EXPECT_TRUE(contains(html_of(test::small), "words: 3 high, 1 fair, 1 low"));
}

TEST(Html, UnderlinesDoubtfulWords) {
    const Markup markup = parsed(html_of(test::small));
    const auto doubts = markup.all("span", "doubt");
    ASSERT_EQ(doubts.size(), 1u);
    EXPECT_EQ(doubts[0]->text, "plugln");
    EXPECT_EQ(doubts[0]->attributes.at("title"), "confidence 42 of 100");
    EXPECT_TRUE(contains(markup.all("div", "read").at(0)->text, "The host"));
    EXPECT_TRUE(contains(markup.all("div", "read").at(0)->text, "loads a plugln"));
}

TEST(Html, MarksTheMatchInItsExcerpt) {
    const Markup markup = parsed(html_of(test::small));
    ASSERT_EQ(markup.all("mark").size(), 1u);
    EXPECT_EQ(markup.all("mark")[0]->text, "plugin");
    EXPECT_EQ(markup.all("td", "excerpt").at(0)->text, "a plugin");
    EXPECT_TRUE(contains(html_of(test::small), "Not found anywhere: <code>sousaphone</code>"));
}

TEST(Html, NamesEveryProblemWithItsRemedy) {
    const std::string page = html_of(test::small);
    EXPECT_TRUE(contains(page, "image-broken"));
    EXPECT_TRUE(contains(page, "<span class=\"why\">cannot decode the PNG image</span>"));
    EXPECT_TRUE(contains(page, "scan it again"));
    EXPECT_TRUE(contains(page, "nothing to do; the file has no content"));
    EXPECT_LT(page.find("image-broken</h3>"), page.find("empty</h3>")) << "errors come before notes";
}

TEST(Html, TellsWhatBecameOfEveryFile) {
    const std::string page = html_of(test::small);
    for (const char* outcome : {"read", "recognised", "image-broken", "empty", "not read"}) EXPECT_TRUE(contains(page, "<td>" + std::string(outcome) + "</td>")) << outcome;
}

TEST(Html, NoNameBreaksOut) {
    for (const std::string name : {"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'onmouseover='x", "</style><svg onload=x>", "&lt;b&gt;", "]]><!--", "</title>", "a\x01\x1b[31m\x7f", "\u202Egnp.exe", "`${x}`",
                                   "javascript:alert(1)", "\xC3\xA9\xF0\x9F\x8E\xBB"}) {
        SCOPED_TRACE(name);
        const std::string page = html_of(with_name(name));
        const Markup markup = parsed(page);
        expect_self_contained(markup);
        EXPECT_EQ(markup.all("script").size() + markup.all("img").size(), 0u);
        EXPECT_FALSE(contains(page, "\u202E"));
        EXPECT_EQ(std::count_if(page.begin(), page.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }), 0);
    }
}

TEST(Html, AnEmptySurveyIsAPageToo) {
    const Markup markup = parsed(html_of("{}"));
    expect_self_contained(markup);
    EXPECT_TRUE(contains(html_of("{}"), "No file was found."));
    EXPECT_TRUE(contains(html_of("{}"), "None. Every file that was found could be surveyed."));
    parsed(html_of(R"({"pages":[{"path":"p","text":"","confidence":0,"words":[]}],"files":[{"path":"p"}]})"));
}

TEST(Html, IsCutWithAStatedCount) {
    nlohmann::json input;
    for (int i = 0; i < 5000; ++i) {
        const std::string path = "folder/file-" + std::to_string(i);
        input["files"].push_back({{"path", path}, {"kind", "text"}, {"size", 1}});
        input["terms"].push_back({{"term", path}, {"count", 1}, {"files", 1}});
        input["matches"].push_back({{"path", path}, {"pattern", "x"}, {"excerpt", path}, {"line", i}, {"column", 1}});
        input["problems"].push_back({{"path", path}, {"reason", "io"}, {"message", "m"}});
        input["problems"].push_back({{"path", path}, {"reason", "odd-" + std::to_string(i)}, {"message", "m"}});
        input["pages"].push_back({{"path", path}, {"text", "t"}, {"confidence", 90}});
        input["timings"].push_back({{"name", path}, {"milliseconds", 1}});
    }
    input["counts"] = {{"x", 6000}};
    const std::string page = html_of(input.dump());
    EXPECT_LT(page.size(), 600'000u);
    for (const char* note : {"300 of 5,000 files", "60 of 5,000 counted terms", "60 of 5,000 pages", "12 of 6,000 shown; <code>report.json</code> has the first 5,000", "40 of 5,001 kinds of problems", "100 of 5,000 steps"}) {
        EXPECT_TRUE(contains(page, note)) << note;
    }
    expect_self_contained(parsed(page));
}

TEST(Html, SpreadsTheShownMatchesOverFiles) {
    nlohmann::json input;
    for (int i = 0; i < 30; ++i) input["matches"].push_back({{"path", i < 25 ? "first" : "other-" + std::to_string(i)}, {"pattern", "x"}, {"excerpt", "x"}, {"line", i}, {"column", 1}});
    const std::string page = html_of(input.dump());
    for (int i = 25; i < 30; ++i) EXPECT_TRUE(contains(page, "other-" + std::to_string(i)));
    EXPECT_TRUE(contains(page, "12 of 30 shown"));
    EXPECT_TRUE(contains(page, "30 matches in 6 files"));
}

TEST(Html, IsTheSameForTheSameInput) {
    EXPECT_EQ(html_of(test::small), html_of(test::small));
    EXPECT_EQ(test::markdown_of(test::small), test::markdown_of(test::small));
}

} // namespace
} // namespace report
