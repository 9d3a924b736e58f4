// SPDX-License-Identifier: Apache-2.0
#include "codecs.hpp"

#include <symphony/envelope/greeting.hpp>

#include <gtest/gtest.h>

namespace symphony::ipc {
namespace {

Greeting with_versions(std::vector<Version> versions) {
    Greeting out;
    out.name = "test";
    out.versions = std::move(versions);
    return out;
}

/// From both sides.
void expect_version(std::vector<Version> one, std::vector<Version> other, Version agreed) {
    for (const bool turned : {false, true}) {
        const auto found = agree(with_versions(turned ? other : one), with_versions(turned ? one : other));
        ASSERT_TRUE(found) << found.error().message();
        EXPECT_EQ(found->version, agreed) << to_text(found->version);
    }
}

TEST(Greeting, OldAndNewMeetAtTheNewestThatBothHave) {
    expect_version({{1, 0}}, {{1, 0}}, {1, 0});
    expect_version({{1, 0}}, {{1, 7}}, {1, 0});
    expect_version({{1, 3}}, {{2, 1}, {1, 7}}, {1, 3});
    expect_version({{1, 9}, {2, 4}}, {{2, 1}, {1, 7}, {3, 0}}, {2, 1});
}

TEST(Greeting, OldAndNewThatCannotMeetSayWhatEachHas) {
    Greeting old = with_versions({{1, 2}}), young = with_versions({{3, 0}, {2, 5}});
    old.name = "viewer";
    young.name = "symphony";
    const auto refused = agree(old, young);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::unsupported);
    EXPECT_EQ(refused.error().reason(), "no-common-version");
    EXPECT_EQ(refused.error().message(), "\"viewer\" speaks version 1.2, \"symphony\" version 3.0, 2.5");
    EXPECT_EQ(refused.error().hint(), "update the older of the two");
}

TEST(Greeting, TheConnectingSidePrefersACodecAndTheSmallerLimitHolds) {
    Greeting connecting, listening;
    connecting.codecs = {"x-own", "json", "msgpack"};
    listening.codecs = {"msgpack", "compact-binary", "json"};
    listening.envelope_bytes_max = 1000;
    EXPECT_EQ(*agree(connecting, listening), (Agreement{{1, 0}, "json", 1000}));
    EXPECT_EQ(agree(listening, connecting)->codec, "msgpack");
    connecting.codecs = {"x-own"};
    const auto refused = agree(connecting, listening);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason(), "no-common-codec");
}

std::string written(const Greeting& greeting) {
    OutBuffer out;
    EXPECT_TRUE(write(out, greeting));
    return std::string(out.text());
}

TEST(Greeting, LaysItsBytesAsTheDocumentSays) {
    Greeting greeting;
    greeting.name = "me";
    greeting.codecs = {"json"};
    const std::string bytes = testing::unhex("53 59 4d 47  22 00 00 00  02 00 00 00 6d 65  01 00 00 00 01 00 00 00  01 00 00 00 04 00 00 00 6a 73 6f 6e  00 00 00 01 00 00 00 00");
    EXPECT_EQ(written(greeting), bytes);
    const auto back = read_greeting(bytes_of(bytes));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, greeting);
}

TEST(Greeting, OfANewerWriterIsReadAndWhatItAppendedIsSkipped) {
    std::string bytes = written(Greeting());
    bytes += "more";
    bytes[4] = static_cast<char>(bytes[4] + 4);
    const auto back = read_greeting(bytes_of(bytes));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, Greeting());
}

void expect_refused(std::string_view bytes, std::string_view reason) {
    const Buffer exact = Buffer::copy(bytes);
    const auto refused = read_greeting(exact);
    ASSERT_FALSE(refused) << bytes.size();
    EXPECT_EQ(refused.error().reason(), reason) << refused.error().message();
}

TEST(Greeting, RefusesWhatIsNone) {
    expect_refused("", "not-symphony");
    expect_refused("GET / HTTP/1.1\r\n\r\n", "not-symphony");
    expect_refused(std::string(5000, 'S'), "bad-greeting");
    const std::string good = written(Greeting());
    for (std::size_t size = 4; size < good.size(); ++size) expect_refused(good.substr(0, size), "bad-greeting");
    expect_refused(good + "x", "bad-greeting");
    std::string many = good;
    many[4 + 4 + 4] = '\x7F'; // 127 versions in its few bytes
    expect_refused(many, "bad-greeting");
}

TEST(Greeting, WritesNothingThatCannotBeRead) {
    for (const Greeting& bad : {with_versions({}), with_versions({{1, 0}, {1, 2}}), with_versions(std::vector<Version>(17)), [] {
             Greeting twice;
             twice.codecs = {"json", "json"};
             return twice;
         }()}) {
        OutBuffer out;
        const auto status = write(out, bad);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().reason(), "bad-greeting");
    }
}

} // namespace
} // namespace symphony::ipc
