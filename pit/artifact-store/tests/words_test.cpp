// SPDX-License-Identifier: Apache-2.0
#include "media_type.hpp"
#include "words.hpp"

#include <gtest/gtest.h>

namespace symphony::store {
namespace {

using namespace std::string_literals;

TEST(Words, SayHowMuchAndWhen) {
    EXPECT_EQ(size_words(0), "0 B");
    EXPECT_EQ(size_words(1536), "1.5 KiB");
    EXPECT_EQ(size_words(300ull << 20), "300 MiB");
    EXPECT_EQ(time_words(0), "-");
    EXPECT_EQ(time_words(1'777'636'800'000), "2026-05-01 12:00");
    EXPECT_EQ(time_stamp(1'777'636'800'123), "2026-05-01T12:00:00.123Z");
    EXPECT_EQ(time_stamp(~std::uint64_t{0}).substr(0, 4), "9999");
    EXPECT_EQ(count_words(1, "chunk"), "1 chunk");
    EXPECT_EQ(count_words(0, "chunk"), "0 chunks");
}

TEST(Words, LineUpColumnsByCharacters) {
    EXPECT_EQ(table({{"A", "B"}, {"\xC3\xA9", "1"}, {"long", "2"}}), "A     B\n\xC3\xA9     1\nlong  2\n");
    EXPECT_EQ(table({{"N", "X"}, {"10", ""}}, "r"), " N  X\n10\n");
}

TEST(MediaType, GoesByContentBeforeTheName) {
    const auto of = [](std::string_view name, const std::string& content) { return media_type_of(name, bytes_of(content)); };
    EXPECT_EQ(of("a.txt", "\x89PNG\r\n\x1A\n"s), "image/png");
    EXPECT_EQ(of("a.MD", "# title\n"), "text/markdown");
    EXPECT_EQ(of("a", "text"), "text/plain");
    EXPECT_EQ(of("a.json", "\0"s), "application/octet-stream");
    EXPECT_EQ(of("a.json", "{}"), "application/json");
    EXPECT_EQ(of("a.txt", ""), "application/x-empty");
}

TEST(MediaType, KnowsWhatPeopleRead) {
    for (const std::string_view type : {"text/plain; charset=utf-8", "application/json", "image/svg+xml", "application/yaml"}) EXPECT_TRUE(is_text_type(type)) << type;
    for (const std::string_view type : {"image/png", "application/zip", ""}) EXPECT_FALSE(is_text_type(type)) << type;
    EXPECT_TRUE(looks_like_text(bytes_of("cut off \xE2\x82")));
    EXPECT_FALSE(looks_like_text(bytes_of("\xFF\xFE broken in the middle")));
}

} // namespace
} // namespace symphony::store
