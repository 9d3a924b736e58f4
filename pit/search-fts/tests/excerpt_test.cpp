// SPDX-License-Identifier: Apache-2.0
#include "excerpt.hpp"

#include <symphony/utf8.hpp>

#include <gtest/gtest.h>

using namespace symphony::search;

namespace {

/// The excerpt with [ and ] around its highlights.
std::string excerpt(std::string_view text, std::string_view query, std::size_t bytes_max) {
    const auto node = parse_query(query);
    EXPECT_TRUE(node);
    const Excerpt made = make_excerpt(text, wanted_words(*node), bytes_max);
    EXPECT_LE(made.text.size(), bytes_max);
    std::string out = made.text;
    for (std::size_t i = made.highlights.size(); i >= 2; i -= 2) {
        const std::size_t begin = made.highlights[i - 2], size = made.highlights[i - 1];
        EXPECT_LE(begin + size, made.text.size());
        out.insert(begin + size, "]");
        out.insert(begin, "[");
    }
    return out;
}

} // namespace

TEST(Excerpt, ShowsWhatWasAskedFor) {
    EXPECT_EQ(excerpt("one two three", "two", 100), "one [two] three");
    EXPECT_EQ(excerpt("one two three", "\"two three\" one", 100), "[one] [two three]");
    EXPECT_EQ(excerpt("\xC3\x84pfel sind Apfelkuchen", "apf*", 100), "[\xC3\x84pfel] sind [Apfelkuchen]");
    EXPECT_EQ(excerpt("one two three", "name:two -three tag:one", 100), "one two three");
    EXPECT_EQ(excerpt("", "two", 100), "");
}

TEST(Excerpt, PrefersThePartWithMostOfTheTerms) {
    const std::string gap = " " + std::string(300, '.') + " ";
    EXPECT_EQ(excerpt("fox fox fox" + gap + "a fox and a dog end", "fox dog", 24), "a [fox] and a [dog] end");
}

TEST(Excerpt, CutsBetweenWordsAndNeverInsideACharacter) {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "w\xC3\xB6rter ";
    for (std::size_t most = 1; most < 60; ++most) {
        const std::string cut = excerpt(text + "ziel " + text, "ziel", most);
        EXPECT_EQ(symphony::to_valid_utf8(cut), cut) << most;
        EXPECT_TRUE(most < 4 || cut.find("[ziel]") != std::string::npos) << most << ": " << cut;
    }
    EXPECT_EQ(excerpt(std::string(1000, 'x'), "nothing", 10), std::string(10, 'x'));
}
