// SPDX-License-Identifier: Apache-2.0
#include "names.hpp"

#include <gtest/gtest.h>

using namespace symphony;
using namespace symphony::kit;

namespace {

void expect_refused(std::string_view name, std::string_view id, std::string_view reason) {
    SCOPED_TRACE(name);
    const auto names = Names::of(name, id);
    ASSERT_FALSE(names);
    EXPECT_EQ(names.error().reason(), reason);
    EXPECT_FALSE(names.error().hint().empty());
}

void expect_renamed(std::string_view text, std::string_view expected) { EXPECT_EQ(renamed(text, *Names::of("word-mask"),
    *Names::of("shout2", "org.acme.shout2")), expected); }

TEST(Names, HaveTheSpellingsOfManifestsSourcesAndMacros) {
    const auto names = Names::of("word-count-2");
    ASSERT_TRUE(names);
    EXPECT_EQ(names->snake, "word_count_2");
    EXPECT_EQ(names->pascal, "WordCount2");
    EXPECT_EQ(names->upper, "WORD_COUNT_2");
    EXPECT_EQ(names->id, "com.example.word-count-2");
}

TEST(Names, RefusesWhatIsNoName) {
    for (const std::string_view name : {"", "Word", "word_count", "word count", "-word", "word-", "word--count", "2words", "../word",
        "wort\xC3\xA4", "wor\xFF"}) expect_refused(name, "", "bad-name");
    expect_refused(std::string(65, 'a'), "", "bad-name");
    for (const std::string_view name : {"class", "namespace", "fn", "plugin", "test"}) expect_refused(name, "", "bad-name");
    for (const std::string_view id : {"word", "Org.example", "org..example", ".org", "org.", "org.ex ample", "org/example"}) expect_refused("word", id, "bad-id");
}

TEST(Names, AreReplacedWhereTheyAreWords) {
    expect_renamed("word-mask word_mask WordMask WORD_MASK", "shout2 shout2 Shout2 SHOUT2");
    expect_renamed("id = \"com.example.word-mask\"", "id = \"org.acme.shout2\"");
    expect_renamed("tests/word_mask_test.cpp libword-mask.so", "tests/shout2_test.cpp libword-mask.so");
    expect_renamed("TEST(WordMaskTest, X) SYMPHONY_WORD_MASK_H", "TEST(Shout2Test, X) SYMPHONY_SHOUT2_H");
}

TEST(Names, AreLeftAloneInsideOtherWords) {
    expect_renamed("word_masked swordword-mask wordmask word-masks WordMasked", "word_masked swordword-mask wordmask word-masks WordMasked");
    expect_renamed("", "");
}

} // namespace
