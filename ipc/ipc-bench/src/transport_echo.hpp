// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "echo.hpp"
#include "ground.hpp"

namespace symphony::ipc_bench {

/// Over a connection of a transport: unix, shm or stdio. The thread that calls waits itself (`stay`).
Result<EchoPtr> over_transport(Ground& ground, const std::string& scheme);

/// What the other side does: sends every frame back, until the connection ends.
void echo_frames(const ports::TransportClient& transport, std::uint64_t connection);

} // namespace symphony::ipc_bench
