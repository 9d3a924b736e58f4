// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include "report.hpp"

#include <symphony/testing.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::checker {
namespace {

constexpr int report_fd = 3, step_fd = 4;
constexpr std::size_t output_bytes_max = 64 * 1024, report_bytes_max = 16 * 1024 * 1024;

using Clock = std::chrono::steady_clock;

struct Pipe {
    int read = -1, write = -1;
    bool open() {
        int fds[2];
        if (::pipe2(fds, O_CLOEXEC) != 0) return false;
        // Away from the numbers that the other process gets, so that moving one never closes another.
        read = ::fcntl(fds[0], F_DUPFD_CLOEXEC, 10);
        write = ::fcntl(fds[1], F_DUPFD_CLOEXEC, 10);
        ::close(fds[0]);
        ::close(fds[1]);
        return read >= 0 && write >= 0;
    }
    void close() {
        for (int* fd : {&read, &write}) {
            if (*fd >= 0) ::close(*fd);
            *fd = -1;
        }
    }
};

/// Between fork and exec.
[[noreturn]] void become_case(const CaseEntry& entry, const char* folder, const std::string& seed, const std::string& limit, const char* scratch, int report, int step, int output) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none); // it is meant to crash
    ::dup2(report, report_fd);
    ::dup2(step, step_fd);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
    if (nothing > STDERR_FILENO) ::close(nothing);
    // The heap is measured there: no arenas of threads that are gone, and nothing freed that still counts as used.
    if (entry.name == "reload") ::setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1", 1);
    ::setenv("TMPDIR", scratch, 1);
    const std::string name(entry.name);
    ::execl("/proc/self/exe", "symphony-checker", std::string(case_word).c_str(), name.c_str(), seed.c_str(), limit.c_str(), folder, nullptr);
    ::_exit(127);
}

void append(std::string& to, std::string_view bytes, std::size_t bytes_max) {
    if (to.size() < bytes_max) to += bytes.substr(0, bytes_max - to.size());
}

/// Reads both pipes until the process ends. @return False: the limit came first.
bool listen(int report, int output, pid_t pid, Clock::time_point limit, std::string& told, std::string& said, int& status) {
    bool report_open = true, output_open = true;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - Clock::now()).count();
        if (left <= 0) return false;
        pollfd fds[2] = {{report_open ? report : -1, POLLIN, 0}, {output_open ? output : -1, POLLIN, 0}};
        // The process's end shows as the end of its pipes, unless something that it started holds them: so look, too.
        ::poll(fds, 2, static_cast<int>(std::min<long long>(left, 50)));
        const auto drain = [](int fd, std::string& to, std::size_t bytes_max, bool& open) {
            std::array<char, 16384> part; // NOLINT: read fills it
            const ssize_t n = ::read(fd, part.data(), part.size());
            if (n > 0) append(to, {part.data(), static_cast<std::size_t>(n)}, bytes_max);
            else if (n == 0) open = false;
        };
        if (fds[0].revents != 0) drain(report, told, report_bytes_max, report_open);
        if (fds[1].revents != 0) drain(output, said, output_bytes_max, output_open);
        if (fds[0].revents == 0 && fds[1].revents == 0 && ::waitpid(pid, &status, WNOHANG) == pid) return true;
        if (!report_open && !output_open) {
            ::waitpid(pid, &status, 0);
            return true;
        }
    }
}

std::string died(int status) {
    if (WIFSIGNALED(status)) {
        const char* const name = ::sigabbrev_np(WTERMSIG(status));
        return "died by SIG" + std::string(name == nullptr ? std::to_string(WTERMSIG(status)) : name);
    }
    return "ended the process with status " + std::to_string(WEXITSTATUS(status));
}

} // namespace

Outcome run_case(const CaseEntry& entry, const std::filesystem::path& folder, std::uint64_t seed, std::chrono::seconds limit) {
    Outcome outcome;
    Pipe report, output;
    const int memory = ::fcntl(::memfd_create("symphony-checker-step", MFD_CLOEXEC), F_DUPFD_CLOEXEC, 10);
    void* const step = memory < 0 || ::ftruncate(memory, step_bytes) != 0 ? MAP_FAILED : ::mmap(nullptr, step_bytes, PROT_READ, MAP_SHARED, memory, 0);
    if (step == MAP_FAILED || !report.open() || !output.open()) {
        outcome.not_tried.push_back(std::string(entry.name) + ": no pipe or memory file: " + std::strerror(errno));
        return outcome;
    }
    const std::string seed_text = std::to_string(seed), limit_text = std::to_string(limit.count()), where = folder.string();
    const testing::TempFolder scratch; // ours to remove: a case may be killed
    const pid_t pid = ::fork();
    if (pid == 0) become_case(entry, where.c_str(), seed_text, limit_text, scratch.path().c_str(), report.write, memory, output.write);
    if (pid < 0) {
        outcome.not_tried.push_back(std::string(entry.name) + ": no process: " + std::strerror(errno));
        return outcome;
    }
    ::close(std::exchange(report.write, -1));
    ::close(std::exchange(output.write, -1));
    std::string told;
    int status = 0;
    const bool ended = listen(report.read, output.read, pid, Clock::now() + limit, told, outcome.output, status);
    ::kill(-pid, SIGKILL); // and what it started
    if (!ended) ::waitpid(pid, &status, 0);
    const bool done = read_report(told, outcome);
    char doing[step_bytes];
    std::memcpy(doing, step, sizeof doing);
    const std::string what = to_valid_utf8(read_bounded(doing));
    // Who hangs in its end is found where it is first ended.
    const std::string rule(what == "quiesce" ? "quiesce-honest" : entry.crash_rule);
    if (!ended) {
        outcome.findings.push_back({rule, (what.empty() ? "it" : what) + " did not come back in " + std::to_string(limit.count()) + " s", {}});
        outcome.stopped = outcome.stopped || entry.ground;
    } else if (!done || WIFSIGNALED(status)) {
        outcome.findings.push_back({rule, (what.empty() ? "it" : what) + " " + died(status), {}});
        outcome.stopped = outcome.stopped || entry.ground;
    }
    ::munmap(step, step_bytes);
    ::close(memory);
    report.close();
    output.close();
    return outcome;
}

void case_main(std::string_view name, const std::filesystem::path& folder, std::uint64_t seed, std::chrono::seconds limit) {
    ::fcntl(report_fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(step_fd, F_SETFD, FD_CLOEXEC);
    void* const step = ::mmap(nullptr, step_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, step_fd, 0);
    if (step == MAP_FAILED) ::_exit(127);
    for (const CaseEntry& entry : cases()) {
        if (entry.name != name) continue;
        auto subject = Subject::open(folder);
        if (!subject) ::_exit(126);
        Case at(*subject, seed, limit, static_cast<char*>(step), report_fd);
        entry.run(at);
        at.step("the end of the process");
        at.done();
        ::_exit(0); // threads of the plugin may be about
    }
    ::_exit(125);
}

} // namespace symphony::checker
