// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/backoff.hpp>
#include <symphony/transport/connection.hpp>

#include <string>

namespace symphony::transport {

/// What a scheme gives for one new connection.
struct Dialed {
    std::unique_ptr<Carrier> carrier;
    ports::Peer peer;
};

/// An address that is being listened at; given up by the destructor. [the loop's thread]
class Acceptor {
public:
    Acceptor() = default;
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    virtual ~Acceptor() = default;
    /// Readable when somebody comes; `no_descriptor`: accept() is asked once, at the begin.
    virtual Descriptor descriptor() const noexcept = 0;
    /// Who comes, without waiting. @return Nothing when nobody does; `not_granted` when it is another user, who is gone again.
    virtual Result<std::optional<Dialed>> accept() = 0;
};

/// What is particular to one scheme. [any]
class Driver {
public:
    Driver() = default;
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    virtual ~Driver() = default;
    virtual std::string_view scheme() const noexcept = 0;
    /// What is wrong with the path or the options: `bad-address`. Also `unsupported` where nothing can be done here.
    virtual Status check(const ports::Address& address) const = 0;
    /// Opens without waiting for the other side's greeting. @return `no-listener`, `other-user`, `io`
    virtual Result<Dialed> dial(const ports::Address& address) = 0;
    virtual Result<std::unique_ptr<Acceptor>> listen(const ports::Address& address) = 0;
};

/// `bad-address` for every option, or for every one that is not in `known`.
Status check_options(const ports::Address& address, std::initializer_list<std::string_view> known);
Error bad_address(const ports::Address& address, std::string_view what);

/// The port `transport/1` upon a driver. A plugin derives, and gives its driver. What is configured under which key says the plugin's manifest.
class TransportServer : public ports::Transport {
public:
    TransportServer(Host host, std::unique_ptr<Driver> driver, std::uint32_t connections_max);
    ~TransportServer() override;

    Result<ports::Accepted> connect(Call& call, const ports::Address& address, const ports::TransportLimits& limits) override;
    Result<void> listen(Call& call, const ports::Address& address, const ports::TransportLimits& limits) override;
    Result<void> send(Call& call, std::uint64_t connection, const Buffer& content, bool wait) override;
    Result<void> receive(Call& call, std::uint64_t connection, std::uint32_t frames_max, std::uint32_t linger_ms, bool stay) override;
    Result<void> close(Call& call, std::uint64_t connection) override;
    Result<void> finish(Call& call, std::uint64_t connection) override;
    Result<ports::ConnectionStatus> status(Call& call, std::uint64_t connection) override;

    // The plugin's hooks.
    void on_cancel(std::uint64_t call_id);
    Status quiesce(std::uint64_t deadline_ns);
    Status deactivate();

private:
    class Dialer;
    class Listener;
    friend class Dialer;
    friend class Listener;

    Result<Limits> limits_of(const ports::TransportLimits& asked) const;
    Status check(const ports::Address& address) const;
    Result<std::shared_ptr<Connection>> find(std::uint64_t id) const;
    std::shared_ptr<Connection> make(Dialed dialed, const Limits& limits);
    void open(const std::shared_ptr<Connection>& connection);
    Status drop(std::uint64_t id);
    void end_all();

    Host host_;
    std::unique_ptr<Driver> driver_;
    Limits limits_;
    std::uint64_t greeting_ns_;
    Hub hub_;
    std::atomic<std::uint64_t> next_id_{1};
    mutable std::mutex mutex_;
    bool stopping_ = false;
    std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
    std::unordered_map<std::uint64_t, std::shared_ptr<Dialer>> dialers_;      // by call
    std::unordered_map<std::uint64_t, std::shared_ptr<Listener>> listeners_;  // by call
};

} // namespace symphony::transport
