// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tracker.hpp"

#include <array>
#include <list>

namespace symphony::bus {

class Publisher;

/// Where in Counters what is counted.
enum class Count : std::uint8_t {
    published, delivered, lost, undeliverable, requests, answered, timed_out, failed, late_replies, duplicate_replies, unknown_replies, refused,
    connections, refused_connections, counts
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Count::counts)> count_names{
    "published", "delivered", "lost", "undeliverable", "requests", "answered", "timed_out", "failed", "late_replies", "duplicate_replies",
    "unknown_replies", "refused", "connections", "refused_connections"};
using Counters = std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Count::counts)>;

struct CoreLimits {
    std::size_t endpoints_max = 1024, subscriptions_max = 16'384, routes_max = 1024, open_requests_max = 65'536, remembered_max = 65'536;
    std::uint64_t queued_bytes_max = std::uint64_t{1} << 30; ///< in all queues together
};

/// The bus without a host: who is there, who listens, who waits for what. Knows neither threads nor transports; time comes from its clock, and what is due is
/// done by tick(). [any]
class Core {
public:
    using Clock = std::function<std::uint64_t()>;
    Core(const CoreLimits& limits, Clock now_ns);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    ~Core();

    /// @return Its id, or `exhausted` "too-many-subscriptions".
    Result<std::uint64_t> subscribe(Subscription subscription);
    /// The receiver gets `reason`. A stale id is nothing. A message that is on its way at this moment may still be delivered.
    void unsubscribe(std::uint64_t id, const Status& reason);

    /// @param endpoint  With name, capabilities, heartbeat and receiver. @return `conflict` "endpoint-exists", `exhausted` "too-many-endpoints".
    Status add(EndpointRef endpoint);
    /// Takes it out of routing at once, fails what waits for it, and ends its receiver with `reason`. A second time is nothing.
    void remove(const EndpointRef& endpoint, const Status& reason);
    /// @return `not_found` "no-endpoint".
    Status heartbeat(std::string_view name);
    static void heartbeat(Endpoint& endpoint, std::uint64_t now_ns) noexcept;

    /// @return `exhausted` "too-many-routes".
    Status set_routes(std::vector<Route> routes);
    std::vector<Route> routes() const;

    /// Requests that are due fail, endpoints that missed three heartbeats leave routing. @return Whether there is anything to come back for.
    bool tick();

    std::shared_ptr<const Table> table();
    std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
    std::uint64_t now_ns() const { return clock_(); }
    Tracker& tracker() noexcept { return tracker_; }
    /// For the limits of every queue of this bus.
    const std::shared_ptr<Budget>& budget() const noexcept { return budget_; }

    std::vector<ports::BusEndpointInfo> endpoints(std::string_view type) const;
    ports::BusStats stats() const;
    void count(Count what, std::uint64_t more = 1) noexcept { counters_[static_cast<std::size_t>(what)].fetch_add(more, std::memory_order_relaxed); }

private:
    friend class Publisher;
    void changed() noexcept { version_.fetch_add(1, std::memory_order_acq_rel); }
    ports::BusEndpointInfo info_of(const Endpoint& endpoint) const;
    std::vector<EndpointRef> all_endpoints() const;

    const CoreLimits limits_;
    Clock clock_;
    Tracker tracker_;
    const std::shared_ptr<Budget> budget_;
    Counters counters_{};
    std::atomic<std::uint64_t> version_{1};
    mutable std::mutex mutex_;
    std::map<std::uint64_t, std::shared_ptr<const Subscription>> subscriptions_;
    std::map<std::string, EndpointRef, std::less<>> endpoints_;
    std::vector<Route> routes_;
    std::shared_ptr<const Table> table_; // of version_, or older and then made anew when it is asked for
    std::uint64_t next_id_ = 1;
    std::list<Publisher*> publishers_;
};

/// One stream of messages into the bus: what goes in here in order comes out in order. Remembers who gets what for as long as nobody comes or goes. Used by one
/// thread at a time; the core outlives it.
class Publisher {
public:
    explicit Publisher(Core& core);
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;
    ~Publisher();

    /// Of one message, and whom several messages have woken: one outcome for many messages wakes each receiver once for all of them.
    struct Outcome {
        Outcome() = default;
        Outcome(const Outcome&) = delete;
        Outcome& operator=(const Outcome&) = delete;
        ~Outcome() { wake(); }
        void wake() noexcept;

        std::uint64_t receivers = 0;
        /// Receivers of policy block that have no room. Nothing else of this publisher may be published before finish() has dealt with them.
        std::vector<std::shared_ptr<Receiver>> blocked{};
        std::vector<std::shared_ptr<Receiver>> woken{};
    };
    /// Hands an event or an answer over; never waits. @return As `publish` of the port.
    Status publish(const MessageRef& message, Outcome& outcome);
    /// Waits for the blocked ones.
    void finish(const MessageRef& message, Outcome& outcome, std::chrono::steady_clock::time_point deadline);
    /// Copies of a message of any kind for whoever subscribed; no routes. The hot path. @return Who gets its type, until the next call.
    const Resolved& spread(const MessageRef& message, Outcome& outcome);

    /// Sends a request; `asker` gets the answer, or what went wrong, exactly once.
    void request(const MessageRef& message, std::uint64_t deadline_ns, Asker asker, Outcome& outcome);

private:
    friend class Core;
    enum Own : std::uint8_t { published, delivered, owns };
    // The first three are the hot path, inlined into each other: their calls would cost as much as their work.
    const Resolved& resolve(std::string_view type);
    const Resolved& spread_now(const MessageRef& message, Outcome& outcome);
    const Resolved& resolve_anew(std::string_view type);
    void deliver(const std::shared_ptr<Receiver>& receiver, const MessageRef& message, Outcome& outcome);
    /// What follows from an offer. @param subscription  0: of an endpoint.
    void settle(Offer what, bool woken, const std::shared_ptr<Receiver>& receiver, std::uint64_t subscription, Outcome& outcome);
    Status answer(const MessageRef& message, Outcome& outcome);
    Status to_recipient(const MessageRef& message, Outcome& outcome);
    void to_routes(const Resolved& known, const MessageRef& message, Outcome& outcome);
    Result<EndpointRef> choose(const ipc::EnvelopeView& view);
    // Only this publisher writes them: no locked instruction for what is counted with each message.
    void own(Own what, std::uint64_t more = 1) noexcept {
        own_[what].store(own_[what].load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }

    Core& core_;
    std::shared_ptr<const Table> table_;
    ByName<Resolved> known_;
    const Resolved* last_ = nullptr; // of last_type_
    std::string last_type_;
    std::array<std::atomic<std::uint64_t>, owns> own_{};
};

} // namespace symphony::bus
