// SPDX-License-Identifier: Apache-2.0
#include "confine.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace symphony::sandbox {

Outcome close_all_but(std::span<const int> keep) noexcept {
    std::array<int, 16> sorted{};
    std::size_t count = 0;
    for (const int fd : keep) {
        if (fd > STDERR_FILENO && count < sorted.size()) sorted[count++] = fd;
    }
    std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(count));
    unsigned from = STDERR_FILENO + 1;
    for (std::size_t i = 0; i < count; ++i) {
        const auto kept = static_cast<unsigned>(sorted[i]);
        if (kept > from && ::syscall(SYS_close_range, from, kept - 1, 0) != 0) return fail(Stage::descriptors);
        from = kept + 1;
    }
    return ::syscall(SYS_close_range, from, UINT_MAX, 0) == 0 ? Outcome{} : fail(Stage::descriptors);
}

Outcome tidy_process(int output) noexcept {
    const int null = ::open("/dev/null", O_RDONLY);
    if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0) {
        return fail(Stage::standard_streams);
    }
    if (null > STDERR_FILENO) ::close(null);
    if (::setsid() < 0 && errno != EPERM) return fail(Stage::new_session);
    ::umask(077);
    struct sigaction usual{};
    usual.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &usual, nullptr);
    // As in the host: a peer that is gone is an error of the write, and so is a file that is too long.
    usual.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &usual, nullptr);
    ::sigaction(SIGXFSZ, &usual, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return {};
}

Outcome take_identity(uid_t uid, gid_t gid, bool may_drop_groups) noexcept {
    // Raw calls: libc's would signal threads, of which a process made by a bare clone has a wrong idea.
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return fail(Stage::take_identity);
    if (may_drop_groups && ::syscall(SYS_setgroups, 0, nullptr) != 0) return fail(Stage::take_identity);
    if (::syscall(SYS_setresgid, gid, gid, gid) != 0 || ::syscall(SYS_setresuid, uid, uid, uid) != 0) return fail(Stage::take_identity);
    return {};
}

Outcome take_host_name() noexcept {
    constexpr std::string_view name = "sandbox", domain = "(none)"; // the kernel's own word for no domain
    const bool taken = ::sethostname(name.data(), name.size()) == 0 && ::setdomainname(domain.data(), domain.size()) == 0;
    return taken ? Outcome{} : fail(Stage::host_name);
}

Outcome drop_capabilities() noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    // A change of user has put aside what it still may; it is needed once more, to be given up for good.
    if (::syscall(SYS_capget, &header, sets.data()) != 0) return fail(Stage::capabilities);
    for (auto& set : sets) set.effective = set.permitted;
    if (::syscall(SYS_capset, &header, sets.data()) != 0) return fail(Stage::capabilities);
    // Both need CAP_SETPCAP: a plain user without a user namespace has neither it nor anything to drop.
    for (int capability = 0; capability < 64; ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM && errno != EINVAL) return fail(Stage::capabilities);
    }
    constexpr unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                   SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (::prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0 && errno != EPERM) return fail(Stage::capabilities);
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL && errno != EPERM) return fail(Stage::capabilities);
    sets = {};
    if (::syscall(SYS_capset, &header, sets.data()) != 0) return fail(Stage::capabilities);
    sets[0].permitted = sets[1].permitted = ~0u;
    if (::syscall(SYS_capget, &header, sets.data()) != 0) return fail(Stage::capabilities);
    for (const auto& set : sets) {
        if ((set.effective | set.permitted | set.inheritable) != 0) return fail(Stage::capabilities, EPERM);
    }
    return {};
}

Outcome no_new_privileges() noexcept { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? Outcome{} : fail(Stage::no_new_privileges); }

Outcome die_with_parent(pid_t parent) noexcept {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return fail(Stage::parent_death);
    return ::syscall(SYS_getppid) == parent ? Outcome{} : fail(Stage::parent_death, ESRCH);
}

void hide_memory() noexcept { ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/// Queued signals and POSIX timers. They are kernel memory, and without a user namespace they are counted for all that its user runs.
constexpr std::uint64_t pending_signals_max = 1024;

Outcome set_resource_limits(const ResourceLimits& wanted) noexcept {
    const auto set = [](__rlimit_resource what, std::uint64_t value, std::uint64_t hard) {
        rlimit now{};
        if (::getrlimit(what, &now) != 0) return false;
        // Nobody may raise what its own parent has.
        const rlimit limit{std::min<rlim_t>(value, now.rlim_max), std::min<rlim_t>(hard, now.rlim_max)};
        return ::setrlimit(what, &limit) == 0;
    };
    const Limits& limits = wanted.limits;
    bool good = set(RLIMIT_CORE, 0, 0) && set(RLIMIT_NICE, 0, 0) && set(RLIMIT_RTPRIO, 0, 0) && set(RLIMIT_MSGQUEUE, 0, 0) &&
                set(RLIMIT_SIGPENDING, pending_signals_max, pending_signals_max) &&
                set(RLIMIT_NOFILE, limits.open_files, limits.open_files) && set(RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes);
    if (limits.cpu_seconds != 0) good = good && set(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1);
    if (wanted.processes != 0) good = good && set(RLIMIT_NPROC, wanted.processes, wanted.processes);
    if (wanted.data_bytes != 0) good = good && set(RLIMIT_DATA, wanted.data_bytes, wanted.data_bytes);
    return good ? Outcome{} : fail(Stage::resource_limits);
}

Outcome load_filter(const sock_fprog& program, int* listener) noexcept {
    const unsigned flags = listener != nullptr ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    const long answer = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (answer < 0) return fail(Stage::seccomp);
    if (listener != nullptr) *listener = static_cast<int>(answer);
    return {};
}

void set_title(TitleSpace space, const char* title, const char* short_name) noexcept {
    ::prctl(PR_SET_NAME, short_name, 0, 0, 0);
    if (space.size < 2) return;
    std::memset(space.begin, 0, space.size);
    const std::size_t size = std::min(std::strlen(title), space.size - 2);
    std::memcpy(space.begin, title, size);
    // The kernel shows the space behind the arguments, too, when their last byte is not zero.
}

} // namespace symphony::sandbox
