// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <string_view>

namespace tess {

/// What a long piece of work asks about the call it serves, and tells it.
class Watch {
public:
    virtual ~Watch() = default;
    virtual bool cancelled() = 0;
    /// Monotonic clock; 0 = none.
    virtual std::uint64_t deadline_ns() const = 0;
    virtual void progress(std::uint32_t permille, std::string_view note) = 0;

    /// Nothing while the work may go on, else `cancelled` or `deadline`.
    symphony::Status stop_reason();
};

} // namespace tess
