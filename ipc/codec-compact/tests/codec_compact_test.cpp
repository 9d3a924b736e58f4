// SPDX-License-Identifier: Apache-2.0
#include "codec_compact.hpp"

#include "codec_port.hpp"

namespace symphony::ipc {
namespace {

using namespace std::string_view_literals;

TEST(CodecCompact, SaysWhatItIs) {
    const testing::CodecPort<CodecCompact> port;
    const auto info = port.client().info();
    ASSERT_TRUE(info) << info.error().message();
    ASSERT_EQ(info->size(), 1u);
    EXPECT_EQ(info->front().name, "compact-binary");
    EXPECT_EQ(info->front().text, false);
}

TEST(CodecCompact, EncodesEqualValuesAlike) { testing::expect_values<CodecCompact>("compact-binary", "\x0B\0\0\0\x07\0\0\0\x82\xA1\x61\x01\xA1\x62\x02"sv); }

TEST(CodecCompact, CarriesEnvelopes) { testing::expect_envelopes<CodecCompact>("compact-binary"); }

TEST(CodecCompact, CountsSlowCallsAndAnswersThem) { testing::expect_slowness_is_a_metric<CodecCompact>("compact-binary"); }

TEST(CodecCompact, BoundsWhatItReads) { testing::expect_input_is_bounded<CodecCompact>("compact-binary"); }

} // namespace
} // namespace symphony::ipc
