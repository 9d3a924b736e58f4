// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/sandbox/machine.hpp>

#include <cstdint>
#include <string>

/// For symphony-runner only: the program of the launcher, and what it gives to the process that maps the plugin.
namespace symphony::sandbox {

/// A process that is confined already, before its library is mapped.
struct Confined {
    int control_fd = -1;     ///< the runner's end of the channel
    std::string library;     ///< path to map the plugin from
    bool jit = false;
    std::uint32_t active = 0;  ///< Layer bits
    /// To be called once the library is mapped: from here on no executable mapping in any thread. True when that was put on and
    /// tried, or is not asked for; the process must end otherwise.
    bool (*loaded)() = nullptr;
};

/// Runs in the confined process; its answer is the exit status.
using RunnerMain = int (*)(const Confined&);

struct LauncherProgram {
    RunnerMain main = nullptr;
    /// Honours Spec::layers_off and SYMPHONY_SANDBOX_OFF. Never in a program that is installed.
    bool obey_layers_off = false;
    char** argv = nullptr;  ///< of main(): their memory becomes the processes' titles
};

/// The descriptor that Launcher::start gives to the program.
inline constexpr int launcher_socket = 3;

/// Serves one host until it is gone, in one thread. @return The exit status.
int run_launcher(const LauncherProgram& program);

} // namespace symphony::sandbox
