// SPDX-License-Identifier: Apache-2.0
#include "hostile.hpp"

#include <fcntl.h>
#include <sys/socket.h>

namespace {

using namespace rig;
using ipc::Head;
using ipc::Kind;

Head message(Kind kind, std::uint64_t call) {
    Head head;
    head.kind = kind;
    head.call = call;
    return head;
}
template <class T>
Bytes raw(const T& value) {
    return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

struct Attack {
    const char* name;
    void (*run)(Played& runner, std::uint64_t call);
};

/// What a runner may not write while one call is open.
const Attack attacks[] = {
    {"a head without the magic", [](Played& runner, std::uint64_t call) {
        Head head = runner.next(Kind::complete, call);
        head.magic = 0;
        head.checksum = ipc::checksum_of(head);
        runner.write_raw(head);
    }},
    {"a wrong checksum", [](Played& runner, std::uint64_t call) {
        Head head = runner.next(Kind::complete, call);
        head.checksum ^= 1;
        runner.write_raw(head);
    }},
    {"a message again", [](Played& runner, std::uint64_t call) {
        Head head = runner.next(Kind::emit, call);
        --head.sequence;
        head.checksum = ipc::checksum_of(head);
        runner.write_raw(head);
    }},
    {"an unknown kind", [](Played& runner, std::uint64_t call) { runner.write(message(static_cast<Kind>(99), call)); }},
    {"no kind", [](Played& runner, std::uint64_t call) { runner.write(message(static_cast<Kind>(0), call)); }},
    {"unknown flags", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.flags = 0x8000;
        runner.write(head);
    }},
    {"a body of 4 GiB", [](Played& runner, std::uint64_t call) {
        Head head = runner.next(Kind::complete, call);
        head.body_size = 0xFFFFFFFF;
        head.checksum = ipc::checksum_of(head);
        runner.write_raw(head);
    }},
    {"a body beyond the tail", [](Played& runner, std::uint64_t call) {
        Head head = runner.next(Kind::complete, call);
        head.body_size = 4096;
        head.checksum = ipc::checksum_of(head);
        runner.write_raw(head);
    }},
    {"four billion buffers", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.buffers = 0xFFFFFFFF;
        runner.write(head);
    }},
    {"more buffers than the body lists", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.buffers = 4000;
        runner.write(head);
    }},
    {"a tail that is not aligned", [](Played& runner, std::uint64_t) {
        runner.memory->own_page().tail.fetch_add(1);
        runner.wake();
    }},
    {"a tail far away", [](Played& runner, std::uint64_t) {
        runner.memory->own_page().tail.fetch_add(1u << 30);
        runner.wake();
    }},
    {"a tail that goes back", [](Played& runner, std::uint64_t) {
        runner.memory->own_page().tail.fetch_sub(64);
        runner.wake();
    }},
    {"a buffer behind the slab's end", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.buffers = 1;
        runner.write(head, raw(ipc::BufferRow{1, 1, (std::uint64_t{1} << 30) - 100, 101}));
    }},
    {"a buffer whose end wraps round", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.buffers = 1;
        runner.write(head, raw(ipc::BufferRow{1, 1, 4096, ~std::uint64_t{0} - 100}));
    }},
    {"a buffer outside the body", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.buffers = 1;
        runner.write(head, raw(ipc::BufferRow{0, 0, 8, 17}));
    }},
    {"a buffer nowhere", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.buffers = 1;
        runner.write(head, raw(ipc::BufferRow{2, 0, 0, 0}));
    }},
    {"a spilled body outside the slab", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.flags = ipc::flag_spilled;
        runner.write(head, raw(ipc::BufferRow{1, 1, std::uint64_t{1} << 40, 64}));
    }},
    {"a spilled body of a gigabyte", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::complete, call);
        head.flags = ipc::flag_spilled;
        runner.write(head, raw(ipc::BufferRow{1, 1, 0, std::uint64_t{1} << 30}));
    }},
    {"an error longer than an error", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::fail, call);
        head.flags = ipc::flag_error;
        const std::array<std::uint16_t, 12> error{0xFFF5, 0xFFFF, 0, 0, 0, 0, 0xFFFF, 0xFFFF, 0xFFFF, 0, 0, 0};
        runner.write(head, raw(error));
    }},
    {"a text longer than its body", [](Played& runner, std::uint64_t call) { runner.write(message(Kind::progress, call), raw(~std::uint64_t{0})); }},
    {"the end of a call that is not there", [](Played& runner, std::uint64_t call) { runner.write(message(Kind::complete, call + 1)); }},
    {"the end of a call of another time", [](Played& runner, std::uint64_t call) { runner.write(message(Kind::complete, call + (std::uint64_t{7} << 32))); }},
    {"the end of a call far away", [](Played& runner, std::uint64_t call) { runner.write(message(Kind::complete, call | 0xFFFFFFFF)); }},
    {"an end twice", [](Played& runner, std::uint64_t call) {
        runner.write(message(Kind::complete, call));
        runner.write(message(Kind::complete, call));
    }},
    {"a failure after a result", [](Played& runner, std::uint64_t call) {
        runner.write(message(Kind::complete, call));
        runner.write(message(Kind::fail, call));
    }},
    {"a part after the end", [](Played& runner, std::uint64_t call) {
        runner.write(message(Kind::complete, call));
        runner.write(message(Kind::emit, call));
    }},
    {"invoke returned twice", [](Played& runner, std::uint64_t call) {
        runner.write(message(Kind::returned, call));
        runner.write(message(Kind::returned, call));
    }},
    {"an answer to a call", [](Played& runner, std::uint64_t call) { runner.write(message(Kind::answer, call)); }},
    {"an answer to nothing", [](Played& runner, std::uint64_t) { runner.write(message(Kind::answer, 12345)); }},
    {"memory back that it does not hold", [](Played& runner, std::uint64_t call) {
        Head head = message(Kind::release, call);
        head.value = 77;
        runner.write(head);
    }},
    {"a call of its own with an impossible id", [](Played& runner, std::uint64_t) { runner.write(message(Kind::invoke, 0xFFFFFFFFFFFFFFFF)); }},
    {"a call of its own without a body", [](Played& runner, std::uint64_t) { runner.write(message(Kind::invoke, std::uint64_t{1} << 32)); }},
    {"a request of no service", [](Played& runner, std::uint64_t) {
        Head head = message(Kind::request, 1);
        head.method = 0xABCDEF;
        runner.write(head);
    }},
    {"a request without its arguments", [](Played& runner, std::uint64_t) {
        Head head = message(Kind::request, 1);
        head.method = ipc::method_of(ipc::ServiceNumber::fs, 1);
        runner.write(head);
    }},
    {"a note of no service", [](Played& runner, std::uint64_t) {
        Head head = message(Kind::note, 0);
        head.method = ipc::method_of(ipc::ServiceNumber::fs, 1);
        runner.write(head);
    }},
    {"a log line longer than its message", [](Played& runner, std::uint64_t) {
        Head head = message(Kind::note, 0);
        head.method = ipc::method_of(ipc::ServiceNumber::log, 1);
        runner.write(head, raw(std::array<std::uint64_t, 2>{2, 1'000'000}));
    }},
};

class HostileRunner : public testing::TestWithParam<Attack> {};

TEST_P(HostileRunner, BreaksOnlyItsOwnCalls) {
    Played runner;
    runner.create();
    Caller caller;
    const std::string word = "a word";
    symphony_status status = -1;
    std::thread thread([&] { status = caller.call(runner.it, *runner.ops, echo, {borrowed(word)}); });
    const Head invoke = runner.read(Kind::invoke);
    GetParam().run(runner, invoke.call);
    EXPECT_TRUE(runner.wait_broken());
    thread.join();
    EXPECT_TRUE(caller.wait_end());
    EXPECT_EQ(status, SYMPHONY_OK);
    EXPECT_EQ(caller.ends, 1);
    if (!caller.completed) {
        EXPECT_EQ(caller.error.reason(), "protocol-violation");
    }
    {
        const std::lock_guard lock(runner.mutex);
        EXPECT_EQ(runner.broken.size(), 1u);
        EXPECT_EQ(runner.broken[0].reason(), "protocol-violation");
        EXPECT_EQ(runner.broken[0].message().find("plugin \"probe\": its process broke the channel's protocol: "), 0u);
    }
    Caller later;
    EXPECT_LT(later.call(runner.it, *runner.ops, echo, {borrowed(word)}), 0);
    EXPECT_EQ(runner.instance->in_flight(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Attacks, HostileRunner, testing::ValuesIn(attacks), [](const auto& attack) {
    std::string name = attack.param.name;
    for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    return name;
});

TEST(Hostile, ARunnerThatStreamsWithoutWaitingIsStopped) {
    Played runner;
    runner.create();
    Caller caller;
    std::mutex slow;
    slow.lock();
    caller.on_part = [&] { const std::lock_guard wait(slow); };
    std::thread thread([&] { static_cast<void>(caller.call(runner.it, *runner.ops, echo, {})); });
    const Head invoke = runner.read(Kind::invoke);
    for (std::uint32_t i = 0; i < ipc::parts_window + 2; ++i) runner.write(message(Kind::emit, invoke.call));
    EXPECT_TRUE(runner.wait_broken());
    slow.unlock();
    thread.join();
    EXPECT_EQ(caller.ends, 1);
    EXPECT_LE(caller.parts.size(), ipc::parts_window + 1);
}

TEST(Hostile, ARunnerThatNamesAnImpossiblePlaceOfItsReadingIsStopped) {
    for (const std::uint64_t head : {std::uint64_t{1} << 40, std::uint64_t{7}, ~std::uint64_t{0}}) {
        SCOPED_TRACE(head);
        Played runner({16 * 1024, 1 << 20});
        runner.create();
        runner.memory->own_page().head.store(head);
        Caller caller; // fills the ring, which nobody reads
        std::vector<std::thread> threads;
        std::vector<Caller> callers(8);
        const std::string word(3000, 'w');
        for (Caller& one : callers) threads.emplace_back([&] { static_cast<void>(one.call(runner.it, *runner.ops, echo, {borrowed(word)})); });
        EXPECT_TRUE(runner.wait_broken());
        for (std::thread& thread : threads) thread.join();
    }
}

TEST(Hostile, NobodyCanTakeTheMemoryAway) {
    auto pair = ipc::ChannelPair::make();
    ASSERT_TRUE(pair);
    ipc::Greeting greeting;
    std::array<int, ipc::memory_files> files{};
    std::size_t count = files.size();
    ASSERT_EQ(ipc::receive_with_descriptors(pair->runner.control(), &greeting, sizeof greeting, files.data(), count, true), static_cast<ssize_t>(sizeof greeting));
    ASSERT_EQ(count, files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
        SCOPED_TRACE(i);
        EXPECT_NE(::ftruncate(files[i], 0), 0);
        EXPECT_NE(::ftruncate(files[i], std::int64_t{1} << 31), 0);
        EXPECT_NE(::fcntl(files[i], F_ADD_SEALS, F_SEAL_WRITE), 0);
        const bool hosts = i < 2;
        void* writable = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, files[i], 0);
        EXPECT_EQ(writable == MAP_FAILED, hosts) << "what the host writes, the runner only reads";
        if (writable != MAP_FAILED) ::munmap(writable, 4096);
        if (hosts) {
            EXPECT_LT(::write(files[i], "x", 1), 0);
        }
        void* readable = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, files[i], 0);
        ASSERT_NE(readable, MAP_FAILED);
        if (hosts) {
            EXPECT_NE(::mprotect(readable, 4096, PROT_READ | PROT_WRITE), 0);
        }
        ::munmap(readable, 4096);
        ::close(files[i]);
    }
}

TEST(Hostile, AGreetingThatIsNoneEndsTheRunner) {
    int sockets[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
    ASSERT_TRUE(ipc::send_with_descriptors(sockets[0], "hello", 5, nullptr, 0));
    EXPECT_EQ(ipc::serve(ipc::ChannelEnd(sockets[1]), {}), ipc::serve_broken);
    ::close(sockets[0]);
}

} // namespace
