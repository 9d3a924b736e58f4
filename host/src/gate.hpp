// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace symphony::host {

/// The door of one plugin instance: whether it is open, whether a serial instance is being entered, and how many calls
/// are inside. One atomic word, so that an uncontended call costs one step in and one step out. [any]
class Gate {
public:
    enum class Entered : std::uint8_t { yes, busy, closed };

    /// @param serial  Only one caller at a time; the others get `busy`.
    Entered try_enter(bool serial) noexcept {
        if (!serial) {
            if ((word_.fetch_add(one, std::memory_order_seq_cst) & closed_bit) == 0) return Entered::yes;
            leave(one);
            return Entered::closed;
        }
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        do {
            if ((word & closed_bit) != 0) return Entered::closed;
            if ((word & running_bit) != 0) return Entered::busy;
        } while (!word_.compare_exchange_weak(word, (word + one) | running_bit, std::memory_order_seq_cst, std::memory_order_relaxed));
        return Entered::yes;
    }
    /// The thread that entered comes back. @param ended  The call is over, too.
    void leave_invoke(bool serial, bool ended) noexcept {
        const std::uint64_t sum = (serial ? running_bit : 0) + (ended ? one : 0);
        if (sum != 0) leave(sum);
    }
    /// A call ends after its thread came back.
    void leave_call() noexcept { leave(one); }
    /// One more visitor; only for who knows that a call is inside.
    void visit() noexcept { word_.fetch_add(one, std::memory_order_relaxed); }

    void open() noexcept { word_.fetch_and(~closed_bit, std::memory_order_seq_cst); }
    void close() noexcept {
        word_.fetch_or(closed_bit, std::memory_order_seq_cst);
        wake();
    }
    std::uint32_t inside() const noexcept { return static_cast<std::uint32_t>(word_.load(std::memory_order_acquire)); }

    /// Sleeps until `done()` may have changed, at most `limit`. `done` is asked before and after.
    /// @return What it said last. After true nobody who has left touches the gate any more: it may go.
    template <class Done>
    bool wait(Done done, std::chrono::nanoseconds limit) {
        std::unique_lock lock(mutex_);
        if (waiters_++ == 0) word_.fetch_or(waited_bit, std::memory_order_seq_cst);
        if (!done()) changed_.wait_for(lock, limit);
        const bool is = done();
        if (--waiters_ == 0) word_.fetch_and(~waited_bit, std::memory_order_relaxed);
        return is;
    }
    bool running() const noexcept { return (word_.load(std::memory_order_seq_cst) & running_bit) != 0; }
    bool closed() const noexcept { return (word_.load(std::memory_order_seq_cst) & closed_bit) != 0; }
    /// Waiters look again.
    void wake() noexcept {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }

private:
    static constexpr std::uint64_t one = 1;
    static constexpr std::uint64_t waited_bit = 1ull << 61;
    static constexpr std::uint64_t running_bit = 1ull << 62;
    static constexpr std::uint64_t closed_bit = 1ull << 63;

    /// Its step out is the last that it does here, or is done under the lock: a waiter may destroy the gate.
    void leave(std::uint64_t sum) noexcept {
        std::uint64_t word = word_.load(std::memory_order_relaxed);
        while ((word & waited_bit) == 0) {
            if (word_.compare_exchange_weak(word, word - sum, std::memory_order_seq_cst, std::memory_order_relaxed)) return;
        }
        const std::lock_guard lock(mutex_);
        word_.fetch_sub(sum, std::memory_order_seq_cst);
        changed_.notify_all();
    }

    std::atomic<std::uint64_t> word_{closed_bit};
    std::uint32_t waiters_ = 0; // guarded by mutex_
    std::mutex mutex_;
    std::condition_variable changed_;
};

} // namespace symphony::host
