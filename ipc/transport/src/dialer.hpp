// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/server.hpp>

namespace symphony::transport {

/// One call of connect(): its attempts, and the waits between them.
class TransportServer::Dialer final : public Loop::Client {
public:
    Dialer(TransportServer& server, const ports::Address& address, const Limits& limits, Completion<ports::Accepted> call);
    void begin();
    /// [any]
    void cancel();
    void on_events(std::uint32_t, std::uint32_t) override {}
    std::uint64_t on_time(std::uint64_t now) override;

private:
    std::shared_ptr<Dialer> self() { return std::static_pointer_cast<Dialer>(shared_from_this()); }
    void attempt();
    void opened(const std::shared_ptr<Connection>& connection, const Status& status);
    void failed(const Error& error);
    void answer(const Result<ports::Accepted>& result);

    TransportServer& server_;
    const ports::Address address_;
    const Limits limits_;
    std::mutex mutex_;
    Completion<ports::Accepted> call_;
    bool done_ = false;
    Backoff backoff_;
    std::uint64_t attempt_at_ns_ = never;
    std::shared_ptr<Connection> current_;
    std::optional<Error> last_;
};

} // namespace symphony::transport
