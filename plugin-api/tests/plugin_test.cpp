// SPDX-License-Identifier: Apache-2.0
#include <symphony/ports/command.hpp>
#include <symphony/ports/instrument.hpp>
#include <symphony/ports/operator.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace symphony {
namespace {

using namespace std::chrono_literals;

Value text_value(std::string_view text) { return ValueBuilder().text(text).build(); }

/// Does what the operation's name says.
class Probe final : public ports::Operator, public ports::Command {
public:
    explicit Probe(Host host) : host_(host) {}

    Result<Value> apply(Call& call, std::string_view operation, const Value& input) override {
        if (operation == "echo") return input;
        if (operation == "fail") return Error(Code::conflict, "odd-day", "not today", "try tomorrow");
        if (operation == "throw") throw std::runtime_error("went wrong");
        if (operation == "throw-int") throw 7;
        if (operation == "no-memory") throw std::bad_alloc();
        if (operation == "drop") {
            static_cast<void>(call.defer<Value>());
            return Value();
        }
        if (operation == "later") {
            later_ = std::thread([done = call.defer<Value>(), kept = input]() mutable { done(kept); });
            return Value();
        }
        if (operation == "wait-for-cancel") {
            call.progress(1, "waiting");
            while (!call.cancelled()) std::this_thread::yield();
            return Error(Code::cancelled, "stopped");
        }
        if (operation == "keep") {
            kept_ = std::make_unique<Completion<Value>>(call.defer<Value>());
            return Value();
        }
        if (operation == "finish") {
            kept_->answer(text_value("kept"));
            return Value();
        }
        if (operation == "parts") {
            for (const ValueView item : input.items()) call.emit(Value::copy(item));
            call.progress(5000, "half");
            return Value();
        }
        if (operation == "wrong-part") {
            call.emit(std::string("x"));
            return Value();
        }
        if (operation == "config") return Value::copy(host_.config()["key"]);
        if (operation == "files") {
            const Files files = SYMPHONY_TRY(host_.files());
            SYMPHONY_TRY(files.write_atomic("workspace", "sub/a.txt", "hello"));
            const Buffer content = SYMPHONY_TRY(files.read_all("workspace", "sub/a.txt"));
            const auto entries = SYMPHONY_TRY(files.list("workspace", "sub"));
            return text_value(content.text().data() == nullptr ? "" : std::string(content.text()) + " " + std::to_string(entries.size()) + " " + entries[0].name);
        }
        if (operation == "deadline") return ValueBuilder().unsigned_integer(call.deadline_ns()).build();
        if (operation == "nested") {
            const auto other = SYMPHONY_TRY(ports::OperatorClient::acquire(host_, "probe-2"));
            return other.apply(input.as_text(), Value(), {.parent = &call});
        }
        host_.log(Level::warn, "no operation " + std::string(operation));
        return Error(Code::not_found, "unknown-operation", std::string(operation));
    }

    Result<std::int32_t> run(Call& call, std::string_view command, const Value&, const ports::CommandContext& context) override {
        call.emit(ports::CommandOutput{ports::CommandStream::out, Buffer::copy(context.cwd)});
        return static_cast<std::int32_t>(command.size());
    }

    void on_cancel(std::uint64_t) { cancels_.fetch_add(1); }
    Status quiesce(std::uint64_t) {
        if (later_.joinable()) later_.join();
        return {};
    }
    ~Probe() override {
        if (later_.joinable()) later_.join();
    }

private:
    Host host_;
    std::thread later_;
    std::unique_ptr<Completion<Value>> kept_;
    std::atomic<int> cancels_{0};
};

void expect_error(const ports::OperatorClient& client, std::string_view operation, Code code, std::string_view reason) {
    SCOPED_TRACE(operation);
    const auto result = client.apply(operation, Value());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), code) << result.error().message();
    EXPECT_EQ(result.error().reason(), reason);
}

class PluginTest : public ::testing::Test {
protected:
    PluginTest() {
        fake_.grant_files("workspace", folder_.path());
        const Value config = ValueBuilder().map().add("key", "secret").end().build();
        EXPECT_TRUE(fake_.add<Probe>("probe", config));
        EXPECT_TRUE(fake_.add<Probe>("probe-2"));
    }
    ports::OperatorClient client() { return *ports::OperatorClient::acquire(fake_.host(), "probe"); }

    testing::TempFolder folder_;
    testing::FakeHost fake_;
};

TEST_F(PluginTest, AnswersWhatTheMethodReturns) {
    const auto result = client().apply("echo", text_value("hi"));
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->as_text(), "hi");
}

TEST_F(PluginTest, PassesAMebibyteWithoutCopying) {
    const Value big = ValueBuilder().bytes(Buffer::make(1 << 20)).build();
    const auto result = client().apply("echo", big);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->bytes().data(), big.bytes().data());
}

TEST_F(PluginTest, CarriesErrorsWhole) {
    const auto result = client().apply("fail", Value());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason(), "odd-day");
    EXPECT_EQ(result.error().message(), "not today");
    EXPECT_EQ(result.error().hint(), "try tomorrow");
}

TEST_F(PluginTest, TurnsExceptionsIntoErrors) {
    expect_error(client(), "throw", Code::plugin_failed, "exception");
    expect_error(client(), "throw-int", Code::plugin_failed, "exception");
    expect_error(client(), "no-memory", Code::exhausted, "out-of-memory");
    expect_error(client(), "wrong-part", Code::plugin_failed, "exception");
}

TEST_F(PluginTest, FailsACallWhoseCompletionWasDropped) {
    expect_error(client(), "drop", Code::internal, "dropped-completion");
}

TEST_F(PluginTest, TakesAnAnswerFromAnotherThread) {
    for (int i = 0; i < 50; ++i) {
        const auto result = client().apply("later", text_value("input outlives its call"));
        ASSERT_TRUE(result) << result.error().message();
        EXPECT_EQ(result->as_text(), "input outlives its call");
        ASSERT_TRUE(fake_.quiesce("probe", 5s));
    }
}

TEST_F(PluginTest, QuiesceWaitsForWhatIsOwed) {
    std::promise<Result<Value>> answer;
    client().apply_async("keep", Value(), [&](Result<Value> result) { answer.set_value(std::move(result)); });
    const Status early = fake_.quiesce("probe", 0s);
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code(), Code::deadline);
    EXPECT_EQ(early.error().reason(), "calls-in-flight");
    ASSERT_TRUE(client().apply("finish", Value()));
    EXPECT_EQ(answer.get_future().get()->as_text(), "kept");
    EXPECT_TRUE(fake_.quiesce("probe", 0s));
}

TEST_F(PluginTest, StreamsPartsAndProgress) {
    std::string seen;
    const auto result = client().apply("parts", ValueBuilder().list().text("a").text("b").end().build(),
                                       {.on_part = [&](const Value& part) { seen += part.as_text(); },
                                        .on_progress = [&](std::uint32_t permille, std::string_view note) { seen += std::to_string(permille) + std::string(note); }});
    ASSERT_TRUE(result);
    EXPECT_EQ(seen, "ab1000half");
}

TEST_F(PluginTest, SeesACancelFromAnotherThread) {
    CancelSource source;
    std::jthread canceller;
    const auto result = client().apply("wait-for-cancel", Value(),
                                       {.cancel = source.token(), .on_progress = [&](std::uint32_t, std::string_view) {
                                            canceller = std::jthread([&] { source.cancel(); });
                                        }});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Code::cancelled);
}

TEST_F(PluginTest, SeesACancelThroughTheCallItAnswers) {
    CancelSource source;
    std::jthread canceller([&] { source.cancel(); });
    const auto result = client().apply("nested", text_value("wait-for-cancel"), {.cancel = source.token()});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Code::cancelled);
}

TEST_F(PluginTest, StartsNothingWithACancelledToken) {
    CancelSource source;
    source.cancel();
    EXPECT_EQ(client().apply("echo", Value(), {.cancel = source.token()}).error().code(), Code::cancelled);
}

TEST_F(PluginTest, HandsTheEarlierDeadlineOn) {
    const std::uint64_t soon = fake_.host().deadline_in(1h);
    EXPECT_EQ(client().apply("deadline", Value(), {.deadline_ns = soon})->as_uint(), soon);
    EXPECT_EQ(client().apply("nested", text_value("deadline"), {.deadline_ns = soon})->as_uint(), soon);
}

TEST_F(PluginTest, ReadsConfigurationAndFiles) {
    EXPECT_EQ(client().apply("config", Value())->as_text(), "secret");
    EXPECT_EQ(client().apply("files", Value())->as_text(), "hello 1 a.txt");
}

TEST_F(PluginTest, NamesTheManifestLineWhenAServiceIsWithheld) {
    testing::FakeHost bare;
    const auto files = bare.host().files();
    ASSERT_FALSE(files);
    EXPECT_EQ(files.error().code(), Code::not_granted);
    EXPECT_NE(files.error().hint().find("file_access"), std::string::npos);
    EXPECT_NE(bare.host().ports().error().hint().find("[requires]"), std::string::npos);
    EXPECT_FALSE(Host().files());
}

TEST_F(PluginTest, LogsThroughTheHost) {
    static_cast<void>(client().apply("nonsense", Value()));
    ASSERT_EQ(fake_.logs().size(), 1u);
    EXPECT_EQ(fake_.logs()[0].text, "no operation nonsense");
}

TEST_F(PluginTest, ServesSeveralPorts) {
    const auto commands = ports::CommandClient::acquire(fake_.host(), "probe");
    ASSERT_TRUE(commands);
    std::string out;
    const auto status = commands->run("four", Value(), {"/here", 80, false, true},
                                      {.on_part = [&](const ports::CommandOutput& part) { out += part.text.text(); }});
    ASSERT_TRUE(status);
    EXPECT_EQ(*status, 4);
    EXPECT_EQ(out, "/here");
    EXPECT_FALSE(ports::InstrumentClient::acquire(fake_.host(), "probe"));
    const auto* info = static_cast<const symphony_port_info*>(fake_.ops("probe")->query(fake_.instance("probe"), to_c("operator/1")));
    ASSERT_NE(info, nullptr);
    EXPECT_EQ(info->method_max, 1u);
}

/// What a thunk does with calls no client of ours would make.
class RawCall {
public:
    RawCall(testing::FakeHost& fake, std::string_view port, std::uint32_t method, Bytes record) : fake_(fake) {
        arg_.struct_size = sizeof arg_;
        arg_.data = record.data();
        arg_.size = record.size();
        call_.struct_size = sizeof call_;
        call_.method = method;
        call_.arg_count = 1;
        call_.args = &arg_;
        call_.ctx = this;
        call_.ops = &ops;
        call_.port = to_c(port);
    }
    symphony_status send() { return fake_.ops("probe")->invoke(fake_.instance("probe"), &call_); }
    symphony_call call_{};
    int completed = 0;
    std::vector<std::string> failed;

private:
    static void complete(void* ctx, symphony_handle, const symphony_buf*, std::uint32_t) { static_cast<RawCall*>(ctx)->completed++; }
    static void fail(void* ctx, symphony_handle, const symphony_error* error) { static_cast<RawCall*>(ctx)->failed.emplace_back(from_c(*error, -1).reason()); }
    // An older host: it knows neither emit, progress nor cancelled.
    static constexpr symphony_call_ops ops{offsetof(symphony_call_ops, emit), 0, &complete, &fail, nullptr, nullptr, nullptr};
    testing::FakeHost& fake_;
    symphony_buf arg_{};
};

TEST_F(PluginTest, RefusesCallsItCannotRead) {
    WireWriter good;
    detail::write_fields(good, std::string_view("parts"), Value());
    RawCall ok(fake_, "operator/1", 1, good.bytes());
    EXPECT_EQ(ok.send(), SYMPHONY_OK);
    EXPECT_EQ(ok.completed, 1) << "members a host does not have are not called";

    RawCall method(fake_, "operator/1", 99, good.bytes());
    EXPECT_EQ(method.send(), SYMPHONY_OK);
    EXPECT_EQ(method.failed, std::vector<std::string>{"unknown-method"});

    const std::vector<std::uint8_t> junk{9, 9, 9};
    RawCall corrupt(fake_, "operator/1", 1, junk);
    EXPECT_EQ(corrupt.send(), SYMPHONY_OK);
    EXPECT_EQ(corrupt.failed, std::vector<std::string>{"bad-record"});

    RawCall port(fake_, "pool/1", 1, good.bytes());
    EXPECT_EQ(port.send(), SYMPHONY_E_UNSUPPORTED);
    EXPECT_TRUE(port.failed.empty()) << "a negative answer owes nothing";

    RawCall old(fake_, "operator/1", 1, good.bytes());
    old.call_.struct_size = 16;
    EXPECT_EQ(old.send(), SYMPHONY_E_MISUSE);

    RawCall newer(fake_, "operator/1", 1, good.bytes());
    newer.call_.struct_size = sizeof(symphony_call) + 64;
    EXPECT_EQ(newer.send(), SYMPHONY_OK);
}

class Broken final : public ports::Operator {
public:
    Broken() { throw std::runtime_error("no model file"); }
    Result<Value> apply(Call&, std::string_view, const Value&) override { return Value(); }
};

TEST(Plugin, AConstructorThatThrowsFailsTheCreation) {
    testing::FakeHost fake;
    const Status status = fake.add<Broken>("broken");
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), Code::plugin_failed);
    EXPECT_NE(status.error().message().find("no model file"), std::string::npos);
}

class Counter final : public ports::Operator {
public:
    Result<Value> apply(Call&, std::string_view, const Value&) override { return ValueBuilder().integer(++count_).build(); }
    Result<Buffer> save_state() { return Buffer::copy(std::to_string(count_)); }
    Status load_state(Bytes state) {
        count_ = std::stoi(std::string(text_of(state)));
        return {};
    }

private:
    int count_ = 0;
};

TEST(Plugin, KeepsItsStateAcrossInstances) {
    testing::FakeHost fake;
    ASSERT_TRUE(fake.add<Counter>("a"));
    ASSERT_TRUE(fake.add<Counter>("b"));
    EXPECT_NE(fake.ops("a")->flags & SYMPHONY_INSTANCE_STATEFUL, 0u);
    const auto a = *ports::OperatorClient::acquire(fake.host(), "a");
    ASSERT_TRUE(a.apply("", Value()));
    symphony_buf state{};
    ASSERT_EQ(fake.ops("a")->save_state(fake.instance("a"), &state, nullptr), SYMPHONY_OK);
    const Buffer held = Buffer::adopt(state);
    ASSERT_EQ(fake.ops("b")->load_state(fake.instance("b"), &state, nullptr), SYMPHONY_OK);
    const auto b = *ports::OperatorClient::acquire(fake.host(), "b");
    EXPECT_EQ(b.apply("", Value())->as_int(), 2);
}

TEST(Plugin, TheDescriptorSaysWhatItNeeds) {
    const symphony_plugin* descriptor = testing::descriptor_of<Counter>();
    EXPECT_EQ(descriptor->magic, SYMPHONY_MAGIC);
    EXPECT_EQ(descriptor->abi_built, SYMPHONY_ABI_MINOR);
    EXPECT_EQ(descriptor->abi_required, SYMPHONY_TARGET_MINOR);
}

} // namespace
} // namespace symphony
