// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

/// What procfs says.
namespace symphony::sandbox {

/// A small file's bytes; empty when it cannot be read.
std::string read_file(const char* path);
/// In clock ticks since boot; 0 when there is no such process.
std::uint64_t start_time(pid_t pid);
/// 0 when there is no such process, or its parent is in another process namespace.
pid_t parent_of(pid_t pid);
/// Whether somebody stopped it (SIGSTOP and kin, or a debugger).
bool is_stopped(pid_t pid);
/// The process behind a pidfd; -1 when it is gone.
pid_t pid_of(int pidfd);

} // namespace symphony::sandbox
