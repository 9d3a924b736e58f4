// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/server.hpp>

namespace symphony::transport {

/// One call of listen(): who comes in, until it is cancelled. Everything on the loop's thread, unless it says otherwise.
class TransportServer::Listener final : public Loop::Client {
public:
    Listener(TransportServer& server, std::unique_ptr<Acceptor> acceptor, const Limits& limits, Completion<void> call);
    /// [any]
    void begin();
    /// [any]
    void cancel();
    void on_events(std::uint32_t tag, std::uint32_t events) override;
    std::uint64_t on_time(std::uint64_t now) override;

private:
    static constexpr std::uint64_t pause_ns = 100'000'000;  // after the system had no descriptor for who came
    static constexpr int rounds_max = 64;

    std::shared_ptr<Listener> self() { return std::static_pointer_cast<Listener>(shared_from_this()); }
    void accept_all();
    void take(Dialed dialed);
    void opened(const std::shared_ptr<Connection>& connection, const Status& status);
    void end(const Error& why);

    TransportServer& server_;
    const Limits limits_;
    std::unique_ptr<Acceptor> acceptor_;
    std::optional<Completion<void>> call_;
    std::uint64_t place_ = 0, resume_at_ns_ = never;
    std::shared_ptr<std::atomic<std::uint32_t>> open_ = std::make_shared<std::atomic<std::uint32_t>>(0);  // connections that live
};

} // namespace symphony::transport
