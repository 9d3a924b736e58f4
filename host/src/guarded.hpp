// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/base.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace symphony::host {

/// Copies of a call's arguments in read-only pages, each ending at a guard page: who writes one or reads past its end
/// faults at once, in its own frame. For `--paranoid`; every call costs several system calls.
class GuardedArguments {
public:
    /// Keeps the originals when memory is short.
    GuardedArguments(const symphony_buf* args, std::uint32_t count);
    GuardedArguments(const GuardedArguments&) = delete;
    GuardedArguments& operator=(const GuardedArguments&) = delete;
    ~GuardedArguments();

    const symphony_buf* args() const noexcept { return args_.data(); }
    std::uintptr_t begin() const noexcept { return reinterpret_cast<std::uintptr_t>(memory_); }
    std::uintptr_t end() const noexcept { return begin() + size_; }

private:
    std::vector<symphony_buf> args_;
    void* memory_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace symphony::host
