// SPDX-License-Identifier: Apache-2.0
#include "codec_msgpack.hpp"

#include "codec_port.hpp"

namespace symphony::ipc {
namespace {

using namespace std::string_view_literals;

TEST(CodecMsgpack, SaysWhatItIs) {
    const testing::CodecPort<CodecMsgpack> port;
    const auto info = port.client().info();
    ASSERT_TRUE(info) << info.error().message();
    ASSERT_EQ(info->size(), 1u);
    EXPECT_EQ(info->front().name, "msgpack");
    EXPECT_EQ(info->front().text, false);
}

TEST(CodecMsgpack, EncodesEqualValuesAlike) { testing::expect_values<CodecMsgpack>("msgpack", "\x82\xA1\x61\x01\xA1\x62\x02"sv); }

TEST(CodecMsgpack, CarriesEnvelopes) { testing::expect_envelopes<CodecMsgpack>("msgpack"); }

TEST(CodecMsgpack, CountsSlowCallsAndAnswersThem) { testing::expect_slowness_is_a_metric<CodecMsgpack>("msgpack"); }

TEST(CodecMsgpack, BoundsWhatItReads) { testing::expect_input_is_bounded<CodecMsgpack>("msgpack"); }

} // namespace
} // namespace symphony::ipc
