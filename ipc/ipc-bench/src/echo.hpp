// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstddef>
#include <memory>

namespace symphony::ipc_bench {

/// Something that gives back what it is given, seen from who gives. Used by one thread.
class Echo {
public:
    Echo() = default;
    Echo(const Echo&) = delete;
    Echo& operator=(const Echo&) = delete;
    virtual ~Echo() = default;
    /// One message of so many bytes there and back. @return `io`, `deadline`, `cancelled` or `peer_died` when it does not come back.
    virtual Status call(std::size_t bytes) = 0;
};
using EchoPtr = std::unique_ptr<Echo>;

} // namespace symphony::ipc_bench
