// SPDX-License-Identifier: Apache-2.0
#include "support/bit_flips.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace symphony;
using namespace symphony::test_support;

namespace {

MemoryFolder small_store() {
    MemoryFolder folder;
    for (const char* path : {"a", "deep/b"}) {
        const auto file = *folder.open(path, sqlite_files::Folder::Mode::create);
        EXPECT_TRUE(file->write_at(0, bytes_of("sum:0000 content of the file")));
    }
    return folder;
}

} // namespace

TEST(BitFlips, ReachEveryByteOfEveryFileAndLeaveTheOriginalAlone) {
    const MemoryFolder begin = small_store();
    std::set<std::pair<std::string, std::uint64_t>> seen;
    const FlipReport report = try_bit_flips(begin, {}, [&](MemoryFolder& damaged, const Flip& flip) {
        seen.emplace(flip.path, flip.offset);
        int different = 0;
        for (const std::string& path : begin.paths()) different += damaged.text(path) != begin.text(path) ? 1 : 0;
        return different == 1 ? std::string() : std::to_string(different) + " files differ";
    });
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_EQ(seen.size(), 2 * begin.text("a").size());
    EXPECT_EQ(begin.text("a"), "sum:0000 content of the file");
}

TEST(BitFlips, FindAPartThatNobodyChecks) {
    // Planted: a reader that checks the content and not the first eight bytes.
    const auto reader = [](MemoryFolder& damaged, const Flip& flip) {
        const bool noticed = damaged.text(flip.path).substr(8) != " content of the file";
        return noticed ? std::string() : std::string("not noticed");
    };
    const FlipReport report = try_bit_flips(small_store(), {.failures_max = 100}, reader);
    EXPECT_EQ(report.failures.size(), 16u) << report.text();
}

TEST(BitFlips, TakeASampleBySeed) {
    const auto sample = [](std::uint64_t seed) {
        std::vector<std::string> flips;
        const auto note = [&](MemoryFolder&, const Flip& flip) {
            flips.push_back(flip.text());
            return std::string();
        };
        EXPECT_TRUE(try_bit_flips(small_store(), {.seed = seed, .flips_max = 10, .wants = [](const std::string& path) { return path == "a"; }}, note).good());
        return flips;
    };
    EXPECT_EQ(sample(1).size(), 10u);
    EXPECT_EQ(sample(1), sample(1));
    EXPECT_NE(sample(1), sample(2));
}
