// SPDX-License-Identifier: Apache-2.0
// The C helpers and the C++ classes read and write the same bytes.
#include <symphony/abi/value.h>
#include <symphony/value.hpp>

#include <gtest/gtest.h>

namespace symphony {
namespace {

void expect_same_integer(std::int64_t number) {
    SCOPED_TRACE(number);
    std::uint8_t memory[16];
    symphony_value_writer writer = {memory, sizeof memory, 0, 0, 0};
    symphony_value_put_int(&writer, number);
    const Value value = ValueBuilder().integer(number).build();
    EXPECT_EQ(text_of({memory, static_cast<std::size_t>(writer.size)}), text_of(value.bytes()));
    const symphony_value read = symphony_value_of(memory, writer.size);
    EXPECT_EQ(read.kind, SYMPHONY_KIND_INTEGER);
    EXPECT_EQ(static_cast<std::int64_t>(read.bits), number);
    EXPECT_EQ(read.negative != 0, number < 0);
}

TEST(ValueC, IntegersAreTheSame) {
    for (const std::int64_t n : {0L, 1L, 127L, 128L, 255L, 256L, 65535L, 65536L, 4294967295L, 4294967296L, INT64_MAX, -1L, -32L, -33L, -128L, -129L, -32768L,
                                 -32769L, -2147483648L, -2147483649L, INT64_MIN}) {
        expect_same_integer(n);
    }
}

TEST(ValueC, ReadsWhatCppWrites) {
    const Value value = ValueBuilder().map().add("a", "x").add("n", 1.5).key("l").list().integer(1).integer(2).end().add("t", true).end().build();
    const symphony_value map = symphony_value_of(value.bytes().data(), value.bytes().size());
    EXPECT_EQ(from_c(symphony_value_text(symphony_value_get(map, "a"))), "x");
    EXPECT_EQ(std::bit_cast<double>(symphony_value_get(map, "n").bits), 1.5);
    EXPECT_EQ(symphony_value_get(map, "t").bits, 1u);
    EXPECT_EQ(symphony_value_get(map, "z").kind, SYMPHONY_KIND_ABSENT);
    const symphony_value list = symphony_value_get(map, "l");
    ASSERT_EQ(list.count, 2u);
    const std::uint8_t* at = list.body;
    EXPECT_EQ(symphony_value_next(&at, list.end).bits, 1u);
    EXPECT_EQ(symphony_value_next(&at, list.end).bits, 2u);
}

TEST(ValueC, WritesWhatCppReads) {
    std::uint8_t memory[256];
    symphony_value_writer writer = {memory, sizeof memory, 0, 0, 0};
    symphony_value_put_map(&writer, 5);
    symphony_value_put_key(&writer, "text");
    symphony_value_put_text(&writer, to_c(std::string_view("0123456789012345678901234567890123456789")));
    symphony_value_put_key(&writer, "raw");
    symphony_value_put_bytes(&writer, memory, 3);
    symphony_value_put_key(&writer, "list");
    symphony_value_put_list(&writer, 2);
    symphony_value_put_null(&writer);
    symphony_value_put_boolean(&writer, 1);
    symphony_value_put_key(&writer, "number");
    symphony_value_put_number(&writer, -0.5);
    symphony_value_put_key(&writer, "big");
    symphony_value_put_uint(&writer, UINT64_MAX);
    ASSERT_EQ(writer.failed, 0u);
    const auto value = Value::checked(Bytes(memory, static_cast<std::size_t>(writer.size)));
    ASSERT_TRUE(value) << value.error().message();
    EXPECT_EQ((*value)["text"].size(), 40u);
    EXPECT_EQ((*value)["raw"].size(), 3u);
    EXPECT_TRUE((*value)["list"].at(1).as_bool());
    EXPECT_EQ((*value)["number"].as_double(), -0.5);
    EXPECT_EQ((*value)["big"].as_uint(), UINT64_MAX);
}

TEST(ValueC, MeasuresWhatDoesNotFit) {
    symphony_value_writer writer = {nullptr, 0, 0, 0, 0};
    symphony_value_put_key(&writer, "hello");
    EXPECT_NE(writer.failed, 0u);
    EXPECT_EQ(writer.size, 6u);
}

TEST(ValueC, AgreesWithCppAboutGarbage) {
    for (int first = 0; first < 256; ++first) {
        for (const std::uint8_t fill : std::initializer_list<std::uint8_t>{0x00, 0x01, 0x7F, 0xFF}) {
            for (std::size_t size = 1; size < 12; ++size) {
                std::vector<std::uint8_t> bytes(size, fill);
                bytes[0] = static_cast<std::uint8_t>(first);
                const ValueView view{Bytes(bytes)};
                const symphony_value read = symphony_value_of(bytes.data(), bytes.size());
                constexpr std::uint32_t kinds[] = {SYMPHONY_KIND_NULL, SYMPHONY_KIND_BOOLEAN, SYMPHONY_KIND_INTEGER, SYMPHONY_KIND_NUMBER, SYMPHONY_KIND_TEXT,
                                                   SYMPHONY_KIND_BYTES, SYMPHONY_KIND_LIST, SYMPHONY_KIND_MAP, SYMPHONY_KIND_ABSENT};
                ASSERT_EQ(read.kind, kinds[static_cast<std::size_t>(view.kind())]) << first << " " << int{fill} << " " << size;
                const auto* after = symphony_value_skip(bytes.data(), bytes.data() + size);
                ASSERT_EQ(after == nullptr ? 0u : static_cast<std::size_t>(after - bytes.data()), view.bytes().size()) << first;
            }
        }
    }
}

} // namespace
} // namespace symphony
