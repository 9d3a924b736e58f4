// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace symphony::ipc {

inline std::uint64_t now_ns() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

enum class FutexScope : int { shared = 0, process = FUTEX_PRIVATE_FLAG };

/// Sleeps while the word is `expected`, until a wake whose mask meets `mask`, a signal, or `until_ns` (monotonic).
inline void futex_wait(const void* word, std::uint32_t expected, std::uint32_t mask, std::uint64_t until_ns, FutexScope scope) noexcept {
    const timespec until{static_cast<std::time_t>(until_ns / 1'000'000'000u), static_cast<long>(until_ns % 1'000'000'000u)};
    ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET | static_cast<int>(scope), expected, &until, nullptr, mask);
}

inline void futex_wake(const void* word, int count, std::uint32_t mask, FutexScope scope) noexcept {
    ::syscall(SYS_futex, word, FUTEX_WAKE_BITSET | static_cast<int>(scope), count, nullptr, nullptr, mask);
}

inline constexpr std::uint32_t futex_any = FUTEX_BITSET_MATCH_ANY;

inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// A lock for a few instructions; one word, and no system call unless two threads meet.
class SmallLock {
public:
    void lock() noexcept {
        std::uint32_t free = 0;
        if (word_.compare_exchange_strong(free, 1, std::memory_order_acquire, std::memory_order_relaxed)) [[likely]] return;
        while (word_.exchange(2, std::memory_order_acquire) != 0) futex_wait(&word_, 2, futex_any, now_ns() + 100'000'000, FutexScope::process);
    }
    void unlock() noexcept {
        if (word_.exchange(0, std::memory_order_release) == 2) [[unlikely]] futex_wake(&word_, 1, futex_any, FutexScope::process);
    }

private:
    std::atomic<std::uint32_t> word_{0};
};

/// Where one thread sleeps until somebody made its condition true.
class Waiter {
public:
    /// After the condition was made true. [any]
    void signal() noexcept {
        if (asleep_.load(std::memory_order_seq_cst) != 0 && asleep_.exchange(0, std::memory_order_seq_cst) != 0) {
            futex_wake(&asleep_, 1, futex_any, FutexScope::process);
        }
    }
    template <class Ready>
    void sleep(Ready ready, std::uint64_t until_ns) noexcept {
        asleep_.store(1, std::memory_order_seq_cst);
        if (!ready()) futex_wait(&asleep_, 1, futex_any, until_ns, FutexScope::process);
        asleep_.store(0, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint32_t> asleep_{0};
};

} // namespace symphony::ipc
