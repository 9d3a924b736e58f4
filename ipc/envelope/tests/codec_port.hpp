// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/envelope/codec_server.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

namespace symphony::ipc::testing {

/// A codec plugin in a host of the test, and what every one of them owes.
template <class Plugin>
class CodecPort {
public:
    explicit CodecPort(const Value& config = ValueBuilder().map().end().build()) {
        const auto status = host_.add<Plugin>("codec", config);
        EXPECT_TRUE(status) << status.error().message();
    }
    ports::CodecClient client() const { return *ports::CodecClient::acquire(host_.host(), "codec"); }
    std::map<std::string, double> metrics() const { return host_.metrics(); }

    static ports::EnvelopeRecord message() {
        ports::EnvelopeRecord out;
        out.id = "0190a8f0-7b1c-7def-8123-456789abcdef";
        out.unix_us = ~std::uint64_t{0};
        out.type = "pool.lease";
        out.kind = 1;
        out.timeout_ms = 5000;
        out.content = ValueBuilder().map().add("z", 1).add("a", std::uint64_t{1} << 63).end().build();
        return out;
    }

private:
    symphony::testing::FakeHost host_;
};

template <class T>
void expect_refused(const Result<T>& result, Code code, std::string_view reason) {
    ASSERT_FALSE(result) << "expected " << reason;
    EXPECT_EQ(result.error().code(), code) << result.error().message();
    EXPECT_EQ(result.error().reason(), reason) << result.error().message();
}

/// Equal values have equal bytes, and come back.
template <class Plugin>
void expect_values(std::string_view codec, std::string_view bytes) {
    const CodecPort<Plugin> port;
    const auto client = port.client();
    const Value one = ValueBuilder().map().add("b", 2).add("a", 1).end().build(), other = ValueBuilder().map().add("a", 1).add("b", 2).end().build();
    const auto encoded = client.encode(codec, one);
    ASSERT_TRUE(encoded) << encoded.error().message();
    EXPECT_EQ(encoded->text(), bytes);
    EXPECT_EQ(client.encode(codec, other)->text(), bytes);
    const auto back = client.decode(codec, *encoded);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_TRUE(*back == one);
    expect_refused(client.encode(codec, Value::unchecked(Buffer::copy("\xC1"))), Code::data_corrupt, "bad-value");
    expect_refused(client.encode("klingon", one), Code::not_found, "unknown-codec");
    for (std::size_t size = 0; size < encoded->size(); ++size) EXPECT_FALSE(client.decode(codec, encoded->slice(0, size))) << size;
}

template <class Plugin>
void expect_envelopes(std::string_view codec) {
    const CodecPort<Plugin> port;
    const auto client = port.client();
    const ports::EnvelopeRecord message = CodecPort<Plugin>::message();
    const auto bytes = client.encode_envelope(codec, message);
    ASSERT_TRUE(bytes) << bytes.error().message();
    const auto back = client.decode_envelope(codec, *bytes);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->id, message.id);
    EXPECT_EQ(back->unix_us, message.unix_us);
    EXPECT_EQ(back->timeout_ms, message.timeout_ms);
    EXPECT_EQ(back->version_major, 1);
    EXPECT_TRUE(back->content == message.content);
    ports::EnvelopeRecord bad = message;
    bad.kind = 9;
    expect_refused(client.encode_envelope(codec, bad), Code::invalid_argument, "bad-envelope");
    bad = message;
    bad.id = "17";
    expect_refused(client.encode_envelope(codec, bad), Code::invalid_argument, "bad-envelope");
    bad = message;
    bad.version_major = 2;
    expect_refused(client.encode_envelope(codec, bad), Code::invalid_argument, "bad-envelope");
    bad = message;
    bad.type = std::string(256, 'x');
    expect_refused(client.encode_envelope(codec, bad), Code::exhausted, "too-large");
}

/// With a limit of nothing every call is slow, and is answered all the same.
template <class Plugin>
void expect_slowness_is_a_metric(std::string_view codec) {
    for (const bool slow : {true, false}) {
        const CodecPort<Plugin> port(ValueBuilder().map().add("slow_us", slow ? 0 : 60'000'000).add("bytes_max", 1u << 20).end().build());
        const auto bytes = port.client().encode_envelope(codec, CodecPort<Plugin>::message());
        ASSERT_TRUE(bytes) << bytes.error().message();
        EXPECT_TRUE(port.client().decode_envelope(codec, *bytes));
        EXPECT_FALSE(port.client().decode_envelope(codec, Buffer::copy("?")));
        const auto metrics = port.metrics();
        EXPECT_EQ(metrics.at("encodes"), 1);
        EXPECT_EQ(metrics.at("decodes"), 2);
        EXPECT_EQ(metrics.at("refusals"), 1);
        EXPECT_EQ(metrics.contains("slow_encodes"), slow);
        EXPECT_EQ(metrics.contains("slow_decodes"), slow);
    }
}

template <class Plugin>
void expect_input_is_bounded(std::string_view codec) {
    const CodecPort<Plugin> port(ValueBuilder().map().add("bytes_max", 1024).end().build());
    const Value large = ValueBuilder().text(std::string(2000, 'x')).build();
    const auto bytes = port.client().encode(codec, large);
    ASSERT_TRUE(bytes) << bytes.error().message();
    expect_refused(port.client().decode(codec, *bytes), Code::exhausted, "too-large");
    ports::EnvelopeRecord message = CodecPort<Plugin>::message();
    message.content = large;
    expect_refused(port.client().decode_envelope(codec, *port.client().encode_envelope(codec, message)), Code::exhausted, "too-large");
}

} // namespace symphony::ipc::testing
