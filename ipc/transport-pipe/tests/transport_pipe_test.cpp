// SPDX-License-Identifier: Apache-2.0
#include "../src/pipe_driver.hpp"

#include <symphony/testing.hpp>

#include <gtest/gtest.h>

namespace symphony::transport {
namespace {

TEST(TransportPipe, SaysThatThisSystemHasNoNamedPipes) {
    symphony::testing::FakeHost host;
    ASSERT_TRUE(host.add<TransportPipe>("pipe"));
    const auto client = *ports::TransportClient::acquire(host.host(), "pipe");
    const ports::Address address{"pipe", R"(\\.\pipe\symphony)", {}};
    const auto expect = [](const Error& error) {
        EXPECT_EQ(error.code(), Code::unsupported);
        EXPECT_EQ(error.reason(), "scheme");
        EXPECT_NE(error.hint().find("unix"), std::string::npos) << "and what to use instead";
    };
    const auto connected = client.connect(address, {});
    ASSERT_FALSE(connected);
    expect(connected.error());
    const auto listening = client.listen(address, {});
    ASSERT_FALSE(listening);
    expect(listening.error());
}

} // namespace
} // namespace symphony::transport
