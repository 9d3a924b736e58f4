// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/server.hpp>

namespace symphony::transport {

/// The scheme `shm`: rings in memory that both sides map, handed over through a socket file.
class ShmDriver final : public Driver {
public:
    /// @param ring_bytes  Made a power of two between 16 KiB and 16 MiB.
    explicit ShmDriver(std::uint64_t ring_bytes);
    std::string_view scheme() const noexcept override { return "shm"; }
    Status check(const ports::Address& address) const override;
    Result<Dialed> dial(const ports::Address& address) override;
    Result<std::unique_ptr<Acceptor>> listen(const ports::Address& address) override;

private:
    const std::uint64_t ring_bytes_;
};

class TransportShm final : public TransportServer {
public:
    static constexpr std::uint32_t connections_max = 256;
    explicit TransportShm(Host host) : TransportServer(host, std::make_unique<ShmDriver>(host.config()["ring_bytes"].as_uint(2 << 20)), connections_max) {}
};

} // namespace symphony::transport
