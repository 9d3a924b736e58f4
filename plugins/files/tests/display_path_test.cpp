// SPDX-License-Identifier: Apache-2.0
#include "display_path.hpp"

#include <symphony/utf8.hpp>

#include <gtest/gtest.h>

#include <random>

namespace {

void expect_shown(std::string_view raw, std::string_view text, bool is_odd) {
    EXPECT_EQ(files::shown(raw), text);
    EXPECT_EQ(files::raw_path(files::shown(raw)), raw);
    EXPECT_EQ(files::odd(raw), is_odd) << text;
}

TEST(DisplayPath, ShowsEveryNameAsSafeText) {
    expect_shown("a/b.txt", "a/b.txt", false);
    expect_shown("größe 世界", "größe 世界", false);
    expect_shown("two\nlines", "two\\x0Alines", true);
    expect_shown("\x1B[2J", "\\x1B[2J", true);
    expect_shown("\xFF\xE4", "\\xFF\\xE4", true);
    expect_shown("a\xC2\x9Bm", "a\\xC2\\x9Bm", true);
    expect_shown("back\\slash", "back\\x5Cslash", false);
    expect_shown("\\xFF", "\\x5CxFF", false);
    expect_shown("", "", false);
}

TEST(DisplayPath, LeavesOtherBackslashesOfTypedPathsAlone) {
    EXPECT_EQ(files::raw_path("a\\b \\x \\xG1 \\"), "a\\b \\x \\xG1 \\");
    EXPECT_EQ(files::raw_path("\\x41\\x6a"), "Aj");
}

TEST(DisplayPath, IsReversibleForAnyBytes) {
    std::mt19937 random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string raw;
        for (int i = 0; i < 24; ++i) raw += static_cast<char>(random() % 3 == 0 ? "\\x4\xC2\x85"[random() % 5] : static_cast<char>(random() % 256));
        ASSERT_EQ(files::raw_path(files::shown(raw)), raw);
        ASSERT_TRUE(symphony::is_valid_utf8(files::shown(raw)));
    }
}

} // namespace
