// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/client.hpp>
#include <symphony/value.hpp>

namespace symphony::ipc_bench {

/// `symphony bench echo`: sends everything back until who started it goes. @return The exit status.
Result<std::int32_t> echo(Host host, const Value& arguments, const CancelToken& cancel);

} // namespace symphony::ipc_bench
