// SPDX-License-Identifier: Apache-2.0
#include "word_mask.hpp"

#include <gtest/gtest.h>

namespace {

void expect_masked(std::string_view text, std::vector<std::string_view> words, std::string_view expected, std::uint64_t hits) {
    SCOPED_TRACE(text);
    const word_mask::Masked done = word_mask::mask_words(text, std::move(words), "#");
    EXPECT_EQ(done.text, expected);
    EXPECT_EQ(done.hits, hits);
}

TEST(WordMask, MasksEveryPlaceOfEachWord) {
    expect_masked("ann met ann and bob", {"ann", "bob"}, "# met # and #", 3);
}

TEST(WordMask, PrefersTheLongestWord) {
    expect_masked("annabel", {"ann", "annabel"}, "#", 1);
}

TEST(WordMask, LeavesTextAloneWithoutWords) {
    expect_masked("ann", {}, "ann", 0);
    expect_masked("ann", {""}, "ann", 0);
    expect_masked("", {"ann"}, "", 0);
}

} // namespace
