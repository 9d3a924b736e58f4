// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ends.hpp"

#include <symphony/transport/frame.hpp>

#include <cstring>
#include <fstream>
#include <poll.h>
#include <random>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/// Others at a socket file, who know the bytes and not the rules.
namespace symphony::transport::testing {

inline sockaddr_un socket_name(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), std::min(path.size(), sizeof name.sun_path - 1));
    return name;
}

inline std::string part(PartKind kind, std::string_view content, std::uint64_t frame_bytes) {
    std::string out(part_header_bytes, '\0');
    write_header(reinterpret_cast<std::uint8_t*>(out.data()), {kind, static_cast<std::uint32_t>(content.size()), frame_bytes});
    return out.append(content);
}
inline std::string frame(std::string_view content) { return part(PartKind::content, content, content.size()); }
inline std::string greeting(Greeting::Verdict verdict = Greeting::Verdict::welcome) {
    return part(PartKind::greeting, write_greeting({1, verdict, 1 << 20}).text(), greeting_bytes);
}

class RawPeer {
public:
    explicit RawPeer(const std::string& path, int type = SOCK_STREAM) : fd_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
        const auto name = socket_name(path);
        connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    }
    explicit RawPeer(Fd fd) : fd_(std::move(fd)), connected_(true) {}
    bool connected() const { return connected_; }
    int fd() const { return fd_.get(); }
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void send_byte_by_byte(std::string_view bytes) const {
        for (const char& c : bytes) ASSERT_TRUE(send({&c, 1}));
    }
    std::string read(std::size_t size) const {
        std::string out(size, '\0');
        std::size_t at = 0;
        while (at < size) {
            const ssize_t got = ::recv(fd_.get(), out.data() + at, size - at, 0);
            if (got <= 0) break;
            at += static_cast<std::size_t>(got);
        }
        out.resize(at);
        return out;
    }
    std::string read_to_end() const {
        std::string out;
        char bytes[4096];
        for (ssize_t got; (got = ::recv(fd_.get(), bytes, sizeof bytes, 0)) > 0;) out.append(bytes, static_cast<std::size_t>(got));
        return out;
    }

private:
    Fd fd_;
    bool connected_ = false;
};

class RawListener {
public:
    explicit RawListener(const std::string& path, int type = SOCK_STREAM) : fd_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
        const auto folder = std::filesystem::path(path).parent_path();
        ::mkdir(folder.c_str(), 0700);
        const auto name = socket_name(path);
        EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
        EXPECT_EQ(::listen(fd_.get(), 16), 0);
    }
    RawPeer accept() const { return RawPeer(Fd(::accept(fd_.get(), nullptr, nullptr))); }

private:
    Fd fd_;
};

/// Waits until a counter of the host has a value; the time is only there so that a fault ends the test.
inline bool counted(FakeHost& host, const std::string& name, double value) {
    for (int i = 0; i < 3000; ++i) {
        if (host.metrics()[name] >= value) return true;
        ::poll(nullptr, 0, 10);
    }
    return false;
}

inline std::size_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::size_t pages = 0;
    in >> pages >> pages;
    return pages * 4096;
}
inline std::size_t thread_count() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
    return count;
}

/// What a transport owes whose listener takes more than one.
template <class Setup>
class ListenerContract : public ::testing::Test {};
TYPED_TEST_SUITE_P(ListenerContract);

TYPED_TEST_P(ListenerContract, SaysThatNobodyListens) {
    const Ends<TypeParam> ends;
    expect_refused(ends.here().connect(ends.address(), {}), Code::not_found, "no-listener");
}

TYPED_TEST_P(ListenerContract, TriesAgainUntilSomebodyListens) {
    Ends<TypeParam> ends;
    Arrivals<Result<Accepted>> made;
    TransportLimits patient;
    patient.retries = 1'000'000;
    patient.retry_ms = patient.retry_ms_max = 2;
    ends.here().connect_async(ends.address(), patient, [&](Result<Accepted> result) { made.put(std::move(result)); });
    ASSERT_TRUE(counted(ends.host(), "connect_retries", 3)) << "it tries";
    Listening listening(ends.there(), ends.address());
    const auto result = made.take();
    ASSERT_TRUE(result);
    EXPECT_TRUE(*result) << result->error().message();
}

TYPED_TEST_P(ListenerContract, TriesAsOftenAsTheConfigurationSays) {
    Ends<TypeParam> ends(ValueBuilder().map().add("retries", 3).add("retry_ms", 1).end().build());
    expect_refused(ends.here().connect(ends.address(), {}), Code::not_found, "no-listener");
    EXPECT_EQ(ends.host().metrics()["connect_retries"], 3.0);
}

TYPED_TEST_P(ListenerContract, CountsNothingWhereMetricsAreOff) {
    Ends<TypeParam> ends(ValueBuilder().map().add("retries", 3).add("retry_ms", 1).add("metrics_enabled", false).end().build());
    expect_refused(ends.here().connect(ends.address(), {}), Code::not_found, "no-listener");
    EXPECT_TRUE(ends.host().metrics().empty());
}

TYPED_TEST_P(ListenerContract, EndsItsAttemptsAtTheDeadlineOrWhenCancelled) {
    Ends<TypeParam> ends;
    TransportLimits patient;
    patient.retries = 1'000'000;
    patient.retry_ms = patient.retry_ms_max = 1000;
    expect_refused(ends.here().connect(ends.address(), patient, {.deadline_ns = ends.soon()}), Code::deadline, "deadline");
    CancelSource source;
    Arrivals<Result<Accepted>> made;
    ends.here().connect_async(ends.address(), patient, [&](Result<Accepted> result) { made.put(std::move(result)); }, {.cancel = source.token()});
    source.cancel();
    expect_refused(*made.take(), Code::cancelled, "cancelled");
}

TYPED_TEST_P(ListenerContract, DoesNotShareAnAddress) {
    const Ends<TypeParam> ends;
    {
        Listening first(ends.there(), ends.address());
        ASSERT_TRUE(ends.here().connect(ends.address(), {}));
        expect_refused(ends.there().listen(ends.address(), {}), Code::conflict, "address-in-use");
        expect_refused(ends.here().listen(ends.address(), {}), Code::conflict, "address-in-use");
        EXPECT_TRUE(ends.here().connect(ends.address(), {})) << "and the first goes on";
    }
    Listening second(ends.there(), ends.address());
    EXPECT_TRUE(ends.here().connect(ends.address(), {})) << "free again";
}

TYPED_TEST_P(ListenerContract, TakesNoMoreConnectionsThanItMay) {
    Ends<TypeParam> ends;
    TransportLimits two;
    two.connections_max = 2;
    Listening listening(ends.there(), ends.address(), two);
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    expect_refused(ends.here().connect(ends.address(), {}), Code::busy, "too-many-connections");
    EXPECT_EQ(ends.host().metrics()["refused_connections"], 1.0);
    ASSERT_TRUE(ends.there().close(listening.accepted()));
    TransportLimits patient;
    patient.retries = 1000;
    EXPECT_TRUE(ends.here().connect(ends.address(), patient)) << "a place is free again";
}

TYPED_TEST_P(ListenerContract, KeepsManyConnectionsApart) {
    Ends<TypeParam> ends;
    Listening listening(ends.there(), ends.address());
    std::vector<std::uint64_t> mine, yours;
    for (int i = 0; i < 50; ++i) {
        const auto made = ends.here().connect(ends.address(), {});
        ASSERT_TRUE(made) << made.error().message();
        mine.push_back(made->connection);
        yours.push_back(listening.accepted());
    }
    for (std::size_t i = 0; i < mine.size(); ++i) ASSERT_TRUE(ends.here().send(mine[i], text(std::to_string(i)), true));
    for (std::size_t i = mine.size(); i-- != 0;) EXPECT_EQ(receive(ends.there(), yours[i], 1, i % 2 == 0).frames, (std::vector<std::string>{std::to_string(i)}));
}

TYPED_TEST_P(ListenerContract, SendsAwayWhoDoesNotGreet) {
    Ends<TypeParam> ends(ValueBuilder().map().add("greeting_ms", 20).end().build());
    Listening listening(ends.there(), ends.address());
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    const RawPeer silent(ends.address().path, TypeParam::socket_type);
    ASSERT_TRUE(silent.connected());
    EXPECT_TRUE(counted(ends.host(), "refused_greetings", 1));
    listening.accepted();
    EXPECT_EQ(listening.waiting(), 0u) << "only the other one was let in";
}

TYPED_TEST_P(ListenerContract, GivesUpOnAListenerThatDoesNotGreet) {
    const Ends<TypeParam> ends(ValueBuilder().map().add("greeting_ms", 20).end().build());
    const RawListener silent(ends.address().path, TypeParam::socket_type);
    expect_refused(ends.here().connect(ends.address(), {}), Code::deadline, "no-greeting");
}

TYPED_TEST_P(ListenerContract, GivesUpOnAListenerThatSpeaksSomethingElse) {
    const Ends<TypeParam> ends;
    const RawListener other(ends.address().path, TypeParam::socket_type);
    Arrivals<Result<Accepted>> made;
    ends.here().connect_async(ends.address(), {}, [&](Result<Accepted> result) { made.put(std::move(result)); });
    const RawPeer peer = other.accept();
    ASSERT_TRUE(peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"));
    expect_refused(*made.take(), Code::data_corrupt, "bad-greeting");
    ends.here().connect_async(ends.address(), {}, [&](Result<Accepted> result) { made.put(std::move(result)); });
    { const RawPeer hangs_up = other.accept(); }
    expect_refused(*made.take(), Code::peer_died, "closed");
}

TYPED_TEST_P(ListenerContract, SurvivesGarbage) {
    Ends<TypeParam> ends;
    Listening listening(ends.there(), ends.address());
    ASSERT_TRUE(ends.here().connect(ends.address(), {}));
    listening.accepted();
    const std::uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::string good = greeting() + frame("one") + frame(std::string(5000, 'x')) + part(PartKind::content, "ab", 9) + part(PartKind::content, "cdefghi", 9);
    const std::size_t before = resident_bytes();
    for (int i = 0; i < 300; ++i) {
        const RawPeer peer(ends.address().path, TypeParam::socket_type);
        ASSERT_TRUE(peer.connected());
        std::string bytes = i % 3 == 0 ? pattern(random() % 3000, random()) : good.substr(0, random() % (good.size() + 1));
        if (i % 3 == 2) {
            for (std::uint64_t n = 1 + random() % 4; n-- != 0 && !bytes.empty();) bytes[random() % bytes.size()] = static_cast<char>(random());
        }
        static_cast<void>(peer.send(bytes));
    }
    const auto made = ends.here().connect(ends.address(), {});
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_LT(resident_bytes(), before + (std::size_t{64} << 20)) << "memory stays bounded";
    ASSERT_TRUE(ends.here().close(made->connection));
}

REGISTER_TYPED_TEST_SUITE_P(ListenerContract, SaysThatNobodyListens, TriesAgainUntilSomebodyListens, TriesAsOftenAsTheConfigurationSays, CountsNothingWhereMetricsAreOff,
                            EndsItsAttemptsAtTheDeadlineOrWhenCancelled, DoesNotShareAnAddress, TakesNoMoreConnectionsThanItMay, KeepsManyConnectionsApart, SendsAwayWhoDoesNotGreet,
                            GivesUpOnAListenerThatDoesNotGreet, GivesUpOnAListenerThatSpeaksSomethingElse, SurvivesGarbage);

} // namespace symphony::transport::testing
