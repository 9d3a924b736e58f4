// SPDX-License-Identifier: Apache-2.0
#include "codecs.hpp"
#include "generate.hpp"

#include <symphony/json.hpp>

#include <gtest/gtest.h>

namespace symphony::ipc {
namespace {

using testing::codec_names;
using testing::read;
using testing::write;

TEST(Codecs, AgreeOnGeneratedEnvelopes) {
    constexpr std::uint64_t seed = 6;
    testing::Generator generator(seed);
    for (int i = 0; i < 3000; ++i) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " envelope " + std::to_string(i));
        const Envelope envelope = generator.envelope();
        for (const auto codec : codec_names) {
            const auto bytes = write(codec, envelope);
            ASSERT_TRUE(bytes) << codec << ": " << bytes.error().message();
            const auto back = read(codec, *bytes);
            ASSERT_TRUE(back) << codec << ": " << back.error().message();
            ASSERT_TRUE(*back == envelope) << codec;
            ASSERT_EQ(*write(codec, *back), *bytes) << codec << ": another text for the same message";
        }
    }
}

TEST(Codecs, RefuseEveryPrefixOfAnEnvelope) {
    testing::Generator generator(7);
    for (int i = 0; i < 40; ++i) {
        const Envelope envelope = generator.envelope();
        for (const auto codec : codec_names) {
            const std::string bytes = *write(codec, envelope);
            for (std::size_t size = 0; size < bytes.size(); ++size) {
                ASSERT_FALSE(read(codec, bytes.substr(0, size))) << codec << ", envelope " << i << " cut to " << size << " of " << bytes.size();
            }
            ASSERT_FALSE(read(codec, bytes + "x")) << codec;
        }
    }
}

/// What one reader takes, every other one can carry; what none takes is an error and never a crash.
TEST(Codecs, SurviveDamage) {
    constexpr std::uint64_t seed = 8;
    testing::Generator generator(seed);
    std::size_t taken = 0;
    for (int i = 0; i < 4000; ++i) {
        const auto codec = codec_names[generator.below(codec_names.size())];
        std::string bytes = *write(codec, generator.envelope());
        for (std::uint64_t n = 1 + generator.below(3); n > 0; --n) bytes[generator.below(bytes.size())] = static_cast<char>(generator.raw());
        const auto damaged = read(codec, bytes);
        if (!damaged) continue;
        ++taken;
        for (const auto other : codec_names) {
            const auto written = write(other, *damaged);
            if (!written) {
                EXPECT_EQ(written.error().reason(), "not-expressible") << "seed " << seed << " round " << i << ": " << written.error().message();
                continue;
            }
            const auto back = read(other, *written);
            ASSERT_TRUE(back) << "seed " << seed << " round " << i << " " << codec << " to " << other << ": " << back.error().message();
            EXPECT_TRUE(*back == *damaged) << "seed " << seed << " round " << i << " " << codec << " to " << other;
        }
    }
    EXPECT_GT(taken, 100u);
}

Envelope with_content(Value content) {
    Envelope envelope;
    envelope.id = *Uuid::parse("0190a8f0-7b1c-7def-8123-456789abcdef");
    envelope.type = "test.numbers";
    envelope.payload = Event{std::move(content)};
    return envelope;
}

TEST(Codecs, KeepIntegersExact) {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1} << 53, (std::uint64_t{1} << 53) + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        Envelope envelope = with_content(ValueBuilder().list().unsigned_integer(number).integer(std::numeric_limits<std::int64_t>::min()).number(1).number(-0.0).end().build());
        envelope.unix_us = number;
        for (const auto codec : codec_names) {
            const auto back = read(codec, *write(codec, envelope));
            ASSERT_TRUE(back) << codec << " " << number << ": " << back.error().message();
            EXPECT_TRUE(*back == envelope) << codec << " " << number;
        }
    }
}

TEST(Codecs, CarryContentOfEveryDepthThatAValueHas) {
    ValueBuilder builder;
    for (std::size_t i = 0; i < value_depth_max; ++i) builder.list();
    for (std::size_t i = 0; i < value_depth_max; ++i) builder.end();
    const Envelope deep = with_content(builder.build());
    for (const auto codec : codec_names) {
        const auto back = read(codec, *write(codec, deep));
        ASSERT_TRUE(back) << codec << ": " << back.error().message();
        EXPECT_TRUE(*back == deep) << codec;
        std::string raw(value_depth_max + 1, '\x91');
        raw += '\xC0';
        Envelope deeper = with_content(Value::unchecked(Buffer::copy(raw)));
        const auto bytes = write(codec, deeper);
        const auto refused = bytes ? read(codec, *bytes) : Result<Envelope>(bytes.error());
        ASSERT_FALSE(refused) << codec;
        EXPECT_NE(refused.error().message().find("deeper than 128"), std::string::npos) << refused.error().message();
    }
    const auto text = read("json", R"({"version":"1.0","header":{"id":"0190a8f0-7b1c-7def-8123-456789abcdef","unix_us":1,"type":"t","sender":"","recipient":""},"kind":"event","payload":{"content":)" +
                                       std::string(100'000, '[') + std::string(100'000, ']') + "}}");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().reason(), "too-deep");
}

void expect_not_written(const Envelope& envelope, std::string_view reason, std::string_view message) {
    for (const auto codec : codec_names) {
        const auto bytes = write(codec, envelope);
        ASSERT_FALSE(bytes) << codec << " wrote what should be refused: " << message;
        EXPECT_EQ(bytes.error().reason(), reason) << codec;
        EXPECT_EQ(bytes.error().message(), message) << codec;
    }
}

TEST(Codecs, WriteNothingThatCannotBeRead) {
    Envelope envelope = with_content({});
    envelope.sender = "\xFF";
    expect_not_written(envelope, "bad-utf8", "envelope: \"sender\" is not UTF-8");
    envelope.sender = std::string(20, 'x') + "\xC0\x80";
    expect_not_written(envelope, "bad-utf8", "envelope: \"sender\" is not UTF-8");
    envelope.sender = std::string(name_bytes_max + 1, 'x');
    expect_not_written(envelope, "too-large", "envelope: \"sender\" is longer than an envelope can hold");
    envelope.sender.clear();
    envelope.id = {};
    expect_not_written(envelope, "bad-envelope", "envelope: \"id\" is nil");
    envelope.id.bytes[0] = 1;
    envelope.type.clear();
    expect_not_written(envelope, "bad-envelope", "envelope: \"type\" is empty");
    envelope.payload = Response{};
    expect_not_written(envelope, "bad-envelope", "envelope: \"correlation\" is missing from a response");
}

TEST(Codecs, RefuseContentThatIsNoValue) {
    const std::string map_twice = testing::unhex("82 a1 61 01 a1 61 02"), bad_text = testing::unhex("a1 ff"), two = testing::unhex("01 02");
    for (const std::string& raw : {map_twice, bad_text, two}) {
        const Envelope envelope = with_content(Value::unchecked(Buffer::copy(raw)));
        for (const auto codec : codec_names) {
            const auto bytes = write(codec, envelope);
            const auto refused = bytes ? read(codec, *bytes) : Result<Envelope>(bytes.error());
            ASSERT_FALSE(refused) << codec;
            EXPECT_EQ(refused.error().code(), Code::data_corrupt) << codec << ": " << refused.error().message();
        }
    }
    // Who only passes it on does not pay for a look inside.
    const auto passed = read("compact-binary", *write("compact-binary", with_content(Value::unchecked(Buffer::copy(map_twice)))), {.check_content = false});
    EXPECT_TRUE(passed);
}

TEST(Codecs, RefuseMoreBytesThanAgreed) {
    const Envelope envelope = with_content(ValueBuilder().text(std::string(1000, 'x')).build());
    for (const auto codec : codec_names) {
        const std::string bytes = *write(codec, envelope);
        EXPECT_TRUE(read(codec, bytes, {.bytes_max = bytes.size()})) << codec;
        const auto refused = read(codec, bytes, {.bytes_max = bytes.size() - 1});
        ASSERT_FALSE(refused) << codec;
        EXPECT_EQ(refused.error().reason(), "too-large") << codec;
    }
}

TEST(Codecs, ContentOfAHeldBufferIsNotCopied) {
    const Envelope envelope = with_content(ValueBuilder().text("shared").build());
    const Buffer held = Buffer::copy(*write("msgpack", envelope));
    EnvelopeView view;
    ASSERT_TRUE(msgpack::read(held, view));
    const Envelope owned = own(view, held);
    const auto* place = std::get<Event>(owned.payload).content.bytes().data();
    EXPECT_TRUE(place > held.data() && place < held.data() + held.size());
    EXPECT_NE(std::get<Event>(own(view).payload).content.bytes().data(), place);
}

TEST(Codecs, ErrorsTravelWhole) {
    const Error error = Error(Code::busy, "queue-full", std::string(5000, 'x') + "é", "try later").as_retryable();
    const Failure failure = failure_of(error);
    EXPECT_EQ(failure.message.size(), message_bytes_max);
    Envelope envelope = with_content({});
    envelope.payload = failure;
    for (const auto codec : codec_names) {
        const auto back = read(codec, *write(codec, envelope));
        ASSERT_TRUE(back) << codec << ": " << back.error().message();
        const Error again = error_of(std::get<Failure>(back->payload));
        EXPECT_EQ(again.code(), Code::busy);
        EXPECT_EQ(again.reason(), "queue-full");
        EXPECT_EQ(again.hint(), "try later");
        EXPECT_TRUE(again.retryable());
    }
}

} // namespace
} // namespace symphony::ipc
