// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/frame.hpp>

#include <gtest/gtest.h>

#include <string>

namespace symphony::transport {
namespace {

std::string part(PartKind kind, std::string_view content, std::uint64_t frame_bytes) {
    std::string out(part_header_bytes, '\0');
    write_header(reinterpret_cast<std::uint8_t*>(out.data()), {kind, static_cast<std::uint32_t>(content.size()), frame_bytes});
    return out.append(content);
}
std::string greeting() { return part(PartKind::greeting, write_greeting({1, Greeting::Verdict::welcome, 1000}).text(), greeting_bytes); }
std::string frame(std::string_view content) { return part(PartKind::content, content, content.size()); }

/// What a stream comes to when it arrives in pieces of `step` bytes.
struct Decoded {
    explicit Decoded(std::string_view stream, std::size_t step = 1 << 20, std::uint64_t frame_bytes_max = 1000) : inbox(frame_bytes_max, 1000, 100'000) {
        StreamDecoder decoder;
        for (std::size_t at = 0; at < stream.size() && fault.empty(); at += step) {
            Bytes bytes = bytes_of(stream.substr(at, step));
            if (decoder.feed(bytes, inbox) == StreamDecoder::Result::corrupt) fault = decoder.fault();
            else EXPECT_TRUE(bytes.empty());
        }
        while (!inbox.empty()) frames.emplace_back(inbox.take().text());
    }
    Inbox inbox;
    std::vector<std::string> frames;
    std::string fault;
};

void expect_fault(std::string_view stream, std::string_view fault) {
    for (const std::size_t step : {1u, 7u, 1u << 20}) EXPECT_EQ(Decoded(stream, step).fault, fault) << step;
}

TEST(Frames, HaveTheBytesThatThePageSays) {
    EXPECT_EQ(frame("ab"), std::string("\2\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0ab", 18));
    EXPECT_EQ(greeting(), std::string("\1\0\0\0\x18\0\0\0\x18\0\0\0\0\0\0\0SMT1\1\0\0\0\0\0\0\0\0\0\0\0\xE8\3\0\0\0\0\0\0", 40));
    EXPECT_EQ(part(PartKind::finish, "", 0), std::string("\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
}

TEST(Frames, ArriveWholeHoweverTheStreamIsCut) {
    const std::string stream = greeting() + frame("") + frame("one") + part(PartKind::content, "tw", 5) + part(PartKind::content, "o", 5) + part(PartKind::content, "xx", 5) + part(PartKind::finish, "", 0);
    for (std::size_t step = 1; step <= stream.size(); ++step) {
        const Decoded got(stream, step);
        EXPECT_EQ(got.fault, "") << step;
        EXPECT_EQ(got.frames, (std::vector<std::string>{"", "one", "twoxx"})) << step;
        EXPECT_TRUE(got.inbox.finished()) << step;
        ASSERT_TRUE(got.inbox.greeting());
        EXPECT_EQ(got.inbox.greeting()->frame_bytes_max, 1000u);
    }
}

TEST(Frames, ThatAreCutOffAreNotDelivered) {
    const std::string stream = greeting() + frame("whole") + frame("never");
    for (std::size_t size = greeting().size(); size < stream.size(); ++size) {
        const auto frames = Decoded(stream.substr(0, size)).frames;
        EXPECT_EQ(frames.size(), size < stream.size() - frame("never").size() ? 0u : 1u) << size;
    }
}

TEST(Frames, OfAHostilePeerAreNamed) {
    expect_fault(frame("early"), "no greeting");
    expect_fault(greeting() + greeting(), "a second greeting");
    expect_fault(part(PartKind::greeting, "short", 5), "a greeting of another length");
    expect_fault(part(PartKind::greeting, std::string(greeting_bytes, 'x'), greeting_bytes), "a greeting of another protocol or version");
    expect_fault(greeting() + std::string(16, '\xFF'), "a part of unknown kind");
    expect_fault(greeting() + part(static_cast<PartKind>(4), "", 0), "a part of unknown kind");
    expect_fault(greeting() + part(PartKind::content, "", 1001), "a frame that is longer than frame_bytes_max");
    expect_fault(greeting() + part(PartKind::content, "", ~std::uint64_t{0}), "a frame that is longer than frame_bytes_max");
    expect_fault(greeting() + part(PartKind::content, "abc", 2), "a part that is longer than its frame");
    expect_fault(greeting() + part(PartKind::content, "", 2), "a part without content");
    expect_fault(greeting() + part(PartKind::content, "a", 3) + part(PartKind::content, "b", 4), "a part of another frame");
    expect_fault(greeting() + part(PartKind::content, "a", 3) + part(PartKind::content, "bcd", 3), "a part that is longer than its frame");
    expect_fault(greeting() + part(PartKind::content, "a", 3) + part(PartKind::finish, "", 0), "an end within a frame");
    expect_fault(greeting() + part(PartKind::finish, "a", 1), "an end with content");
    expect_fault(greeting() + part(PartKind::finish, "", 0) + frame("x"), "something follows the end");
}

TEST(Frames, TakeNoMemoryForALengthAlone) {
    Inbox inbox(std::uint64_t{1} << 40, 10, std::uint64_t{1} << 40);
    StreamDecoder decoder;
    const std::string stream = greeting() + part(PartKind::content, "x", std::uint64_t{1} << 39);
    Bytes bytes = bytes_of(stream);
    EXPECT_EQ(decoder.feed(bytes, inbox), StreamDecoder::Result::all) << "half a terabyte was not asked for";
}

TEST(Frames, WaitOutsideAFullInbox) {
    Inbox inbox(10, 2, 15);
    StreamDecoder decoder;
    const std::string stream = greeting() + frame("1234567890") + frame("123456") + frame("1");
    Bytes bytes = bytes_of(stream);
    EXPECT_EQ(decoder.feed(bytes, inbox), StreamDecoder::Result::full) << "16 bytes are more than 15";
    EXPECT_EQ(inbox.size(), 1u);
    EXPECT_EQ(decoder.feed(bytes, inbox), StreamDecoder::Result::full);
    EXPECT_EQ(inbox.take().size(), 10u);
    EXPECT_EQ(decoder.feed(bytes, inbox), StreamDecoder::Result::all);
    EXPECT_EQ(inbox.size(), 2u);
}

} // namespace
} // namespace symphony::transport
