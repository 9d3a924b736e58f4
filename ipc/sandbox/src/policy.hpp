// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

/// What a plugin may ask of the kernel. Everything that is not named here goes to the host, which writes it down and denies it.
namespace symphony::sandbox::policy {

/// What becomes of a call that the list does not allow.
enum class Otherwise {
    notify,  ///< the host decides, by its notification descriptor
    trap,    ///< SIGSYS in the caller, where notification is not to be had
};

struct Options {
    Otherwise otherwise = Otherwise::notify;
    bool jit = false;
    bool may_socketpair = false;
    /// Where the second program is: the only one that the first lets the process add.
    const sock_fprog* second = nullptr;
};

/// The allow-list as a BPF program, with a placeholder for the process's own id. Compiled by libseccomp, about 10 ms; empty when it
/// cannot be.
std::vector<sock_filter> compile(const Options& options);
/// Puts the process's id in. No allocation.
void set_own_pid(std::vector<sock_filter>& program, pid_t own) noexcept;

/// The second program, for after loading: no executable mapping, no further program.
std::vector<sock_filter> compile_second();
/// For pid 1 of a sandbox: wait for the runner, tell how it ended, end.
std::vector<sock_filter> compile_init();

/// "ptrace", or "syscall 999".
std::string name_of(int number);
/// An attempt on the sandbox itself, which honest code has no reason for.
bool is_grave(std::string_view name) noexcept;
/// The error that libraries expect where a kernel or a file lacks the thing.
int usual_error(std::string_view name) noexcept;

} // namespace symphony::sandbox::policy
