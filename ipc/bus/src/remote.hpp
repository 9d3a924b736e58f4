// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core.hpp"
#include "dispatcher.hpp"

#include <symphony/bus/frame.hpp>
#include <symphony/bus/link.hpp>

namespace symphony::bus {

class Connection;

/// What all connections of the bus have in common.
struct Shared {
    std::shared_ptr<Core> kept; ///< a connection that a thread of the transport lets go late still needs it
    Core& core;
    ipc::UuidSource& ids;
    Dispatcher& dispatcher;
    Host host;
    std::string token{};        ///< empty: nobody gets in with one
    bool token_always = false;  ///< also programs of the same user need it
    std::uint64_t enter_ns = 10'000'000'000; ///< how long one may take to greet and to say its token
    std::function<void(const Connection*)> gone{};
    std::function<void()> idle{}; ///< a connection has sent all that it had
};

/// What waits for one connection under one number: a subscription, an endpoint, or answers.
class RemoteChannel final : public Receiver, public std::enable_shared_from_this<RemoteChannel> {
public:
    RemoteChannel(std::weak_ptr<Connection> connection, std::uint32_t number, const MailboxLimits& limits) : box_(limits), connection_(std::move(connection)), number_(number) {}

    Offer deliver(const MessageRef& message, bool& woken) noexcept override { return box_.offer(message, woken); }
    Offer deliver_waiting(const MessageRef& message, std::chrono::steady_clock::time_point deadline, bool& woken) noexcept override {
        return box_.offer_waiting(message, deadline, woken);
    }
    void wake() noexcept override;
    void end(const Status& reason) noexcept override;
    Figures figures() const noexcept override { return box_.figures(); }

    Mailbox& box() noexcept { return box_; }
    std::uint32_t number() const noexcept { return number_; }
    /// Why it was ended, for the other side.
    Status reason() const;

private:
    Mailbox box_;
    const std::weak_ptr<Connection> connection_;
    const std::uint32_t number_;
    mutable std::mutex mutex_;
    Status reason_;
};

/// A program at the other end of a transport. What it sends goes into the core on the thread that brings it; where it has to wait for room, on a thread of the bus, and
/// nothing more is read from it meanwhile.
class Connection final : public Link::Owner, public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<Shared> shared, std::shared_ptr<Link> link, const ports::Peer& peer);
    void start();
    void close(const Error& why) { link_->close(why); }
    /// Nothing waits to be sent.
    bool idle() const { return link_->idle(); }
    /// It has greeted and may take part.
    bool entered() const { return greeted_.load(std::memory_order_acquire) && authenticated_.load(std::memory_order_acquire); }

    bool on_frame(const Buffer& frame) override;
    void fill(ipc::OutBuffer& frame) override;
    void on_idle() override { shared_.idle(); }
    void on_end(const Error& why) override;

    void ready(std::shared_ptr<RemoteChannel> channel);

private:
    class Waiting;
    bool greet(const Buffer& frame);
    /// Goes through the items of the frame that was read. @return False when it has to wait, and in the end when the connection is over.
    bool go_on();
    bool take(const MessageRef& message, Publisher::Outcome& outcome);
    Result<MessageRef> read(const Item& item);
    Status check_sender(const ipc::EnvelopeView& view);
    void ask(const MessageRef& message, Publisher::Outcome& outcome);
    Result<Value> control(const ipc::EnvelopeView& view);
    Result<Value> authenticate(ValueView content);
    Result<Value> subscribe(ValueView content);
    Result<Value> add_endpoint(ValueView content);
    Result<std::uint32_t> channel_of(ValueView content) const;
    void answer(MessageRef message);
    void refuse(const ipc::EnvelopeView& view, const Error& error);
    ipc::Envelope from_bus(std::string_view type) const;
    void append(ipc::OutBuffer& frame, RemoteChannel& channel, const Message& message);
    void append_event(ipc::OutBuffer& frame, std::uint32_t channel, std::string_view type, Value content);
    bool drain(ipc::OutBuffer& frame, RemoteChannel& channel);

    const std::shared_ptr<Shared> held_;
    Shared& shared_;
    const std::shared_ptr<Link> link_;
    std::atomic<bool> authenticated_, greeted_{false};
    int attempts_ = 0;
    Publisher publisher_;              // of who reads
    std::unique_ptr<WireCodec> in_, out_; // out_: of who sends
    std::vector<Item> items_;
    std::size_t next_ = 0;
    std::string checked_sender_;
    std::uint64_t checked_version_ = 0;
    std::shared_ptr<RemoteChannel> answers_;
    std::atomic<std::uint32_t> open_requests_{0};
    Mailbox::Batch batch_; // of who sends

    std::mutex mutex_; // of what follows
    bool over_ = false, greeting_sent_ = false;
    std::deque<std::shared_ptr<RemoteChannel>> ready_;
    std::map<std::uint32_t, std::uint64_t> subscriptions_;           // by channel
    std::map<std::string, EndpointRef, std::less<>> endpoints_;
};

/// Tells who waits for everything to be done that something more is. Outlives whoever may ring it. [any]
struct Bell {
    std::atomic<bool> wanted{false};
    std::mutex mutex;
    std::condition_variable rung;
    void ring() {
        if (!wanted.load(std::memory_order_acquire)) return;
        const std::lock_guard lock(mutex);
        rung.notify_all();
    }
};

/// Where the bus listens, and who is connected. [any]
class Listeners {
public:
    explicit Listeners(Shared shared);
    Listeners(const Listeners&) = delete;
    Listeners& operator=(const Listeners&) = delete;
    ~Listeners() { stop(std::chrono::milliseconds(0)); }

    /// Connections come from now on. @return As `listen` of the transport, or `invalid_argument` "bad-address".
    Status listen(std::string_view address);
    /// Listens no more, waits until what is queued is sent and what was asked is answered, at most `longest`, and ends all connections. @return Whether everything was done in time.
    bool stop(std::chrono::milliseconds longest);
    std::size_t connections() const;
    /// Ends who has taken too long to enter. @return Whether there is anything to come back for.
    bool tick();
    /// Called once when the connection over this program's own standard input and output has ended: who started it is gone. Before listen().
    void on_starter_gone(std::function<void()> tell) { starter_gone_ = std::move(tell); }

private:
    void accept(const ports::TransportClient& transport, const ports::Accepted& accepted, bool starter);
    void gone(const Connection* which);
    void starter_left();

    const std::shared_ptr<Shared> held_;
    Shared& shared_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    CancelSource cancel_;
    std::size_t open_ = 0; // listens that have not ended
    bool stopping_ = false;
    std::deque<std::pair<std::uint64_t, std::weak_ptr<Connection>>> entering_; // until when; the oldest first
    std::map<const Connection*, std::shared_ptr<Connection>> connections_;
    const Connection* starter_ = nullptr; // a name, not to be followed
    std::function<void()> starter_gone_;
    const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
};

} // namespace symphony::bus
