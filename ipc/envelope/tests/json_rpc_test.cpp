// SPDX-License-Identifier: Apache-2.0
#include <symphony/envelope/json_rpc.hpp>

#include "generate.hpp"

#include <symphony/json.hpp>

#include <gtest/gtest.h>

namespace symphony::ipc::json_rpc {
namespace {

class JsonRpc : public ::testing::Test {
protected:
    UuidSource ids;
    Session session{ids, "editor", "host"};

    std::string write(const Envelope& envelope) {
        OutBuffer out;
        const auto status = session.write(out, view_of(envelope));
        return status ? std::string(out.text()) : std::string(status.error().reason()) + ": " + status.error().message();
    }
    Envelope read(std::string_view line) {
        auto envelope = session.read(bytes_of(line), 77);
        if (!envelope) ADD_FAILURE() << line << "\n" << envelope.error().message();
        return envelope ? *envelope : Envelope();
    }
    void expect_refused(std::string_view line, std::string_view reason) {
        const auto envelope = session.read(bytes_of(line), 77);
        ASSERT_FALSE(envelope) << line;
        EXPECT_EQ(envelope.error().reason(), reason) << line << "\n" << envelope.error().message();
    }
    static Envelope message(Envelope::Payload payload, std::string type = "view.scroll") {
        Envelope out;
        out.id = *Uuid::parse("0190a8f0-7b1c-7def-8123-456789abcdef");
        out.type = std::move(type);
        out.payload = std::move(payload);
        return out;
    }
    static Envelope answer(const Envelope& request, Envelope::Payload payload) {
        Envelope out = message(std::move(payload), "");
        out.correlation = request.id;
        return out;
    }
};

TEST_F(JsonRpc, RequestsAndEventsGoOutAsCallsAndNotifications) {
    const Value params = ValueBuilder().list().integer(1).text("two").end().build();
    EXPECT_EQ(write(message(Request{5000, params})),
              "{\"jsonrpc\":\"2.0\",\"id\":\"0190a8f0-7b1c-7def-8123-456789abcdef\",\"method\":\"view.scroll\",\"params\":[1,\"two\"]}\n");
    EXPECT_EQ(write(message(Event{})), "{\"jsonrpc\":\"2.0\",\"method\":\"view.scroll\"}\n");
    EXPECT_EQ(write(message(Event{ValueBuilder().text("x").build()})), "not-expressible: JSON-RPC: \"params\" is a list or a map, not text");
}

TEST_F(JsonRpc, EveryKindOfIdComesBackAsItCame) {
    for (const std::string id : {"1", "-7", "18446744073709551615", "\"a\\\"b\"", "\"\""}) {
        const Envelope request = read("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"open\",\"params\":{\"path\":\"a\"}}");
        EXPECT_EQ(request.kind(), PayloadKind::request);
        EXPECT_EQ(request.type, "open");
        EXPECT_EQ(request.sender, "editor");
        EXPECT_EQ(request.recipient, "host");
        EXPECT_EQ(request.unix_us, 77u);
        EXPECT_EQ(std::get<Request>(request.payload).content["path"].as_text(), "a");
        EXPECT_EQ(session.open(), 1u);
        EXPECT_EQ(write(answer(request, Response{ValueBuilder().boolean(true).build()})), "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":true}\n");
        EXPECT_EQ(session.open(), 0u);
        EXPECT_EQ(write(answer(request, Response{})).substr(0, 16), "unknown-request:") << "answered once";
    }
}

TEST_F(JsonRpc, FailuresTravelWholeBetweenTwoSessions) {
    Session other(ids, "host");
    OutBuffer out;
    ASSERT_TRUE(other.write(out, view_of(message(Request{}, "save"))));
    const Envelope request = read(out.text().substr(0, out.size() - 1));
    for (const Code code : {Code::busy, Code::refused, Code::invalid_argument, Code::internal}) {
        const Envelope again = read(out.text().substr(0, out.size() - 1));
        const Failure failure{code, true, "queue-full", "too much", "wait"};
        const std::string line = write(answer(again, failure));
        const auto back = other.read(bytes_of(line.substr(0, line.size() - 1)), 1);
        ASSERT_TRUE(back) << back.error().message();
        EXPECT_EQ(back->correlation, Uuid::parse("0190a8f0-7b1c-7def-8123-456789abcdef"));
        const auto& found = std::get<Failure>(back->payload);
        EXPECT_EQ(found.code, code);
        EXPECT_TRUE(found.retryable);
        EXPECT_EQ(found.reason + found.message + found.hint, "queue-fulltoo muchwait");
    }
    EXPECT_EQ(write(answer(request, Failure{Code::not_found, false, "no-file", "gone", ""})),
              "{\"jsonrpc\":\"2.0\",\"id\":\"0190a8f0-7b1c-7def-8123-456789abcdef\",\"error\":{\"code\":-32002,\"message\":\"gone\","
              "\"data\":{\"code\":\"not-found\",\"retryable\":false,\"reason\":\"no-file\",\"hint\":\"\"}}}\n");
}

TEST_F(JsonRpc, AnErrorOfAStrangerIsAFailure) {
    const Envelope envelope = read(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}})");
    EXPECT_FALSE(envelope.correlation);
    const auto& failure = std::get<Failure>(envelope.payload);
    EXPECT_EQ(failure.code, Code::data_corrupt);
    EXPECT_EQ(failure.message, "what?");
    EXPECT_EQ(std::get<Failure>(read(R"({"jsonrpc":"2.0","id":null,"error":{"code":7,"message":"?"}})").payload).code, Code::internal);
}

TEST_F(JsonRpc, RefusesWhatIsNoMessage) {
    expect_refused("[]", "no-batches");
    expect_refused("3", "bad-message");
    expect_refused("{", "bad-json");
    expect_refused(R"({"method":"x"})", "bad-message");
    expect_refused(R"({"jsonrpc":"1.0","method":"x"})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0"})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","method":7})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","method":""})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","method":"x","params":1})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","method":"x","result":1})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","id":1.5,"method":"x"})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","id":null,"method":"x"})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","id":1,"id":2,"method":"x"})", "duplicate-key");
    expect_refused(R"({"jsonrpc":"2.0","method":"x","params":{"a":1,"a":2}})", "duplicate-key");
    expect_refused(R"({"jsonrpc":"2.0","id":"not-ours","result":1})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","id":null,"result":1})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","id":null,"error":{"message":"x"}})", "bad-message");
    expect_refused(R"({"jsonrpc":"2.0","id":null,"error":[]})", "bad-message");
    EXPECT_EQ(session.open(), 0u);
}

TEST_F(JsonRpc, OpenRequestsAreBounded) {
    Session small(ids, "editor", "", {.open_max = 2});
    EXPECT_TRUE(small.read(bytes_of(R"({"jsonrpc":"2.0","id":1,"method":"x"})"), 1));
    EXPECT_TRUE(small.read(bytes_of(R"({"jsonrpc":"2.0","id":2,"method":"x"})"), 1));
    const auto refused = small.read(bytes_of(R"({"jsonrpc":"2.0","id":3,"method":"x"})"), 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason(), "too-many-open");
    EXPECT_TRUE(refused.error().retryable());
    EXPECT_TRUE(small.read(bytes_of(R"({"jsonrpc":"2.0","method":"x"})"), 1)) << "an event needs no answer";
}

TEST_F(JsonRpc, TheXiDialectHasNoVersion) {
    Session xi(ids, "xi", "", {.version_member = false});
    OutBuffer out;
    ASSERT_TRUE(xi.write(out, view_of(message(Event{}, "client_started"))));
    EXPECT_EQ(out.text(), "{\"method\":\"client_started\"}\n");
    const auto envelope = xi.read(bytes_of(R"({"id":0,"method":"new_view","params":{}})"), 1);
    ASSERT_TRUE(envelope) << envelope.error().message();
    EXPECT_EQ(envelope->type, "new_view");
}

/// Lines of a stream that arrives in pieces of `step` bytes.
std::vector<std::string> lines_of(std::string_view stream, std::size_t step) {
    LineCutter cutter(20);
    std::vector<std::string> out;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        EXPECT_TRUE(cutter.feed(bytes_of(stream.substr(at, step)), [&](Bytes line) {
            out.emplace_back(text_of(line));
            return Status();
        }));
    }
    EXPECT_TRUE(cutter.at_line_start() == stream.ends_with('\n'));
    return out;
}

TEST(JsonRpcLines, AreTheSameHoweverTheStreamIsCut) {
    const std::vector<std::string> whole{"{\"a\":1}", "{}", "é", "[2]"};
    for (std::size_t step = 1; step < 30; ++step) EXPECT_EQ(lines_of("{\"a\":1}\n\n{}\r\n\né\n[2]\n", step), whole) << step;
    EXPECT_EQ(lines_of("{}\nunfinished", 3), std::vector<std::string>{"{}"});
}

TEST(JsonRpcLines, OfAnySizeAreNotKept) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        LineCutter cutter(20);
        const std::string stream(100, 'x');
        Status status;
        for (std::size_t at = 0; at < stream.size() && status; at += step) {
            status = cutter.feed(bytes_of(std::string_view(stream).substr(at, step)), [](Bytes) { return Status(); });
        }
        ASSERT_FALSE(status) << step;
        EXPECT_EQ(status.error().reason(), "too-large");
    }
}

} // namespace
} // namespace symphony::ipc::json_rpc
