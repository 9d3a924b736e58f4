// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core.hpp"
#include "dispatcher.hpp"
#include "remote.hpp"

#include <symphony/ports/bus.hpp>

#include <variant>

namespace symphony::bus {

/// Publishers that nobody uses at the moment. A call takes one for its own time, so that who is called back from inside of a call can publish, too. [any]
class Publishers {
public:
    explicit Publishers(Core& core) noexcept : core_(core) {}

    class Lease {
    public:
        Lease(Publishers& from, std::unique_ptr<Publisher> publisher) noexcept : from_(from), publisher_(std::move(publisher)) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { from_.give_back(std::move(publisher_)); }
        Publisher* operator->() const noexcept { return publisher_.get(); }

    private:
        Publishers& from_;
        std::unique_ptr<Publisher> publisher_;
    };
    Lease take();

private:
    void give_back(std::unique_ptr<Publisher> publisher) noexcept;

    Core& core_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Publisher>> free_;
};

/// `bus/1` over a core: calls become messages, subscriptions and endpoints become receivers.
class BusPlugin : public ports::Bus {
public:
    explicit BusPlugin(Host host);
    ~BusPlugin() override;

    Status activate();
    Status quiesce(std::uint64_t deadline_ns);
    Status deactivate();
    void on_cancel(std::uint64_t call_id);

    Result<std::uint64_t> publish(Call& call, const std::vector<ports::EnvelopeRecord>& messages) override;
    Result<ports::EnvelopeRecord> request(Call& call, const ports::EnvelopeRecord& message) override;
    Result<void> subscribe(Call& call, const ports::BusSubscription& subscription) override;
    Result<void> serve(Call& call, const ports::BusEndpoint& endpoint) override;
    Result<void> heartbeat(Call& call, std::string_view endpoint) override;
    Result<std::vector<ports::BusEndpointInfo>> endpoints(Call& call, std::string_view type) override;
    Result<void> set_routes(Call& call, const std::vector<ports::BusRoute>& routes) override;
    Result<std::vector<ports::BusRoute>> routes(Call& call) override;
    Result<ports::BusStats> stats(Call& call) override;

protected:
    Host host() const noexcept { return host_; }
    Core& core() noexcept { return *kept_; }
    Listeners& listeners() noexcept { return *listeners_; }
    /// Something that another thread answers, so that it shows whether messages are carried. @return False: not within `longest`.
    bool alive(std::chrono::milliseconds longest);
    /// Called from on_cancel().
    virtual void cancelled_call(std::uint64_t call_id) { static_cast<void>(call_id); }

private:
    using Open = std::variant<std::uint64_t, EndpointRef, ipc::Uuid>; // what a call that has not ended stands for
    Result<MessageRef> message_of(const ports::EnvelopeRecord& record);
    void remember(std::uint64_t call_id, Open what, const Call& call);
    void forget(std::uint64_t call_id);
    void end(const Open& what, const Error& why);
    bool tick();

    Host host_;
    ipc::UuidSource ids_;
    const std::shared_ptr<Core> kept_;
    Core& core_;
    Publishers publishers_;
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, Open> open_;
    std::uint64_t exported_ns_ = 0;
    std::unique_ptr<Dispatcher> dispatcher_;
    std::unique_ptr<Listeners> listeners_;
};

} // namespace symphony::bus
