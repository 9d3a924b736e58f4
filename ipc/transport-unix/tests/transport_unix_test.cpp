// SPDX-License-Identifier: Apache-2.0
#include "../src/unix_driver.hpp"

#include "contract.hpp"
#include "hostile.hpp"
#include "storm.hpp"

#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace symphony::transport::testing {
namespace {

struct UnixSetup {
    static constexpr bool many = true;
    static ports::Peer self() { return {true, ::geteuid(), static_cast<std::uint32_t>(::getpid())}; }
    static constexpr int socket_type = SOCK_STREAM;
    static Status add(FakeHost& host, const char* name, const TempFolder&, const Value& config) { return host.add<TransportUnix>(name, config); }
    static Address address(const TempFolder& folder) { return {"unix", (folder.path() / "run" / "s").string(), {}}; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Unix, TransportContract, UnixSetup);
INSTANTIATE_TYPED_TEST_SUITE_P(Unix, ListenerContract, UnixSetup);

TEST(UnixStorm, LosesAndDoublesNothing) { expect_nothing_lost_in_a_storm<UnixSetup>(); }

using UnixEnds = Ends<UnixSetup>;

mode_t mode_of(const std::filesystem::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
}

TEST(TransportUnix, KeepsItsFileToItsUser) {
    const UnixEnds ends;
    {
        const Listening listening(ends.there(), ends.address());
        ASSERT_TRUE(ends.here().connect(ends.address(), {}));
        EXPECT_EQ(mode_of(ends.address().path), 0600u);
        EXPECT_EQ(mode_of(ends.folder().path() / "run"), 0700u);
    }
    EXPECT_FALSE(std::filesystem::exists(ends.address().path)) << "gone with its listener";
    EXPECT_FALSE(std::filesystem::exists(ends.address().path + ".lock"));
}

TEST(TransportUnix, RefusesAFolderInWhichOthersMayWrite) {
    const UnixEnds ends;
    std::filesystem::create_directory(ends.folder().path() / "run");
    ASSERT_EQ(::chmod((ends.folder().path() / "run").c_str(), 0777), 0);
    expect_refused(ends.there().listen(ends.address(), {}), Code::not_granted, "open-folder");
}

TEST(TransportUnix, RefusesPathsThatCannotBeASocketFile) {
    const UnixEnds ends;
    for (const std::string& path : {std::string(), std::string("relative/s"), std::string("/tmp/"), "/" + std::string(200, 'x'), std::string("/tmp/\0s", 7)}) {
        SCOPED_TRACE(path);
        expect_refused(ends.here().connect({"unix", path, {}}, {}), Code::invalid_argument, "bad-address");
        expect_refused(ends.here().listen({"unix", path, {}}, {}), Code::invalid_argument, "bad-address");
    }
    std::filesystem::create_directory(ends.folder().path() / "run");
    std::filesystem::permissions(ends.folder().path() / "run", std::filesystem::perms::owner_all);
    std::ofstream(ends.address().path) << "a person's file";
    expect_refused(ends.there().listen(ends.address(), {}), Code::invalid_argument, "bad-address");
    EXPECT_TRUE(std::filesystem::exists(ends.address().path)) << "it is not ours to remove";
}

TEST(TransportUnix, TakesOverWhatAKilledListenerLeft) {
    const UnixEnds ends;
    const pid_t child = ::fork();
    if (child == 0) {
        UnixDriver driver(4096);
        const auto listener = driver.listen(ends.address());
        ::kill(::getpid(), SIGKILL);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ASSERT_TRUE(std::filesystem::exists(ends.address().path)) << "the child left it";
    expect_refused(ends.here().connect(ends.address(), {}), Code::not_found, "no-listener");
    Listening listening(ends.there(), ends.address());
    EXPECT_TRUE(ends.here().connect(ends.address(), {}));
}

TEST(TransportUnix, LeavesAloneWhatAnotherProgramListensAt) {
    const UnixEnds ends;
    const RawListener other(ends.address().path);
    expect_refused(ends.there().listen(ends.address(), {}), Code::conflict, "address-in-use");
}

TEST(TransportUnix, PutsTogetherWhatComesByteByByte) {
    UnixEnds ends;
    Listening listening(ends.there(), ends.address());
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    listening.accepted();
    for (const bool stay : {false, true}) {
        const RawPeer peer(ends.address().path);
        peer.send_byte_by_byte(greeting());
        const auto connection = listening.accepted();
        EXPECT_EQ(peer.read(part_header_bytes + greeting_bytes).size(), part_header_bytes + greeting_bytes);
        std::thread slow([&] {
            peer.send_byte_by_byte(frame("") + frame("one") + part(PartKind::content, "tw", 4) + part(PartKind::content, "o!", 4) + frame(pattern(3000, 7)) + part(PartKind::finish, "", 0));
        });
        EXPECT_EQ(receive(ends.there(), connection, 1, stay).frames, (std::vector<std::string>{""}));
        EXPECT_EQ(receive(ends.there(), connection, 1, stay).frames, (std::vector<std::string>{"one"}));
        EXPECT_EQ(receive(ends.there(), connection, 1, stay).frames, (std::vector<std::string>{"two!"}));
        EXPECT_TRUE(receive(ends.there(), connection, 1, stay).frames.at(0) == pattern(3000, 7));
        EXPECT_TRUE(receive(ends.there(), connection, 1, stay).end);
        slow.join();
        EXPECT_TRUE(ends.there().send(connection, text("hello"), true));
        EXPECT_EQ(peer.read(part_header_bytes + 5), frame("hello")) << "the bytes of the page";
    }
}

TEST(TransportUnix, NamesWhatABadPeerSent) {
    UnixEnds ends;
    Listening listening(ends.there(), ends.address());
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    listening.accepted();
    for (const bool stay : {false, true}) {
        const RawPeer peer(ends.address().path);
        ASSERT_TRUE(peer.send(greeting() + frame("good") + std::string(100, '\xEE')));
        const auto connection = listening.accepted();
        EXPECT_EQ(receive(ends.there(), connection, 1, stay).frames, (std::vector<std::string>{"good"})) << "what was whole is delivered";
        expect_error(receive(ends.there(), connection, 1, stay).error, Code::data_corrupt, "bad-frame");
        EXPECT_TRUE(ends.there().status(connection)->broken);
        EXPECT_EQ(peer.read_to_end(), greeting().replace(part_header_bytes + 16, 8, std::string("\0\0\0\1\0\0\0\0", 8))) << "and it is hung up on";
    }
}

TEST(TransportUnix, KeepsTenThousandIdleConnectionsWithoutAThreadEach) {
    rlimit files{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
    const std::size_t count = std::min<rlim_t>(10'000, files.rlim_max - 200);
    if (count < 10'000) std::printf("only %zu connections: the limit on open files is %llu\n", count, static_cast<unsigned long long>(files.rlim_max));
    UnixEnds ends;
    int go[2];
    ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
    const Victim crowd([&] {
        char byte;
        ::close(go[1]);
        if (::read(go[0], &byte, 1) != 1) ::_exit(1);
        std::vector<RawPeer> peers;
        const std::string hello = greeting();
        for (std::size_t i = 0; i < count; ++i) {
            if (!peers.emplace_back(ends.address().path).send(hello)) ::_exit(2);
        }
        ::pause();
    });
    Listening listening(ends.there(), ends.address());
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    listening.accepted();
    const std::size_t threads = thread_count(), memory = resident_bytes();
    ASSERT_EQ(::write(go[1], "x", 1), 1);
    std::vector<std::uint64_t> open;
    for (std::size_t i = 0; i < count; ++i) {
        open.push_back(listening.accepted());
        ASSERT_NE(open.back(), 0u) << i;
    }
    EXPECT_EQ(thread_count(), threads);
    const std::size_t each = (resident_bytes() - memory) / count;
    EXPECT_LT(each, 32'768u); // with what a sanitizer adds
    std::printf("%zu idle connections, %zu threads, %zu bytes each\n", count, threads, each);
    Arrivals<std::size_t> woken;
    for (std::size_t i = 0; i < count; ++i) ends.there().receive_async(open[i], 1, 0, false, [&woken, i](const Result<void>&) { woken.put(i); });
    EXPECT_EQ(thread_count(), threads) << "and none for those that are waited for";
    const auto made = ends.here().connect(ends.address(), {});
    ASSERT_TRUE(made);
    const auto busy = listening.accepted();
    ASSERT_TRUE(ends.here().send(made->connection, text("among them"), true));
    EXPECT_EQ(receive(ends.there(), busy).frames, (std::vector<std::string>{"among them"}));
    EXPECT_EQ(woken.size(), 0u);
    ::close(go[0]);
    ::close(go[1]);
    const_cast<Victim&>(crowd).kill();
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(woken.take()) << "each learns that its peer is gone";
}

/// Runs in a child whose effective user is another one, but who may still open every file. @return The child's exit status.
int as_another_user(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setresuid(65534, 65534, 0) != 0) ::_exit(100);
        ::setfsuid(0);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

TEST(TransportUnix, SaysThatASandboxHasNoConnections) {
    TransportUnix plugin{symphony::Host()}; // nobody tells it about the host, as in a sandbox
    const symphony_call raw{};
    symphony::Call call(raw, nullptr);
    const symphony::testing::TempFolder folder;
    const auto made = plugin.connect(call, UnixSetup::address(folder), {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().reason(), "isolated");
    EXPECT_FALSE(made.error().hint().empty());
    const auto listening = plugin.listen(call, UnixSetup::address(folder), {});
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().reason(), "isolated");
}

TEST(TransportUnix, RefusesAnotherUserOnBothSides) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    UnixEnds ends;
    Listening listening(ends.there(), ends.address());
    ASSERT_TRUE(ends.here().connect(ends.address(), {})); // it listens now
    const auto path = ends.address().path;
    EXPECT_EQ(as_another_user([&] {
        const RawPeer peer(path);
        return peer.read_to_end().empty() ? 7 : 8; // hung up on, without a greeting
    }), 7);
    EXPECT_EQ(as_another_user([&] {
        const auto dialed = UnixDriver(4096).dial({"unix", path, {}});
        return !dialed && dialed.error().reason() == "other-user" ? 9 : 10;
    }), 9);
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    EXPECT_EQ(ends.host().metrics()["refused_users"], 2.0);
}

} // namespace
} // namespace symphony::transport::testing
