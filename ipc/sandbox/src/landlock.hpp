// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace symphony::sandbox::landlock {

/// 0 with errno set when this kernel has no Landlock or it is switched off.
int abi() noexcept;
/// Bit mask of fixed errata, 0 when unknown.
int errata() noexcept;

enum class Right { read, read_write };
struct Rule {
    const char* path;
    Right right;
};

/// Denies this thread and its children everything that the running ABI knows, but the rules: file rights, TCP, signals and abstract
/// sockets to processes outside. Paths that do not exist, or that this user cannot reach, are left out. Needs no_new_privs. No allocation.
/// @return 0 or errno
int restrict_self(std::span<const Rule> rules) noexcept;

} // namespace symphony::sandbox::landlock
