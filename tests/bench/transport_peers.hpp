// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::bench {

inline constexpr std::size_t message_bytes_max = 1 << 20;

/// A process that sends back what it gets, and this side of it. The constructor forks; connect() may make threads.
class EchoPeer {
public:
    EchoPeer() = default;
    EchoPeer(const EchoPeer&) = delete;
    EchoPeer& operator=(const EchoPeer&) = delete;
    virtual ~EchoPeer() = default;
    virtual void connect() {}
    /// Around some calls: a peer that polls does so only then.
    virtual void begin() {}
    virtual void end() {}
    virtual void call(std::size_t bytes) = 0;
};

void pin(int cpu);

[[noreturn]] inline void die(const char* what) {
    std::perror(what);
    std::abort();
}

/// A process for one peer; killed with it.
class Child {
public:
    Child(int cpu, const std::function<void()>& body) : pid_(::fork()) {
        if (pid_ < 0) die("fork");
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(cpu);
        body();
        ::_exit(0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }

private:
    const pid_t pid_;
};

/// @param cpu  Where the other process runs.
std::unique_ptr<EchoPeer> over_unix(int cpu, bool stay);
std::unique_ptr<EchoPeer> over_shm(int cpu);
std::unique_ptr<EchoPeer> over_stdio(int cpu);
std::unique_ptr<EchoPeer> raw_socket(int cpu);
std::unique_ptr<EchoPeer> raw_pipe(int cpu);
std::unique_ptr<EchoPeer> polling_ring(int cpu);
std::unique_ptr<EchoPeer> futex_ring(int cpu);
std::unique_ptr<EchoPeer> boost_queue(int cpu);
/// Null where it is not installed; each says so, once. transport_brokers.cpp.
std::unique_ptr<EchoPeer> over_zmq(int cpu);
std::unique_ptr<EchoPeer> over_nng(int cpu);
/// Request and reply through a server on the loopback interface, all three on their own as programs are; the server and the other side run on `cpu`.
std::unique_ptr<EchoPeer> over_nats(int cpu);
/// What over_stdio() starts this program again for.
int stdio_echo(int cpu);
/// What over_nng() does.
int nng_echo(const char* address);

} // namespace symphony::bench
