// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/server.hpp>

namespace symphony::transport {

/// The scheme `pipe`: named pipes as Windows has them. On other systems everything is refused, with the way out.
class PipeDriver final : public Driver {
public:
    std::string_view scheme() const noexcept override { return "pipe"; }
#ifdef _WIN32
    // windows/pipe_driver.cpp
    Status check(const ports::Address& address) const override;
    Result<Dialed> dial(const ports::Address& address) override;
    Result<std::unique_ptr<Acceptor>> listen(const ports::Address& address) override;
#else
    Status check(const ports::Address&) const override { return not_here(); }
    Result<Dialed> dial(const ports::Address&) override { return not_here(); }
    Result<std::unique_ptr<Acceptor>> listen(const ports::Address&) override { return not_here(); }

private:
    static Error not_here() {
        return {Code::unsupported, "scheme", "named pipes are of Windows, and this is another operating system", "use scheme \"unix\" with the path of a socket file"};
    }
#endif
};

class TransportPipe final : public TransportServer {
public:
    static constexpr std::uint32_t connections_max = 256;
    explicit TransportPipe(Host host) : TransportServer(host, std::make_unique<PipeDriver>(), connections_max) {}
};

} // namespace symphony::transport
