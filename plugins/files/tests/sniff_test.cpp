// SPDX-License-Identifier: Apache-2.0
#include "sniff.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace std::string_view_literals;

void expect_kind(std::string_view head, std::string_view name, std::string_view kind, std::string_view mime) {
    const files::Sniffed found = files::sniff(head, name);
    EXPECT_EQ(files::name_of(found.kind), kind) << name;
    EXPECT_EQ(found.mime, mime) << name;
}

TEST(Sniff, KnowsImagesByTheirContentAndNotTheirName) {
    expect_kind("\x89PNG\r\n\x1A\n...", "a.txt", "image", "image/png");
    expect_kind("\xFF\xD8\xFF\xE0", "a", "image", "image/jpeg");
    expect_kind("II*\0\x08"sv, "a.tif", "image", "image/tiff");
    expect_kind("MM\0*"sv, "a.tif", "image", "image/tiff");
    expect_kind("GIF89a", "a.gif", "image", "image/gif");
    expect_kind("RIFF\x10\0\0\0WEBPVP8 "sv, "a.webp", "image", "image/webp");
    expect_kind("RIFF\x10\0\0\0WAVE"sv, "a.wav", "binary", "application/octet-stream");
    expect_kind("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"sv, "a.bmp", "image", "image/bmp");
    expect_kind("P5\n# made by hand\n2 2", "a.pgm", "image", "image/x-portable-anymap");
    expect_kind("\x89PN", "a.png", "text", "text/plain");
}

TEST(Sniff, DoesNotTakeTextsForImages) {
    expect_kind("BMW builds cars and this is a text", "a.txt", "text", "text/plain");
    expect_kind("P1: the first point", "a.txt", "text", "text/plain");
    expect_kind("GIF files are old", "a.md", "text", "text/markdown");
    expect_kind("II. chapter", "b.html", "text", "text/html");
}

TEST(Sniff, NamesBinariesAndEmptyFiles) {
    expect_kind("", "a.txt", "empty", "application/x-empty");
    expect_kind("a\0b"sv, "a.txt", "binary", "application/octet-stream");
    expect_kind("%PDF-1.7", "a", "binary", "application/pdf");
    expect_kind("\x7F" "ELF", "a", "binary", "application/x-elf");
    expect_kind(std::string(257, 'n') + "ustar", "a.tar", "binary", "application/x-tar");
    expect_kind("\xFF\xFE" "a\0"sv, "a.txt", "text", "text/plain");
    expect_kind("\xFF\xFE\0\0"sv, "a.txt", "binary", "application/octet-stream");
}

TEST(Sniff, TellsOldTextFromNoise) {
    EXPECT_TRUE(files::looks_like_old_text("Gr\xF6\xDF" "e und M\xFC" "he, lang genug zum Zaehlen"));
    EXPECT_FALSE(files::looks_like_old_text("\x80\x81\x82\x83\x84\x85"));
    EXPECT_FALSE(files::looks_like_old_text("a\0b"sv));
}

} // namespace
