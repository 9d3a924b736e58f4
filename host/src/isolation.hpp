// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "output_budget.hpp"

#include <symphony/ipc/remote_instance.hpp>
#include <symphony/permissions/subject.hpp>
#include <symphony/result.hpp>
#include <symphony/sandbox/launcher.hpp>
#include <symphony/sandbox/violations.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace symphony::manifests {
struct Manifest;
}

namespace symphony::host {

class VerifiedImage;
class Isolation;

/// What happened to an isolated plugin that the audit log has to know. [any thread]
struct Violation {
    permissions::Subject subject;  ///< the plugin
    std::string layer;   ///< "L4 seccomp", "L5 limits", "channel", "supervisor"
    std::string object;  ///< "ptrace", "socket(AF_INET)", "output_volume"
    bool fatal = false;  ///< its process was ended for it
};

/// One plugin's process. Alive until somebody kills it or it dies; then every call in it has failed with the cause.
class Process {
public:
    Process(Isolation& isolation, permissions::Subject subject, OutputBudget& output, std::chrono::milliseconds cancel_grace);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    ipc::RemoteInstance& remote() noexcept { return *remote_; }
    const sandbox::Started& started() const noexcept { return started_; }
    /// Ends the process for `why`, which its calls get as their cause. The first cause counts. Returns at once. [any]
    void kill(Error why);
    /// It has started: from now on its silence counts while it is called. Before, only that somebody stopped it.
    void set_ready(bool ready) noexcept { ready_.store(ready, std::memory_order_relaxed); }
    /// What it logs is used up together with its output: a record for the audit log. [any]
    void record_used_up() const;
    /// The cause, once it is gone.
    std::optional<Error> cause() const;
    /// Waits until it is gone and forgotten. @return Whether it was within the limit.
    bool wait_gone(std::chrono::steady_clock::time_point limit);

private:
    friend class Isolation;
    Isolation& isolation_;
    const permissions::Subject subject_;
    const std::string who_, name_;
    OutputBudget& output_;
    const std::chrono::milliseconds cancel_grace_;
    sandbox::Started started_;
    std::unique_ptr<sandbox::Violations> violations_;
    std::function<void()> on_dying_;
    std::function<void(const Error&)> on_gone_;
    std::function<void(std::string_view)> on_output_;
    std::string line_;                                         // monitor's: output so far without its end
    std::map<std::string, std::uint32_t> denied_;              // monitor's: by system call
    std::uint32_t denied_count_ = 0;                           // monitor's
    std::chrono::steady_clock::time_point pinged_;             // monitor's
    struct Silence {
        std::chrono::steady_clock::time_point idle_since;      // seen neither at work nor ready for it; none: it is not silent
        std::uint64_t last_ran_ns = 0;                         // of its threads, at the last look
        std::uint64_t ran_ns = 0, waited_ns = 0;               // of its threads, when the silence was first seen
    };
    Silence silence_;                                          // monitor's
    std::chrono::steady_clock::time_point dead_since_;         // monitor's
    bool exited_ = false;                                      // monitor's
    bool stopped_ = false;                                     // monitor's: seen so once
    std::atomic<bool> ready_{false};

    mutable std::mutex mutex_;
    std::condition_variable gone_changed_;
    std::optional<Error> wanted_;             // why we killed it
    std::optional<sandbox::Death> death_;
    std::optional<Error> cause_;              // set: gone
    bool forgotten_ = false;                  // and its owner has heard of it
    std::unique_ptr<ipc::RemoteInstance> remote_;  // last: its threads look at all of the above
};

/// Plugins in processes of their own: one launcher, and one thread that watches all of them for death, hangs, overdue
/// cancels, forbidden system calls and output. Started before the host's other threads.
class Isolation {
public:
    struct Options {
        std::filesystem::path runner;   ///< the program symphony-runner
        sandbox::Grade minimum = sandbox::Grade::no_namespaces;
        std::uint32_t layers_off = 0;   ///< for tests with a runner that obeys
        std::chrono::milliseconds ping_every{250};
        std::chrono::milliseconds hung_after{600};    ///< of silence without work
        std::chrono::milliseconds working_max{10'000};  ///< of silence more, of a process that works or would
        std::chrono::milliseconds starved_max{120'000}; ///< of silence more, of one that would and gets no processor
        std::function<void(const Violation&)> on_violation;
    };
    /// Never fails: what is wrong with the launcher is the error of the first start().
    explicit Isolation(Options options);
    Isolation(const Isolation&) = delete;
    Isolation& operator=(const Isolation&) = delete;
    ~Isolation();

    struct Wish {
        const manifests::Manifest& manifest;
        const VerifiedImage& image;
        const permissions::Subject& subject;
        OutputBudget& output;  ///< begins with the process; outlives it
        std::chrono::milliseconds cancel_grace;              ///< a cancelled call that goes on for longer ends the process
        bool jit = false, socketpair = false;                ///< rights of the system that are granted
        std::function<void()> on_dying;                      ///< once, before its calls fail: none may begin any more
        std::function<void(const Error&)> on_gone;           ///< once, on the monitor's thread, after its calls have failed
        std::function<void(std::string_view)> on_output;     ///< one line of its stdout or stderr
        std::function<void(std::string_view reason, std::string_view what)> on_misuse;
    };
    /// @return `refused` with reason `grade-too-low`, `no-runner`, ...
    Result<std::shared_ptr<Process>> start(Wish wish);
    /// For who leaves without destructors: the launcher ends every process when this one is gone. [any]
    void abandon() noexcept;
    /// Whether this is the thread that watches: nothing on it may wait for a process to go.
    static bool watching() noexcept;

private:
    friend class Process;
    void monitor(std::stop_token stop);
    void look_at(Process& process);
    void serve_violations(Process& process);
    void kill(std::uint64_t id);
    /// @return Whether there was any.
    bool read_output(Process& process);
    void finish(Process& process);
    void wake() noexcept;
    void on_death(const sandbox::Death& death);
    Result<sandbox::Started> launch(sandbox::Spec& spec, ipc::ChannelPair& channel);
    void tell(const Process& process, std::string layer, std::string object, bool fatal) const;

    Options options_;
    std::mutex mutex_;
    Result<std::unique_ptr<sandbox::Launcher>> launcher_;
    std::map<std::uint64_t, std::shared_ptr<Process>> processes_;
    std::vector<sandbox::Death> early_;  // of processes that are not in the map yet
    int wake_ = -1;
    std::jthread monitor_thread_;
};

} // namespace symphony::host
