// SPDX-License-Identifier: Apache-2.0
#include "redact.hpp"

#include <gtest/gtest.h>

namespace {

void expect_redacted(std::string_view text, std::vector<std::string_view> words, std::string_view expected, std::uint64_t hits) {
    SCOPED_TRACE(text);
    const redact::Redacted done = redact::redact(text, std::move(words), "#");
    EXPECT_EQ(done.text, expected);
    EXPECT_EQ(done.hits, hits);
}

TEST(Redact, MasksEveryPlaceOfEachWord) {
    expect_redacted("ann met ann and bob", {"ann", "bob"}, "# met # and #", 3);
}

TEST(Redact, PrefersTheLongestWord) {
    expect_redacted("annabel", {"ann", "annabel"}, "#", 1);
}

TEST(Redact, LeavesTextAloneWithoutWords) {
    expect_redacted("ann", {}, "ann", 0);
    expect_redacted("ann", {""}, "ann", 0);
    expect_redacted("", {"ann"}, "", 0);
}

} // namespace
