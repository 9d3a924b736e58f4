// SPDX-License-Identifier: Apache-2.0
#include "transport_peers.hpp"

#include "descriptors.hpp"
#include "shm_driver.hpp"
#include "stdio_driver.hpp"
#include "unix_driver.hpp"

#include <symphony/testing.hpp>

#include <boost/interprocess/ipc/message_queue.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace symphony::bench {
namespace {

using ports::Accepted;
using ports::Address;
using ports::Frame;
using ports::TransportClient;
using symphony::testing::FakeHost;
using symphony::testing::TempFolder;

// --- over a transport --------------------------------------------------------------------------------------------

void echo_over(const TransportClient& client, std::uint64_t connection, bool stay) {
    Buffer content;
    CallOptions<Frame> options;
    options.on_part = [&](const Frame& frame) { content = frame.content; };
    while (client.receive(connection, 1, 0, stay, options) && client.send(connection, content, true)) {}
}

/// Listens, and sends back what the first one sends.
template <class Plugin>
void listen_and_echo(const Address& address, bool stay) {
    FakeHost host;
    if (!host.add<Plugin>("transport")) die("transport");
    const auto client = *TransportClient::acquire(host.host(), "transport");
    std::atomic<std::uint64_t> connection{0};
    client.listen_async(address, {}, [](const Result<void>& end) { std::fprintf(stderr, "%s\n", end.error().message().c_str()); },
                        {.on_part = [&](const Accepted& accepted) {
                             connection.store(accepted.connection);
                             connection.notify_one();
                         }});
    connection.wait(0);
    echo_over(client, connection.load(), stay);
}

template <class Plugin>
class TransportPeer final : public EchoPeer {
public:
    TransportPeer(const char* scheme, int cpu, bool stay)
        : address_{scheme, (folder_.path() / "s").string(), {}}, stay_(stay), child_(std::make_unique<Child>(cpu, [&] { listen_and_echo<Plugin>(address_, stay); })) {}
    explicit TransportPeer(Address address) : address_(std::move(address)), stay_(true) {}

    void connect() override {
        if (!host_.add<Plugin>("transport")) die("transport");
        client_.emplace(*TransportClient::acquire(host_.host(), "transport"));
        ports::TransportLimits patient;
        patient.retries = 10'000;
        patient.retry_ms_max = 20;
        const auto made = client_->connect(address_, patient);
        if (!made) std::fprintf(stderr, "%s\n", made.error().message().c_str()), std::abort();
        connection_ = made->connection;
        options_.on_part = [this](const Frame& frame) { got_ = frame.content.size(); };
    }
    void call(std::size_t bytes) override {
        if (content_.size() != bytes) content_ = Buffer::copy(std::string(bytes, 'x'));
        if (!client_->send(connection_, content_, true) || !client_->receive(connection_, 1, 0, stay_, options_) || got_ != bytes) die("round trip");
    }

private:
    TempFolder folder_;
    const Address address_;
    const bool stay_;
    std::unique_ptr<Child> child_;
    FakeHost host_;
    std::optional<TransportClient> client_;
    std::uint64_t connection_ = 0;
    CallOptions<Frame> options_;
    Buffer content_;
    std::size_t got_ = 0;
};

// --- descriptors -------------------------------------------------------------------------------------------------

class DescriptorPeer final : public EchoPeer {
public:
    DescriptorPeer(int cpu, bool socket) : bytes_(message_bytes_max + ipc_bench::length_bytes) {
        int ends[2];
        if (socket) {
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) die("socketpair");
            const int size = 256 * 1024;
            for (const int fd : ends) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
            in_ = out_ = ends[0], their_in_ = their_out_ = ends[1];
        } else {
            if (::pipe2(ends, O_CLOEXEC) != 0) die("pipe");
            in_ = ends[0], their_out_ = ends[1];
            if (::pipe2(ends, O_CLOEXEC) != 0) die("pipe");
            their_in_ = ends[0], out_ = ends[1];
        }
        child_ = std::make_unique<Child>(cpu, [this] {
            ipc_bench::echo_until_end(their_in_, their_out_, bytes_);
        });
    }
    ~DescriptorPeer() override {
        child_.reset();
        for (const int fd : {in_, their_in_}) ::close(fd);
        if (out_ != in_) {
            for (const int fd : {out_, their_out_}) ::close(fd);
        }
    }
    void call(std::size_t size) override {
        if (!ipc_bench::round_trip(in_, out_, bytes_, size)) die("raw descriptor");
    }

private:
    int in_ = -1, out_ = -1, their_in_ = -1, their_out_ = -1;
    std::vector<char> bytes_;
    std::unique_ptr<Child> child_;
};

// --- rings -------------------------------------------------------------------------------------------------------

void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) { ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0); }

/// One direction: bytes behind a length, as the shared-memory transport has them, without checks. A message fits as a whole.
template <bool sleeps>
struct Ring {
    static constexpr std::size_t room = 4u << 20;
    alignas(128) std::atomic<std::uint64_t> tail{0};
    alignas(128) std::atomic<std::uint64_t> head{0};
    alignas(128) std::atomic<std::uint32_t> asleep{0};
    alignas(128) char data[room];

    void copy_in(std::uint64_t at, const void* from, std::size_t size) {
        const std::size_t first = std::min(size, room - at % room);
        std::memcpy(data + at % room, from, first);
        std::memcpy(data, static_cast<const char*>(from) + first, size - first);
    }
    void copy_out(std::uint64_t at, void* to, std::size_t size) const {
        const std::size_t first = std::min(size, room - at % room);
        std::memcpy(to, data + at % room, first);
        std::memcpy(static_cast<char*>(to) + first, data, size - first);
    }
    void write(const char* from, std::uint64_t size) {
        const std::uint64_t at = tail.load(std::memory_order_relaxed);
        copy_in(at, &size, sizeof size);
        copy_in(at + sizeof size, from, size);
        tail.store(at + sizeof size + size, std::memory_order_seq_cst);
        if constexpr (sleeps) {
            if (asleep.load(std::memory_order_seq_cst) != 0 && asleep.exchange(0) != 0) futex(asleep, FUTEX_WAKE, 1);
        }
    }
    std::uint64_t read(char* to) {
        const std::uint64_t at = head.load(std::memory_order_relaxed);
        while (tail.load(std::memory_order_acquire) == at) {
            if constexpr (sleeps) {
                asleep.store(1, std::memory_order_seq_cst);
                if (tail.load(std::memory_order_seq_cst) == at) futex(asleep, FUTEX_WAIT, 1);
                asleep.store(0, std::memory_order_relaxed);
            } else {
                __builtin_ia32_pause();
            }
        }
        std::uint64_t size = 0;
        copy_out(at, &size, sizeof size);
        copy_out(at + sizeof size, to, size);
        head.store(at + sizeof size + size, std::memory_order_release);
        return size;
    }
};

template <bool sleeps>
class RingPeer final : public EchoPeer {
public:
    explicit RingPeer(int cpu) : bytes_(message_bytes_max, 'a') {
        void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (memory == MAP_FAILED) die("mmap");
        shared_ = new (memory) Shared;
        child_ = std::make_unique<Child>(cpu, [this] {
            for (;;) {
                for (std::uint32_t round = 0; (round = shared_->active.load()) % 2 == 0;) futex(shared_->active, FUTEX_WAIT, round);
                do shared_->back.write(bytes_.data(), shared_->there.read(bytes_.data()));
                while (bytes_[0] != 'q');
                while (shared_->active.load() % 2 == 1) ::sched_yield();
            }
        });
    }
    ~RingPeer() override {
        child_.reset();
        ::munmap(shared_, sizeof(Shared));
    }
    void begin() override {
        shared_->active.fetch_add(1);
        futex(shared_->active, FUTEX_WAKE, 1);
    }
    void end() override {
        bytes_[0] = 'q';
        call(1);
        bytes_[0] = 'a';
        shared_->active.fetch_add(1);
    }
    void call(std::size_t size) override {
        shared_->there.write(bytes_.data(), size);
        if (shared_->back.read(bytes_.data()) != size) die("ring");
    }

private:
    struct Shared {
        Ring<sleeps> there, back;
        alignas(128) std::atomic<std::uint32_t> active{0};
    };
    std::vector<char> bytes_;
    Shared* shared_ = nullptr;
    std::unique_ptr<Child> child_;
};

class BoostPeer final : public EchoPeer {
public:
    explicit BoostPeer(int cpu) : bytes_(message_bytes_max) {
        using namespace boost::interprocess;
        const std::string name = "symphony-bench-" + std::to_string(::getpid());
        for (int i = 0; i < 2; ++i) {
            const std::string each = name + std::to_string(i);
            message_queue::remove(each.c_str());
            queues_[i] = std::make_unique<message_queue>(create_only, each.c_str(), 4, message_bytes_max);
            message_queue::remove(each.c_str()); // it lives as long as it is mapped
        }
        child_ = std::make_unique<Child>(cpu, [this] {
            for (;;) queues_[1]->send(bytes_.data(), receive(*queues_[0]), 0);
        });
    }
    void call(std::size_t size) override {
        queues_[0]->send(bytes_.data(), size, 0);
        if (receive(*queues_[1]) != size) die("message_queue");
    }

private:
    std::size_t receive(boost::interprocess::message_queue& from) {
        boost::interprocess::message_queue::size_type got = 0;
        unsigned priority = 0;
        from.receive(bytes_.data(), bytes_.size(), got, priority);
        return got;
    }
    std::vector<char> bytes_;
    std::unique_ptr<boost::interprocess::message_queue> queues_[2];
    std::unique_ptr<Child> child_;
};

} // namespace

void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) std::perror("sched_setaffinity");
}

std::unique_ptr<EchoPeer> over_unix(int cpu, bool stay) { return std::make_unique<TransportPeer<transport::TransportUnix>>("unix", cpu, stay); }
std::unique_ptr<EchoPeer> over_shm(int cpu) { return std::make_unique<TransportPeer<transport::TransportShm>>("shm", cpu, true); }
std::unique_ptr<EchoPeer> over_stdio(int cpu) {
    return std::make_unique<TransportPeer<transport::TransportStdio>>(Address{"stdio", "", {{"command", "/proc/self/exe"}, {"1", "--stdio-echo"}, {"2", std::to_string(cpu)}}});
}
std::unique_ptr<EchoPeer> raw_socket(int cpu) { return std::make_unique<DescriptorPeer>(cpu, true); }
std::unique_ptr<EchoPeer> raw_pipe(int cpu) { return std::make_unique<DescriptorPeer>(cpu, false); }
std::unique_ptr<EchoPeer> polling_ring(int cpu) { return std::make_unique<RingPeer<false>>(cpu); }
std::unique_ptr<EchoPeer> futex_ring(int cpu) { return std::make_unique<RingPeer<true>>(cpu); }
std::unique_ptr<EchoPeer> boost_queue(int cpu) { return std::make_unique<BoostPeer>(cpu); }
int stdio_echo(int cpu) {
    pin(cpu);
    listen_and_echo<transport::TransportStdio>({"stdio", "", {}}, true);
    return 0;
}

} // namespace symphony::bench
