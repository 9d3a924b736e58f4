// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/backoff.hpp>

#include <gtest/gtest.h>

namespace symphony::transport {
namespace {

TEST(Backoff, WaitsAnywhereBelowABoundThatDoublesUntilTheLongest) {
    std::vector<std::uint64_t> longest(6, 0);
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        Backoff backoff(6, 10, 100, seed);
        for (auto& most : longest) most = std::max(most, backoff.next_ns());
        EXPECT_TRUE(backoff.exhausted());
    }
    const std::vector<std::uint64_t> bounds_ms{10, 20, 40, 80, 100, 100};
    for (std::size_t i = 0; i < bounds_ms.size(); ++i) {
        EXPECT_LE(longest[i], bounds_ms[i] * 1'000'000) << i;
        EXPECT_GT(longest[i], bounds_ms[i] * 900'000) << i << ": the whole range is used";
    }
}

TEST(Backoff, HasNoAttemptWhereNoneIsAllowed) { EXPECT_TRUE(Backoff(0, 10, 100, 1).exhausted()); }

TEST(Backoff, NeverWaitsLongerThanTheLongest) { EXPECT_LE(Backoff(1, 1000, 5, 1).next_ns(), 5'000'000u); }

} // namespace
} // namespace symphony::transport
