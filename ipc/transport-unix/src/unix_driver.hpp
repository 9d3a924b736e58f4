// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/server.hpp>

namespace symphony::transport {

/// The scheme `unix`: a stream over a socket file.
class UnixDriver final : public Driver {
public:
    explicit UnixDriver(std::uint64_t socket_buffer_bytes) : socket_buffer_bytes_(socket_buffer_bytes) {}
    std::string_view scheme() const noexcept override { return "unix"; }
    Status check(const ports::Address& address) const override;
    Result<Dialed> dial(const ports::Address& address) override;
    Result<std::unique_ptr<Acceptor>> listen(const ports::Address& address) override;

private:
    const std::uint64_t socket_buffer_bytes_;
};

class TransportUnix final : public TransportServer {
public:
    static constexpr std::uint32_t connections_max = 12000;
    explicit TransportUnix(Host host) : TransportServer(host, std::make_unique<UnixDriver>(host.config()["socket_buffer"].as_uint(256 * 1024)), connections_max) {}
};

} // namespace symphony::transport
