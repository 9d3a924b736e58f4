// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stage.hpp"

#include <symphony/sandbox/launcher.hpp>

#include <cstdint>
#include <linux/filter.h>
#include <span>
#include <sys/types.h>

/// One step each of what a process gives up. No allocation.
namespace symphony::sandbox {

/// Closes every descriptor but 0, 1, 2 and `keep`, in which -1 is skipped.
Outcome close_all_but(std::span<const int> keep) noexcept;
/// Standard input is /dev/null, output and error are `output`; no terminal, no group of another session, umask 077, default signals.
Outcome tidy_process(int output) noexcept;
/// Becomes uid and gid; the capabilities that it holds in its namespace stay until drop_capabilities.
Outcome take_identity(uid_t uid, gid_t gid, bool may_drop_groups) noexcept;
/// The machine is called "sandbox" from here on, in no domain. Needs a uts namespace of its own.
Outcome take_host_name() noexcept;
/// All of them, the bounding set where it may, and every way back.
Outcome drop_capabilities() noexcept;
Outcome no_new_privileges() noexcept;
/// SIGKILL when the parent dies; `parent` is checked afterwards, because it may have died before.
Outcome die_with_parent(pid_t parent) noexcept;
/// Not dumpable: no core, and nobody of the same user looks into it.
void hide_memory() noexcept;

struct ResourceLimits {
    Limits limits;
    std::uint32_t processes = 0;    ///< of its user; 0 = unlimited, because the user is shared with others
    std::uint64_t data_bytes = 0;   ///< 0 = unlimited
};
Outcome set_resource_limits(const ResourceLimits& limits) noexcept;

/// Loads a seccomp program. `listener` gets the notification descriptor when it is not null.
Outcome load_filter(const sock_fprog& program, int* listener) noexcept;

/// Shows `title` as the process's name and command line, in the memory that the arguments had.
struct TitleSpace {
    char* begin = nullptr;
    std::size_t size = 0;
};
void set_title(TitleSpace space, const char* title, const char* short_name) noexcept;

} // namespace symphony::sandbox
