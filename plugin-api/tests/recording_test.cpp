// SPDX-License-Identifier: Apache-2.0
#include <symphony/ports/command.hpp>
#include <symphony/ports/operator.hpp>
#include <symphony/testing/recording.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace symphony::testing {
namespace {

Value number(std::uint64_t value) { return ValueBuilder().unsigned_integer(value).build(); }

/// Counts what it is asked, so that no two answers are the same.
class Counter final : public ports::Operator, public ports::Command {
public:
    explicit Counter(Host) {}
    ~Counter() override {
        if (later_.joinable()) later_.join();
    }
    Result<Value> apply(Call& call, std::string_view operation, const Value& input) override {
        if (operation == "fail") return Error(Code::busy, "odd-day", "not \"today\"", "try tomorrow\n").as_retryable();
        if (operation == "refuse") return Error(Code::not_found, "nothing here");
        if (operation == "echo") return input;
        if (operation == "later") {
            if (later_.joinable()) later_.join();
            later_ = std::thread([done = call.defer<Value>()]() mutable { done(number(77)); });
            return Value();
        }
        return number(++count_);
    }
    Result<std::int32_t> run(Call& call, std::string_view, const Value&, const ports::CommandContext&) override {
        call.emit(ports::CommandOutput{ports::CommandStream::out, Buffer::copy(std::string_view("one\n"))});
        call.emit(ports::CommandOutput{ports::CommandStream::err, Buffer::copy(std::string_view("two\n"))});
        return 3;
    }

private:
    std::uint64_t count_ = 0;
    std::thread later_;
};

/// Records some calls of the operator.
Recording recorded() {
    Recording recording;
    FakeHost host;
    EXPECT_TRUE(host.add<Counter>("counter"));
    EXPECT_TRUE(add_recorder(host, "recorded", "operator/1", "counter", recording));
    const auto client = ports::OperatorClient::acquire(host.host(), "recorded");
    EXPECT_TRUE(client);
    for (const char* operation : {"next", "next", "fail", "refuse", "later"}) static_cast<void>(client->apply(operation, number(1)));
    EXPECT_TRUE(client->apply("echo", ValueBuilder().bytes(bytes_of(std::string(5000, '\xC3'))).build()));
    return recording;
}

TEST(Recording, AnswersInTheOrderInWhichItWasAnswered) {
    FakeHost host;
    ASSERT_TRUE(add_replay(host, "counter", recorded()));
    const auto client = ports::OperatorClient::acquire(host.host(), "counter");
    ASSERT_TRUE(client) << client.error().message();
    for (const std::uint64_t expected : {1u, 2u, 2u, 2u}) EXPECT_EQ(client->apply("next", number(1))->view().as_uint(), expected);
    EXPECT_EQ(client->apply("later", number(1))->view().as_uint(), 77u);
    const auto failed = client->apply("fail", number(1));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().reason(), "odd-day");
    EXPECT_TRUE(failed.error().retryable());
    const auto unknown = client->apply("next", number(2));
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().reason(), "not-recorded");
    EXPECT_FALSE(ports::CommandClient::acquire(host.host(), "counter")) << "it has the port that was recorded, and no other";
}

TEST(Recording, IsWrittenAndReadWhole) {
    const Recording recording = recorded();
    ASSERT_EQ(recording.calls.size(), 6u);
    const auto read = Recording::parse(recording.text());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, recording);
    const TempFolder folder;
    ASSERT_TRUE(recording.save(folder.path() / "calls"));
    EXPECT_EQ(*Recording::load(folder.path() / "calls"), recording);
    EXPECT_EQ(Recording::load(folder.path() / "nothing").error().reason(), "no-file");
}

TEST(Recording, KeepsWhatWasStreamed) {
    Recording recording;
    const auto ask = [](FakeHost& host, std::string_view name) {
        std::string said;
        CallOptions<ports::CommandOutput> options;
        options.on_part = [&](const ports::CommandOutput& part) { said += std::to_string(part.stream) + std::string(part.text.text()); };
        const auto client = ports::CommandClient::acquire(host.host(), name);
        EXPECT_EQ(client->run("x", number(1), {}, options).value_or(-1), 3);
        return said;
    };
    FakeHost host, later;
    ASSERT_TRUE(host.add<Counter>("counter"));
    ASSERT_TRUE(add_recorder(host, "recorded", "command/1", "counter", recording));
    EXPECT_EQ(ask(host, "recorded"), "1one\n2two\n");
    ASSERT_TRUE(add_replay(later, "counter", recording));
    EXPECT_EQ(ask(later, "counter"), "1one\n2two\n");
}

TEST(Recording, TellsWhatIsAnsweredInAnotherWay) {
    Recording recording = recorded();
    FakeHost host;
    ASSERT_TRUE(host.add<Counter>("counter"));
    EXPECT_EQ(differences(host, "counter", recording), std::vector<std::string>()) << "a new one counts from one, too";
    const auto second = differences(host, "counter", recording);
    ASSERT_EQ(second.size(), 2u) << "and then it does not";
    EXPECT_NE(second[0].find("call 1, method 1: was "), std::string::npos) << second[0];
    recording.calls.clear();
    EXPECT_EQ(differences(host, "nobody", recording).size(), 1u);
}

void expect_bad(std::string_view text, std::string_view line) {
    SCOPED_TRACE(text);
    const auto read = Recording::parse(text);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().reason(), "bad-recording");
    EXPECT_NE(read.error().message().find(line), std::string::npos) << read.error().message();
}

TEST(Recording, SaysWhereItCannotBeRead) {
    expect_bad("", "line 0");
    expect_bad("symphony-calls 2\nport \"a/1\"\n", "line 1");
    expect_bad("symphony-calls 1\nport a/1\n", "line 2");
    const std::string begin = "symphony-calls 1\nport \"a/1\"\n";
    expect_bad(begin + "result \"a\"\n", "line 3");
    expect_bad(begin + "call x\n", "line 3");
    expect_bad(begin + "call 1\n", "no result and no error");
    expect_bad(begin + "call 1\ncall 2\n", "line 4");
    expect_bad(begin + "call 1\n argument \"a\n result \"a\"\n", "line 4");
    expect_bad(begin + "call 1\n argument \"\\x4\"\n", "line 4");
    expect_bad(begin + "call 1\n argument \"a\"\n argument \"b\"\n", "line 5");
    expect_bad(begin + "call 1\n error 0 \"a\" \"b\" \"c\"\n", "line 4");
    expect_bad(begin + "call 1\n result \"a\"\n part \"b\"\n", "line 5");
    expect_bad(begin + "call 1\n surprise\n", "surprise");
}

} // namespace
} // namespace symphony::testing
