// SPDX-License-Identifier: Apache-2.0
#include "fake_fs.hpp"

#include <numeric>

namespace {

using symphony::Code;
using symphony::Value;
using symphony::ValueView;

void expect_output(FakeFs& fs, std::string_view operation, std::string_view input, std::string_view output) {
    SCOPED_TRACE(input);
    const auto result = fs.run(operation, input);
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_TRUE(Value::check(result->bytes()));
    EXPECT_EQ(*symphony::print_json(*result), *symphony::print_json(*symphony::parse_json(output)));
}

void expect_refused(FakeFs& fs, std::string_view operation, std::string_view input, std::string_view reason, std::string_view message) {
    SCOPED_TRACE(input);
    const auto result = fs.run(operation, input);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), reason);
    EXPECT_EQ(result.error().message(), message);
}

TEST(Read, GivesTextWithItsSizeLinesAndEncoding) {
    FakeFs fs;
    fs.add("a.txt", "one\ntwo").add("u", std::string("\xFE\xFF\0x", 4)).add("/abs", "s", "selected").add("odd\n", "o").add("empty", "");
    expect_output(fs, "read", R"({"file":"a.txt"})", R"({"path":"a.txt","text":"one\ntwo","size":7,"lines":2,"encoding":"utf-8"})");
    expect_output(fs, "read", R"({"file":{"path":"a.txt","kind":"text","root":"workspace"}})", R"({"path":"a.txt","text":"one\ntwo","size":7,"lines":2,"encoding":"utf-8"})");
    expect_output(fs, "read", R"({"file":"u"})", R"({"path":"u","text":"x","size":4,"lines":1,"encoding":"utf-16be"})");
    expect_output(fs, "read", R"({"file":"/abs"})", R"({"path":"/abs","text":"s","size":1,"lines":1,"encoding":"utf-8"})");
    expect_output(fs, "read", R"({"file":"odd\\x0A"})", R"({"path":"odd\\x0A","text":"o","size":1,"lines":1,"encoding":"utf-8"})");
    expect_output(fs, "read", R"({"file":"empty"})", R"({"path":"empty","text":"","size":0,"lines":0,"encoding":"utf-8"})");
}

TEST(Read, NamesTheFileThatItCannotRead) {
    FakeFs fs;
    fs.add("bin", std::string("a\0", 2)).add("latin", "\xE4").add("big", "12345").add_failing("secret", "file", Code::io, "permission-denied").add("f/x", "x");
    expect_refused(fs, "read", R"({"file":"bin"})", "binary", R"(read: "bin": has a zero byte at byte 1, so it is no text)");
    expect_refused(fs, "read", R"({"file":"latin"})", "not-utf8", R"(read: "latin": is not UTF-8 at byte 0)");
    expect_refused(fs, "read", R"({"file":"big","max_file_bytes":4})", "too-large", R"(read: "big": has 5 bytes, the limit is 4)");
    expect_refused(fs, "read", R"({"file":"secret"})", "permission-denied", R"(read: "secret": cannot open: this user may not)");
    expect_refused(fs, "read", R"({"file":"none"})", "not-found", R"(read: "none": cannot open: it is not there)");
    expect_refused(fs, "read", R"({"file":"f"})", "not-a-file", R"(read: "f": cannot open: it is not a regular file)");
    expect_refused(fs, "read", R"({"file":"/etc/passwd"})", "not-granted", R"(read: "/etc/passwd": no right to read)");
    expect_refused(fs, "read", R"({"file":7})", "wrong-kind", R"(read: input "file" is integer, not a path or a map {path})");
    expect_refused(fs, "read", R"({"file":{"name":"x"}})", "wrong-kind", R"(read: input "file" is a map without text "path", not a path or a map {path})");
    expect_refused(fs, "read", R"({"file":""})", "bad-path", R"(read: input "file" is an empty path)");
    expect_refused(fs, "read", "{}", "missing-input", R"(read: input "file" is missing)");
    expect_refused(fs, "write", "{}", "unknown-operation", R"(there is no operation "write")");
}

TEST(ReadAll, ReadsWhatItCanAndNamesTheRest) {
    FakeFs fs;
    fs.add("a", "a\n").add("b", std::string("\0", 1)).add("c", "ccc").add_failing("d", "file", Code::not_found, "");
    const auto result = fs.run("read_all", R"({"files":["a",{"path":"b"},"c","d"]})");
    ASSERT_TRUE(result);
    EXPECT_EQ(*symphony::print_json((*result)["texts"]),
              R"([{"encoding":"utf-8","lines":1,"path":"a","size":2,"text":"a\n"},{"encoding":"utf-8","lines":1,"path":"c","size":3,"text":"ccc"}])");
    EXPECT_EQ((*result)["problems"].at(0)["reason"].as_text(), "binary");
    EXPECT_EQ((*result)["problems"].at(1)["reason"].as_text(), "vanished");
    EXPECT_EQ((*result)["count"].as_uint(), 2u);
    EXPECT_FALSE((*result)["truncated"].as_bool());
}

TEST(ReadAll, StaysBelowTheTotal) {
    FakeFs fs;
    fs.add("a", "123").add("b", "12345").add("c", "12");
    const auto result = fs.run("read_all", R"({"files":["a","b","c"],"max_total_bytes":5})");
    ASSERT_TRUE(result);
    EXPECT_EQ((*result)["texts"].size(), 2u);
    EXPECT_EQ((*result)["total_bytes"].as_uint(), 5u);
    EXPECT_EQ((*result)["problems"].at(0)["reason"].as_text(), "over-total");
    EXPECT_TRUE((*result)["truncated"].as_bool());
    expect_refused(fs, "read_all", R"({"files":["a",1]})", "wrong-kind", R"(read_all: input "files": item 1 is integer, not a path or a map {path})");
}

TEST(ReadBytes, GivesTheBytesOfFilesOfEverySize) {
    for (const std::size_t size : {0u, 1u, 255u, 4095u, 4096u, 4097u, 70'000u, 9'000'000u}) {
        FakeFs fs;
        std::string content(size, '\0');
        std::iota(content.begin(), content.end(), '\0');
        fs.add("f", content);
        const auto result = fs.run("read_bytes", R"({"file":"f"})");
        ASSERT_TRUE(result) << result.error().message();
        ASSERT_TRUE(Value::check(result->bytes())) << size;
        EXPECT_TRUE(symphony::text_of((*result)["bytes"].as_bytes()) == content) << size;
        EXPECT_EQ((*result)["size"].as_uint(), size);
    }
}

TEST(ReadBytes, SaysWhatTheBytesAre) {
    FakeFs fs;
    fs.add("p.png", "\x89PNG\r\n\x1A\n");
    expect_output(fs, "read_bytes", R"({"file":"p.png"})", R"({"path":"p.png","mime":"image/png","size":8,"bytes":{"$bytes":"iVBORw0KGgo="}})");
    expect_refused(fs, "read_bytes", R"({"file":"p.png","max_file_bytes":7})", "too-large", R"(read_bytes: "p.png": has 8 bytes, the limit is 7)");
}

} // namespace
