// SPDX-License-Identifier: Apache-2.0
#include "watch.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/syscall.h>
#include <time.h>

namespace symphony::sandbox {
namespace {

using namespace std::chrono_literals;
constexpr auto look_ms = 50ms, look_near_ms = 5ms, pace_ms = 10ms;
/// What may be used at once after a rest.
constexpr auto burst = 50ms;

std::string_view read_again(const Fd& file, std::array<char, 4096>& into) {
    const ssize_t n = file.open() ? ::pread(file.get(), into.data(), into.size() - 1, 0) : -1;
    into[n > 0 ? static_cast<std::size_t>(n) : 0] = '\0';
    return {into.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

/// The number after "\nName:"; 0 when there is none.
std::uint64_t value_of(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    return at == std::string_view::npos ? 0 : std::strtoull(text.data() + at + name.size(), nullptr, 10);
}

} // namespace

void Watch::look_at(pid_t process) {
    process_ = process;
    const std::string folder = "/proc/" + std::to_string(process) + "/";
    const auto open = [&](const char* name) { return Fd(::open((folder + name).c_str(), O_RDONLY | O_CLOEXEC)); };
    rollup_ = open("smaps_rollup");
    statm_ = open("statm");
    status_ = open("status");
}

void Watch::begin(Clock::time_point now) {
    next_ = since_ = now;
    paid_ = cpu_used();
}

std::uint64_t Watch::memory_used() {
    std::array<char, 4096> text;
    static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::string_view sizes = read_again(statm_, text);
    const auto blank = sizes.find(' ');
    const std::uint64_t resident = blank == std::string_view::npos ? 0 : std::strtoull(sizes.data() + blank, nullptr, 10) * page;
    // The share of pages that others have, too, is dear to count: only when it may decide.
    if (resident < limits_.memory_bytes) return resident;
    if (const std::uint64_t shares = value_of(read_again(rollup_, text), "\nPss:") * 1024; shares != 0) return shares;
    const std::string_view status = read_again(status_, text);
    return (value_of(status, "\nRssAnon:") + value_of(status, "\nRssShmem:")) * 1024;
}

std::chrono::nanoseconds Watch::cpu_used() const {
    clockid_t clock{};
    timespec used{};
    if (!what_.cpu || ::clock_getcpuclockid(process_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0ns;
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

void Watch::pace(Clock::time_point now, int pidfd) {
    const auto allowed = (now - since_) * limits_.cpu_percent / 100;
    const auto used = cpu_used() - paid_;
    const bool stop = used > allowed + (stopped_ ? 0ns : std::chrono::nanoseconds(burst));
    if (allowed > used + burst) {
        // Rest is not saved up without end.
        since_ = now;
        paid_ += used;
    }
    if (stop == stopped_) return;
    stopped_ = stop;
    ::syscall(SYS_pidfd_send_signal, pidfd, stop ? SIGSTOP : SIGCONT, nullptr, 0);
}

std::optional<Death::How> Watch::check(Clock::time_point now, int pidfd) {
    auto pause = std::chrono::milliseconds(look_ms);
    if (what_.memory) {
        const std::uint64_t used = memory_used();
        if (used > limits_.memory_bytes) return Death::out_of_memory;
        if (used > limits_.memory_bytes / 2) pause = look_near_ms;
    }
    if (what_.threads) {
        std::array<char, 4096> text;
        if (value_of(read_again(status_, text), "\nThreads:") > limits_.threads) return Death::too_many_threads;
    }
    if (what_.cpu) {
        pace(now, pidfd);
        pause = std::min(pause, std::chrono::milliseconds(pace_ms));
    }
    next_ = now + pause;
    return std::nullopt;
}

} // namespace symphony::sandbox
