// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>
#include <symphony/sandbox/machine.hpp>

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace symphony::sandbox {

/// What one plugin may use. 0 = the default, which is in brackets.
struct Limits {
    std::uint64_t memory_bytes = 0;  ///< [2 GiB], at least 16 MiB; private and shared pages that it touched
    std::uint32_t cpu_percent = 0;   ///< of one core, so 200 is two [no limit]
    std::uint32_t threads = 0;       ///< threads and processes together [128]
    std::uint32_t open_files = 0;    ///< [256]
    std::uint64_t file_bytes = 0;    ///< largest file it may write [1 GiB]
    std::uint64_t output_bytes = 0;  ///< of its standard output and error, counted by who reads Started::output_fd [16 MiB]
    std::uint32_t cpu_seconds = 0;   ///< of processor time in its whole life [no limit]

    /// Zeros replaced by the defaults.
    Limits filled() const noexcept;
};

/// One plugin process to be made.
struct Spec {
    std::string name, version;  ///< of the plugin; for messages, the process's title and the file name of its library
    int image_fd = -1;          ///< sealed memory file with the verified library; borrowed until launch() returns
    int control_fd = -1;        ///< the runner's end of the channel (ipc::ChannelEnd::control()); borrowed likewise
    Limits limits;
    bool jit = false;             ///< executable memory stays allowed after loading
    bool may_socketpair = false;  ///< AF_UNIX socketpair within its own process
    Grade minimum = Grade::no_namespaces;
    std::uint32_t layers_off = 0;  ///< Layer bits, for tests: any runner but the ablation one refuses it
    std::uint64_t tag = 0;         ///< comes back in Death, which may be told before launch() has returned
};

/// A plugin process that is confined; its library is mapped next. The descriptors belong to the receiver and are close-on-exec.
struct Started {
    std::uint64_t id = 0;     ///< never used twice by a Launcher
    pid_t pid = -1;           ///< of the process with the plugin's code, as the host sees it
    int pidfd = -1;           ///< of that process: readable once it is dead
    int violations_fd = -1;   ///< for Violations; -1 when seccomp is off
    bool forgeable = false;   ///< violations_fd is the plugin's own word (no user notification on this machine)
    int output_fd = -1;       ///< read end of its standard output and error, non-blocking; ends when the process is dead
    Grade grade = Grade::none;
    std::vector<LayerState> layers;  ///< what is really active
    Limits limits;                   ///< what really counts, defaults filled in
    std::string limits_backend;
};

/// How a plugin process ended.
struct Death {
    enum How : std::uint8_t {
        exited,         ///< `number` is its status
        signalled,      ///< `number` is the signal
        out_of_memory,  ///< the memory limit; `number` is the limit in bytes
        too_many_threads,  ///< only where no kernel limit can be set
        policy,         ///< SIGSYS: a wrong system call interface, or a violation without notification
        killed,         ///< by Launcher::kill
        launcher_died,  ///< and took every plugin process with it
    };
    std::uint64_t id = 0;
    std::uint64_t tag = 0;  ///< the Spec's
    pid_t pid = -1;
    How how = exited;
    std::int64_t number = 0;
    std::string text;  ///< "ended by signal 11 (segmentation fault)": lower case, no name, no full stop
};

/// Makes confined plugin processes, through a small program of one thread that never holds plugin code. Thread-safe.
///
/// When that program dies, every plugin process dies with it and is told as `launcher_died`; the next launch() starts it
/// again. When the host dies, it kills all plugin processes and removes what it made.
class Launcher {
public:
    struct Options {
        std::filesystem::path runner_program;       ///< symphony-runner
        std::function<void(const Death&)> on_death; ///< once for each Started, from a thread of its own, in order; may call launch and kill
    };

    /// Starts the program and waits for its greeting. [any, blocks]
    /// @return `io` with reason `no-launcher` (cannot start), `abi_mismatch` with reason `other-runner` (of another build).
    static Result<std::unique_ptr<Launcher>> start(Options options);
    /// Kills what still runs, waits for it, tells every death.
    ~Launcher();
    Launcher(const Launcher&) = delete;
    Launcher& operator=(const Launcher&) = delete;

    /// Makes a process and waits until it is confined. [any, blocks]
    /// @return `refused` with reason `grade-too-low` (the message names the layer, the hint the remedy) or `layers-off`;
    ///   `invalid_argument`; `io` with reason `sandbox-failed` when a layer that this machine has could not be put on, or `no-launcher`.
    Result<Started> launch(const Spec& spec);

    /// Kills the process and all that it started. Its death is told as usual; unknown ids are ignored. [any]
    void kill(std::uint64_t id);

    /// What plugins get from this launcher; as Machine::probe(), found by the launcher when it started. [any]
    Machine machine() const;
    pid_t pid() const;

private:
    class Core;
    explicit Launcher(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

/// Where the runner is for a program in `own_folder`: beside it, or in ../libexec/symphony. Empty when it is in neither.
std::filesystem::path find_runner(const std::filesystem::path& own_folder);

} // namespace symphony::sandbox
