// SPDX-License-Identifier: Apache-2.0
#include <symphony/abi/wire.h>
#include <symphony/ports/workflow.hpp>

#include <gtest/gtest.h>

namespace symphony {
namespace {

using ports::NodeReport;
using ports::RunReport;

RunReport sample() {
    RunReport report;
    report.ok = true;
    report.state = "completed";
    report.outputs = ValueBuilder().map().add("n", 3).end().build();
    report.nodes.resize(2);
    report.nodes[1].node = "größe";
    report.nodes[1].attempts = 7;
    report.elapsed_ns = 123456789012345;
    return report;
}

template <class Record>
std::vector<std::uint8_t> bytes_of_record(const Record& record) {
    WireWriter writer;
    Wire<Record>::write(writer, record);
    return {writer.bytes().begin(), writer.bytes().end()};
}

template <class Record>
void expect_corrupt(const std::vector<std::uint8_t>& bytes, std::string_view why) {
    SCOPED_TRACE(why);
    const auto record = decode_record<Record>(bytes);
    ASSERT_FALSE(record);
    EXPECT_EQ(record.error().code(), Code::data_corrupt);
    EXPECT_NE(record.error().message().find(why), std::string::npos) << record.error().message();
}

TEST(Wire, RecordsComeBackEqual) {
    const auto back = decode_record<RunReport>(bytes_of_record(sample()));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, sample());
}

TEST(Wire, BytesAreLittleEndianInDeclaredOrder) {
    const ports::RunOptions options{1, 2, true, false};
    EXPECT_EQ(bytes_of_record(options), (std::vector<std::uint8_t>{14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0}));
}

TEST(Wire, AnOlderWriterLeavesDefaults) {
    std::vector<std::uint8_t> older{12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0};
    const auto options = decode_record<ports::RunOptions>(older);
    ASSERT_TRUE(options) << options.error().message();
    EXPECT_EQ(*options, (ports::RunOptions{1, 2, false, false}));
}

TEST(Wire, AFieldOfANewerWriterIsSkipped) {
    auto newer = bytes_of_record(ports::RunOptions{1, 2, true, true});
    newer.insert(newer.end(), {9, 9, 9});
    newer[0] = static_cast<std::uint8_t>(newer[0] + 3);
    ASSERT_TRUE(decode_record<ports::RunOptions>(newer));
}

TEST(Wire, EveryCutIsAnErrorAndNeverARead) {
    const auto whole = bytes_of_record(sample());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
        EXPECT_FALSE(decode_record<RunReport>(cut)) << n;
    }
}

TEST(Wire, RefusesLiesAboutLengths) {
    expect_corrupt<ports::RunOptions>({255, 255, 255, 255}, "record longer");
    expect_corrupt<ports::RunOptions>({1, 0, 0, 0, 1}, "cut off");
    expect_corrupt<ports::RunOptions>({13, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2}, "neither 0 nor 1");
    expect_corrupt<ports::RunOptions>({0, 0, 0, 0, 7}, "bytes after");
    expect_corrupt<ports::CheckReport>({5, 0, 0, 0, 1, 255, 255, 255, 255}, "string longer");
    expect_corrupt<ports::CheckReport>({6, 0, 0, 0, 1, 1, 0, 0, 0, 0xFF}, "not UTF-8");
    expect_corrupt<ports::WorkflowSource>({8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}, "attachment");
    std::vector<std::uint8_t> many{25, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255};
    many[0] = static_cast<std::uint8_t>(many.size() - 4);
    expect_corrupt<ports::CheckReport>(many, "more items than bytes");
}

TEST(Wire, LargePayloadsTravelByReference) {
    ports::WorkflowSource source;
    source.text = Buffer::make(1 << 20);
    WireWriter writer;
    detail::write_fields(writer, source);
    ASSERT_EQ(writer.buffer_count(), 2u);
    EXPECT_LT(writer.bytes().size(), 64u);
    WireReader reader(writer.buffers(), writer.buffer_count(), WireKeep::own);
    ports::WorkflowSource back;
    detail::read_fields(reader, back);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(back.text.data(), source.text.data());
}

TEST(Wire, ManyAttachmentsAndLongRecordsLeaveTheStack) {
    std::vector<Value> values;
    for (int i = 0; i < 20; ++i) values.push_back(ValueBuilder().text(std::string(5000, static_cast<char>('a' + i))).build());
    WireWriter writer;
    detail::write_fields(writer, values, std::string(3000, 'x'));
    ASSERT_EQ(writer.buffer_count(), 21u);
    WireReader reader(writer.buffers(), writer.buffer_count(), WireKeep::own);
    std::vector<Value> back;
    std::string text;
    detail::read_fields(reader, back, text);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(back, values);
    EXPECT_EQ(text.size(), 3000u);
}

TEST(Wire, MapsAreSortedAndDuplicatesRefused) {
    WireWriter writer;
    detail::write_fields(writer, std::map<std::string, std::uint32_t>{{"b", 2}, {"a", 1}});
    std::map<std::string, std::uint32_t> back;
    WireReader reader(writer.buffers(), 1, WireKeep::own);
    detail::read_fields(reader, back);
    EXPECT_EQ(back.size(), 2u);
    std::vector<std::uint8_t> bytes(writer.bytes().begin(), writer.bytes().end());
    bytes[12] = 'b'; // the first key
    WireReader again(bytes, WireKeep::own);
    detail::read_fields(again, back);
    EXPECT_FALSE(again.ok());
}

TEST(WireC, ReadsAndWritesTheSameBytes) {
    std::uint8_t memory[64];
    symphony_wire_writer writer = {memory, sizeof memory, 0, 0, 0};
    const std::uint64_t record = symphony_wire_begin_record(&writer);
    symphony_wire_put_u64(&writer, 1);
    symphony_wire_put_u32(&writer, 2);
    symphony_wire_put_u8(&writer, 1);
    symphony_wire_put_u8(&writer, 0);
    symphony_wire_end_record(&writer, record);
    const auto expected = bytes_of_record(ports::RunOptions{1, 2, true, false});
    EXPECT_EQ(std::vector<std::uint8_t>(memory, memory + writer.size), expected);
    const symphony_buf buf = symphony_wire_buf(&writer);
    symphony_wire_reader reader = symphony_wire_read(&buf, 1);
    EXPECT_EQ(symphony_wire_u64(&reader), 1u);
    EXPECT_EQ(symphony_wire_u32(&reader), 2u);
    EXPECT_EQ(symphony_wire_u8(&reader), 1u);
    EXPECT_EQ(symphony_wire_u8(&reader), 0u);
    EXPECT_EQ(symphony_wire_more(&reader), 0u);
    EXPECT_EQ(symphony_wire_u32(&reader), 0u);
    EXPECT_NE(reader.failed, 0u);
    symphony_wire_writer small = {memory, 3, 0, 0, 0};
    symphony_wire_put_u32(&small, 1);
    EXPECT_NE(small.failed, 0u);
}

} // namespace
} // namespace symphony
