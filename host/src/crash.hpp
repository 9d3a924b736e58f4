// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frame.hpp"

#include <cstdint>
#include <memory>

namespace symphony::host {

/// Makes a crash name its plugin: on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT one `error:` and one `hint:` line on
/// stderr, and a record in a file that was opened before. The process then dies of the same signal.
/// The handlers stay for the life of the process.
/// @param record_fd  Where the record goes, or -1; not owned.
void install_crash_handler(int record_fd);
/// -1: no record any more, because the file is gone.
void set_crash_record(int record_fd) noexcept;

/// Says which plugin a code address belongs to. `label` lives as long as the process. [any]
void register_code(std::uintptr_t begin, std::uintptr_t end, const Label* label) noexcept;

/// An own stack for signal handlers on this thread, so that a stack overflow is told, too.
class SignalStack {
public:
    SignalStack();
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;
    ~SignalStack();

private:
    std::unique_ptr<char[]> memory_;
};

} // namespace symphony::host
