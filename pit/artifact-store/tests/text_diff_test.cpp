// SPDX-License-Identifier: Apache-2.0
#include "text_diff.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace symphony::store {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

/// What `patch` would make of `a`; each line that has to be there is compared.
std::string patched(std::string_view a, const std::string& diff) {
    const auto old_lines = lines_of(a);
    std::string out;
    std::size_t at = 0;
    std::vector<std::string> hunk_lines = lines_of(diff);
    for (std::size_t i = 0; i < hunk_lines.size(); ++i) {
        const std::string& line = hunk_lines[i];
        if (line.starts_with("@@ -")) {
            const std::string range = line.substr(4, line.find(' ', 4) - 4);
            const bool empty = range.ends_with(",0");
            const std::size_t begin = std::stoul(range) - (empty ? 0 : 1);
            while (at < begin) out += old_lines.at(at++);
            continue;
        }
        if (line.starts_with("\\")) continue;
        std::string text = line.substr(1);
        if (i + 1 < hunk_lines.size() && hunk_lines[i + 1].starts_with("\\")) text.pop_back();
        if (line[0] != '+') {
            EXPECT_EQ(old_lines.at(at), text);
            ++at;
        }
        if (line[0] != '-') out += text;
    }
    while (at < old_lines.size()) out += old_lines[at++];
    return out;
}

void expect_diff(std::string_view a, std::string_view b, const TextDiffLimits& limits = {}) {
    const TextDiff diff = text_diff(a, b, limits);
    EXPECT_EQ(patched(a, diff.text), b) << diff.text;
}

TEST(TextDiff, SaysWhatDiffDoes) {
    const TextDiff diff = text_diff("a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nd\nE\nf\ng\nh\n", {});
    EXPECT_EQ(diff.text, "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n");
    EXPECT_EQ(diff.added, 1u);
    EXPECT_EQ(diff.removed, 1u);
}

TEST(TextDiff, IsEmptyForTheSameText) {
    EXPECT_EQ(text_diff("a\nb", "a\nb", {}).text, "");
    EXPECT_EQ(text_diff("", "", {}).text, "");
}

TEST(TextDiff, NamesAMissingLineEnd) {
    EXPECT_EQ(text_diff("a\n", "a", {}).text, "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
    EXPECT_EQ(text_diff("", "a\n", {}).text, "@@ -0,0 +1 @@\n+a\n");
    EXPECT_EQ(text_diff("a\n", "", {}).text, "@@ -1 +0,0 @@\n-a\n");
}

TEST(TextDiff, CanBeAppliedWhateverTheTextsAre) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto text = [&](std::size_t lines) {
        std::string out;
        for (std::size_t i = 0; i < lines; ++i) out += std::string(1, static_cast<char>('a' + random() % 4)) + "\n";
        if (random() % 3 == 0 && !out.empty()) out.pop_back();
        return out;
    };
    for (int i = 0; i < 500; ++i) {
        TextDiffLimits limits;
        limits.context = random() % 4;
        limits.edits_max = random() % 3 == 0 ? random() % 6 : 2000;
        const std::string a = text(random() % 40), b = text(random() % 40);
        expect_diff(a, b, limits);
        if (HasFailure()) return;
    }
}

TEST(TextDiff, IsBounded) {
    std::string a, b;
    for (int i = 0; i < 20'000; ++i) {
        a += "a" + std::to_string(i) + "\n";
        b += "b" + std::to_string(i) + "\n";
    }
    TextDiffLimits limits;
    limits.edits_max = 50;
    expect_diff(a, b, limits);
    limits.output_bytes_max = 1000;
    const TextDiff cut = text_diff(a, b, limits);
    EXPECT_TRUE(cut.cut);
    EXPECT_LE(cut.text.size(), 1000u);
    EXPECT_EQ(cut.added, 20'000u);
}

} // namespace
} // namespace symphony::store
