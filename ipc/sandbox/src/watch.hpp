// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fd.hpp"

#include <symphony/sandbox/launcher.hpp>

#include <chrono>
#include <optional>
#include <sys/types.h>

namespace symphony::sandbox {

/// Limits of one process where the kernel sets none: looks every 50 ms, more often near the limit, stops what used too much
/// processor time and says what is to be killed.
class Watch {
public:
    using Clock = std::chrono::steady_clock;
    struct What {
        bool memory = false, cpu = false, threads = false;
    };
    Watch(What what, const Limits& limits) : what_(what), limits_(limits) {}

    /// While the process may still be looked at: it hides its memory later.
    void look_at(pid_t process);
    void begin(Clock::time_point now);
    Clock::time_point next() const noexcept { return next_; }
    /// @return Why it must die.
    std::optional<Death::How> check(Clock::time_point now, int pidfd);

private:
    std::uint64_t memory_used();
    std::chrono::nanoseconds cpu_used() const;
    void pace(Clock::time_point now, int pidfd);

    What what_;
    Limits limits_;
    pid_t process_ = -1;
    Fd rollup_, statm_, status_;
    Clock::time_point next_ = Clock::time_point::max(), since_{};
    std::chrono::nanoseconds paid_{0};  ///< processor time that the plugin had before `since_`
    bool stopped_ = false;
};

} // namespace symphony::sandbox
