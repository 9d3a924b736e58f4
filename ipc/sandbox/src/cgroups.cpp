// SPDX-License-Identifier: Apache-2.0
#include "cgroups.hpp"

#include "fd.hpp"
#include "process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace symphony::sandbox {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view prefix = "symphony.";
/// Short, so that a plugin that used its share up does not stand still for long.
constexpr std::uint64_t cpu_period_us = 20'000;

int write_to(const fs::path& file, const std::string& text) {
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.open()) return errno;
    return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : (errno != 0 ? errno : EIO);
}

bool contains_word(const std::string& text, std::string_view word) {
    std::istringstream words(text);
    for (std::string next; words >> next;) {
        if (next == word) return true;
    }
    return false;
}

/// "name 12" lines.
std::uint64_t value_of(const std::string& text, std::string_view name) {
    std::istringstream lines(text);
    std::string key;
    for (std::uint64_t value = 0; lines >> key >> value;) {
        if (key == name) return value;
    }
    return 0;
}

bool is_dead(std::string_view leaf) {
    // symphony.PID.START
    const auto dot = leaf.find('.', prefix.size());
    if (dot == std::string_view::npos) return false;
    pid_t pid = 0;
    std::uint64_t start = 0;
    const auto first = std::from_chars(leaf.data() + prefix.size(), leaf.data() + dot, pid);
    const auto second = std::from_chars(leaf.data() + dot + 1, leaf.data() + leaf.size(), start);
    return first.ec == std::errc{} && second.ec == std::errc{} && start_time(pid) != start;
}

/// Whether a process descends from one that began at `start`. Numbers differ between process namespaces, the time does not.
bool descends_from(pid_t pid, std::uint64_t start) {
    for (int depth = 0; pid > 1 && depth < 64; ++depth) {
        if (start_time(pid) == start) return true;
        pid = parent_of(pid);
    }
    return false;
}

/// What lived there died with its launcher, but for who was stopped before it could ask for that. A launcher that only looks
/// dead, because it is in another process namespace, keeps what is its. @return Whether all of it is to go.
bool end_what_is_left_in(const fs::path& group, std::uint64_t launcher_start) {
    std::istringstream numbers(read_file((group / "cgroup.procs").c_str()));
    bool all = true;
    for (pid_t pid = 0; numbers >> pid;) {
        const bool its = pid <= 1 || descends_from(pid, launcher_start);
        if (!its) ::kill(pid, SIGKILL);
        all = all && !its;
    }
    return all;
}

bool remove_stale_in(const fs::path& folder) {
    bool gone = true;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        const std::string leaf = entry.path().filename().string();
        if (!leaf.starts_with(prefix) || !is_dead(leaf)) continue;
        bool ours = true;
        const std::uint64_t start = std::strtoull(leaf.c_str() + leaf.rfind('.') + 1, nullptr, 10);
        for (const auto& sandbox : fs::directory_iterator(entry.path(), failed)) {
            if (!sandbox.is_directory(failed) || ::rmdir(sandbox.path().c_str()) == 0) continue;
            ours = end_what_is_left_in(sandbox.path(), start) && ours;
        }
        gone = (!ours || ::rmdir(entry.path().c_str()) == 0) && gone;
    }
    return gone;
}

} // namespace

Cgroups::Folders Cgroups::find(const std::string& cgroup_text, const std::string& mountinfo_text) {
    struct Mount {
        std::string root, point, type, options;
    };
    std::vector<Mount> mounts;
    std::istringstream lines(mountinfo_text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string id, parent, device, word;
        Mount mount;
        words >> id >> parent >> device >> mount.root >> mount.point;
        while (words >> word && word != "-") {}
        std::string source;
        words >> mount.type >> source >> mount.options;
        if (mount.type == "cgroup" || mount.type == "cgroup2") mounts.push_back(std::move(mount));
    }
    const auto place = [&](const Mount& mount, const std::string& path) {
        // What is mounted may be a part of the hierarchy, as in a container.
        const bool inside = mount.root != "/" && path.starts_with(mount.root) && (path.size() == mount.root.size() || path[mount.root.size()] == '/');
        const std::string below = inside ? path.substr(mount.root.size()) : mount.root == "/" ? path : std::string();
        return fs::path(mount.point) / fs::path(below).relative_path();
    };
    Folders folders;
    std::istringstream groups(cgroup_text);
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
        for (const Mount& mount : mounts) {
            const auto has = [&](std::string_view name) {
                return (',' + mount.options + ',').find(',' + std::string(name) + ',') != std::string::npos &&
                       (',' + controllers + ',').find(',' + std::string(name) + ',') != std::string::npos;
            };
            if (controllers.empty() && mount.type == "cgroup2") folders.v2 = place(mount, path);
            if (mount.type != "cgroup") continue;
            if (has("memory")) folders.v1_memory = place(mount, path);
            if (has("cpu")) folders.v1_cpu = place(mount, path);
            if (has("pids")) folders.v1_pids = place(mount, path);
        }
    }
    return folders;
}

Cgroups::Folders Cgroups::find() { return find(read_file("/proc/self/cgroup"), read_file("/proc/self/mountinfo")); }

bool Cgroups::writable(const fs::path& folder) {
    return !folder.empty() && ::access(folder.c_str(), W_OK) == 0 && ::access((folder / "cgroup.procs").c_str(), W_OK) == 0;
}

bool Cgroups::remove_stale(const Folders& folders) {
    bool gone = true;
    for (const auto* folder : {&folders.v1_memory, &folders.v1_cpu, &folders.v1_pids}) {
        if (!folder->empty()) gone = remove_stale_in(*folder) && gone;
    }
    // A launcher may have had to go up: see take_v2().
    for (fs::path folder = folders.v2; writable(folder); folder = folder.parent_path()) gone = remove_stale_in(folder) && gone;
    return gone;
}

Cgroups::Cgroups(const Folders& folders, pid_t owner)
    : leaf_(std::string(prefix) + std::to_string(owner) + "." + std::to_string(start_time(owner))) {
    const bool any = !folders.v1_memory.empty() || !folders.v1_cpu.empty() || !folders.v1_pids.empty() || !folders.v2.empty();
    if (!folders.v2.empty() && take_v2(folders.v2)) {
        backend_ = "cgroup v2";
        return;
    }
    const auto take = [&](const fs::path& folder, fs::path& own) {
        if (!writable(folder)) return;
        fs::path made = folder / leaf_;
        if (::mkdir(made.c_str(), 0755) == 0 || errno == EEXIST) own = std::move(made);
    };
    take(folders.v1_memory, memory_);
    take(folders.v1_cpu, cpu_);
    take(folders.v1_pids, pids_);
    if (memory() || cpu() || threads()) {
        backend_ = "cgroup v1";
        fs::path group;
        take(folders.v2, group);
        if (!group.empty() && ::access((group / "cgroup.kill").c_str(), W_OK) == 0) {
            kill_ = group;
            backend_ = "cgroup v1 with v2 kill";
        } else if (!group.empty()) {
            ::rmdir(group.c_str());
        }
        std::string missing;
        if (!memory()) missing += " memory";
        if (!cpu()) missing += " cpu";
        if (!threads()) missing += " pids";
        if (!missing.empty()) why_not_ = "not writable or not mounted:" + missing;
        return;
    }
    why_not_ = any ? "no control group that this user may write to" : "no control groups are mounted";
}

bool Cgroups::take_v2(const fs::path& own) {
    // A group with processes cannot give controllers to its children, so the nearest ancestor that is ours and can is taken:
    // with systemd that is the slice that it delegates to a user.
    for (fs::path folder = own; writable(folder); folder = folder.parent_path()) {
        const std::string offered = read_file((folder / "cgroup.controllers").c_str());
        if (offered.empty() || !contains_word(offered, "memory")) continue;
        std::string wanted;
        for (const char* const name : {"memory", "pids", "cpu"}) {
            if (!contains_word(offered, name)) continue;
            const std::string given = read_file((folder / "cgroup.subtree_control").c_str());
            if (!contains_word(given, name) && write_to(folder / "cgroup.subtree_control", std::string("+") + name) != 0) continue;
            wanted += (wanted.empty() ? "+" : " +") + std::string(name);
        }
        if (wanted.find("+memory") == std::string::npos) continue;
        const fs::path made = folder / leaf_;
        if (::mkdir(made.c_str(), 0755) != 0 && errno != EEXIST) continue;
        if (write_to(made / "cgroup.subtree_control", wanted) != 0) {
            ::rmdir(made.c_str());
            continue;
        }
        v2_ = true;
        memory_ = made;
        if (wanted.find("+cpu") != std::string::npos) cpu_ = made;
        if (wanted.find("+pids") != std::string::npos) pids_ = made;
        kill_ = made;
        return true;
    }
    return false;
}

Cgroups::~Cgroups() {
    for (const auto* folder : {&memory_, &cpu_, &pids_, &kill_}) {
        if (!folder->empty()) ::rmdir(folder->c_str());
    }
}

int Cgroups::make(std::uint64_t id) {
    const std::string name = std::to_string(id);
    for (const auto* folder : {&memory_, &cpu_, &pids_, &kill_}) {
        if (folder->empty() || ::mkdir((*folder / name).c_str(), 0755) == 0 || errno == EEXIST) continue;
        const int error = errno;
        remove(id);
        return error;
    }
    return 0;
}

int Cgroups::limit(std::uint64_t id, const Limits& limits, std::uint32_t processes) {
    const std::string name = std::to_string(id);
    int error = 0;
    const auto set = [&](const fs::path& folder, const char* file, const std::string& value, bool optional = false) {
        if (folder.empty() || error != 0) return;
        const int failed = write_to(folder / name / file, value);
        if (failed != 0 && !(optional && failed == ENOENT)) error = failed;
    };
    const std::string memory = std::to_string(limits.memory_bytes);
    const std::uint64_t quota = std::max<std::uint64_t>(1000, limits.cpu_percent * cpu_period_us / 100);
    if (v2_) {
        set(memory_, "memory.max", memory);
        set(memory_, "memory.swap.max", "0", true);
        set(memory_, "memory.oom.group", "1", true);
        if (limits.cpu_percent != 0) set(cpu_, "cpu.max", std::to_string(quota) + " " + std::to_string(cpu_period_us));
    } else {
        set(memory_, "memory.limit_in_bytes", memory);
        set(memory_, "memory.memsw.limit_in_bytes", memory, true);
        if (limits.cpu_percent != 0) {
            set(cpu_, "cpu.cfs_period_us", std::to_string(cpu_period_us));
            set(cpu_, "cpu.cfs_quota_us", std::to_string(quota));
        }
    }
    set(pids_, "pids.max", std::to_string(processes));
    return error;
}

int Cgroups::enter(std::uint64_t id, pid_t process) {
    const std::string name = std::to_string(id), text = std::to_string(process);
    const fs::path* done = nullptr;
    for (const auto* folder : {&memory_, &cpu_, &pids_, &kill_}) {
        if (folder->empty() || (done != nullptr && v2_)) continue;
        if (const int error = write_to(*folder / name / "cgroup.procs", text); error != 0) return error;
        done = folder;
    }
    return 0;
}

std::uint64_t Cgroups::oom_kills(std::uint64_t id) const {
    if (memory_.empty()) return 0;
    const std::string text = read_file((memory_ / std::to_string(id) / (v2_ ? "memory.events" : "memory.oom_control")).c_str());
    return value_of(text, "oom_kill");
}

void Cgroups::kill(std::uint64_t id) {
    if (!kill_.empty()) write_to(kill_ / std::to_string(id) / "cgroup.kill", "1");
}

bool Cgroups::remove(std::uint64_t id) {
    bool gone = true;
    for (const auto* folder : {&memory_, &cpu_, &pids_, &kill_}) {
        if (!folder->empty() && ::rmdir((*folder / std::to_string(id)).c_str()) != 0 && errno != ENOENT) gone = false;
    }
    return gone;
}

} // namespace symphony::sandbox
