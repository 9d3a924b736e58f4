// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/uuid.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace symphony::ipc {
namespace {

std::uint64_t stopped_clock_ns() { return 1'645'557'742'000'500'000u; }
std::atomic<std::uint64_t> moved_ns{0};
std::uint64_t moved_clock_ns() { return moved_ns.load(); }

TEST(Uuid, TextIsThatOfTheRfc) {
    // RFC 9562, A.6.
    const auto example = Uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
    ASSERT_TRUE(example);
    EXPECT_EQ(example->text(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    EXPECT_EQ(example->version(), 7u);
    EXPECT_EQ(example->unix_ms(), 1'645'557'742'000u);
    for (const std::string_view bad : {"", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e279b0-7cc3-98c4-dc0c0c07398f-", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
                                       "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0"}) {
        EXPECT_FALSE(Uuid::parse(bad)) << bad;
    }
}

TEST(Uuid, SaysItsTimeVersionAndVariant) {
    UuidSource source(&stopped_clock_ns);
    const Uuid id = source.next();
    EXPECT_EQ(id.version(), 7u);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
    EXPECT_EQ(id.unix_ms(), 1'645'557'742'000u);
    EXPECT_EQ((id.bytes[6] & 0x0F) << 8 | id.bytes[7], 2048) << "half a millisecond";
}

TEST(Uuid, AscendsWhenTheClockStandsOrGoesBack) {
    UuidSource source(&moved_clock_ns);
    moved_ns = 5'000'000'000;
    Uuid last = source.next();
    for (int i = 0; i < 20'000; ++i) {
        if (i == 10'000) moved_ns = 1'000'000'000;
        const Uuid next = source.next();
        ASSERT_LT(last, next) << i;
        ASSERT_LT(last.text(), next.text()) << i;
        last = next;
    }
    moved_ns = 60'000'000'000;
    EXPECT_EQ(source.next().unix_ms(), 60'000u);
}

TEST(Uuid, AscendsOnEveryThreadAndRepeatsOnNone) {
    constexpr std::size_t threads = 4, each = 20'000;
    UuidSource source;
    std::vector<std::vector<Uuid>> made(threads);
    {
        std::vector<std::jthread> running;
        for (auto& mine : made) {
            running.emplace_back([&source, &mine] {
                for (std::size_t i = 0; i < each; ++i) mine.push_back(source.next());
            });
        }
    }
    std::set<Uuid> all;
    for (const auto& mine : made) {
        EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
        all.insert(mine.begin(), mine.end());
    }
    EXPECT_EQ(all.size(), threads * each);
}

TEST(Uuid, TwoSourcesWithOneClockDiffer) {
    UuidSource one(&stopped_clock_ns), other(&stopped_clock_ns);
    EXPECT_NE(one.next(), other.next());
}

} // namespace
} // namespace symphony::ipc
