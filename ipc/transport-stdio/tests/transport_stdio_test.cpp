// SPDX-License-Identifier: Apache-2.0
#include "../src/stdio_driver.hpp"

#include "contract.hpp"
#include "hostile.hpp"
#include "storm.hpp"

#include <fcntl.h>

namespace symphony::transport::testing {
namespace {

/// Two pipes within the test, so that it has both ends in hand. What starts programs is tried below.
struct Pipes {
    Fd dial_in, dial_out, listen_in, listen_out;
    Pipes() {
        int one[2], two[2];
        if (::pipe2(one, O_CLOEXEC | O_NONBLOCK) != 0 || ::pipe2(two, O_CLOEXEC | O_NONBLOCK) != 0) throw std::runtime_error("no pipe");
        dial_in = Fd(one[0]), listen_out = Fd(one[1]), listen_in = Fd(two[0]), dial_out = Fd(two[1]);
    }
};

class PipesDriver final : public Driver {
public:
    explicit PipesDriver(std::shared_ptr<Pipes> pipes) : pipes_(std::move(pipes)) {}
    std::string_view scheme() const noexcept override { return "stdio"; }
    Status check(const Address& address) const override { return check_options(address, {}); }
    Result<Dialed> dial(const Address&) override {
        if (!pipes_->dial_in) return Error(Code::not_found, "no-listener", "the pipes are taken");
        return Dialed{std::make_unique<StreamCarrier>(std::move(pipes_->dial_in), std::move(pipes_->dial_out)), {}};
    }
    Result<std::unique_ptr<Acceptor>> listen(const Address&) override { return std::unique_ptr<Acceptor>(std::make_unique<Once>(*pipes_)); }

private:
    class Once final : public Acceptor {
    public:
        explicit Once(Pipes& pipes) : dialed_(Dialed{std::make_unique<StreamCarrier>(std::move(pipes.listen_in), std::move(pipes.listen_out)), {}}) {}
        int descriptor() const noexcept override { return -1; }
        Result<std::optional<Dialed>> accept() override { return std::exchange(dialed_, std::nullopt); }

    private:
        std::optional<Dialed> dialed_;
    };
    std::shared_ptr<Pipes> pipes_;
};

struct PipesSetup {
    static constexpr bool many = false;
    static ports::Peer self() { return {}; }
    static inline std::shared_ptr<Pipes> pipes;
    class Transport final : public TransportServer {
    public:
        explicit Transport(Host host) : TransportServer(host, std::make_unique<PipesDriver>(pipes), 1) {}
    };
    static Status add(FakeHost& host, const char* name, const TempFolder&, const Value& config) {
        if (std::string_view(name) == "here") pipes = std::make_shared<Pipes>();
        return host.add<Transport>(name, config);
    }
    static Address address(const TempFolder&) { return {"stdio", "", {}}; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Stdio, TransportContract, PipesSetup);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ListenerContract);

Address program(std::string mode, std::map<std::string, std::string> more = {}) {
    more["command"] = SYMPHONY_STDIO_CHILD;
    more["1"] = std::move(mode);
    return {"stdio", "", std::move(more)};
}

class TransportStdioTest : public ::testing::Test {
protected:
    void start(const Value& config = ValueBuilder().map().end().build()) {
        const auto added = host_.add<TransportStdio>("stdio", config);
        ASSERT_TRUE(added) << added.error().message();
    }
    TransportClient client() const { return *TransportClient::acquire(host_.host(), "stdio"); }
    std::size_t logged(std::string_view part) const {
        std::size_t count = 0;
        for (const auto& line : host_.logs()) count += line.text.find(part) != std::string::npos ? 1 : 0;
        return count;
    }
    bool logs(std::string_view part) const {
        for (int i = 0; i < 3000 && logged(part) == 0; ++i) ::poll(nullptr, 0, 10);
        return logged(part) != 0;
    }
    FakeHost host_;
};

TEST_F(TransportStdioTest, StartsAProgramAndSpeaksWithIt) {
    start();
    const auto made = client().connect(program("echo"), {});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_TRUE(made->peer.known);
    EXPECT_EQ(::kill(static_cast<pid_t>(made->peer.pid), 0), 0);
    for (const std::size_t size : {0u, 1u, 70'000u, 1u << 20}) {
        ASSERT_TRUE(client().send(made->connection, text(pattern(size, 1)), true));
        const auto back = receive(client(), made->connection, 1, size % 2 == 0);
        ASSERT_EQ(back.frames.size(), 1u) << size;
        EXPECT_TRUE(back.frames.front() == pattern(size, 1)) << size;
    }
    ASSERT_TRUE(client().finish(made->connection));
    EXPECT_TRUE(receive(client(), made->connection).end);
    EXPECT_TRUE(logs("printed by mistake")) << "what the program prints is no frame";
}

TEST_F(TransportStdioTest, GivesTheProgramItsVariables) {
    start();
    ASSERT_TRUE(client().connect(program("variable", {{"env.SYMPHONY_TEST_VARIABLE", "blue"}}), {}));
    EXPECT_TRUE(logs("it is blue"));
}

TEST_F(TransportStdioTest, ReadsAllOfAFloodOfErrorsAndKeepsALittle) {
    start(ValueBuilder().map().add("stderr_bytes_max", 1000).end().build());
    const auto made = client().connect(program("loud"), {}); // it greets after two megabytes of errors
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_LE(logged("eeee"), 11u);
    ASSERT_TRUE(client().close(made->connection));
    EXPECT_TRUE(logs("more bytes to its standard error"));
}

TEST_F(TransportStdioTest, NoticesAProgramThatIsKilled) {
    start();
    for (const bool stay : {false, true}) {
        const auto made = client().connect(program("echo"), {});
        ASSERT_TRUE(made);
        Arrivals<Received> heard;
        std::thread listener([&] { heard.put(receive(client(), made->connection, 1, stay)); });
        ASSERT_EQ(::kill(static_cast<pid_t>(made->peer.pid), SIGKILL), 0);
        const auto end = heard.take();
        listener.join();
        ASSERT_TRUE(end);
        expect_error(end->error, Code::peer_died, "closed");
        expect_refused(client().send(made->connection, text("to nobody"), true), Code::peer_died, "closed");
    }
    EXPECT_TRUE(logs("was ended by signal 9"));
}

TEST_F(TransportStdioTest, EndsAProgramThatGoesOnAfterItsConnection) {
    start(ValueBuilder().map().add("end_ms", 10).end().build());
    const auto made = client().connect(program("stays"), {});
    ASSERT_TRUE(made);
    ASSERT_TRUE(client().finish(made->connection));
    EXPECT_TRUE(receive(client(), made->connection).end);
    EXPECT_TRUE(logs("went on after its connection ended"));
    EXPECT_TRUE(logs("was ended by signal 9"));
}

TEST_F(TransportStdioTest, LetsAProgramEndByItself) {
    start();
    const auto made = client().connect(program("echo"), {});
    ASSERT_TRUE(made);
    ASSERT_TRUE(client().close(made->connection));
    EXPECT_TRUE(logs("ended with status 1")) << "it saw the end of its input";
    EXPECT_EQ(logged("signal"), 0u);
}

TEST_F(TransportStdioTest, RefusesProgramsThatDoNotPlayAlong) {
    start(ValueBuilder().map().add("greeting_ms", 200).end().build());
    expect_refused(client().connect(program("garbage"), {}), Code::data_corrupt, "bad-greeting");
    expect_refused(client().connect(program("silent"), {}), Code::deadline, "no-greeting");
    Address none = program("");
    none.options["command"] = "/nowhere/at/all";
    expect_refused(client().connect(none, {}), Code::not_found, "no-listener");
    none.options["command"] = "true";
    expect_refused(client().connect(none, {}), Code::peer_died, "closed");
}

TEST_F(TransportStdioTest, RefusesAddressesThatItCannotRead) {
    start();
    const auto refuse = [&](Address address) { expect_refused(client().connect(address, {}), Code::invalid_argument, "bad-address"); };
    refuse({"stdio", "/a/path", {}});
    refuse({"stdio", "", {}});
    refuse({"stdio", "", {{"command", ""}}});
    refuse({"stdio", "", {{"1", "x"}}});
    refuse({"stdio", "", {{"command", "true"}, {"2", "x"}}});
    refuse({"stdio", "", {{"command", "true"}, {"env.", "x"}}});
    refuse({"stdio", "", {{"command", "true"}, {"colour", "x"}}});
    refuse({"stdio", "", {{"command", std::string("a\0b", 3)}}});
    expect_refused(client().listen(program("echo"), {}), Code::invalid_argument, "bad-address");
}

/// The reader is a program that this side starts anew after each cut; it is killed and stopped, and the connection closed under it.
TEST(StdioStorm, LosesAndDoublesNothing) {
    const std::uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const TempFolder folder;
    const std::string path = folder.path() / "tally";
    const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::ftruncate(file.get(), sizeof(Tally)), 0);
    void* const memory = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    ASSERT_NE(memory, MAP_FAILED);
    Tally& tally = *new (memory) Tally;
    tally.total = storm_messages();
    FakeHost host;
    ASSERT_TRUE(host.add<TransportStdio>("stdio", ValueBuilder().map().add("end_ms", 1).end().build()));
    const auto client = *TransportClient::acquire(host.host(), "stdio");
    std::atomic<pid_t> reader{0};
    std::thread writer([&] { write_storm(client, program("storm", {{"2", path}}), tally, [&](const Accepted& made) { reader.store(static_cast<pid_t>(made.peer.pid)); }); });
    std::uint64_t last = 0;
    int idle = 0;
    while (tally.done.load() == 0 && idle < 1000) {
        ::poll(nullptr, 0, static_cast<int>(10 + random() % 100));
        const pid_t victim = reader.load();
        switch (victim > 0 ? random() % 4 : 3) {
        case 0: ::kill(victim, SIGKILL); break;
        case 1:
            ::kill(victim, SIGSTOP);
            ::poll(nullptr, 0, static_cast<int>(random() % 20));
            ::kill(victim, SIGCONT);
            break;
        case 2: tally.cut.fetch_add(1); break;
        default: break;
        }
        idle = tally.next.load() == last ? idle + 1 : 0;
        last = tally.next.load();
    }
    EXPECT_EQ(tally.done.load(), 1u) << "stands still at " << last;
    tally.done.store(1);
    tally.cut.fetch_add(1);
    writer.join();
    expect_nothing_lost(tally);
    EXPECT_GT(tally.connections.load(), 1u) << "it was no storm";
    ::munmap(memory, sizeof(Tally));
}

} // namespace
} // namespace symphony::transport::testing
