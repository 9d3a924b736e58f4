// SPDX-License-Identifier: Apache-2.0
#include "escape.hpp"

#include <gtest/gtest.h>

namespace report {
namespace {

TEST(Escape, HtmlShowsWhatIsThere) {
    EXPECT_EQ(html("a < b & \"c\" > 'd'"), "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
    EXPECT_EQ(html("caf\u00E9 \U0001F3BB"), "caf\u00E9 \U0001F3BB");
    EXPECT_EQ(html(std::string_view("\0\x1b\x7f", 3)), "\u2400\u241B\u2421");
    EXPECT_EQ(html("a\u202Eb"), "a[U+202E]b");
    EXPECT_EQ(html("\xFF"), "\uFFFD");
    EXPECT_EQ(html("a\u200Db"), "a\u200Db") << "emoji and scripts need joiners";
    EXPECT_EQ(html(""), "");
}

TEST(Escape, MarkdownShowsWhatIsThere) {
    EXPECT_EQ(markdown("*a* _b_ [c](d) `e` <f> | # ~"), "\\*a\\* \\_b\\_ \\[c\\](d) \\`e\\` \\<f\\> \\| \\# \\~");
    EXPECT_EQ(markdown("one\ntwo"), "one two");
    EXPECT_EQ(markdown("https://x.example"), "https\\://x.example");
    EXPECT_EQ(markdown("back\\slash"), "back\\\\slash");
}

TEST(Escape, ShortensBetweenCharacters) {
    EXPECT_EQ(shortened("abc", 3), "abc");
    EXPECT_EQ(shortened("\u00E9\u00E9\u00E9\u00E9", 3), "\u00E9\u00E9\u2026");
    EXPECT_EQ(shortened_front("a/b/c/d", 4), "\u2026c/d");
    EXPECT_EQ(character_count("\u00E9\U0001F3BB"), 2u);
}

TEST(Escape, WritesNumbersForPeople) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1234567), "1,234,567");
    EXPECT_EQ(bytes_text(1), "1 byte");
    EXPECT_EQ(bytes_text(999), "999 bytes");
    EXPECT_EQ(bytes_text(1000), "1.0 kB");
    EXPECT_EQ(bytes_text(81251), "81 kB");
    EXPECT_EQ(bytes_text(999'600), "1.0 MB");
    EXPECT_EQ(bytes_text(~std::uint64_t{0}), "18 EB");
    EXPECT_EQ(time_text(3.14), "3.1 ms");
    EXPECT_EQ(time_text(1234), "1.2 s");
    EXPECT_EQ(time_text(125'000), "2 min 5 s");
    EXPECT_EQ(fixed(88.25, 1), "88.2");
    EXPECT_EQ(counted(1, "file"), "1 file");
    EXPECT_EQ(counted(2, "match", "matches"), "2 matches");
}

} // namespace
} // namespace report
