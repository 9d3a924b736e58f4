// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/units.hpp>

#include <gtest/gtest.h>

namespace symphony::manifests {
namespace {

TEST(Units, ReadsSizes) {
    const std::pair<const char*, std::uint64_t> sizes[] = {
        {"0B", 0}, {"1B", 1}, {"2GB", 2'000'000'000}, {"512MiB", 536'870'912}, {"1.5MB", 1'500'000}, {"1.5KiB", 1536}, {"4kB", 4000},
        {"1TB", 1'000'000'000'000}, {"1TiB", 1'099'511'627'776}, {"9223372036854775807B", INT64_MAX}};
    for (const auto& [text, bytes] : sizes) {
        const auto found = parse_size(text);
        ASSERT_TRUE(found) << text;
        EXPECT_EQ(*found, bytes) << text;
    }
}

TEST(Units, ReadsDurations) {
    const std::pair<const char*, std::uint64_t> durations[] = {{"0s", 0}, {"250ms", 250}, {"5s", 5000}, {"1.5s", 1500}, {"2m", 120'000},
                                                               {"1h", 3'600'000}, {"0.5d", 43'200'000}};
    for (const auto& [text, ms] : durations) {
        const auto found = parse_duration(text);
        ASSERT_TRUE(found) << text;
        EXPECT_EQ(*found, ms) << text;
    }
}

TEST(Units, ReadsShares) {
    EXPECT_EQ(*parse_percent("50%"), 50u);
    EXPECT_EQ(*parse_percent("100000%"), 100'000u);
    for (const auto* text : {"", "%", "0%", "50", "-5%", "100001%", "50.5%", "50 %"}) EXPECT_FALSE(parse_percent(text)) << text;
}

TEST(Units, RefusesWhatIsNoQuantity) {
    for (const auto* text : {"", "B", "GB", "2", "2 GB", "2gb", "-1B", "+1B", "1.B", ".5KB", "1.5B", "0.0001KB", "1..5KB", "1e3B", "2GB ",
                             "9223372036854775808B", "99999999999999999999B", "9000000000TB", "1s"}) {
        const auto found = parse_size(text);
        ASSERT_FALSE(found) << text;
        EXPECT_EQ(found.error().reason(), "bad-size");
    }
    for (const auto* text : {"", "5", "5 s", "5sec", "-5s", "0.5ms", "1GB", "200000000000d"}) {
        const auto found = parse_duration(text);
        ASSERT_FALSE(found) << text;
        EXPECT_EQ(found.error().reason(), "bad-duration");
    }
}

TEST(Units, PrintsTheLargestUnitThatDivides) {
    EXPECT_EQ(size_text(2'000'000'000), "2GB");
    EXPECT_EQ(size_text(536'870'912), "512MiB");
    EXPECT_EQ(size_text(1'000'001), "1000001B");
    EXPECT_EQ(size_text(0), "0B");
    EXPECT_EQ(duration_text(0), "0s");
    EXPECT_EQ(duration_text(90'000), "90s");
    EXPECT_EQ(duration_text(250), "250ms");
    for (const std::uint64_t n : {1ull, 999ull, 1024ull, 86'400'000ull, 123'456'789ull, 9'223'372'036'854'775'807ull}) {
        EXPECT_EQ(*parse_size(size_text(n)), n);
        EXPECT_EQ(*parse_duration(duration_text(n)), n);
    }
}

} // namespace
} // namespace symphony::manifests
