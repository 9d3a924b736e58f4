// SPDX-License-Identifier: Apache-2.0
// Named pipes on Windows, or under Wine: what every transport owes, and what is particular to them.
#include "../../src/pipe_driver.hpp"
#include "../../src/windows/security.hpp"

#include "contract.hpp"

#include <windows.h>

namespace symphony::transport::testing {
namespace {

struct PipeSetup {
    static constexpr bool many = true;
    static ports::Peer self() { return {true, windows::User::own()->uid(), static_cast<std::uint32_t>(::GetCurrentProcessId())}; }
    static Status add(FakeHost& host, const char* name, const TempFolder&, const Value& config) { return host.add<TransportPipe>(name, config); }
    static Address address(const TempFolder& folder) { return {"pipe", R"(\\.\pipe\)" + folder.path().filename().string(), {}}; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Pipe, TransportContract, PipeSetup);

using PipeEnds = Ends<PipeSetup>;

HANDLE open_raw(const Address& address) {
    return ::CreateFileA(address.path.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, 0, nullptr);
}

/// This program again; ended by the destructor.
class Child {
public:
    explicit Child(const std::string& words) {
        std::array<char, MAX_PATH> program{};
        ::GetModuleFileNameA(nullptr, program.data(), static_cast<DWORD>(program.size()));
        std::string line = "\"" + std::string(program.data()) + "\" " + words;
        STARTUPINFOA start{};
        start.cb = sizeof start;
        EXPECT_NE(::CreateProcessA(nullptr, line.data(), nullptr, nullptr, FALSE, 0, nullptr, nullptr, &start, &process_), 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { kill(); }
    std::uint32_t pid() const { return process_.dwProcessId; }
    void kill() {
        if (process_.hProcess == nullptr) return;
        ::TerminateProcess(process_.hProcess, 1);
        ::WaitForSingleObject(process_.hProcess, INFINITE);
        ::CloseHandle(process_.hThread);
        ::CloseHandle(process_.hProcess);
        process_ = {};
    }

private:
    PROCESS_INFORMATION process_{};
};

TEST(TransportPipe, RefusesNamesThatCannotBeAPipe) {
    const PipeEnds ends;
    for (const std::string& path : {std::string(), std::string(R"(\\.\pipe\)"), std::string("/tmp/s"), std::string(R"(\\server\pipe\a)"), R"(\\.\pipe\)" + std::string(300, 'x'), std::string(R"(\\.\pipe\a\b)"),
                                    std::string("\\\\.\\pipe\\a\0b", 12), std::string("\\\\.\\pipe\\\xc3\xa4")}) {
        SCOPED_TRACE(path);
        expect_refused(ends.here().connect({"pipe", path, {}}, {}), Code::invalid_argument, "bad-address");
        expect_refused(ends.here().listen({"pipe", path, {}}, {}), Code::invalid_argument, "bad-address");
    }
}

TEST(TransportPipe, LeavesANameToWhoListensThere) {
    const PipeEnds ends;
    std::optional<Listening> first(std::in_place, ends.there(), ends.address());
    const auto kept = ends.here().connect(ends.address(), {});
    ASSERT_TRUE(kept) << kept.error().message();
    expect_refused(ends.here().listen(ends.address(), {}), Code::conflict, "address-in-use");
    first.reset();
    const Listening second(ends.there(), ends.address()); // though a connection of the first one lives
    const auto again = ends.here().connect(ends.address(), {});
    EXPECT_TRUE(again) << again.error().message();
}

TEST(TransportPipe, ComesBackToAListenerThatWasStartedAnew) {
    const PipeEnds ends;
    TransportLimits patient;
    patient.retries = 10'000;
    patient.retry_ms_max = 5;
    for (int round = 0; round < 3; ++round) {
        Arrivals<Result<Accepted>> connected;
        ends.here().connect_async(ends.address(), patient, [&](Result<Accepted> result) { connected.put(std::move(result)); });
        Listening listening(ends.there(), ends.address());
        const auto made = connected.take();
        ASSERT_TRUE(made && *made);
        const std::uint64_t yours = listening.accepted();
        ASSERT_TRUE(ends.here().send((*made)->connection, text("again"), true));
        EXPECT_EQ(receive(ends.there(), yours).frames, (std::vector<std::string>{"again"}));
        ASSERT_TRUE(ends.there().close(yours));
        expect_error(receive(ends.here(), (*made)->connection).error, Code::peer_died, "closed");
    }
}

TEST(TransportPipe, EndsAConnectionThatSendsGarbageAndNoOther) {
    PipeEnds ends;
    Listening listening(ends.there(), ends.address());
    const auto good = ends.here().connect(ends.address(), {});
    ASSERT_TRUE(good) << good.error().message();
    const std::uint64_t yours = listening.accepted();
    for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\n\r\n padding"), std::string(100, '\0'), std::string("\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16), std::string("\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)}) {
        const HANDLE raw = open_raw(ends.address());
        ASSERT_NE(raw, INVALID_HANDLE_VALUE) << ::GetLastError();
        DWORD moved = 0;
        ASSERT_NE(::WriteFile(raw, garbage.data(), static_cast<DWORD>(garbage.size()), &moved, nullptr), 0);
        std::array<char, 256> got{};
        while (::ReadFile(raw, got.data(), static_cast<DWORD>(got.size()), &moved, nullptr) != 0) {} // until the other side hangs up
        ::CloseHandle(raw);
    }
    EXPECT_EQ(ends.host().metrics()["refused_greetings"], 4);
    ASSERT_TRUE(ends.here().send(good->connection, text("still there"), true));
    EXPECT_EQ(receive(ends.there(), yours).frames, (std::vector<std::string>{"still there"}));
}

TEST(TransportPipe, PutsTogetherWhatComesByteByByte) {
    const PipeEnds ends;
    Listening listening(ends.there(), ends.address());
    const HANDLE raw = open_raw(ends.address());
    ASSERT_NE(raw, INVALID_HANDLE_VALUE) << ::GetLastError();
    Outbox box(10, 1000);
    std::string stream;
    const auto part = [&](PartKind kind, std::string_view content, std::uint64_t frame_bytes) {
        std::array<std::uint8_t, part_header_bytes> header;
        write_header(header.data(), {kind, static_cast<std::uint32_t>(content.size()), frame_bytes});
        stream.append(reinterpret_cast<const char*>(header.data()), header.size()).append(content);
    };
    const Buffer greeting = write_greeting({1, Greeting::Verdict::welcome, 1000});
    part(PartKind::greeting, greeting.text(), greeting_bytes);
    part(PartKind::content, "in two ", 12);
    part(PartKind::content, "parts", 12);
    part(PartKind::finish, "", 0);
    for (const char byte : stream) {
        DWORD moved = 0;
        ASSERT_NE(::WriteFile(raw, &byte, 1, &moved, nullptr), 0);
    }
    const std::uint64_t yours = listening.accepted();
    EXPECT_EQ(receive(ends.there(), yours).frames, (std::vector<std::string>{"in two parts"}));
    EXPECT_TRUE(receive(ends.there(), yours).end);
    ::CloseHandle(raw);
}

TEST(TransportPipe, NoticesTheDeathOfAnotherProcess) {
    const PipeEnds ends;
    for (const bool stay : {false, true}) {
        Listening listening(ends.there(), ends.address());
        Child child("--victim " + ends.address().path);
        const std::uint64_t yours = listening.accepted();
        EXPECT_EQ(listening.last().peer.pid, child.pid());
        EXPECT_EQ(receive(ends.there(), yours).frames, (std::vector<std::string>{"alive"}));
        const std::string content = pattern(1 << 20, 7);
        ASSERT_TRUE(ends.there().send(yours, text(content), true));
        const auto echo = receive(ends.there(), yours, 1, stay);
        ASSERT_EQ(echo.frames.size(), 1u) << (echo.error ? echo.error->message() : "");
        EXPECT_TRUE(echo.frames.front() == content);
        child.kill();
        expect_error(receive(ends.there(), yours, 1, stay).error, Code::peer_died, "closed");
    }
}

/// Says that it is alive, and sends everything back, until it is killed.
int victim(const std::string& path) {
    FakeHost host;
    if (!host.add<TransportPipe>("pipe")) return 3;
    const auto client = *TransportClient::acquire(host.host(), "pipe");
    TransportLimits patient;
    patient.retries = 10'000;
    patient.retry_ms_max = 5;
    const auto made = client.connect({"pipe", path, {}}, patient);
    if (!made || !client.send(made->connection, text("alive"), true)) return 4;
    for (;;) {
        const auto some = receive(client, made->connection);
        if (some.error || some.end || !client.send(made->connection, text(some.frames.front()), true)) return 5;
    }
}

} // namespace
} // namespace symphony::transport::testing

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--victim") return symphony::transport::testing::victim(argv[2]);
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
