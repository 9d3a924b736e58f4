// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace symphony::bus {

/// What all queues of a bus may hold together, in bytes, and what they have lost. Queues take from it in pieces, so that a message in a queue costs no locked instruction. [any]
class Budget {
public:
    static constexpr std::uint64_t piece_bytes = 16 * 1024;

    explicit Budget(std::uint64_t bytes_max) noexcept : left_(static_cast<std::int64_t>(bytes_max)), bytes_max_(bytes_max) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;
    ~Budget() = default;

    /// @return False: there is not so much left, and nothing was taken.
    bool take(std::uint64_t bytes) noexcept {
        const auto wanted = static_cast<std::int64_t>(bytes);
        std::int64_t left = left_.load(std::memory_order_relaxed);
        do {
            if (left < wanted) return false;
        } while (!left_.compare_exchange_weak(left, left - wanted, std::memory_order_relaxed));
        return true;
    }
    void give(std::uint64_t bytes) noexcept { left_.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed); }
    void count_lost(std::uint64_t messages) noexcept { lost_.fetch_add(messages, std::memory_order_relaxed); }
    std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
    std::uint64_t used() const noexcept { return bytes_max_ - static_cast<std::uint64_t>(left_.load(std::memory_order_relaxed)); }

private:
    std::atomic<std::int64_t> left_;
    const std::uint64_t bytes_max_;
    std::atomic<std::uint64_t> lost_{0};
};

} // namespace symphony::bus
