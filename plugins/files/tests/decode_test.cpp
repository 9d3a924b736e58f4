// SPDX-License-Identifier: Apache-2.0
#include "decode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace std::string_view_literals;

void expect_text(std::string_view content, std::string_view text, std::string_view encoding) {
    const auto decoded = files::decode(std::string(content));
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(decoded->text, text);
    EXPECT_EQ(decoded->encoding, encoding);
    EXPECT_TRUE(files::check_text(content));
}

void expect_no_text(std::string_view content, std::string_view reason, std::string_view message) {
    const auto decoded = files::decode(std::string(content));
    ASSERT_FALSE(decoded) << message;
    EXPECT_EQ(decoded.error().reason(), reason);
    EXPECT_EQ(decoded.error().message(), message);
    const auto checked = files::check_text(content);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error(), decoded.error());
}

TEST(Decode, ReadsUnicodeWithAndWithoutMarks) {
    expect_text("", "", "utf-8");
    expect_text("größe", "größe", "utf-8");
    expect_text("\xEF\xBB\xBFx", "x", "utf-8-bom");
    expect_text("\xFF\xFEx\0\n\0"sv, "x\n", "utf-16le");
    expect_text("\xFE\xFF\0x\x4E\x16"sv, "x世", "utf-16be");
    expect_text("\xFF\xFE\x3D\xD8\x42\xDE"sv, "🙂", "utf-16le");
    expect_text("\xFF\xFE"sv, "", "utf-16le");
}

TEST(Decode, SaysWhereTextIsNoText) {
    expect_no_text("ab\0c"sv, "binary", "has a zero byte at byte 2, so it is no text");
    expect_no_text("Gr\xF6\xDF" "e", "not-utf8", "is not UTF-8 at byte 2");
    expect_no_text("\xC0\x80", "not-utf8", "is not UTF-8 at byte 0");
    expect_no_text("\xFF\xFEx\0y"sv, "bad-utf16", "is not UTF-16 at byte 4");
    expect_no_text("\xFF\xFE\x3D\xD8x\0"sv, "bad-utf16", "is not UTF-16 at byte 2");
    expect_no_text("\xFF\xFE\x42\xDE"sv, "bad-utf16", "is not UTF-16 at byte 2");
    expect_no_text("\xFE\xFF\0x\0\0"sv, "binary", "has a zero character at byte 4");
    expect_no_text("\xFF\xFE\0\0x\0\0\0"sv, "unsupported-encoding", "is UTF-32, which is not read");
}

TEST(Decode, CountsLinesAsPeopleDo) {
    EXPECT_EQ(files::lines_of(""), 0u);
    EXPECT_EQ(files::lines_of("a"), 1u);
    EXPECT_EQ(files::lines_of("a\n"), 1u);
    EXPECT_EQ(files::lines_of("a\nb"), 2u);
    EXPECT_EQ(files::lines_of("\n\n"), 2u);
}

} // namespace
