// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace symphony::host {

/// How much one plugin may still say: its standard output and error and what it logs, together. [any]
class OutputBudget {
public:
    enum class Spent : std::uint8_t {
        fits,
        used_up,      ///< just now: to be said, once
        used_up_before,
    };

    /// A new start. @param bytes_max  0 = unlimited.
    void begin(std::uint64_t bytes_max) noexcept {
        bytes_max_ = bytes_max;
        bytes_ = 0;
        told_ = false;
    }
    Spent spend(std::uint64_t bytes) noexcept {
        const std::uint64_t max = bytes_max_;
        if (max == 0 || bytes_.fetch_add(bytes) + bytes <= max) return Spent::fits;
        return told_.exchange(true) ? Spent::used_up_before : Spent::used_up;
    }
    std::uint64_t bytes_max() const noexcept { return bytes_max_; }

private:
    std::atomic<std::uint64_t> bytes_max_{0}, bytes_{0};
    std::atomic<bool> told_{false};
};

} // namespace symphony::host
