// SPDX-License-Identifier: Apache-2.0
#include "debugger.hpp"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace symphony::kit {
namespace fs = std::filesystem;
namespace {

fs::path proc(pid_t pid) { return fs::path("/proc") / std::to_string(pid); }

/// Where the newest library of that name is mapped: the versions before it stay where they were.
std::string mapped_at(pid_t pid, const std::string& memory) {
    std::ifstream maps(proc(pid) / "maps");
    std::string line, begin, inode;
    unsigned long long newest = 0;
    while (std::getline(maps, line)) {
        if (line.find(memory) == std::string::npos) continue;
        unsigned long long from = 0, offset = 0, number = 0;
        if (std::sscanf(line.c_str(), "%llx-%*x %*s %llx %*s %llu", &from, &offset, &number) != 3 || offset != 0 || number < newest) continue;
        newest = number;
        char text[32];
        std::snprintf(text, sizeof text, "0x%llx", from);
        begin = text;
    }
    return begin;
}

/// All processes that can be seen, with their parents.
std::map<pid_t, pid_t> processes() {
    std::map<pid_t, pid_t> out;
    std::error_code failed;
    for (fs::directory_iterator item("/proc", failed), end; !failed && item != end; item.increment(failed)) {
        const std::string text = item->path().filename().string();
        pid_t pid = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), pid).ptr != text.data() + text.size()) continue;
        std::ifstream file(item->path() / "stat");
        std::string line;
        if (!std::getline(file, line)) continue;
        const auto close = line.rfind(')'); // of the name, which may hold anything
        int parent = 0;
        if (close != std::string::npos && std::sscanf(line.c_str() + close + 1, " %*c %d", &parent) == 1) out[pid] = parent;
    }
    return out;
}

std::string title_of(pid_t pid) {
    std::ifstream file(proc(pid) / "cmdline");
    std::string words;
    std::getline(file, words, '\0');
    return words;
}

bool descends(const std::map<pid_t, pid_t>& all, pid_t pid, pid_t from) {
    for (int depth = 0; depth < 64; ++depth) {
        const auto found = all.find(pid);
        if (found == all.end()) return false;
        if (found->second == from) return true;
        pid = found->second;
    }
    return false;
}

} // namespace

Result<Debuggee> find_debuggee(const std::string& name, const std::string& version) {
    const std::string memory = "symphony:" + name + "-" + version;
    if (auto here = mapped_at(::getpid(), memory); !here.empty()) return Debuggee{::getpid(), std::move(here)};
    // A runner's words say whose it is; a long name is cut where its memory for words ends.
    const std::string runner = "symphony-runner: ", title = runner + name + "-" + version;
    const auto all = processes();
    for (const auto& [pid, parent] : all) {
        if (!descends(all, pid, ::getpid())) continue;
        const std::string found = title_of(pid);
        if (found.size() > runner.size() && title.starts_with(found)) return Debuggee{pid, mapped_at(pid, memory)};
    }
    return Error(Code::not_found, "no-process", "the plugin \"" + name + "\" runs in no process that can be seen", "it is started by a call: --call OPERATION or --run WORKFLOW");
}

std::string attach_command(const Debuggee& debuggee, const fs::path& library) {
    const bool mine = debuggee.pid == ::getpid() || ::geteuid() == 0; // a sandboxed process lets nobody but root look into it
    std::string out = std::string(mine ? "" : "sudo ") + "gdb -p " + std::to_string(debuggee.pid);
    if (!debuggee.address.empty()) out += " -ex 'add-symbol-file " + library.string() + " -o " + debuggee.address + "'";
    return out;
}

bool is_traced(pid_t pid) {
    std::ifstream status(proc(pid) / "status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.starts_with("TracerPid:")) return line.find_first_of("123456789") != std::string::npos;
    }
    return false;
}

void allow_tracing() noexcept { ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); }

} // namespace symphony::kit
