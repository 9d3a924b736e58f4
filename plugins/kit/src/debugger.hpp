// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <filesystem>
#include <functional>
#include <string>

#include <sys/types.h>

namespace symphony::kit {

/// Where a plugin's code runs, for a debugger.
struct Debuggee {
    pid_t pid = 0;
    std::string address; ///< "0x7f...": where its library begins; empty when that cannot be read
};

/// Finds the process of a plugin: this one when it has the library mapped, else the child of its name. Linux, proc(5).
/// @return `not_found`, "no-process".
Result<Debuggee> find_debuggee(const std::string& name, const std::string& version);
/// The command that attaches gdb, with the symbols of the library, which is mapped from memory and so found by no debugger.
std::string attach_command(const Debuggee& debuggee, const std::filesystem::path& library);
/// Whether somebody traces the process.
bool is_traced(pid_t pid);
/// Lets any process of this user attach to this one (Yama allows parents alone).
void allow_tracing() noexcept;

} // namespace symphony::kit
