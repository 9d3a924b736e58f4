// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace symphony::app {

/// Who started this process and wants to know how it is: the datagram socket of NOTIFY_SOCKET (sd_notify(3)). Without one nothing is said.
class ServiceManager {
public:
    /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child speaks for this process.
    ServiceManager();

    /// How often it wants WATCHDOG=1, in milliseconds; 0: it does not.
    std::uint32_t watchdog_ms() const noexcept { return watchdog_ms_; }
    /// Passes the lines on that a command may say: READY=1, STOPPING=1, WATCHDOG=1, STATUS=...; others are dropped. Nobody there is no error.
    void tell(std::string_view notice) const noexcept;

private:
    std::string socket_;
    std::uint32_t watchdog_ms_ = 0;
};

} // namespace symphony::app
