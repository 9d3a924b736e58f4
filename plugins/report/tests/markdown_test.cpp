// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"
#include "markdown.hpp"

namespace report {
namespace {

using test::markdown_of;

void expect_line(const std::string& text, std::string_view line) {
    EXPECT_NE(("\n" + text).find("\n" + std::string(line) + "\n"), std::string::npos) << line << "\nis not in\n" << text;
}

TEST(Markdown, CarriesTheSameFacts) {
    const std::string text = markdown_of(test::small);
    expect_line(text, "# Survey");
    expect_line(text, "- 5 files, 81 kB");
    expect_line(text, "- 1 page recognised, mean confidence 88.5 of 100");
    expect_line(text, "- 1 error, 0 warnings, 1 note");
    expect_line(text, "| plugin | 40 | 2 |");
    expect_line(text, "- docs/a.md:1:3 a **plugin**");
    expect_line(text, "| docs/p.png | 88.5 | fair | 5 | 100 x 50 |");
    expect_line(text, "| docs/bad.png | image | 10 |  |  | image-broken |");
    expect_line(text, "- **error** image-broken: docs/bad.png: cannot decode the PNG image  ");
    expect_line(text, "  Remedy: scan it again");
}

TEST(Markdown, SaysNothingAboutWhatWasNotAsked) {
    const std::string text = markdown_of(R"({"files":[{"path":"p"}],"pages":[{"path":"p","text":"t","confidence":90}]})");
    for (const char* absent : {"distinct", "pattern", "texts read", "## Terms", "## Matches"}) EXPECT_EQ(text.find(absent), std::string::npos) << absent;
}

TEST(Markdown, NoNameBreaksATableOrAFence) {
    const std::string text = markdown_of(R"({"files":[{"path":"a|b\nc","kind":"text"}],"pages":[{"path":"p","text":"```\n# not a heading\n````"}]})");
    expect_line(text, "| a\\|b c | text | 0 |  |  | not read |");
    expect_line(text, "`````text");
    expect_line(text, "`````");
}

TEST(Markdown, IsCutWithAStatedCount) {
    nlohmann::json input;
    for (int i = 0; i < 2000; ++i) {
        input["files"].push_back({{"path", std::to_string(i)}});
        input["problems"].push_back({{"path", std::to_string(i)}, {"reason", "io"}, {"message", "m"}});
    }
    const std::string text = markdown_of(input.dump());
    expect_line(text, "200 of 2,000 files shown; report.json has all of them.");
    expect_line(text, "200 of 2,000 problems shown; report.json has all of them.");
}

} // namespace
} // namespace report
