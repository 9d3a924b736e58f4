// SPDX-License-Identifier: Apache-2.0
// What a call costs when the plugin lives in another process, beside the least that two processes can do: a ring that both
// sides poll, a ring with a futex, a pair of seqpacket sockets. All take turns in one run, pinned to one CPU and to two.
#include "bench.hpp"

#include <symphony/bytes.hpp>
#include <symphony/ipc/remote_instance.hpp>
#include <symphony/ipc/serve.hpp>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <linux/futex.h>
#include <memory>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace symphony;
using namespace symphony::bench;

constexpr std::size_t payload = 128;
constexpr std::size_t large = 1 << 20;

void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) std::perror("sched_setaffinity");
}

void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
    ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

// --- the peers ---

/// One direction of a plain ring of fixed slots, in shared memory.
template <bool sleeps>
struct Ring {
    static constexpr std::uint32_t slots = 64;
    alignas(128) std::atomic<std::uint32_t> tail{0};
    alignas(128) std::atomic<std::uint32_t> head{0};
    alignas(128) std::atomic<std::uint32_t> asleep{0};
    alignas(128) char data[slots][payload];

    void write(const char* from) {
        const std::uint32_t at = tail.load(std::memory_order_relaxed);
        std::memcpy(data[at % slots], from, payload);
        if constexpr (sleeps) {
            tail.store(at + 1, std::memory_order_seq_cst);
            if (asleep.load(std::memory_order_seq_cst) != 0) futex(tail, FUTEX_WAKE, 1);
        } else {
            tail.store(at + 1, std::memory_order_release);
        }
    }
    void read(char* to) {
        const std::uint32_t at = head.load(std::memory_order_relaxed);
        while (tail.load(std::memory_order_acquire) == at) {
            if constexpr (sleeps) {
                asleep.store(1, std::memory_order_seq_cst);
                if (tail.load(std::memory_order_seq_cst) == at) futex(tail, FUTEX_WAIT, at);
                asleep.store(0, std::memory_order_relaxed);
            } else {
                __builtin_ia32_pause();
            }
        }
        std::memcpy(to, data[at % slots], payload);
        head.store(at + 1, std::memory_order_release);
    }
};

/// A child that echoes over a pair of rings, and burns its CPU only in its own rounds.
template <bool sleeps>
class RingPeer {
public:
    explicit RingPeer(int cpu) {
        void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) std::abort();
        shared_ = new (memory) Shared;
        child_ = ::fork();
        if (child_ != 0) return;
        pin(cpu);
        char bytes[payload];
        for (;;) {
            for (std::uint32_t round = 0; (round = shared_->active.load()) % 2 == 0;) futex(shared_->active, FUTEX_WAIT, round);
            do {
                shared_->there.read(bytes);
                shared_->back.write(bytes);
            } while (bytes[0] != 'q');
            while (shared_->active.load() % 2 == 1) ::sched_yield();
        }
    }
    RingPeer(const RingPeer&) = delete;
    RingPeer& operator=(const RingPeer&) = delete;
    ~RingPeer() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        ::munmap(shared_, sizeof(Shared));
    }
    void begin() {
        shared_->active.fetch_add(1);
        futex(shared_->active, FUTEX_WAKE, 1);
        call('a');
    }
    void end() {
        call('q');
        shared_->active.fetch_add(1);
    }
    void call(char first = 'a') {
        char bytes[payload] = {};
        bytes[0] = first;
        shared_->there.write(bytes);
        shared_->back.read(bytes);
        keep(bytes[0]);
    }

private:
    struct Shared {
        Ring<sleeps> there, back;
        alignas(128) std::atomic<std::uint32_t> active{0};
    };
    Shared* shared_ = nullptr;
    pid_t child_ = -1;
};

class SocketPeer {
public:
    explicit SocketPeer(int cpu) {
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets_) != 0) std::abort();
        child_ = ::fork();
        if (child_ != 0) return;
        pin(cpu);
        char bytes[payload];
        while (::recv(sockets_[1], bytes, sizeof bytes, 0) > 0) static_cast<void>(::send(sockets_[1], bytes, sizeof bytes, 0));
        ::_exit(0);
    }
    SocketPeer(const SocketPeer&) = delete;
    SocketPeer& operator=(const SocketPeer&) = delete;
    ~SocketPeer() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        ::close(sockets_[0]);
        ::close(sockets_[1]);
    }
    void begin() { call(); }
    void end() {}
    void call() {
        char bytes[payload] = {};
        static_cast<void>(::send(sockets_[0], bytes, sizeof bytes, 0));
        static_cast<void>(::recv(sockets_[0], bytes, sizeof bytes, 0));
        keep(bytes[0]);
    }

private:
    int sockets_[2] = {-1, -1};
    pid_t child_ = -1;
};

// --- the plugin: 1 answers with its first argument, 2 with nothing, 3 with a copy of its second argument, made in place ---

symphony_host plugin_host;

symphony_status plugin_invoke(symphony_instance*, const symphony_call* call) {
    switch (call->method) {
    case 1: call->ops->complete(call->ctx, call->id, call->args, 1); return SYMPHONY_OK;
    case 2: call->ops->complete(call->ctx, call->id, call->args, 1); return SYMPHONY_OK;
    default: {
        symphony_buf out[2] = {call->args[0], {}};
        if (const symphony_status status = plugin_host.buf_alloc(plugin_host.ctx, call->args[1].size, &out[1]); status < 0) return status;
        std::memcpy(const_cast<std::uint8_t*>(out[1].data), call->args[1].data, call->args[1].size);
        call->ops->complete(call->ctx, call->id, out, 2);
        out[1].ops->release(out[1].owner);
        return SYMPHONY_OK;
    }
    }
}
constexpr symphony_instance_ops plugin_ops{sizeof(symphony_instance_ops), SYMPHONY_INSTANCE_CONCURRENT, nullptr, nullptr, nullptr, &plugin_invoke,
                                           nullptr, nullptr, nullptr, nullptr, nullptr, [](symphony_instance*) {}};
symphony_status plugin_create(const symphony_host* host, const symphony_buf*, symphony_instance** out, const symphony_instance_ops** ops, symphony_error*) {
    plugin_host = *host;
    *out = reinterpret_cast<symphony_instance*>(&plugin_host);
    *ops = &plugin_ops;
    return SYMPHONY_OK;
}
constexpr symphony_plugin plugin{sizeof(symphony_plugin), SYMPHONY_MAGIC, 1, 0, 0, 0, 0, 0, {"bench", 5}, {"1.0.0", 5}, &plugin_create};

class Isolated {
public:
    explicit Isolated(int cpu) {
        auto pair = ipc::ChannelPair::make();
        if (!pair) std::abort();
        child_ = ::fork();
        if (child_ == 0) {
            pin(cpu);
            pair->host = ipc::ChannelEnd();
            ::_exit(ipc::serve(std::move(pair->runner), {[]() -> const symphony_plugin* { return &plugin; }, {}}));
        }
        pair->runner = ipc::ChannelEnd();
        instance_ = *ipc::RemoteInstance::connect(std::move(pair->host), {});
        const symphony_host host{sizeof host, 1, 0, nullptr, [](void*, symphony_str) -> const void* { return nullptr; }, nullptr, nullptr};
        if (instance_->create(&host, nullptr, &it_, &ops_, nullptr) < 0) std::abort();
        record_.assign(payload, 'r');
        bytes_.assign(large, 'b');
    }
    Isolated(const Isolated&) = delete;
    Isolated& operator=(const Isolated&) = delete;
    ~Isolated() {
        ops_->destroy(it_);
        instance_.reset();
        ::waitpid(child_, nullptr, 0);
    }
    void begin() { call(); }
    void end() {}
    void call() { call(1, 1); }
    /// Calls of which each begins in the completion of the one before, as a workflow's do: no third thread takes part.
    void chain(std::vector<double>& times) {
        static constexpr symphony_call_ops ops{sizeof(symphony_call_ops), 0,
            [](void* ctx, symphony_handle, const symphony_buf*, std::uint32_t) { static_cast<Isolated*>(ctx)->next_of_chain(); },
            [](void*, symphony_handle, const symphony_error*) { std::abort(); }, nullptr, nullptr, nullptr};
        chain_.times = &times;
        chain_.at = 0;
        chain_.argument.struct_size = sizeof chain_.argument;
        chain_.argument.data = record_.data();
        chain_.argument.size = record_.size();
        chain_.call.struct_size = sizeof chain_.call;
        chain_.call.method = 1;
        chain_.call.arg_count = 1;
        chain_.call.args = &chain_.argument;
        chain_.call.ctx = this;
        chain_.call.ops = &ops;
        chain_.call.port = to_c("bench/1");
        chain_done_.store(0);
        go_on();
        chain_done_.wait(0);
    }
    void call_with_megabyte() { call(2, 2); }
    void echo_megabyte() { call(3, 2); }
    pid_t child() const { return child_; }

private:
    /// An answer may come before invoke returns: then the next call is made here, and not within it.
    void go_on() {
        while (chain_.at < chain_.times->size()) {
            chain_.call.id = 1 + chain_.at % 2;
            chain_.met.store(0, std::memory_order_relaxed);
            chain_.start = now_ns();
            if (ops_->invoke(it_, &chain_.call) < 0) std::abort();
            if (chain_.met.exchange(1, std::memory_order_acq_rel) == 0) return; // the answer goes on
        }
        chain_done_.store(1);
        chain_done_.notify_one();
    }
    void next_of_chain() {
        (*chain_.times)[chain_.at++] = now_ns() - chain_.start;
        if (chain_.met.exchange(1, std::memory_order_acq_rel) == 1) go_on();
    }
    void call(std::uint32_t method, std::uint32_t count) {
        static constexpr symphony_call_ops ops{sizeof(symphony_call_ops), 0,
            [](void* ctx, symphony_handle, const symphony_buf* out, std::uint32_t) {
                char bytes[payload];
                std::memcpy(bytes, out[0].data, std::min<std::size_t>(payload, out[0].size));
                keep(bytes[0]);
                static_cast<std::atomic<int>*>(ctx)->store(1, std::memory_order_release);
            },
            [](void*, symphony_handle, const symphony_error*) { std::abort(); }, nullptr, nullptr, nullptr};
        std::atomic<int> done{0};
        symphony_buf args[2]{};
        args[0].struct_size = args[1].struct_size = sizeof args[0];
        args[0].data = record_.data();
        args[0].size = record_.size();
        args[1].data = bytes_.data();
        args[1].size = bytes_.size();
        symphony_call call{};
        call.struct_size = sizeof call;
        call.method = method;
        call.arg_count = count;
        call.args = args;
        call.id = 1;
        call.ctx = &done;
        call.ops = &ops;
        call.port = to_c("bench/1");
        if (ops_->invoke(it_, &call) < 0) std::abort();
        while (done.load(std::memory_order_acquire) == 0) std::this_thread::yield();
    }
    pid_t child_ = -1;
    std::unique_ptr<ipc::RemoteInstance> instance_;
    symphony_instance* it_ = nullptr;
    const symphony_instance_ops* ops_ = nullptr;
    std::vector<std::uint8_t> record_, bytes_;
    struct Chain {
        std::vector<double>* times = nullptr;
        std::size_t at = 0;
        double start = 0;
        std::atomic<int> met{0}; // of invoke's return and the answer, who came first
        symphony_buf argument{};
        symphony_call call{};
    } chain_;
    std::atomic<int> chain_done_{0};
};

struct Figures {
    std::vector<double> p50, p99;
    void add(std::vector<double>& times) {
        std::sort(times.begin(), times.end());
        p50.push_back(times[times.size() / 2]);
        p99.push_back(times[times.size() * 99 / 100]);
    }
};

/// One round: the quantiles of `calls` calls.
template <class Peer>
void round_of(Peer& peer, std::size_t calls, Figures& figures) {
    std::vector<double> times(calls);
    peer.begin();
    for (std::size_t i = 0; i < calls / 10; ++i) peer.call();
    for (double& time : times) {
        const double start = now_ns();
        peer.call();
        time = now_ns() - start;
    }
    peer.end();
    figures.add(times);
}

void chain_of(Isolated& peer, std::size_t calls, Figures& figures) {
    std::vector<double> times(calls);
    peer.chain(times);
    figures.add(times);
}

void measure(Report& report, bool two, std::size_t rounds, std::size_t calls) {
    pin(0);
    const int other = two ? 1 : 0;
    RingPeer<true> sleeping(other);
    SocketPeer sockets(other);
    std::unique_ptr<RingPeer<false>> polling(two ? new RingPeer<false>(other) : nullptr); // on one CPU two pollers wait for the scheduler
    Isolated isolated(other);
    Figures ours, chained, poll, sleep, socket;
    for (std::size_t i = 0; i < rounds; ++i) {
        round_of(isolated, calls, ours);
        if (polling) round_of(*polling, calls, poll);
        chain_of(isolated, calls, chained);
        round_of(isolated, calls, ours);
        round_of(sleeping, calls, sleep);
        chain_of(isolated, calls, chained);
        round_of(isolated, calls, ours);
        round_of(sockets, calls, socket);
    }
    // Every third round of ours, and every second chain, stands before the peer it is compared with.
    const auto before = [&](std::size_t which, const std::vector<double>& all, std::size_t step = 3) {
        std::vector<double> some;
        for (std::size_t i = which; i < all.size(); i += step) some.push_back(all[i]);
        return some;
    };
    const std::string where = two ? "two CPUs" : "one CPU";
    if (two) {
        report.add("isolated call, 128 B, " + where + ", p50", "ns", before(0, ours.p50), "polling ring", poll.p50, "<= 2x the polling ring");
        report.add("isolated call, 128 B, " + where + ", p99", "ns", before(0, ours.p99), "polling ring", poll.p99, "");
    }
    const std::string goal = two ? "" : "<= 1.2x the futex ring";
    report.add("isolated call, 128 B, " + where + ", p50", "ns", before(1, ours.p50), "futex ring", sleep.p50, goal);
    report.add("isolated call, 128 B, " + where + ", p99", "ns", before(1, ours.p99), "futex ring", sleep.p99, "");
    const std::string in_chain = "isolated call from the completion of the one before, 128 B, " + where;
    if (two) report.add(in_chain + ", p50", "ns", before(0, chained.p50, 2), "polling ring", poll.p50, "<= 2x the polling ring");
    report.add(in_chain + ", p50", "ns", before(1, chained.p50, 2), "futex ring", sleep.p50, goal);
    report.add(in_chain + ", p99", "ns", before(1, chained.p99, 2), "futex ring", sleep.p99, "");
    report.add("isolated call, 128 B, " + where + ", p50", "ns", before(2, ours.p50), "seqpacket socket pair", socket.p50, "");
    report.add("isolated call, 128 B, " + where + ", p99", "ns", before(2, ours.p99), "seqpacket socket pair", socket.p99, "");

    std::vector<double> in, echo, copy;
    const std::vector<std::uint8_t> from(large, 'f');
    std::vector<std::uint8_t> to(large);
    isolated.call_with_megabyte();
    isolated.echo_megabyte();
    for (std::size_t i = 0; i < rounds * 10; ++i) {
        copy.push_back(time_ns(4, [&] {
            std::memcpy(to.data(), from.data(), large);
            keep(to[0]);
        }));
        in.push_back(time_ns(4, [&] { isolated.call_with_megabyte(); }));
        echo.push_back(time_ns(4, [&] { isolated.echo_megabyte(); }));
    }
    report.add("isolated call with 1 MiB, " + where, "ns", in, "memcpy of 1 MiB", copy, "<= 2x one memcpy");
    report.add("isolated call with 1 MiB there and back, " + where, "ns", echo, "memcpy of 1 MiB", copy, "");
}

} // namespace

int main(int argc, char** argv) {
    const char* quick = std::getenv("SYMPHONY_BENCH_QUICK");
    const std::size_t rounds = quick != nullptr ? 5 : 40;
    Report report("channel", argc, argv);
    if (std::thread::hardware_concurrency() > 1) measure(report, true, rounds, 2000);
    measure(report, false, rounds, 500);
    return report.write();
}
