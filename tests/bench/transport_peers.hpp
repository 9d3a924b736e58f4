// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

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
/// @param cpu  Where the other process runs.
std::unique_ptr<EchoPeer> over_unix(int cpu, bool stay);
std::unique_ptr<EchoPeer> over_shm(int cpu);
std::unique_ptr<EchoPeer> over_stdio(int cpu);
std::unique_ptr<EchoPeer> raw_socket(int cpu);
std::unique_ptr<EchoPeer> raw_pipe(int cpu);
std::unique_ptr<EchoPeer> polling_ring(int cpu);
std::unique_ptr<EchoPeer> futex_ring(int cpu);
std::unique_ptr<EchoPeer> boost_queue(int cpu);
/// Null where it is not installed.
std::unique_ptr<EchoPeer> over_zmq(int cpu);
/// What over_stdio() starts this program again for.
int stdio_echo(int cpu);

} // namespace symphony::bench
