// SPDX-License-Identifier: Apache-2.0
#include "chart.hpp"
#include "markup.hpp"

#include <gtest/gtest.h>

namespace report {
namespace {

test::Markup parsed(const std::string& svg) {
    test::Markup markup("<!doctype html>" + svg);
    EXPECT_EQ(markup.error(), "") << svg;
    return markup;
}

double total_width(const test::Markup& markup) {
    double sum = 0;
    for (const auto* part : markup.all("rect")) sum += std::stod(part->attributes.at("width"));
    return sum;
}

TEST(Chart, EveryBarStaysInside) {
    const auto markup = parsed(bar_chart("c", "Terms", "times", {{"one", 1'000'000, {}}, {"two", 1, "in 3 files"}, {"none", 0, {}}}));
    const auto bars = markup.all("rect", "bar");
    ASSERT_EQ(bars.size(), 3u);
    EXPECT_GE(std::stod(bars[1]->attributes.at("width")), 2) << "what is there can be seen";
    EXPECT_EQ(bars[2]->attributes.at("width"), "0");
    for (const auto* bar : bars) EXPECT_LE(std::stod(bar->attributes.at("x")) + std::stod(bar->attributes.at("width")), 900);
    EXPECT_EQ(markup.all("desc").at(0)->text, "one 1,000,000, two 1, none 0 times");
    EXPECT_EQ(markup.all("title").at(2)->text, "two: 1 times, in 3 files");
}

TEST(Chart, LongLabelsAreCutAndHostileOnesEscaped) {
    const auto markup = parsed(bar_chart("c", "<t>", "&", {{std::string(50, 'x') + "<b>", 1, {}}, {"\"></svg>", 2, {}}}));
    EXPECT_EQ(markup.all("text", "label").at(0)->text, std::string(21, 'x') + "\u2026");
    EXPECT_EQ(markup.all("text", "label").at(1)->text, "\"></svg>");
}

TEST(Chart, SharesFillTheStrip) {
    const auto markup = parsed(share_strip("Files", {{"k1", "text", 3}, {"k2", "image", 0}, {"k3", "other", 1}}));
    ASSERT_EQ(markup.all("rect").size(), 2u);
    EXPECT_NEAR(total_width(markup), 398.5, 0.2);
    EXPECT_EQ(markup.all("svg").at(0)->attributes.at("aria-label"), "Files: 3 text, 1 other");
    EXPECT_EQ(share_strip("Files", {{"k1", "text", 0}}), "");
}

TEST(Chart, ConfidenceIsSaidInWordsToo) {
    for (const auto& [confidence, word] : {std::pair{95.0, "high"}, {90.0, "high"}, {89.9, "fair"}, {70.0, "fair"}, {69.9, "low"}, {0.0, "low"}}) {
        const auto markup = parsed(confidence_bar(confidence));
        EXPECT_NE(markup.all("svg").at(0)->attributes.at("aria-label").find(word), std::string::npos) << confidence;
        ASSERT_EQ(markup.all("rect", word).size(), 1u);
        EXPECT_NEAR(std::stod(markup.all("rect", word)[0]->attributes.at("width")), confidence * 2, 0.1);
    }
}

} // namespace
} // namespace report
