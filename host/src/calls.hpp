// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frame.hpp"
#include "gate.hpp"

#include <symphony/abi/plugin.h>
#include <symphony/result.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace symphony::host {

class CallTable;

/// What the call path knows of a plugin instance, as caller or as callee. Outlives the call table.
struct Target {
    CallTable* table = nullptr;
    symphony_instance* instance = nullptr;
    symphony_status (*invoke)(symphony_instance*, const symphony_call*) = nullptr;
    void (*cancel)(symphony_instance*, symphony_handle) = nullptr;  ///< may be null
    bool serial = true;
    std::uint64_t timeout_ns = 0;  ///< default deadline of a call, 0 = none
    std::atomic<std::uint64_t> cancel_grace_ns{0};  ///< what a cancelled call may still take, 0 = CallTableOptions::cancel_grace
    Label label;
    Gate gate;
    std::atomic<std::uint64_t> calls{0}, failures{0}, late{0}, misuses{0};
};

/// Hears of contract breaches. [any]
class CallObserver {
public:
    CallObserver() = default;
    CallObserver(const CallObserver&) = delete;
    CallObserver& operator=(const CallObserver&) = delete;
    virtual void on_misuse(Target& plugin, std::string_view reason, std::string_view what) noexcept = 0;
    /// An exception left the plugin's invoke. The call has already been failed.
    virtual void on_throw(Target& plugin, std::string_view what) noexcept = 0;

protected:
    ~CallObserver() = default;
};

struct CallTableOptions {
    std::chrono::nanoseconds cancel_grace{std::chrono::seconds(2)};  ///< a cancelled call is ended after this
    std::chrono::milliseconds scan_period{10};
    bool paranoid = false;                                           ///< arguments in read-only pages
    std::function<std::uint64_t()> now_ns;
};

/// All calls in flight. Gives every caller exactly one end of every call, whatever the callee does:
/// second and late ends are dropped and counted, missing ones are made up at the deadline or after a cancel.
///
/// A slot's word is generation | flags | pins. A call ends for its caller when OPEN is taken away, by the callee or, as
/// ORPHAN, by the host; the slot is free again once nobody owes or holds anything: no flag but history, no pin.
/// Emits and visits hold a pin; an end that meets pins is kept and delivered by the last to leave.
class CallTable {
public:
    CallTable(CallObserver& observer, CallTableOptions options);
    CallTable(const CallTable&) = delete;
    CallTable& operator=(const CallTable&) = delete;
    ~CallTable();  ///< stops its threads; no call may be running

    /// Enters the callee in this thread. `call` carries the caller's ops, ctx and id.
    /// @param caller  Null for the host itself.
    /// @return >= 0: exactly one end follows or came already. < 0: nothing follows, `error` (may be null) says why.
    symphony_status invoke(Target& callee, Target* caller, const symphony_call& call, symphony_handle* call_out,
                           symphony_error* error) noexcept;

    /// Asks the callee to stop; ends the call after the grace. Stale handles and other callers' calls are ignored.
    void cancel(symphony_handle call, const Target* caller) noexcept;
    /// The same for a call of the host: a callee whose cancel function hangs does not hold the caller up.
    void cancel_from_host(symphony_handle call) noexcept;
    /// All calls, or those into one callee. The callees hear of it on a thread of the table.
    void cancel_all(const Target* callee = nullptr) noexcept;
    /// Ends every call into `callee` with `error`, for a callee that failed.
    void fail_all(const Target& callee, const Error& error) noexcept;
    /// Makes sure that no answer reaches `caller` any more; waits for the ones on their way.
    void detach(const Target& caller) noexcept;

    std::uint32_t in_flight() const noexcept;
    /// Threads inside the callee's invoke.
    std::uint32_t entered(const Target& callee) const noexcept;
    /// Calls that wait for their turn at the callee's gate; none is in it yet.
    std::uint32_t at_the_door(const Target& callee) const noexcept;
    /// Calls whose end the callee owes, with no thread in them: open ones, and ones that the host has ended itself.
    std::uint32_t owed(const Target& callee) const noexcept;
    /// Names of the plugins on whose calls `callee` may be acting now, outermost first; empty when only the host calls it. Of
    /// several callers at a time none can be told from the others: "*".
    std::vector<std::string> chain_of(const Target& callee) const;
    /// False while a plugin's cancel function does not come back.
    bool courier_idle() const noexcept { return !telling_.load(std::memory_order_acquire); }

private:
    struct Slot;
    struct Pool;
    struct Deferred;
    struct Answer;
    static constexpr std::uint32_t chunk_slots = 256;
    static constexpr std::uint32_t chunks_max = 4096;

    static void on_complete(void* ctx, symphony_handle id, const symphony_buf* out, std::uint32_t count);
    static void on_fail(void* ctx, symphony_handle id, const symphony_error* error);
    static void on_emit(void* ctx, symphony_handle id, const symphony_buf* part, std::uint32_t count);
    static void on_progress(void* ctx, symphony_handle id, std::uint32_t permille, symphony_str note);
    static std::uint32_t on_cancelled(void* ctx, symphony_handle id);
    static const symphony_call_ops ops;

    Slot* find(symphony_handle id) const noexcept;
    Slot* take(symphony_handle& id) noexcept;
    void recycle(Slot& slot, std::uint64_t word) noexcept;
    void settle(Slot& slot, std::uint64_t word) noexcept;
    void unpin(Slot& slot) noexcept;
    bool pin(Slot& slot, std::uint64_t& word, std::uint32_t generation) noexcept;
    void end(Target& callee, symphony_handle id, const Answer& answer) noexcept;
    bool end_by_host(Slot& slot, std::uint64_t word, const Answer& answer) noexcept;
    static void deliver(const Slot& slot, const Answer& answer) noexcept;
    symphony_status wait_for_turn(Target& callee, const Target* caller, Slot& slot, symphony_error* error) noexcept;
    symphony_status withdraw(Slot& slot, Target& callee, const Error& why, symphony_error* error) noexcept;
    std::uint64_t mark_cancelled(Slot& slot) noexcept;
    template <class Do>
    void for_each(Do act) noexcept;
    void arm_monitor() noexcept;
    void monitor(std::stop_token stop);
    bool scan() noexcept;
    void tell(Target& callee, symphony_handle id) noexcept;
    void courier(std::stop_token stop);

    CallObserver& observer_;
    CallTableOptions options_;
    std::array<std::atomic<Slot*>, chunks_max> chunks_{};
    std::atomic<std::uint32_t> slots_{0};
    std::shared_ptr<Pool> pool_;
    std::mutex grow_;

    std::atomic<bool> monitoring_{false};
    std::atomic<bool> telling_{false};
    std::mutex monitor_mutex_;
    std::condition_variable_any monitor_wake_;
    std::vector<std::pair<Target*, symphony_handle>> to_tell_;
    std::condition_variable_any courier_wake_;
    std::jthread monitor_thread_;
    std::jthread courier_thread_;
};

} // namespace symphony::host
