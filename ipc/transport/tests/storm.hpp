// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ends.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <new>
#include <poll.h>
#include <random>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/// A sender and a reader in processes of their own that are stopped, killed and cut off from each other, again and again, and who must
/// not lose or double a message. SYMPHONY_TRANSPORT_MESSAGES says how many; a million takes minutes.
namespace symphony::transport::testing {

/// What both sides and the judge know, in memory that outlives each of them. The reader alone writes what it saw.
struct Tally {
    std::atomic<std::uint64_t> next{0};        ///< messages that came, one after the other
    std::atomic<std::uint64_t> doubled{0}, missing{0}, damaged{0}, not_counted{0};
    std::atomic<std::uint64_t> connections{0}, receives{0};
    std::atomic<std::uint32_t> cut{0};         ///< the sender closes its connection when this changes
    std::atomic<std::uint32_t> halved{0};      ///< the one cut that comes in any case, half way
    std::atomic<std::uint32_t> done{0};
    std::uint64_t total = 0;
};

inline std::uint64_t storm_messages() {
    const char* const wanted = std::getenv("SYMPHONY_TRANSPORT_MESSAGES");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 20'000;
}

inline std::string storm_message(std::uint64_t number) {
    std::string out = std::to_string(number) + " ";
    return out + pattern(number % 1000 == 0 ? 300'000 : number % 100 == 0 ? 5'000 : number % 90, number);
}

/// Counts one message. @return False: it is not what was expected.
inline void judge(Tally& tally, std::string_view content) {
    const std::uint64_t number = std::strtoull(std::string(content.substr(0, 20)).c_str(), nullptr, 10), next = tally.next.load();
    if (number >= tally.total || content != storm_message(number)) tally.damaged.fetch_add(1);
    else if (number < next) tally.doubled.fetch_add(1);
    else if (number > next) tally.missing.fetch_add(1);
    else tally.next.store(next + 1);
}

/// One connection at a time: says how far it is, takes what comes, and goes on to the next one.
inline void read_storm(const TransportClient& client, const Address& address, Tally& tally) {
    TransportLimits small;
    small.queue_frames_max = 64;
    Listening listening(client, address, small);
    bool served = false;
    while (tally.done.load() == 0) {
        const std::uint64_t connection = listening.accepted();
        if (connection == 0) continue;
        served = true;
        tally.connections.fetch_add(1);
        static_cast<void>(client.send(connection, text(std::to_string(tally.next.load())), true));
        for (;;) {
            const std::uint64_t round = tally.receives.fetch_add(1);
            const auto some = receive(client, connection, 1 + static_cast<std::uint32_t>(round % 32), round % 2 == 0);
            for (const auto& content : some.frames) judge(tally, content);
            if (some.end) {
                static_cast<void>(client.finish(connection));
                tally.done.store(tally.next.load() == tally.total ? 1 : 0);
            }
            if (some.error || some.end) break;
        }
        if (tally.done.load() == 0) static_cast<void>(client.close(connection));
    }
    if (!served) return; // begun when another reader had just come to the end: nobody is to wait for a word of this one
    ::pause(); // what was sent last may still be on its way: the judge ends us
}

/// Sends on from where the reader is, over one connection after the other.
inline void write_storm(const TransportClient& client, const Address& address, Tally& tally, const std::function<void(const Accepted&)>& connected = [](const Accepted&) {}) {
    TransportLimits patient;
    patient.retries = 1'000'000;
    patient.retry_ms = 1;
    patient.retry_ms_max = 5;
    patient.queue_frames_max = 64;
    while (tally.done.load() == 0) {
        const auto made = client.connect(address, patient);
        if (!made) continue;
        const std::uint64_t connection = made->connection;
        connected(*made);
        const std::uint32_t cut = tally.cut.load();
        const auto from = receive(client, connection);
        if (from.frames.size() == 1) {
            const std::uint64_t first = std::strtoull(from.frames.front().c_str(), nullptr, 10);
            std::uint64_t number = first;
            const auto cut_off = [&] { return tally.cut.load() != cut || (number == tally.total / 2 && tally.halved.exchange(1) == 0); };
            while (number < tally.total && !cut_off() && client.send(connection, text(storm_message(number)), true)) ++number;
            if (number == tally.total && tally.cut.load() == cut) {
                static_cast<void>(client.finish(connection));
                static_cast<void>(receive(client, connection));
            }
            const auto status = client.status(connection);
            if (!status || status->sent_frames + status->dropped_frames + status->send_queue_frames != number - first) tally.not_counted.fetch_add(1);
        }
        static_cast<void>(client.close(connection));
    }
}

/// A process that is there to be killed. Forked before the test has threads; what it runs makes its own.
class Victim {
public:
    explicit Victim(std::function<void()> body) : body_(std::move(body)) { start(); }
    Victim(const Victim&) = delete;
    Victim& operator=(const Victim&) = delete;
    ~Victim() { kill(); }
    void stop() const { ::kill(pid_, SIGSTOP); }
    void go_on() const { ::kill(pid_, SIGCONT); }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    void start() {
        pid_ = ::fork();
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        body_();
        ::_exit(0);
    }

private:
    std::function<void()> body_;
    pid_t pid_ = -1;
};

inline Tally* shared_tally() {
    void* const memory = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : new (memory) Tally;
}

inline void expect_nothing_lost(const Tally& tally) {
    EXPECT_EQ(tally.next.load(), tally.total) << "all arrived";
    EXPECT_EQ(tally.doubled.load(), 0u);
    EXPECT_EQ(tally.missing.load(), 0u);
    EXPECT_EQ(tally.damaged.load(), 0u);
    EXPECT_EQ(tally.not_counted.load(), 0u) << "sent, dropped and waiting are all that was taken";
}

/// The whole storm for a setup with a listener.
template <class Setup>
void expect_nothing_lost_in_a_storm() {
    const std::uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Tally* const tally = shared_tally();
    ASSERT_NE(tally, nullptr);
    tally->total = storm_messages();
    const TempFolder folder;
    const auto side = [&](auto body) {
        return [&folder, tally, body] {
            FakeHost host;
            if (!Setup::add(host, "side", folder, ValueBuilder().map().end().build())) ::_exit(3);
            body(*TransportClient::acquire(host.host(), "side"), Setup::address(folder), *tally);
        };
    };
    Victim reader(side(read_storm)), writer(side([](const auto& client, const auto& address, Tally& all) { write_storm(client, address, all); }));
    std::uint64_t last = 0;
    int idle = 0;
    while (tally->done.load() == 0 && idle < 1000) {
        ::poll(nullptr, 0, static_cast<int>(5 + random() % 60));
        Victim& victim = random() % 2 == 0 ? reader : writer;
        switch (random() % 4) {
        case 0:
            victim.kill();
            victim.start();
            break;
        case 1:
            victim.stop();
            ::poll(nullptr, 0, static_cast<int>(random() % 20));
            victim.go_on();
            break;
        case 2: tally->cut.fetch_add(1); break;
        default: break;
        }
        idle = tally->next.load() == last ? idle + 1 : 0;
        last = tally->next.load();
    }
    EXPECT_EQ(tally->done.load(), 1u) << "stands still at " << last << " of " << tally->total;
    expect_nothing_lost(*tally);
    EXPECT_GT(tally->connections.load(), 1u) << "it was no storm";
    ::munmap(tally, sizeof *tally);
}

} // namespace symphony::transport::testing
