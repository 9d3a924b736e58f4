// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/ports/transport.hpp>
#include <symphony/transport/carrier.hpp>

#include <functional>
#include <optional>
#include <unordered_map>

namespace symphony::transport {

/// What holds for one connection, or for what one listener accepts.
struct Limits {
    std::uint64_t frame_bytes_max = std::uint64_t{16} << 20;
    std::uint32_t queue_frames_max = 1024;
    std::uint64_t queue_bytes_max = std::uint64_t{32} << 20;
    std::uint32_t connections_max = 0;
    std::uint32_t retries = 0, retry_ms = 10, retry_ms_max = 1000;
};

/// What all connections of a transport share.
struct Hub {
    Loop loop;
    Seats seats;
    std::vector<std::uint8_t> scratch = std::vector<std::uint8_t>(Seats::scratch_bytes);  ///< the loop's thread reads into it
    /// Counters of the plugin; nothing where metrics are off. [any]
    std::function<void(std::string_view name, std::uint64_t add)> count = [](std::string_view, std::uint64_t) {};

    /// Calls that wait here without a thread, by id. [any]
    void waits(std::uint64_t call_id, std::weak_ptr<class Connection> where);
    void waits_no_more(std::uint64_t call_id);
    std::shared_ptr<Connection> where(std::uint64_t call_id);

private:
    std::mutex mutex_;
    std::unordered_map<std::uint64_t, std::weak_ptr<Connection>> waiting_;
};

/// One connection: what waits to be sent, what came and waits to be received, and the calls that wait for either. The two directions
/// have a lock each; a caller's code (an answer, a part) only ever runs outside both. [any, unless it says otherwise]
class Connection final : public Loop::Client {
public:
    /// Told once: open, or why not. [the loop's thread, or inside start()]
    using Opened = std::function<void(const std::shared_ptr<Connection>&, Status)>;

    Connection(Hub& hub, std::uint64_t id, std::unique_ptr<Carrier> carrier, ports::Peer peer, const Limits& limits);
    ~Connection() override;

    std::uint64_t id() const noexcept { return id_; }
    const ports::Peer& peer() const noexcept { return peer_; }

    /// Greets, and waits for the other side's greeting until `greet_until_ns`.
    void start(std::uint64_t greet_until_ns, Opened opened);
    /// What is held as long as this connection is there.
    void hold(std::shared_ptr<void> what) { held_ = std::move(what); }

    Result<void> send(Call& call, const Buffer& content, bool wait);
    Result<void> receive(Call& call, std::uint32_t frames_max, std::uint32_t linger_ms, bool stay);
    Status finish();
    ports::ConnectionStatus status() const;
    /// Ends it here; calls that wait get `why`.
    void close(const Error& why);
    /// A call that waits here was cancelled.
    void cancel(std::uint64_t call_id);

    void on_events(std::uint32_t tag, std::uint32_t events) override;
    std::uint64_t on_time(std::uint64_t now) override;

private:
    using Lock = std::unique_lock<std::mutex>;
    static constexpr std::uint64_t lend_ns = 20'000'000;  // so long after a receive with `stay` the loop does not read: the next one is likely to come
    static constexpr int rounds_max = 16;                 // of reading, before others get their turn

    struct Batch {
        std::vector<ports::Frame> parts;
        std::optional<Error> error;
    };
    struct Receiving {
        Completion<void> call;
        std::uint32_t frames_max;
        std::uint64_t linger_ns, linger_until_ns;  // 0: no frame has come yet
    };
    struct Sending {
        Completion<void> call;
        Buffer content;
    };
    /// Answers that are given when no lock is held any more.
    class Answers;

    std::shared_ptr<Connection> self() { return std::static_pointer_cast<Connection>(shared_from_this()); }

    // Receiving; with in_mutex_.
    void pump(std::span<std::uint8_t> scratch);
    void read_on();
    void look_again();
    bool is_over() const noexcept { return in_error_.has_value() || in_.finished(); }
    bool is_ready(std::uint32_t frames_max, std::uint64_t linger_ns, std::uint64_t& linger_until_ns) const;
    Batch collect(std::uint32_t frames_max);
    Result<void> receive_here(Call& call, Lock& lock, std::uint32_t frames_max, std::uint64_t linger_ns);
    void advance();
    template <class To>
    Result<void> deliver(To& to, Batch batch);
    Opened take_opened(std::optional<Status>& outcome);

    // Sending; with out_mutex_.
    void flush(Answers& answers);
    void admit(Answers& answers);
    void out_ends(const Error& why, Answers& answers);
    void send_on();
    void over_if_both_finished();
    Error gone() const;

    Hub& hub_;
    const std::uint64_t id_;
    const std::unique_ptr<Carrier> carrier_;
    const ports::Peer peer_;
    const Limits limits_;
    std::shared_ptr<void> held_;
    std::atomic<std::uint64_t> frame_bytes_max_;  // the smaller of both sides'
    std::atomic<bool> finish_sent_{false}, finish_came_{false}, broken_{false};

    mutable std::mutex in_mutex_;
    Inbox in_;
    Opened opened_;
    std::uint64_t greet_until_ns_ = never;
    std::optional<Error> in_error_;  // after all that came: this
    std::optional<Receiving> receiving_call_;
    bool receiving_ = false, end_told_ = false;
    bool reading_ = true;            // the loop is told when something came
    bool looking_ = false;           // look_again() is under way
    bool full_ = false;              // and stopped reading because of it
    bool likely_empty_ = false;      // nothing was there the last time that somebody looked
    std::shared_ptr<Seat> seat_;     // of the thread that reads instead of the loop
    std::uint64_t lent_until_ns_ = 0;
    bool lending_ = false;           // on_time() will see to it that the loop reads again

    mutable std::mutex out_mutex_;
    Outbox out_;
    std::optional<Error> out_error_;
    std::deque<Sending> sending_;
    bool blocked_ = false, finishing_ = false, finish_queued_ = false;
};

} // namespace symphony::transport
