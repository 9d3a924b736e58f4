// SPDX-License-Identifier: Apache-2.0
#include "codecs.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <fstream>

namespace symphony::ipc {
namespace {

Envelope named(std::string_view name) {
    Envelope out;
    out.id = *Uuid::parse("0190a8f0-7b1c-7def-8123-456789abcdef");
    out.unix_us = 1'000'000;
    out.correlation = Uuid::parse("0190a8f0-7b1b-7000-8000-000000000001");
    out.type = "pool.lease";
    out.sender = "conductor";
    if (name == "request") {
        out.payload = Request{5000, ValueBuilder().map().add("model", "eng").end().build()};
    } else if (name == "response") {
        out.type.clear();
        out.recipient = "größer";
        out.unix_us = ~std::uint64_t{0};
        out.payload = Response{ValueBuilder().list().unsigned_integer(~std::uint64_t{0}).integer(std::numeric_limits<std::int64_t>::min()).number(1).number(-0.0).number(1e300)
                                   .null().boolean(true).text("a\"\\\n\x01🙂").bytes(bytes_of(std::string_view("\x00\xFF\x10", 3))).map().end().end().build()};
    } else if (name == "event") {
        out.correlation.reset();
        out.payload = Event{};
    } else if (name == "error") {
        out.payload = Failure{Code::busy, true, "queue-full", "pool \"eng\": 64 callers wait", "raise pool.queue_max"};
    }
    return out;
}

nlohmann::json goldens() {
    std::ifstream file(ENVELOPE_GOLDEN);
    return nlohmann::json::parse(file);
}

std::string hex(std::string_view bytes) {
    std::string out;
    for (const std::uint8_t byte : bytes_of(bytes)) {
        constexpr std::string_view digits = "0123456789abcdef";
        out += {digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}

TEST(Golden, EveryWriterWritesTheBytesThatAreWrittenDown) {
    std::size_t seen = 0;
    for (const auto& golden : goldens()) {
        if (golden.contains("read_only")) continue;
        ++seen;
        const Envelope envelope = named(golden.at("name").get<std::string>());
        for (const auto codec : testing::codec_names) {
            const auto bytes = testing::write(codec, envelope);
            ASSERT_TRUE(bytes) << codec << ": " << bytes.error().message();
            EXPECT_EQ(codec == "json" ? *bytes : hex(*bytes), golden.at(std::string(codec)).get<std::string>()) << golden.at("name") << " " << codec;
        }
    }
    EXPECT_EQ(seen, 4u);
}

TEST(Golden, EveryReaderReadsThem) {
    for (const auto& golden : goldens()) {
        const Envelope envelope = named(golden.at("name").get<std::string>());
        for (const auto codec : testing::codec_names) {
            const std::string text = golden.at(std::string(codec));
            const auto back = testing::read(codec, codec == "json" ? text : testing::unhex(text));
            ASSERT_TRUE(back) << golden.at("name") << " " << codec << ": " << back.error().message();
            Envelope expected = envelope;
            if (golden.contains("read_only")) { // of a newer minor, with fields appended to every record
                expected = named("request");
                expected.version.minor = 7;
            }
            EXPECT_TRUE(*back == expected) << golden.at("name") << " " << codec;
        }
    }
}

} // namespace
} // namespace symphony::ipc
