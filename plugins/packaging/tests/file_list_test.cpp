// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/file_list.hpp>

#include <gtest/gtest.h>

namespace symphony::packaging {
namespace {

const std::string digest(64, 'a');

std::string line(std::string_view path, std::string_view size = "3", std::string_view mode = "0644") {
    return std::string(mode) + " " + std::string(size) + " " + digest + " " + std::string(path) + "\n";
}

void expect_bad(const std::string& text, std::string_view reason, std::string_view place) {
    const auto list = FileList::parse(text);
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().reason(), reason) << list.error().message();
    EXPECT_NE(list.error().message().find(place), std::string::npos) << list.error().message();
}

TEST(FileList, HasOneText) {
    const std::string text = line("LICENSE") + line("lib/a.so", "0") + line("manifest.toml") + line("tool", "7", "0755");
    const auto list = FileList::parse(text);
    ASSERT_TRUE(list) << list.error().message();
    EXPECT_EQ(list->text(), text);
    EXPECT_EQ(list->digest(), sha256_of(text));
    EXPECT_EQ(list->payload_bytes(), 13u);
    EXPECT_EQ(list->find("tool")->mode, 0755u);
    EXPECT_EQ(list->find("lib"), nullptr);
    auto files = list->files();
    std::swap(files[0], files[3]);
    EXPECT_EQ(FileList::of(files)->text(), text) << "whatever the order";
}

TEST(FileList, BadOnesAreToldWithTheirLine) {
    const std::string manifest = line("manifest.toml");
    expect_bad("", "bad-file-list", "FILES:1");
    expect_bad(line("a"), "bad-file-list", "no manifest.toml");
    expect_bad(manifest + "x", "bad-file-list", "line end");
    expect_bad(manifest + "\n", "bad-file-list", "FILES:2");
    expect_bad(manifest + line("a"), "bad-file-list", "FILES:2: the paths are not sorted");
    expect_bad(manifest + manifest, "bad-file-list", "twice");
    expect_bad(line("FILES") + manifest, "bad-file-list", "lists itself");
    expect_bad(line("a") + line("a/b") + manifest, "bad-file-list", "lies in what is a file");
    expect_bad(line("a", "3", "0777") + manifest, "bad-file-list", "mode");
    expect_bad(line("a", "3", "4755") + manifest, "bad-file-list", "mode");
    for (const auto* size : {"", "03", "-1", "3x", "99999999999999999999"}) expect_bad(line("a", size) + manifest, "bad-file-list", "FILES:1");
    expect_bad(line("a", "1073741820") + line("manifest.toml", "8"), "too-large", "1 GiB");
    expect_bad(line("a", "18446744073709551615") + line("b", "18446744073709551615") + manifest, "too-large", "1 GiB");
    expect_bad("0644 3 " + std::string(64, 'A') + " a\n" + manifest, "bad-file-list", "digest");
    std::string many;
    for (int i = 0; i < 10'001; ++i) many += line("f" + std::to_string(100'000 + i));
    expect_bad(many + manifest, "too-many-files", "10,000");
}

TEST(FileList, PathsThatLeaveAreRefused) {
    for (const std::string& path : {std::string("/a"), std::string("../a"), std::string("a/../b"), std::string("a//b"), std::string("a/"), std::string("./a"), std::string("a\\b"),
                                    std::string("a\tb"), std::string("\xff"), std::string(241, 'a'), std::string("a\0b", 3)}) {
        EXPECT_FALSE(check_path(path)) << path;
        expect_bad(line(path) + line("manifest.toml"), "bad-path", "FILES:1");
    }
    EXPECT_TRUE(check_path("..a/.b/c..d")) << "names with dots are names";
    EXPECT_TRUE(check_path("wörter.txt"));
}

} // namespace
} // namespace symphony::packaging
