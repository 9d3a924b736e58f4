// SPDX-License-Identifier: Apache-2.0
#include "glob.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

void expect_match(std::string_view pattern, std::string_view path, bool expected, bool folder = false) {
    const auto glob = files::Glob::compile(pattern);
    ASSERT_TRUE(glob) << glob.error().message();
    EXPECT_EQ(glob->matches(path, folder), expected) << pattern << " on " << path;
}

TEST(Glob, WithoutSlashMatchesANameAtAnyDepth) {
    expect_match("*.md", "a.md", true);
    expect_match("*.md", "x/y/a.md", true);
    expect_match("*.md", "a.mdx", false);
    expect_match("?.md", "ab.md", false);
    expect_match("*", "x/.git", true);
    expect_match("b*d*", "abcd", false);
}

TEST(Glob, WithSlashMatchesFromTheTop) {
    expect_match("docs/*.md", "docs/a.md", true);
    expect_match("docs/*.md", "docs/x/a.md", false);
    expect_match("docs/*.md", "x/docs/a.md", false);
    expect_match("/a", "a", true);
    expect_match("/a", "x/a", false);
    expect_match("./a/b", "a/b", true);
}

TEST(Glob, TwoStarsCrossFolders) {
    expect_match("**/a.md", "a.md", true);
    expect_match("**/a.md", "x/y/a.md", true);
    expect_match("**/a.md", "xa.md", false);
    expect_match("x/**/b", "x/b", true);
    expect_match("x/**/b", "x/1/2/b", true);
    expect_match("x/**/b", "x/1b", false);
    expect_match("x/**", "x/1/2", true);
    expect_match("x/**", "y/1", false);
    expect_match("**/a/**/b", "1/a/2/b", true);
    expect_match("**/a/**/b", "1/2/b", false);
}

TEST(Glob, SlashAtTheEndMeansFoldersOnly) {
    expect_match("build/", "x/build", true, true);
    expect_match("build/", "x/build", false, false);
    expect_match(".*/", ".git", true, true);
    expect_match(".*/", "git", false, true);
}

TEST(Glob, SetsAndEscapesTakeOneByte) {
    expect_match("[a-c]x", "bx", true);
    expect_match("[!a-c]x", "bx", false);
    expect_match("[]x]", "]", true);
    expect_match("[a-]", "-", true);
    expect_match("a[!b]c", "a/c", false);
    expect_match("\\*", "*", true);
    expect_match("\\*", "a", false);
    expect_match("a\\", "a\\", true);
    expect_match("\xFF*", "\xFF\xFE", true);
}

TEST(Glob, HostilePatternsTakeNoTime) {
    std::string pattern;
    for (int i = 0; i < 250; ++i) pattern += "*a";
    expect_match(pattern + "b", std::string(4000, 'a'), false);
    expect_match("**/**/**/**/**/**/**/**/x", std::string(4000, '/'), false);
}

TEST(Glob, RefusesWhatCannotMatch) {
    for (const std::string& pattern : {std::string(), std::string("/"), std::string("./"), std::string("a["), std::string("[z"), std::string("[]"), std::string(2000, 'a')}) {
        EXPECT_FALSE(files::Glob::compile(pattern)) << pattern;
    }
}

} // namespace
