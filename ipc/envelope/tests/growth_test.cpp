// SPDX-License-Identifier: Apache-2.0
// Old readers and new writers, and the other way round. What a newer minor would append is put there by hand, in every record.
#include "codecs.hpp"

#include <gtest/gtest.h>

namespace symphony::ipc {
namespace {

using testing::read;
using testing::unhex;

Envelope expected(std::uint16_t minor) {
    Envelope out;
    out.version = {1, minor};
    out.id = *Uuid::parse("0190a8f0-7b1c-7def-8123-456789abcdef");
    out.unix_us = 7;
    out.type = "t";
    out.payload = Event{ValueBuilder().integer(5).build()};
    return out;
}

/// One envelope, an event, in the parts that a version may change.
struct Parts {
    std::string version, header_more, kind, payload_more, more;
};

std::string sized(const std::string& body) {
    std::string out = unhex("00000000") + body;
    for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<char>(body.size() >> (8 * i));
    return out;
}
std::string compact_with(const Parts& parts) {
    const std::string header = unhex("0190a8f07b1c7def8123456789abcdef 0700000000000000 00 01000000 74 00000000 00000000");
    return sized(parts.version + sized(header + parts.header_more) + parts.kind + sized(unhex("01000000 05") + parts.payload_more) + parts.more);
}
/// `more` of each array: its items, counted by `counts`.
std::string msgpack_with(const Parts& parts, unsigned whole, unsigned header, unsigned payload) {
    const auto array = [](unsigned count) { return std::string(1, static_cast<char>(0x90 | count)); };
    return array(4 + whole) + parts.version + array(6 + header) + unhex("c410 0190a8f07b1c7def8123456789abcdef 07 c0 a174 a0 a0") + parts.header_more + parts.kind + array(1 + payload) +
           unhex("05") + parts.payload_more + parts.more;
}
std::string json_with(const Parts& parts) {
    return R"({"version":")" + parts.version + R"(","header":{"id":"0190a8f0-7b1c-7def-8123-456789abcdef","unix_us":7,"type":"t","sender":"","recipient":"")" + parts.header_more +
           R"(},"kind":)" + parts.kind + R"(,"payload":{"content":5)" + parts.payload_more + "}" + parts.more + "}";
}

void expect_read(std::string_view codec, const std::string& bytes, std::uint16_t minor) {
    const auto back = read(codec, bytes);
    ASSERT_TRUE(back) << codec << ": " << back.error().message();
    EXPECT_TRUE(*back == expected(minor)) << codec;
}
void expect_refused(std::string_view codec, const std::string& bytes, std::string_view reason, std::string_view message) {
    const auto refused = read(codec, bytes);
    ASSERT_FALSE(refused) << codec;
    EXPECT_EQ(refused.error().reason(), reason) << codec << ": " << refused.error().message();
    EXPECT_EQ(refused.error().message(), message) << codec;
}

TEST(Growth, ThisVersionReadsItself) {
    expect_read("compact-binary", compact_with({unhex("01000000"), "", unhex("03"), "", ""}), 0);
    expect_read("msgpack", msgpack_with({unhex("920100"), "", unhex("03"), "", ""}, 0, 0, 0), 0);
    expect_read("json", json_with({"1.0", "", "\"event\"", "", ""}), 0);
}

TEST(Growth, WhatANewerMinorAppendsIsSkipped) {
    expect_read("compact-binary", compact_with({unhex("01000900"), unhex("ff"), unhex("03"), unhex("0102030405"), unhex("00000000")}), 9);
    expect_read("msgpack", msgpack_with({unhex("930109a178"), unhex("c0"), unhex("03"), unhex("81a16101c3"), unhex("9193c2c2c2")}, 1, 1, 2), 9);
    expect_read("json", json_with({"1.9", R"(,"zone":[{"a":1}])", "\"event\"", R"(,"x":null,"y":{})", R"(,"trace":"abc")"}), 9);
}

TEST(Growth, AFieldOfThisVersionThatIsMissingIsAnError) {
    expect_refused("compact-binary", sized(unhex("01000000") + sized(unhex("0190a8f07b1c7def8123456789abcdef"))), "bad-envelope", "envelope: \"unix_us\" is cut off at byte 28");
    expect_refused("msgpack", unhex("94 920100 91 c410 0190a8f07b1c7def8123456789abcdef 03 9105"), "bad-envelope", "envelope: \"unix_us\" is missing at byte 23");
    expect_refused("json", R"({"version":"1.0","header":{"id":"0190a8f0-7b1c-7def-8123-456789abcdef"},"kind":"event","payload":{"content":5}})", "bad-envelope",
                   "envelope: \"unix_us\" is missing");
}

TEST(Growth, AnotherMajorIsRefusedWhateverFollows) {
    constexpr std::string_view newer = "envelope: \"version\" is of a newer major than this side reads (1); update this side";
    constexpr std::string_view older = "envelope: \"version\" is of an older major than this side reads (1); update the sender";
    expect_refused("compact-binary", sized(unhex("02000000 ffff")), "newer-protocol", std::string(newer) + " at byte 4");
    expect_refused("compact-binary", sized(unhex("00000900 ffff")), "older-protocol", std::string(older) + " at byte 4");
    expect_refused("msgpack", unhex("92 920200 c0"), "newer-protocol", std::string(newer) + " at byte 1");
    expect_refused("msgpack", unhex("91 920001"), "older-protocol", std::string(older) + " at byte 1");
    expect_refused("json", R"({"whatever":1,"version":"2.0"})", "newer-protocol", newer);
    expect_refused("json", R"({"version":"0.9"})", "older-protocol", older);
}

TEST(Growth, RecordsHaveABoundedNumberOfFields) {
    std::string fields;
    for (int i = 0; i < 65; ++i) fields += ",\"f" + std::to_string(i) + "\":0";
    expect_refused("json", json_with({"1.0", fields, "\"event\"", "", ""}), "too-large", "envelope: \"header\" is longer than an envelope can hold");
    expect_refused("msgpack", unhex("dc0041") + std::string(65, '\0'), "too-large", "envelope: is longer than an envelope can hold at byte 0");
}

TEST(Growth, AFieldTwiceIsRefused) {
    expect_refused("json", json_with({"1.0", R"(,"type":"u")", "\"event\"", "", ""}), "duplicate-key", "envelope: \"header\" has a field twice");
    expect_refused("json", json_with({"1.0", "", "\"event\"", "", R"(,"kind":"event")"}), "duplicate-key", "envelope: has a field twice");
}

TEST(Growth, AKindThatIsNotKnownIsRefused) {
    expect_refused("compact-binary", compact_with({unhex("01000000"), "", unhex("05"), "", ""}), "bad-envelope", "envelope: \"kind\" is none of request, response, event, error at byte 50");
    expect_refused("msgpack", msgpack_with({unhex("920100"), "", unhex("00"), "", ""}, 0, 0, 0), "bad-envelope", "envelope: \"kind\" is none of request, response, event, error at byte 29");
    expect_refused("json", json_with({"1.0", "", "\"command\"", "", ""}), "bad-envelope", "envelope: \"kind\" is none of request, response, event, error");
    expect_refused("json", json_with({"1.0", "", "3", "", ""}), "bad-envelope", "envelope: \"kind\" is not text");
}

} // namespace
} // namespace symphony::ipc
