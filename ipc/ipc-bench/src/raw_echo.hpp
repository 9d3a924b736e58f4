// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "echo.hpp"
#include "ground.hpp"

#include <functional>

namespace symphony::ipc_bench {

/// What the transports are made of, with nothing around it: a unix socket of the stream kind, and two pipes.
/// Who calls has a NoSigpipe.
Result<EchoPtr> over_socket(Ground& ground);
Result<EchoPtr> over_pipes(Ground& ground);

/// What the other side does. @param ready  Called when who measures can go on. @return `io`.
Status echo_socket(const std::string& path, const std::function<void()>& ready);
Status echo_pipes(const std::string& path, const std::function<void()>& ready);

} // namespace symphony::ipc_bench
