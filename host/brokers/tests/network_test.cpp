// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <ifaddrs.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <future>

using namespace symphony;
using namespace symphony::brokers;
using namespace symphony::brokers::test;

namespace {

std::size_t open_files() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
}

/// Bytes that are nowhere the same.
std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 12345;
    for (char& c : out) {
        state = state * 1664525 + 1013904223;
        c = static_cast<char>(state >> 24);
    }
    return out;
}

} // namespace

TEST(Network, RelaysBothWaysAndKeepsHalfClose) {
    Server server(&echo);
    Rig rig;
    rig.grant("network:api.example.com:" + std::to_string(server.port));
    rig.resolver->names["api.example.com"] = {"127.0.0.1"};
    const Socket stream = rig.connect("API.example.com.", server.port);
    const std::string sent = pattern(3'000'000);
    std::thread writer([&] {
        EXPECT_TRUE(send_all(stream.fd, sent));
        ::shutdown(stream.fd, SHUT_WR);
    });
    EXPECT_TRUE(read_all(stream.fd) == sent);
    writer.join();
    const StreamEnd end = rig.next_end();
    EXPECT_EQ(end.reason, "finished");
    EXPECT_EQ(end.host, "api.example.com");
    EXPECT_EQ(end.address, "127.0.0.1");
    EXPECT_EQ(end.bytes_sent, sent.size());
    EXPECT_EQ(end.bytes_received, sent.size());
    EXPECT_FALSE(end.violation());
}

TEST(Network, HandsOutNoInternetSocket) {
    Server server(&echo);
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket stream = rig.connect("a.test", server.port);
    int domain = 0;
    socklen_t size = sizeof domain;
    ASSERT_EQ(::getsockopt(stream.fd, SOL_SOCKET, SO_DOMAIN, &domain, &size), 0);
    EXPECT_EQ(domain, AF_UNIX);
    EXPECT_NE(::fcntl(stream.fd, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(::fcntl(stream.fd, F_GETFL) & O_NONBLOCK, 0);
    // What turns an internet socket elsewhere does nothing here.
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    ::connect(stream.fd, &none, sizeof none);
    sockaddr_in other{};
    other.sin_family = AF_INET;
    other.sin_port = htons(server.port);
    other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_NE(::connect(stream.fd, reinterpret_cast<sockaddr*>(&other), sizeof other), 0);
    EXPECT_TRUE(send_all(stream.fd, "still here"));
    ::shutdown(stream.fd, SHUT_WR);
    EXPECT_EQ(read_all(stream.fd), "still here");
    EXPECT_EQ(server.accepted, 1);
}

TEST(Network, AsksForTheRightBeforeAnythingElse) {
    Rig rig;
    rig.grant("network:*.example.com:443");
    rig.grant("network:other.test:80");
    const struct { const char* host; std::uint32_t port; const char* refusal; } cases[] = {
        {"example.com", 443, "[not-granted]"},          {"evil-example.com", 443, "[not-granted]"},  {"example.com.evil.org", 443, "[not-granted]"},
        {"api.example.com", 80, "[not-granted]"},       {"api.example.com.", 443, "[no-such-host]"}, {"a.b.example.com", 443, "[no-such-host]"},
        {".example.com", 443, "[bad-host]"},            {"a..example.com", 443, "[bad-host]"},       {"OTHER.test", 80, "[no-such-host]"},
        {"other.test", 81, "[not-granted]"},            {"other.test", 0, "[bad-port]"},             {"other.test", 65616, "[bad-port]"},
        {"xn--example-9cb.com", 443, "[not-granted]"},
    };
    for (const auto& one : cases) {
        SCOPED_TRACE(one.host);
        rig.resolver->asked.clear();
        EXPECT_EQ(rig.refusal(one.host, one.port), one.refusal);
        EXPECT_EQ(rig.resolver->asked.empty(), std::string_view(one.refusal) != "[no-such-host]") << "nobody hears of a name that is not granted";
    }
    EXPECT_EQ(rig.refusal("other.test", 80, 4), "[bad-flags]");
    EXPECT_EQ(rig.refusal("other.test", 80, SYMPHONY_NET_TLS | SYMPHONY_NET_OWN_TLS), "[bad-flags]");
    EXPECT_EQ(rig.broker->counters().connected, 0U);
    EXPECT_EQ(rig.broker->counters().refused, std::size(cases) + 2);
}

TEST(Network, ReadsNoTrickInAName) {
    Rig rig;
    rig.grant_all();
    using namespace std::string_view_literals;
    for (const std::string_view host : {""sv, "."sv, "good.test\0.evil.org"sv, "good.test%00.evil.org"sv, "user@good.test"sv, "good.test:80"sv, "[good.test]"sv, "good.test/x"sv,
                                        " good.test"sv, "good.test\t"sv, "good\r\nHost: evil"sv, "g\xc3\xb6od.test"sv, "good\xe3\x80\x82test"sv, "fe80::1%eth0"sv, "[fe80::1%25lo]"sv,
                                        "0x7f.1"sv, "0x7f000001"sv, "017700000001"sv, "2130706433"sv, "127.1"sv, "127.0.1"sv, "0177.0.0.1"sv, "127.0.0.01"sv, "1.2.3.4.5"sv, "256.1.1.1"sv,
                                        "[::1"sv, "::1]"sv, "[127.0.0.1]"sv, "::ffff:0x7f.1"sv, "1..2"sv, "-a.test"sv, "a-.test"sv, "*.test"sv, "*"sv}) {
        const std::string refusal = rig.refusal(host);
        EXPECT_TRUE(refusal == "[bad-host]" || refusal == "[numeric-host]") << testing::PrintToString(std::string(host)) << " " << refusal;
    }
    EXPECT_TRUE(rig.required.empty()) << rig.required.front();
    EXPECT_TRUE(rig.resolver->asked.empty());
}

TEST(Network, NeverLeadsInside) {
    Rig rig;
    rig.grant_all();
    const std::vector<std::vector<std::string>> inside = {
        {"127.1.0.1"}, {"127.255.255.255"}, {"10.0.0.1"}, {"172.16.0.1"}, {"172.31.255.255"}, {"192.168.1.1"}, {"169.254.169.254"}, {"169.254.1.1"}, {"100.64.0.1"},
        {"100.127.255.255"}, {"0.0.0.0"}, {"0.1.2.3"}, {"224.0.0.1"}, {"239.255.255.250"}, {"255.255.255.255"}, {"240.0.0.1"}, {"192.0.2.1"}, {"198.51.100.1"},
        {"203.0.113.1"}, {"198.18.0.1"}, {"192.0.0.1"}, {"192.88.99.1"}, {"168.63.129.16"}, {"100.100.100.200"},
        {"::1"}, {"::"}, {"::ffff:10.0.0.1"}, {"::10.0.0.1"}, {"fe80::1"}, {"fc00::1"}, {"fd00:ec2::254"}, {"fec0::1"}, {"ff02::1"}, {"2001:db8::1"},
        {"3fff::1"}, {"64:ff9b::10.0.0.1"}, {"64:ff9b::7f00:1"}, {"64:ff9b:1::8.8.8.8"}, {"2002:a00:1::1"}, {"2002:7f00:1::"}, {"2001::1"}, {"100::1"}, {"4000::1"},
        {"2600::5efe:10.0.0.1"}, {"2600::200:5efe:127.0.0.1"},
        {"8.8.8.8", "10.0.0.1"}, {"127.0.0.1", "2600::1", "::1"}, // one that leads inside spoils all
    };
    for (const auto& addresses : inside) {
        SCOPED_TRACE(addresses.front());
        rig.resolver->names["a.test"] = addresses;
        const auto fd = rig.broker->connect(rig.client, "a.test", 80, 0);
        ASSERT_FALSE(fd);
        EXPECT_EQ(fd.error().code(), Code::not_granted);
        EXPECT_EQ(fd.error().reason(), "forbidden-address");
        if (addresses.size() == 1) {
            EXPECT_EQ(rig.refusal(addresses.front()), "[forbidden-address]") << "written as an address too";
        }
    }
}

TEST(Network, GoesInsideOnlyWhenAGrantNamesTheAddress) {
    Server server(&echo, "127.0.0.77");
    Rig rig;
    rig.resolver->names["local.test"] = {"127.0.0.77"};
    rig.grant_all();
    EXPECT_EQ(rig.refusal("127.0.0.77", server.port), "[forbidden-address]");
    EXPECT_EQ(rig.refusal("local.test", server.port), "[forbidden-address]");
    rig.grant("network:127.0.0.77:" + std::to_string(server.port));
    EXPECT_EQ(rig.refusal("127.0.0.77", server.port), "");
    EXPECT_EQ(rig.refusal("::ffff:127.0.0.77", server.port), "") << "the same address in another dress";
    EXPECT_EQ(rig.refusal("local.test", server.port), "");
    EXPECT_EQ(rig.refusal("127.0.0.77", server.port == 80 ? 81 : 80), "[forbidden-address]") << "another port is another grant";
}

TEST(Network, KnowsThisMachinesOwnAddresses) {
    ifaddrs* list = nullptr;
    ASSERT_EQ(::getifaddrs(&list), 0);
    std::string own;
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
        sockaddr_in address{};
        std::memcpy(&address, at->ifa_addr, sizeof address);
        char text[INET_ADDRSTRLEN] = {};
        ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
        own = text;
    }
    ::freeifaddrs(list);
    if (own.empty()) GTEST_SKIP() << "this machine has no interface with an address";
    auto fake = std::make_unique<FakeResolver>();
    fake->names["me.test"] = {own};
    fake->names["localhost"] = {"127.0.0.1"};
    NetworkBroker broker({std::move(fake), {}, {}, 65536});
    const auto client = std::make_shared<NetworkClient>();
    EXPECT_EQ(broker.connect(client, "me.test", 80, 0).error().reason(), "forbidden-address") << own;
    EXPECT_EQ(broker.connect(client, "localhost", 80, 0).error().reason(), "forbidden-address");
}

TEST(Network, ResolvesOnceAndConnectsToWhatItChecked) {
    Server server(&echo);
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.3", "127.0.0.1"}; // nobody listens at the first
    { const Socket stream = rig.connect("a.test", server.port); }
    EXPECT_THAT(rig.resolver->asked, testing::ElementsAre("a.test"));
    EXPECT_EQ(rig.next_end().address, "127.0.0.1");
    rig.resolver->names["a.test"] = {"127.0.0.3", "127.0.0.4"};
    const auto fd = rig.broker->connect(rig.client, "a.test", server.port, 0);
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().reason(), "cannot-connect");
    EXPECT_NE(fd.error().message().find("127.0.0.4"), std::string::npos) << fd.error().message();
}

TEST(Network, ReachesAnIpv6Address) {
    Socket listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof at;
    if (listener.fd < 0 || ::bind(listener.fd, reinterpret_cast<sockaddr*>(&at), size) != 0) GTEST_SKIP() << "this machine has no IPv6";
    ASSERT_EQ(::listen(listener.fd, 4), 0);
    ::getsockname(listener.fd, reinterpret_cast<sockaddr*>(&at), &size);
    const std::uint16_t port = ntohs(at.sin6_port);
    Rig rig;
    rig.grant_all();
    EXPECT_EQ(rig.refusal("::1", port), "[forbidden-address]");
    rig.grant("network:[::1]:" + std::to_string(port));
    const Socket stream = rig.connect("[0:0::1]", port);
    const Socket peer(::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(send_all(stream.fd, "six"));
    EXPECT_EQ(read_all(peer.fd, 3), "six");
}

TEST(Network, GivesUpAtTheDeadline) {
    Socket full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ASSERT_EQ(::bind(full.fd, reinterpret_cast<sockaddr*>(&at), size), 0);
    ASSERT_EQ(::listen(full.fd, 0), 0);
    ::getsockname(full.fd, reinterpret_cast<sockaddr*>(&at), &size);
    std::vector<Socket> waiting; // nobody accepts: the queue fills, and then nobody answers
    for (int i = 0; i < 3; ++i) {
        waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ::connect(waiting.back().fd, reinterpret_cast<sockaddr*>(&at), size);
    }
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1", "127.0.0.1"};
    const auto fd = rig.broker->connect(rig.client, "a.test", ntohs(at.sin_port), 0, std::chrono::steady_clock::now() + 60ms);
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code(), Code::deadline) << fd.error().message();
    EXPECT_EQ(fd.error().reason(), "connect-slow");
}

TEST(Network, AsksTheMachinesResolver) {
    const auto resolver = system_resolver();
    const auto local = resolver->resolve(*HostName::parse("localhost"), std::chrono::steady_clock::now() + 20s);
    ASSERT_TRUE(local) << local.error().message();
    for (const IpAddress& address : *local) EXPECT_EQ(address.special_range(), "loopback");
    const auto late = resolver->resolve(*HostName::parse("localhost"), std::chrono::steady_clock::now() - 1s);
    EXPECT_TRUE(late || late.error().reason() == "resolver-slow");
    EXPECT_EQ(system_resolver(0)->resolve(*HostName::parse("localhost"), std::chrono::steady_clock::now() + 20s).error().reason(), "resolver-busy");
}

TEST(Network, ClosesStreamsWhoseRightIsWithdrawn) {
    Server server([](int fd) { read_all(fd); });
    Rig rig;
    rig.grant("network:a.test");
    rig.grant("network:b.test");
    rig.resolver->names["a.test"] = rig.resolver->names["b.test"] = {"127.0.0.1"};
    const Socket a = rig.connect("a.test", server.port);
    const Socket b = rig.connect("b.test", server.port);
    EXPECT_EQ(rig.broker->recheck(), 0U);
    {
        const std::lock_guard lock(rig.mutex);
        rig.grants.erase(rig.grants.begin());
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(rig.broker->recheck(), 1U);
    EXPECT_EQ(read_all(a.fd), "");
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count();
    RecordProperty("revoked_us", static_cast<int>(took));
    EXPECT_FALSE(send_all(a.fd, "x"));
    const StreamEnd end = rig.next_end();
    EXPECT_EQ(end.reason, "revoked");
    EXPECT_EQ(end.host, "a.test");
    EXPECT_TRUE(send_all(b.fd, "x")) << "the other one lives";
    const Right all = *Right::parse("network:b.test");
    EXPECT_EQ(rig.broker->open_streams(*rig.client), 1U);
    EXPECT_EQ(rig.broker->revoke(*rig.client, &all), 1U);
    EXPECT_EQ(rig.broker->open_streams(*rig.client), 0U);
    EXPECT_EQ(rig.next_end().host, "b.test");
}

TEST(Network, NoticesARightThatGoesWhileItConnects) {
    Server server(&echo);
    Rig rig;
    rig.grant_all();
    rig.client->holds = [](const Right&, const std::string&) { return false; }; // withdrawn after require() said yes
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    EXPECT_EQ(rig.refusal("a.test", server.port), "[not-granted]");
    EXPECT_EQ(rig.next_end().reason, "revoked");
}

TEST(Network, EndsStreamsThatUseUpTheirBudget) {
    Server sink([](int fd) { read_all(fd); });
    Server source([](int fd) { while (send_all(fd, std::string(65536, 'x'))) {} });
    Server still([](int fd) { read_all(fd); });
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    rig.client->budget.bytes_sent_max = 100'000;
    rig.client->budget.bytes_received_max = 200'000;
    {
        const Socket stream = rig.connect("a.test", sink.port);
        EXPECT_FALSE(send_all(stream.fd, std::string(4'000'000, 'x')));
        const StreamEnd end = rig.next_end();
        EXPECT_EQ(end.reason, "bytes-spent");
        EXPECT_LE(end.bytes_sent, 100'000U);
    }
    {
        const Socket stream = rig.connect("a.test", source.port);
        EXPECT_LE(read_all(stream.fd).size(), 200'000U);
        EXPECT_EQ(rig.next_end().reason, "bytes-spent");
    }
    rig.client->budget = {};
    rig.client->budget.idle_max = 30ms;
    {
        const Socket stream = rig.connect("a.test", still.port);
        EXPECT_EQ(read_all(stream.fd), "");
        EXPECT_EQ(rig.next_end().reason, "idle");
    }
    rig.client->budget = {};
    rig.client->budget.time_max = 50ms;
    {
        const Socket stream = rig.connect("a.test", source.port);
        read_all(stream.fd);
        EXPECT_EQ(rig.next_end().reason, "time-spent");
    }
    rig.client->budget = {};
    rig.client->budget.streams_max = 2;
    {
        const Socket one = rig.connect("a.test", still.port);
        Socket two = rig.connect("a.test", still.port);
        EXPECT_EQ(rig.refusal("a.test", still.port), "[too-many-streams]");
        two.close();
        EXPECT_EQ(rig.next_end().reason, "plugin-gone");
        EXPECT_EQ(rig.refusal("a.test", still.port), "") << "a place is free again";
    }
}

TEST(Network, WaitsForAReceiverThatIsSlow) {
    const std::string all = pattern(8'000'000);
    Server server([&](int fd) { send_all(fd, all); });
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket slow = rig.connect("a.test", server.port);
    const Socket fast = rig.connect("a.test", server.port);
    EXPECT_TRUE(read_all(fast.fd) == all) << "one that does not read holds up nobody";
    EXPECT_TRUE(read_all(slow.fd) == all);
}

TEST(Network, DeliversWhatAPluginSentBeforeItLeft) {
    std::promise<std::string> got;
    Server server([&](int fd) {
        send_all(fd, std::string(1000, 'n')); // which nobody reads
        got.set_value(read_all(fd));
    });
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const std::string sent = pattern(2'000'000);
    {
        const Socket stream = rig.connect("a.test", server.port);
        char byte = 0;
        ASSERT_EQ(::recv(stream.fd, &byte, 1, MSG_PEEK), 1);
        EXPECT_TRUE(send_all(stream.fd, sent));
    }
    EXPECT_TRUE(got.get_future().get() == sent);
    EXPECT_EQ(rig.next_end().bytes_sent, sent.size());
}

TEST(Network, SeesAPluginGoThatHadFinishedWriting) {
    Server server([](int fd) { read_all(fd); char byte; ::recv(fd, &byte, 1, 0); pollfd wait{fd, 0, 0}; ::poll(&wait, 1, -1); });
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    Socket stream = rig.connect("a.test", server.port);
    ::shutdown(stream.fd, SHUT_WR);
    stream.close(); // the server says nothing more, and keeps its side open
    EXPECT_EQ(rig.next_end().reason, "plugin-gone");
}

TEST(Network, TellsAServerThatBroke) {
    Server server([](int fd) {
        read_all(fd, 1);
        const linger now{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        sockaddr none{};
        none.sa_family = AF_UNSPEC;
        ::connect(fd, &none, sizeof none); // resets
    });
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket stream = rig.connect("a.test", server.port);
    EXPECT_TRUE(send_all(stream.fd, "x"));
    EXPECT_EQ(read_all(stream.fd), "");
    EXPECT_EQ(rig.next_end().reason, "peer-gone");
}

TEST(Network, LetsOnlyAFittingClientHelloThrough) {
    std::atomic<int> bytes_seen = 0;
    Server server([&](int fd) {
        send_all(fd, "banner");
        bytes_seen += static_cast<int>(read_all(fd, 1).size());
        echo(fd);
    });
    Rig rig;
    rig.grant_all();
    rig.resolver->names["api.example.com"] = {"127.0.0.1"};
    const struct { std::string sent; const char* found; } bad[] = {
        {client_hello("evil.example.org"), "for \"evil.example.org\""}, {client_hello(""), "without a server name"}, {"GET / HTTP/1.1\r\n\r\n", "no TLS client hello"},
        {client_hello("api.example.com.evil.org"), "evil.org"},         {client_hello("api.example.com").substr(0, 100), "no TLS client hello"},
    };
    for (const auto& one : bad) {
        SCOPED_TRACE(one.found);
        const Socket stream = rig.connect("api.example.com", server.port, SYMPHONY_NET_OWN_TLS);
        EXPECT_TRUE(send_all(stream.fd, one.sent));
        ::shutdown(stream.fd, SHUT_WR);
        EXPECT_EQ(read_all(stream.fd), "") << "nothing comes back before the hello";
        const StreamEnd end = rig.next_end();
        EXPECT_EQ(end.reason, "tls-name-mismatch");
        EXPECT_TRUE(end.violation());
        EXPECT_NE(end.text.find(one.found), std::string::npos) << end.text;
        EXPECT_EQ(end.bytes_sent, 0U);
    }
    EXPECT_EQ(bytes_seen, 0);
    const std::string hello = client_hello("API.example.com");
    const Socket stream = rig.connect("api.example.com", server.port, SYMPHONY_NET_OWN_TLS);
    for (const char byte : hello) ASSERT_TRUE(send_all(stream.fd, {&byte, 1}));
    EXPECT_TRUE(send_all(stream.fd, "more"));
    ::shutdown(stream.fd, SHUT_WR);
    EXPECT_EQ(read_all(stream.fd), "banner" + hello.substr(1) + "more");
    EXPECT_EQ(rig.next_end().reason, "finished");
}

TEST(Network, WaitsForAClientHelloSoLong) {
    Server server(&echo);
    Rig rig;
    rig.grant_all();
    rig.client->budget.hello_max = 20ms;
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket stream = rig.connect("a.test", server.port, SYMPHONY_NET_OWN_TLS);
    EXPECT_EQ(read_all(stream.fd), "");
    EXPECT_EQ(rig.next_end().reason, "tls-name-mismatch");
}

TEST(Network, TakesNothingButBytesFromAPlugin) {
    Server server(&echo);
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket stream = rig.connect("a.test", server.port);
    const std::size_t before = open_files();
    for (int i = 0; i < 50; ++i) { // descriptors in the bytes: nobody takes them
        char byte = 'f';
        iovec io{&byte, 1};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &io;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof stream.fd);
        std::memcpy(CMSG_DATA(head), &stream.fd, sizeof stream.fd);
        ASSERT_EQ(::sendmsg(stream.fd, &message, MSG_NOSIGNAL), 1);
    }
    std::string expected(50, 'f');
    if (::send(stream.fd, "o", 1, MSG_OOB | MSG_NOSIGNAL) == 1) expected += 'o';
    EXPECT_TRUE(send_all(stream.fd, "end"));
    ::shutdown(stream.fd, SHUT_WR);
    EXPECT_EQ(read_all(stream.fd), expected + "end");
    rig.next_end();
    EXPECT_LE(open_files(), before);
}

TEST(Network, DoesNotSpinWhileNothingMoves) {
    Server server([](int fd) { read_all(fd); pollfd wait{fd, 0, 0}; ::poll(&wait, 1, -1); });
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket half = rig.connect("a.test", server.port);
    ::shutdown(half.fd, SHUT_WR);
    const Socket odd = rig.connect("a.test", server.port);
    ::send(odd.fd, "o", 1, MSG_OOB | MSG_NOSIGNAL);
    // Work, not time, is counted: the process's own processor time while this thread waits.
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    pollfd nothing{half.fd, POLLIN, 0};
    ::poll(&nothing, 1, 300);
    ::getrusage(RUSAGE_SELF, &after);
    const auto used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1'000'000 + after.ru_utime.tv_usec -
                      before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    EXPECT_LT(used, 150'000) << "microseconds of work in 300 ms";
}

TEST(Network, ServesManyAtOnceAndLeavesNothingBehind) {
    const std::size_t before = open_files();
    {
        Server server(&echo);
        Rig rig;
        rig.grant_all();
        rig.resolver->names["a.test"] = {"127.0.0.1"};
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (std::size_t i = 0; i < 12; ++i) {
                    const Socket stream = rig.connect("a.test", server.port);
                    const std::string sent = pattern(1000 + t * 70'000 + i * 31'000);
                    std::thread writer([&] {
                        EXPECT_TRUE(send_all(stream.fd, sent));
                        ::shutdown(stream.fd, SHUT_WR);
                    });
                    EXPECT_TRUE(read_all(stream.fd) == sent);
                    writer.join();
                }
            });
        }
        std::thread other([&] {
            for (int i = 0; i < 200; ++i) {
                rig.broker->recheck();
                static_cast<void>(rig.broker->counters());
            }
        });
        for (std::thread& thread : threads) thread.join();
        other.join();
        for (int i = 0; i < 48; ++i) EXPECT_EQ(rig.next_end().reason, "finished");
        EXPECT_EQ(rig.broker->counters().open, 0U);
        EXPECT_EQ(rig.broker->counters().bytes_sent, rig.broker->counters().bytes_received);
        const Socket left = rig.connect("a.test", server.port);
        rig.broker.reset();
        EXPECT_EQ(read_all(left.fd), "") << "the host stops";
        EXPECT_EQ(rig.next_end().reason, "host-stops");
    }
    EXPECT_EQ(open_files(), before);
}

TEST(Network, ReachesAProcessWithoutANetwork) {
    Server server(&echo);
    Rig rig;
    rig.grant_all();
    rig.resolver->names["a.test"] = {"127.0.0.1"};
    const Socket stream = rig.connect("a.test", server.port);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) ::_exit(77);
        if (!send_all(stream.fd, "from inside")) ::_exit(1);
        ::shutdown(stream.fd, SHUT_WR);
        char part[64];
        std::size_t got = 0;
        for (ssize_t n = 0; got < sizeof part && (n = ::recv(stream.fd, part + got, sizeof part - got, 0)) > 0;) got += static_cast<std::size_t>(n);
        ::_exit(std::string_view(part, got) == "from inside" ? 0 : 2);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "this machine has no user namespaces";
    EXPECT_EQ(status, 0);
}
