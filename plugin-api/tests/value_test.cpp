// SPDX-License-Identifier: Apache-2.0
#include <symphony/value.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace symphony {
namespace {

std::vector<std::uint8_t> raw(std::initializer_list<int> bytes) {
    return {bytes.begin(), bytes.end()};
}

void expect_refused(const std::vector<std::uint8_t>& bytes, std::string_view why) {
    SCOPED_TRACE(why);
    const Status status = Value::check(bytes);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), Code::data_corrupt);
    EXPECT_NE(status.error().message().find(why), std::string::npos) << status.error().message();
}

void expect_integer(std::int64_t number, std::size_t bytes) {
    SCOPED_TRACE(number);
    const Value value = ValueBuilder().integer(number).build();
    EXPECT_EQ(value.to_int(), number);
    EXPECT_EQ(value.bytes().size(), bytes);
    EXPECT_TRUE(Value::check(value.bytes()));
}

TEST(Value, StartsAsNull) {
    const Value value;
    EXPECT_TRUE(value.is_null());
    EXPECT_TRUE(Value::check(value.bytes()));
}

TEST(Value, KeepsIntegersExactInTheShortestForm) {
    for (const auto& [number, bytes] : std::initializer_list<std::pair<std::int64_t, std::size_t>>{
             {0, 1}, {127, 1}, {128, 2}, {255, 2}, {256, 3}, {65535, 3}, {65536, 5}, {4294967295, 5}, {4294967296, 9},
             {-1, 1}, {-32, 1}, {-33, 2}, {-128, 2}, {-129, 3}, {-32768, 3}, {-32769, 5}, {-2147483648LL, 5}, {-2147483649LL, 9},
             {std::numeric_limits<std::int64_t>::max(), 9}, {std::numeric_limits<std::int64_t>::min(), 9}}) {
        expect_integer(number, bytes);
    }
    const Value big = ValueBuilder().unsigned_integer(std::numeric_limits<std::uint64_t>::max()).build();
    EXPECT_EQ(big.to_uint(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_FALSE(big.to_int()) << "does not fit, so it is not given";
    EXPECT_EQ(big.as_int(-7), -7);
    EXPECT_FALSE(ValueBuilder().integer(-1).build().to_uint());
}

TEST(Value, ReadsWhatTheBuilderWrote) {
    const Value value = ValueBuilder().map().add("text", "häh").add("yes", true).add("half", 0.5).add("none", Value())
                            .key("raw").bytes(raw({0, 255})).key("list").list().integer(1).text("two").end().end().build();
    ASSERT_TRUE(Value::check(value.bytes()));
    EXPECT_EQ(value["text"].as_text(), "häh");
    EXPECT_TRUE(value["yes"].as_bool());
    EXPECT_EQ(value["half"].as_double(), 0.5);
    EXPECT_TRUE(value["none"].exists());
    EXPECT_TRUE(value["none"].is_null());
    EXPECT_EQ(value["raw"].as_bytes().size(), 2u);
    EXPECT_EQ(value["list"].at(1).as_text(), "two");
    EXPECT_FALSE(value["list"].at(2).exists());
    EXPECT_FALSE(value["absent"].exists());
    EXPECT_EQ(value["text"].as_int(5), 5) << "wrong kind gives the fallback";
    std::vector<std::string> keys;
    for (const auto [key, member] : value.entries()) keys.emplace_back(key);
    EXPECT_EQ(keys, (std::vector<std::string>{"text", "yes", "half", "none", "raw", "list"}));
}

TEST(Value, WritesLargeContainersAndTexts) {
    for (const std::size_t n : {15u, 16u, 65535u, 65536u, 70000u}) {
        SCOPED_TRACE(n);
        ValueBuilder unknown, expected;
        unknown.list();
        expected.list(n);
        for (std::size_t i = 0; i < n; ++i) {
            unknown.unsigned_integer(i);
            expected.unsigned_integer(i);
        }
        const Value value = unknown.end().build();
        EXPECT_EQ(text_of(value.bytes()), text_of(expected.end().build().bytes()));
        ASSERT_TRUE(Value::check(value.bytes()));
        std::uint64_t next = 0;
        for (const ValueView item : value.items()) EXPECT_EQ(item.as_uint(), next++);
        EXPECT_EQ(next, n);
        const std::string text(n, 'x');
        EXPECT_EQ(ValueBuilder().text(text).build().as_text(), text);
    }
}

TEST(Value, SharesWhenCopiedAndCopiesWhatItBorrowed) {
    const Value owned = ValueBuilder().text(std::string(100, 'x')).build();
    const Value shared = owned;
    EXPECT_EQ(shared.bytes().data(), owned.bytes().data());
    std::vector<std::uint8_t> memory = raw({0xA1, 'a'});
    const Value borrowed = Value::borrowed(memory);
    const Value kept = borrowed;
    EXPECT_EQ(borrowed.bytes().data(), memory.data());
    memory[1] = 'b';
    EXPECT_EQ(kept.as_text(), "a");
}

TEST(Value, MakesTextOfWhatIsNotUtf8) {
    EXPECT_EQ(ValueBuilder().text("a\xFFz").build().as_text(), "a\xEF\xBF\xBDz");
    EXPECT_EQ(ValueBuilder().text("\xED\xA0\x80").build().as_text().size(), 9u) << "a surrogate is three bad bytes";
}

TEST(ValueCheck, RefusesWhatCouldMislead) {
    expect_refused({}, "no bytes");
    expect_refused(raw({0xC1}), "malformed");
    expect_refused(raw({0xA5, 'a'}), "malformed");
    expect_refused(raw({0xDD, 0xFF, 0xFF, 0xFF, 0xFF}), "malformed");
    expect_refused(raw({0xDF, 0xFF, 0xFF, 0xFF, 0xFF, 0}), "malformed");
    expect_refused(raw({0xD4, 1, 2}), "malformed"); // extension type
    expect_refused(raw({0xA1, 0xFF}), "not UTF-8");
    expect_refused(raw({0x81, 0x01, 0x02}), "not text");
    expect_refused(raw({0x82, 0xA1, 'a', 1, 0xA1, 'a', 2}), "twice");
    expect_refused(raw({0x83, 0xA1, 'b', 1, 0xA1, 'a', 1, 0xA1, 'b', 2}), "twice");
    expect_refused(raw({0xC0, 0xC0}), "after the value");
    expect_refused(raw({0x92, 0xC0}), "malformed");
}

TEST(ValueCheck, BoundsDepth) {
    std::vector<std::uint8_t> deep(value_depth_max, 0x91);
    deep.push_back(0xC0);
    EXPECT_TRUE(Value::check(deep));
    deep.insert(deep.begin(), 0x91);
    expect_refused(deep, "deeper");
    ValueBuilder builder;
    for (std::size_t i = 0; i < value_depth_max; ++i) builder.list();
    EXPECT_THROW(builder.list(), std::length_error);
}

TEST(ValueView, StaysInsideGarbage) {
    for (int first = 0; first < 256; ++first) {
        for (std::size_t size = 1; size < 8; ++size) {
            std::vector<std::uint8_t> bytes(size, 0xFF);
            bytes[0] = static_cast<std::uint8_t>(first);
            const ValueView view{Bytes(bytes)};
            static_cast<void>(view.at(3));
            static_cast<void>(view["x"]);
            for (const ValueView item : view.items()) static_cast<void>(item.as_text());
            for (const auto [key, value] : view.entries()) static_cast<void>(value.as_int());
            EXPECT_LE(view.bytes().size(), size);
            EXPECT_TRUE(Value::check(canonical(view).bytes())) << "what can be read of it is a value";
        }
    }
}

TEST(ValueEqual, LooksAtMeaningAndNotAtBytes) {
    const auto one = ValueBuilder().map().add("a", 1).add("b", 2).end().build();
    const auto other = ValueBuilder().map().add("b", 2).add("a", 1).end().build();
    EXPECT_EQ(one, other);
    EXPECT_EQ(text_of(canonical(one).bytes()), text_of(canonical(other).bytes()));
    EXPECT_TRUE(equal(ValueView(raw({0xCC, 1})), ValueView(raw({1})))) << "a longer encoding of the same integer";
    EXPECT_FALSE(ValueBuilder().integer(1).build() == ValueBuilder().number(1).build());
    EXPECT_TRUE(equal(ValueView(raw({0xCA, 0x3F, 0x80, 0, 0})), ValueBuilder().number(1.0).build()));
}

TEST(ValueBuilder, RefusesMisuse) {
    EXPECT_THROW(ValueBuilder().map().integer(1), std::logic_error);
    EXPECT_THROW(ValueBuilder().list().key("a"), std::logic_error);
    EXPECT_THROW(ValueBuilder().map().key("a").end(), std::logic_error);
    EXPECT_THROW(ValueBuilder().end(), std::logic_error);
    EXPECT_THROW(ValueBuilder().integer(1).integer(2), std::logic_error);
    EXPECT_THROW(ValueBuilder().list().build(), std::logic_error);
}

TEST(Need, NamesTheMemberAndWhatItIs) {
    const Value input = ValueBuilder().map().add("n", "x").add("i", 1).end().build();
    EXPECT_EQ(need(input, "t", Kind::text).error().message(), "input \"t\" is missing");
    EXPECT_EQ(need(input, "n", Kind::integer).error().message(), "input \"n\" is text, not integer");
    EXPECT_TRUE(need(input, "i", Kind::number)) << "an integer is a number";
    EXPECT_EQ(*need_text(input, "n"), "x");
}

TEST(Buffer, MovesContainersInWithoutCopying) {
    std::vector<std::uint8_t> bytes(100, 7);
    const auto* memory = bytes.data();
    const Buffer buffer = Buffer::from(std::move(bytes));
    EXPECT_EQ(buffer.data(), memory);
    const Buffer part = buffer.slice(90, 50);
    EXPECT_EQ(part.data(), memory + 90);
    EXPECT_EQ(part.size(), 10u);
    const Buffer kept = Buffer::keep(part.to_c());
    EXPECT_EQ(kept.data(), part.data()) << "counted: retained";
    symphony_buf untrusted = part.to_c();
    untrusted.flags |= SYMPHONY_BUF_SHARED_UNTRUSTED;
    EXPECT_NE(Buffer::keep(untrusted).data(), part.data()) << "another process could change it: copied";
}

} // namespace
} // namespace symphony
