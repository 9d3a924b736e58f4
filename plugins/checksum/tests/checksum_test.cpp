// SPDX-License-Identifier: Apache-2.0
#include "checksum.h"

#include <symphony/ports/operator.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <numeric>

extern "C" const symphony_plugin* symphony_plugin_v1(void);

namespace {

using symphony::Code;
using symphony::Value;
using symphony::ValueBuilder;

void expect_crc(std::string_view text, std::uint32_t expected) {
    SCOPED_TRACE(text);
    EXPECT_EQ(checksum_crc32(symphony::bytes_of(text).data(), text.size()), expected);
}

TEST(Crc32, MatchesPublishedValues) {
    expect_crc("123456789", 0xCBF43926u); // the check value of CRC-32/ISO-HDLC
    expect_crc("", 0u);
    expect_crc("The quick brown fox jumps over the lazy dog", 0x414FA339u);
}

class ChecksumPlugin : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(host_.add("checksum", symphony_plugin_v1())); }
    symphony::Result<Value> apply(std::string_view operation, const Value& input) {
        return symphony::ports::OperatorClient::acquire(host_.host())->apply(operation, input);
    }
    void expect_refused(std::string_view operation, const Value& input, Code code, std::string_view reason) {
        SCOPED_TRACE(reason);
        const auto result = apply(operation, input);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code(), code);
        EXPECT_EQ(result.error().reason(), reason);
    }
    symphony::testing::FakeHost host_;
};

Value data(std::string_view text) { return ValueBuilder().map().add("data", text).end().build(); }

TEST_F(ChecksumPlugin, AnswersTheChecksumOfText) {
    const auto result = apply("crc32", data("123456789"));
    ASSERT_TRUE(result) << result.error().message();
    ASSERT_TRUE(Value::check(result->bytes()));
    EXPECT_EQ((*result)["crc32"].as_uint(), 0xCBF43926u);
    EXPECT_EQ((*result)["hex"].as_text(), "cbf43926");
    EXPECT_EQ((*result)["size"].as_uint(), 9u);
}

TEST_F(ChecksumPlugin, TakesLargeInputsByReference) {
    const std::vector<std::uint8_t> zeros(1 << 20);
    const auto result = apply("histogram", ValueBuilder().map().key("data").bytes(zeros).end().build());
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ((*result)["counts"].at(0).as_uint(), zeros.size());
    EXPECT_EQ((*result)["distinct"].as_uint(), 1u);
    EXPECT_EQ((*result)["entropy"].as_double(-1), 0.0);
}

TEST_F(ChecksumPlugin, CountsEveryByteOnce) {
    std::vector<std::uint8_t> all(256);
    std::iota(all.begin(), all.end(), std::uint8_t{0});
    const auto result = apply("histogram", ValueBuilder().map().key("data").bytes(all).end().build());
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["entropy"].as_double(), 8.0);
    for (const auto count : (*result)["counts"].items()) EXPECT_EQ(count.as_uint(), 1u);
}

TEST_F(ChecksumPlugin, SaysWhatIsWrong) {
    expect_refused("crc32", Value(), Code::invalid_argument, "missing-input");
    expect_refused("crc32", ValueBuilder().map().add("data", 1).end().build(), Code::invalid_argument, "wrong-kind");
    expect_refused("md5", data("x"), Code::not_found, "unknown-operation");
}

} // namespace
