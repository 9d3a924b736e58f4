// SPDX-License-Identifier: Apache-2.0
#include "codec_json.hpp"

#include "codec_port.hpp"

namespace symphony::ipc {
namespace {

using namespace std::string_view_literals;

TEST(CodecJson, SaysWhatItIs) {
    const testing::CodecPort<CodecJson> port;
    const auto info = port.client().info();
    ASSERT_TRUE(info) << info.error().message();
    ASSERT_EQ(info->size(), 2u);
    EXPECT_EQ(info->front().name, "json");
    EXPECT_EQ(info->front().text, true);
}

TEST(CodecJson, EncodesEqualValuesAlike) { testing::expect_values<CodecJson>("json", R"({"a":1,"b":2})"sv); }

TEST(CodecJson, CarriesEnvelopes) { testing::expect_envelopes<CodecJson>("json"); }

TEST(CodecJson, CountsSlowCallsAndAnswersThem) { testing::expect_slowness_is_a_metric<CodecJson>("json"); }

TEST(CodecJson, BoundsWhatItReads) { testing::expect_input_is_bounded<CodecJson>("json"); }

TEST(CodecJson, CannotSayEverything) {
    const testing::CodecPort<CodecJson> port;
    testing::expect_refused(port.client().encode("json", ValueBuilder().number(std::numeric_limits<double>::infinity()).build()), Code::unsupported, "not-expressible");
}

TEST(CodecJson, SpeaksJsonRpcWithWhoKnowsNothingOfEnvelopes) {
    const testing::CodecPort<CodecJson> port;
    const auto client = port.client();
    const auto request = client.decode_envelope("json-rpc", Buffer::copy("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"open\",\"params\":[]}\r\n"));
    ASSERT_TRUE(request) << request.error().message();
    EXPECT_EQ(request->type, "open");
    EXPECT_EQ(request->kind, 1);
    ports::EnvelopeRecord answer = testing::CodecPort<CodecJson>::message();
    answer.kind = 2;
    answer.correlation = request->id;
    EXPECT_EQ(client.encode_envelope("json-rpc", answer)->text(), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"z\":1,\"a\":9223372036854775808}}\n");
    testing::expect_refused(client.encode_envelope("json-rpc", answer), Code::not_found, "unknown-request");
    testing::expect_refused(client.encode("json-rpc", Value()), Code::not_found, "unknown-codec");
}

TEST(CodecJson, LeavesTheVersionOutWhereItIsTold) {
    const testing::CodecPort<CodecJson> port(ValueBuilder().map().add("version_member", false).end().build());
    ports::EnvelopeRecord event = testing::CodecPort<CodecJson>::message();
    event.kind = 3;
    event.content = Value();
    EXPECT_EQ(port.client().encode_envelope("json-rpc", event)->text(), "{\"method\":\"pool.lease\"}\n");
}

} // namespace
} // namespace symphony::ipc
