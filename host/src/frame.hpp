// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/base.h>

#include <cstdint>

namespace symphony::host {

/// Who a plugin is, in plain memory that a signal handler may read. Lives as long as the process.
struct Label {
    char name[72] = "";
    char id[104] = "";
    char version[72] = "";
    char sha256[72] = "";
};

/// Which plugin's code this thread is in, for crash attribution. Every thunk into a plugin puts one on its stack.
struct Frame {
    const Label* label;
    const char* function;  ///< "invoke", "activate", ...
    symphony_str port;     ///< of a call
    std::uint32_t method;  ///< of a call
    symphony_handle call;  ///< or 0
    std::uintptr_t guard_begin, guard_end;  ///< read-only arguments of a paranoid call, or 0
    const Frame* outer;
};

inline constinit thread_local const Frame* current_frame = nullptr;

/// Marks this thread as being in a plugin's code, for one scope.
class FrameScope {
public:
    FrameScope(const Label* label, const char* function, symphony_str port = {nullptr, 0}, std::uint32_t method = 0,
               symphony_handle call = 0, std::uintptr_t guard_begin = 0, std::uintptr_t guard_end = 0) noexcept
        : frame_{label, function, port, method, call, guard_begin, guard_end, current_frame} {
        current_frame = &frame_;
    }
    FrameScope(const FrameScope&) = delete;
    FrameScope& operator=(const FrameScope&) = delete;
    ~FrameScope() { current_frame = frame_.outer; }

private:
    Frame frame_;
};

} // namespace symphony::host
