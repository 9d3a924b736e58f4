// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/sandbox/launcher.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>

namespace symphony::sandbox {

/// The control groups that the launcher may use, by the best way this machine has; one group for each sandbox.
///
/// Groups of a launcher are below `symphony.<pid>.<start time>`, so that the next one can tell which are left over from a dead one.
class Cgroups {
public:
    /// Where the hierarchies are; empty = not there. For each the folder of this process.
    struct Folders {
        std::filesystem::path v1_memory, v1_cpu, v1_pids, v2;
    };
    /// From /proc/self/cgroup and /proc/self/mountinfo, or files like them.
    static Folders find(const std::string& cgroup_text, const std::string& mountinfo_text);
    /// Of this machine.
    static Folders find();

    /// Tries what may be written. `owner` is the launcher.
    Cgroups(const Folders& folders, pid_t owner);
    Cgroups(const Cgroups&) = delete;
    Cgroups& operator=(const Cgroups&) = delete;
    /// Removes its own folder.
    ~Cgroups();

    bool memory() const noexcept { return !memory_.empty(); }
    bool cpu() const noexcept { return !cpu_.empty(); }
    bool threads() const noexcept { return !pids_.empty(); }
    /// "cgroup v2", "cgroup v1", "cgroup v1 with v2 kill", or "" for none.
    const std::string& backend() const noexcept { return backend_; }
    /// Why there is none, or what is missing.
    const std::string& why_not() const noexcept { return why_not_; }

    /// Removes the groups of launchers that are dead. @return false when processes are still ending in one: try again
    static bool remove_stale(const Folders& folders);

    /// Makes a group without limits. @return errno, 0 = done
    int make(std::uint64_t id);
    int limit(std::uint64_t id, const Limits& limits, std::uint32_t processes);
    /// Puts a process in. @return errno, 0 = done
    int enter(std::uint64_t id, pid_t process);
    /// How often the kernel killed there for lack of memory.
    std::uint64_t oom_kills(std::uint64_t id) const;
    /// Kills every process in it, as far as this kernel can.
    void kill(std::uint64_t id);
    /// @return false when processes are still ending in it: try again
    bool remove(std::uint64_t id);

private:
    bool take_v2(const std::filesystem::path& own);
    static bool writable(const std::filesystem::path& folder);

    std::string leaf_;
    std::filesystem::path memory_, cpu_, pids_, kill_;  ///< this launcher's folder in each hierarchy
    bool v2_ = false;
    std::string backend_, why_not_;
};

} // namespace symphony::sandbox
