// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bus/frame.hpp>
#include <symphony/bus/link.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <unordered_map>

namespace symphony::bus {

/// A program's end of a connection to a bus elsewhere, over `transport/1`. It has no thread of its own: handlers run on the transport's thread, one after the other, and must be short; they may
/// publish and answer, and must not wait for answers. When the last copy of what connect() gave goes, the connection is closed; the host must outlive it. All methods but close() fail with `peer_died` once the connection is over. [any]
class Client {
public:
    struct Options {
        std::string name = "symphony"; ///< of the program, for people
        std::string token;             ///< where the bus asks for one
        std::chrono::milliseconds connect_ms_max{5000};
        std::size_t pending_bytes_max = 8u << 20; ///< of what waits to be sent
        std::chrono::milliseconds publish_ms_max{30'000}; ///< how long publish() waits for room
    };
    /// @param address  Such as "unix:/run/user/1000/symphony-bus.sock". @return Also `unsupported` "no-common-version" or "no-common-codec", `not_granted` "not-authenticated".
    static Result<std::shared_ptr<Client>> connect(const Host& host, std::string_view address, const Options& options);
    static Result<std::shared_ptr<Client>> connect(const Host& host, const ports::Address& address, const Options& options);

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();

    using Answer = std::function<void(Result<ipc::Envelope>)>;
    /// Looks into memory that lives until the handler returns; `ipc::own(view, holder)` makes a copy that shares the content.
    struct Delivered {
        const ipc::EnvelopeView& message;
        const Buffer& holder;
    };
    using Handler = std::function<void(const Delivered&)>;
    using LossHandler = std::function<void(std::uint64_t lost)>;

    /// Waits for the answer, at most `timeout_ms`. Not from a handler. @param recipient  An endpoint, or empty.
    Result<ipc::Envelope> request(std::string_view type, Value content, std::string_view recipient = {}, std::uint32_t timeout_ms = 30'000);
    /// `answer` is called exactly once.
    void request_async(ipc::Envelope request, Answer answer);

    /// Queues an event or an answer. Waits for room, at most `publish_ms_max`, unless it is called from a handler. @return `busy` "queue-full".
    Status publish(const ipc::EnvelopeView& message);
    Status publish(std::string_view type, const Value& content, std::string_view sender = {});
    /// The answer to a request that came to this client's endpoint.
    Status respond(const ipc::EnvelopeView& request, Value content);

    /// @return The channel that ends it.
    Result<std::uint32_t> subscribe(const ports::BusSubscription& subscription, Handler handler, LossHandler lost = {});
    Status unsubscribe(std::uint32_t channel);
    Status serve(const ports::BusEndpoint& endpoint, Handler handler);
    Status heartbeat(std::string_view endpoint);
    Result<std::vector<ports::BusEndpointInfo>> endpoints(std::string_view type = {});
    Result<ports::BusStats> stats();

    void close();
    /// @return Why the connection is over; nothing while it is not. @param longest  How long to wait for that.
    std::optional<Error> wait_closed(std::chrono::milliseconds longest);
    ipc::Uuid next_id() noexcept { return ids_.next(); }

private:
    class Ears;
    struct Channel {
        Handler handler;
        LossHandler lost;
    };
    explicit Client(Options options) : options_(std::move(options)), codec_("compact-binary") {}
    Status greet();
    Result<Value> ask(std::string_view type, Value content);
    Status queue(const ipc::EnvelopeView& message, bool may_wait);
    bool on_frame(const Buffer& frame);
    void on_item(const Item& item);
    void fill(ipc::OutBuffer& frame);
    void on_end(const Error& why);

    const Options options_;
    ipc::UuidSource ids_;
    WireCodec codec_;
    std::shared_ptr<Link> link_;
    std::mutex mutex_;
    std::condition_variable changed_;
    ipc::OutBuffer pending_;
    std::unordered_map<std::string, Answer> answers_; // by the bytes of the request's id
    std::map<std::uint32_t, std::shared_ptr<const Channel>> channels_;
    std::uint32_t next_channel_ = 1;
    std::optional<std::string> endpoint_; // the first that was registered: who answers
    bool greeted_ = false;
    std::optional<Error> ended_;
    std::atomic<std::thread::id> handling_{};
};

} // namespace symphony::bus
