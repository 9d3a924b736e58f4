// SPDX-License-Identifier: Apache-2.0
#include "../src/descriptors.hpp"
#include "../src/quantiles.hpp"
#include "../src/sizes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace symphony::ipc_bench {
namespace {

void expect_size(std::string_view text, std::size_t bytes, std::string_view shown) {
    SCOPED_TRACE(text);
    const auto size = size_of(text);
    ASSERT_TRUE(size) << size.error().message();
    EXPECT_EQ(*size, bytes);
    EXPECT_EQ(text_of_size(*size), shown);
}

TEST(Sizes, AreBytesKibibytesAndMebibytes) {
    expect_size("64", 64, "64 B");
    expect_size("1", 1, "1 B");
    expect_size("1KiB", 1024, "1 KiB");
    expect_size("1 MiB", 1 << 20, "1 MiB");
    expect_size("1536B", 1536, "1536 B");
    expect_size("8MiB", message_bytes_max, "8 MiB");
}

TEST(Sizes, RefuseWhatIsNoneNamingIt) {
    for (const std::string_view text : {"", "0", "-1", "9MiB", "1GiB", "64 apples", "99999999999999999999999", "KiB"}) {
        SCOPED_TRACE(text);
        const auto size = size_of(text);
        ASSERT_FALSE(size);
        EXPECT_EQ(size.error().reason(), "usage");
        EXPECT_NE(size.error().message().find(text), std::string::npos);
    }
}

TEST(Quantiles, AreThoseOfTheSortedTimes) {
    std::vector<double> times(1001);
    std::iota(times.rbegin(), times.rend(), 0.0);
    const auto of = quantiles_of(times);
    EXPECT_EQ(of.p50, 500);
    EXPECT_EQ(of.p99, 990);
    EXPECT_EQ(of.p999, 999);
    std::vector<double> none;
    EXPECT_EQ(quantiles_of(none).p50, 0);
}

TEST(Descriptors, GiveBackWhatTheyAreGivenUntilTheOtherSideGoes) {
    const NoSigpipe quiet;
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    std::thread other([fd = ends[1]] {
        std::array<char, 4096> scratch;
        echo_until_end(fd, fd, scratch);
        ::close(fd);
    });
    std::array<char, 4096 + length_bytes> scratch{};
    EXPECT_TRUE(round_trip(ends[0], ends[0], scratch, 1));
    EXPECT_TRUE(round_trip(ends[0], ends[0], scratch, 4096 - length_bytes));
    EXPECT_FALSE(round_trip(ends[0], ends[0], scratch, 4096)) << "more than the other side takes";
    other.join();
    ::close(ends[0]);
}

} // namespace
} // namespace symphony::ipc_bench
