// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace symphony::sandbox {

/// One system call that a confined plugin tried and may not make. The caller is halted until it is denied.
struct Violation {
    int number = -1;
    std::string name;                      ///< "ptrace"; "syscall 999" when unknown
    std::array<std::uint64_t, 6> args{};   ///< never to be followed as pointers
    pid_t tid = 0;                         ///< thread, as the host sees it; 0 when forgeable
    bool grave = false;                    ///< an attempt on the sandbox itself: the process is to be killed
    std::uint64_t cookie = 0;

    /// "ptrace(16, 1, 0, 0, 0, 0)".
    std::string text() const;
};

/// Reads what one plugin process was denied. Not thread-safe; the host's monitor owns one for each process.
///
/// From the kernel's notification descriptor, so that the plugin can neither hide nor invent a record; where there is none, from
/// a pipe that the runner's signal handler writes (Started::forgeable).
class Violations {
public:
    /// Takes over Started::violations_fd.
    Violations(int fd, bool forgeable) noexcept : fd_(fd), forgeable_(forgeable) {}
    Violations(Violations&& other) noexcept;
    Violations& operator=(Violations&& other) noexcept;
    ~Violations();

    /// Poll it for reading.
    int fd() const noexcept { return fd_; }
    bool forgeable() const noexcept { return forgeable_; }

    /// The next attempt, if one waits: never blocks. @return `not_found` once the process is gone.
    Result<std::optional<Violation>> next();
    /// The call fails with `error_number`, such as EPERM. Nothing happens when its thread is gone, and in the forgeable form,
    /// where it has failed already.
    void deny(const Violation& violation, int error_number);
    /// EPERM, or ENOSYS for calls that a library takes as "not on this kernel".
    static int usual_error(const Violation& violation) noexcept;

private:
    int fd_ = -1;
    bool forgeable_ = false;
};

} // namespace symphony::sandbox
