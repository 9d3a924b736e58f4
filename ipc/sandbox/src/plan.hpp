// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cgroups.hpp"
#include "root.hpp"
#include "stage.hpp"
#include "wire.hpp"

#include <symphony/sandbox/machine.hpp>

#include <cstdint>
#include <sys/types.h>

namespace symphony::sandbox {

/// First of the user ids that sandboxes get from a privileged launcher: above what systemd gives to containers, below the sign bit.
/// The process id is added, so that no two living sandboxes of a machine share one.
inline constexpr std::uint32_t uid_base = 0x7000'0000u;

/// What a launcher on this machine does for each sandbox, found by trying it once.
struct Plan {
    std::uint32_t available = 0;    ///< Layer bits
    bool notify = false;            ///< seccomp can tell the host
    bool distinct_ids = false;      ///< each sandbox has a user id of its own
    std::uint64_t namespaces = 0;   ///< flags of clone
    Machine machine;
};

Plan make_plan(const RootContents& root, const Cgroups& cgroups);

/// fork, by bare clone with `flags` and a pidfd. In the child: only what fork-safe code may do.
/// @return 0 in the child, -1 with errno
pid_t make_process(std::uint64_t flags, int* pidfd) noexcept;

/// Who the first process of a sandbox is, inside and outside of its user namespace.
struct Identity {
    uid_t uid_inside = 0, uid_outside = 0;
    gid_t gid_inside = 0, gid_outside = 0;
    bool may_drop_groups = false;
};
/// @param own  Keep the launcher's user as it is, which only the ablation of the identity layer wants.
Identity identity_for(pid_t child, bool distinct, bool own = false) noexcept;
/// The message that lets it go on.
wire::Step go_of(const Identity& identity) noexcept;
Outcome map_identity(pid_t child, const Identity& identity);

Grade grade_of(std::uint32_t active) noexcept;

} // namespace symphony::sandbox
