// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

namespace symphony::transport {

/// Waits between attempts: random between 0 and a bound that doubles, so that many who lost the same listener do not come back at once.
/// "Full jitter", M. Brooker, Exponential Backoff and Jitter, 2015. Not for two threads at once.
class Backoff {
public:
    Backoff(std::uint32_t retries, std::uint32_t first_ms, std::uint32_t longest_ms, std::uint64_t seed) noexcept
        : left_(retries), bound_ms_(std::min(first_ms, longest_ms)), longest_ms_(longest_ms), random_(seed) {}

    bool exhausted() const noexcept { return left_ == 0; }
    /// Uses up one attempt. @return Nanoseconds to wait before it.
    std::uint64_t next_ns() {
        if (left_ != 0) --left_;
        const std::uint64_t bound_ns = bound_ms_ * 1'000'000;
        bound_ms_ = std::min<std::uint64_t>(bound_ms_ * 2, longest_ms_);
        return std::uniform_int_distribution<std::uint64_t>(0, bound_ns)(random_);
    }

private:
    std::uint32_t left_;
    std::uint64_t bound_ms_;
    std::uint64_t longest_ms_;
    std::mt19937_64 random_;
};

} // namespace symphony::transport
