// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "echo.hpp"
#include "ground.hpp"

#include <functional>

namespace symphony::ipc_bench {

/// What is measured of a bus: an event that comes back to who publishes it, and a request that an endpoint of the same program answers.
struct BusEchoes {
    EchoPtr event, request;
    /// Publishes events of 64 bytes for so long and waits for the last. @return Events a second.
    std::function<Result<double>(std::chrono::nanoseconds longest)> rate;
};

/// Through the bus plugin of this process.
Result<BusEchoes> over_bus_here(Ground& ground);
/// Through `symphony serve` in another process, over a unix socket.
Result<BusEchoes> over_bus_elsewhere(Ground& ground);

} // namespace symphony::ipc_bench
