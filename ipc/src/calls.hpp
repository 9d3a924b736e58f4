// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "link.hpp"

#include <symphony/abi/call.h>

#include <array>
#include <atomic>
#include <memory>
#include <string_view>

namespace symphony::ipc {

/// Calls that this side makes into the other process, and requests that wait for one answer. Every call ends exactly once,
/// whatever the peer sends; what the peer may not send is a violation.
///
/// A call's messages go into its inbox. They are taken out, one after the other, by the thread that is still inside invoke(),
/// later by a thread of the link: callbacks of one caller never run on another caller's stack.
class Outbound {
public:
    explicit Outbound(Link& link) : link_(link) {}
    Outbound(const Outbound&) = delete;
    Outbound& operator=(const Outbound&) = delete;
    ~Outbound();

    /// Begins a call and waits until the callee's own invoke has returned, or the call's end has come, or its deadline has
    /// passed. @param target  Sent along: a handle. @param error  May be null.
    /// @return As symphony_instance_ops.invoke. Throws again what the callee threw.
    symphony_status invoke(std::uint64_t target, const symphony_call& call, symphony_handle* call_out, symphony_error* error);
    /// Tells the callee, for a call that the caller knows by its own id.
    void cancel_by_caller_id(symphony_handle id);
    /// The same for what `call_out` was set to.
    void cancel(symphony_handle call);

    /// Sends a request and waits for its answer until `until_ns`.
    /// @return The answer, to be given back to the link; or why there is none.
    Result<Message*> ask(Outgoing& request, std::uint64_t until_ns = ~std::uint64_t{0});

    /// From the receiver, in the role. False: the peer may not send that.
    bool on_message(Message*& message, Task& task);
    /// Looks at the callers' own `cancelled`. [a thread of the link]
    void on_tick();
    bool wants_ticks() const noexcept { return detached_.load(std::memory_order_relaxed) != 0; }

    /// Why the link is about to be closed: who finds it closed says so. The first reason counts.
    void remember(const Error& why);
    /// Ends everything that is open and everything to come with `why`. The link is closed already. Once.
    void end_all(const Error& why);

    std::size_t in_flight() const noexcept;
    std::uint64_t ended() const noexcept { return ended_.load(std::memory_order_relaxed); }
    bool overdue(std::uint64_t grace_ns) const noexcept;

private:
    struct Slot;
    struct Parts;
    static constexpr std::uint32_t chunk = 64;

    Slot* open(bool request);
    Slot* find(std::uint64_t call) const noexcept;
    void close(Slot& slot) noexcept;
    void push(Slot& slot, Message* message) noexcept;
    Task notify(Slot& slot);
    bool drain(Slot& slot);
    void drain_detached(Slot& slot);
    bool deliver(Slot& slot, Message& message);
    void send_cancel(std::uint64_t call, bool told);
    bool poll_cancelled(Slot& slot);
    Message* ending(const Error& why);
    Error reason() const;
    template <class Do>
    void for_each_open(Do act) const;

    Link& link_;
    std::array<std::atomic<std::uint64_t>, calls_max / chunk> used_{};
    std::array<std::atomic<Slot*>, calls_max / chunk> slots_{};
    std::atomic<std::uint64_t> ended_{0};
    std::atomic<int> detached_{0};
    mutable std::mutex reason_mutex_;
    std::optional<Error> reason_;
};

/// Calls that the other process makes into this one.
class Inbound {
public:
    /// Enters the callee. [a thread of the link]
    class Callee {
    public:
        Callee() = default;
        Callee(const Callee&) = delete;
        Callee& operator=(const Callee&) = delete;
        virtual symphony_status enter(std::uint64_t target, const symphony_call& call, symphony_handle* call_out, symphony_error& error) = 0;
        virtual void cancel(symphony_handle id, const std::atomic<symphony_handle>& call_out) = 0;
        /// The callee broke a rule of calls.
        virtual void misuse(std::string_view reason, std::string_view what) = 0;
        /// One at a time.
        virtual bool is_serial() const noexcept = 0;

    protected:
        ~Callee() = default;
    };

    Inbound(Link& link, Callee& callee) : link_(link), callee_(callee) {}
    Inbound(const Inbound&) = delete;
    Inbound& operator=(const Inbound&) = delete;
    ~Inbound();

    bool on_message(Message*& message, Task& task);
    /// Cancels every open call: the peer is gone.
    void cancel_all();
    /// Until no thread is in the callee's invoke or cancel, also not behind the end of its call: before the callee goes.
    /// @return False when one still is at `until_ns`.
    bool wait_left(std::uint64_t until_ns) const noexcept;

private:
    struct Call;
    static constexpr std::uint32_t chunk = 64;

    static void on_complete(void* ctx, symphony_handle id, const symphony_buf* out, std::uint32_t count);
    static void on_fail(void* ctx, symphony_handle id, const symphony_error* error);
    static void on_emit(void* ctx, symphony_handle id, const symphony_buf* part, std::uint32_t count);
    static void on_progress(void* ctx, symphony_handle id, std::uint32_t permille, symphony_str note);
    static std::uint32_t on_cancelled(void* ctx, symphony_handle id);
    static const symphony_call_ops ops;

    Call* take();
    Call* find(symphony_handle id) const noexcept;
    bool pin(Call& call, symphony_handle id) noexcept;
    void unpin(Call& call) noexcept;
    void settle(Call& call, std::uint64_t word) noexcept;
    bool begin_end(Call& call, symphony_handle id) noexcept;
    void send_end(Call& call, Outgoing& end) noexcept;
    void end(symphony_handle id, const symphony_buf* out, std::uint32_t count, const symphony_error* error) noexcept;
    bool take_credit(Call& call) noexcept;
    void run(Call& call);
    void tell(Call& call);
    void run_serially(Call& call);

    Link& link_;
    Callee& callee_;
    std::array<std::atomic<Call*>, calls_max> known_{};               // open calls, by the index in the peer's id
    std::array<std::uint32_t, calls_max> generation_{};               // the last one seen; in the role
    std::array<std::atomic<Call*>, calls_max / chunk> calls_{};
    SmallLock free_lock_;
    std::vector<std::uint32_t> free_;
    std::uint32_t made_ = 0;
    std::mutex turn_mutex_;
    std::atomic<std::uint32_t> visits_{0};  // threads in the callee's functions, and cancels that will be
    bool running_ = false;            // serial: one is inside
    std::deque<Call*> turn_;          // serial: these wait
};

/// The first piece of an invoke's body.
struct InvokeHead {
    std::uint64_t trace_hi = 0, trace_lo = 0;
};

} // namespace symphony::ipc
