// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "child.hpp"

namespace symphony::transport {

/// The scheme `stdio`. connect() starts the program of the option `command` and speaks with its standard input and output; listen() takes
/// this process's own, once.
class StdioDriver final : public Driver {
public:
    explicit StdioDriver(const ChildOptions& options) : options_(options) {}
    std::string_view scheme() const noexcept override { return "stdio"; }
    Status check(const ports::Address& address) const override;
    Result<Dialed> dial(const ports::Address& address) override;
    Result<std::unique_ptr<Acceptor>> listen(const ports::Address& address) override;

private:
    const ChildOptions options_;
    std::atomic<bool> taken_{false};  // our own standard input and output
};

class TransportStdio final : public TransportServer {
public:
    explicit TransportStdio(Host host) : TransportServer(host, std::make_unique<StdioDriver>(options_of(host)), 1) {}

private:
    static ChildOptions options_of(Host host) {
        return {host, host.config()["stderr_bytes_max"].as_uint(64 * 1024), host.config()["end_ms"].as_uint(2000) * 1'000'000};
    }
};

} // namespace symphony::transport
