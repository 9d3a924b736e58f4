// SPDX-License-Identifier: Apache-2.0
#include "policy.hpp"

#include "fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <linux/seccomp.h>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace symphony::sandbox::policy {
namespace {

using namespace std::string_view_literals;

/// Stands for the process's own id until set_own_pid.
constexpr std::uint32_t own_pid = 0x5359'0A1Du;

/// Allowed whatever the arguments are. None of them names another process, and none changes a path.
constexpr std::array allowed{
    // files that are open, or that the private root and Landlock let it open
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek", "close", "close_range",
    "open", "openat", "openat2", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2",
    "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "dup", "dup2", "dup3", "flock", "fsync", "fdatasync", "sync_file_range",
    "ftruncate", "fallocate", "fadvise64", "readahead", "copy_file_range", "sendfile", "splice", "tee", "pipe", "pipe2", "umask",
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "eventfd", "eventfd2", "timerfd_create", "timerfd_settime", "timerfd_gettime", "signalfd", "signalfd4",
    // memory; executable mappings are below
    "munmap", "mremap", "brk", "msync", "mincore", "mlock", "mlock2", "munlock", "membarrier", "pkey_alloc", "pkey_free",
    // threads
    "futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "gettid", "sched_yield", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "getpriority",
    "exit", "exit_group", "restart_syscall", "getcpu",
    // time
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getitimer", "setitimer", "alarm",
    "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
    // itself
    "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "getpgrp", "getpgid", "getsid",
    "capget", "uname", "sysinfo", "getrusage", "getrlimit", "setrlimit", "getrandom",
    // signals within the process
    "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "pause",
    // sockets that were handed in
    "shutdown", "getsockname", "getpeername",
};
/// Known to the kernel, not to libseccomp 2.5.4: futex_wake, futex_wait, futex_requeue.
constexpr std::array allowed_numbers{454, 455, 456};

/// Libraries try these and live without: no record, and the error that says "not here".
constexpr std::array<std::pair<const char*, int>, 25> quiet{{
    {"clone3", ENOSYS},  // its flags cannot be seen by a filter; libc falls back to clone
    {"mbind", ENOSYS}, {"get_mempolicy", ENOSYS}, {"set_mempolicy", ENOSYS}, {"migrate_pages", ENOSYS},
    {"set_mempolicy_home_node", ENOSYS}, {"inotify_init", ENOSYS}, {"inotify_init1", ENOSYS}, {"sched_setattr", EPERM}, {"sched_getattr", ENOSYS},
    {"sched_setscheduler", EPERM}, {"sched_setparam", EPERM}, {"setpriority", EPERM}, {"ioprio_set", EPERM}, {"ioprio_get", ENOSYS},
    {"getxattr", EOPNOTSUPP}, {"lgetxattr", EOPNOTSUPP}, {"fgetxattr", EOPNOTSUPP}, {"listxattr", EOPNOTSUPP}, {"llistxattr", EOPNOTSUPP},
    {"flistxattr", EOPNOTSUPP}, {"setpgid", EPERM}, {"setsid", EPERM}, {"mlockall", EPERM}, {"munlockall", EPERM},
}};

constexpr std::array grave{
    "socket"sv, "ptrace"sv, "process_vm_readv"sv, "process_vm_writev"sv, "process_madvise"sv, "process_mrelease"sv, "pidfd_getfd"sv,
    "kcmp"sv, "bpf"sv, "perf_event_open"sv, "userfaultfd"sv, "io_uring_setup"sv, "io_uring_enter"sv, "io_uring_register"sv, "keyctl"sv, "add_key"sv,
    "request_key"sv, "mount"sv, "umount"sv, "umount2"sv, "pivot_root"sv, "chroot"sv, "move_mount"sv, "open_tree"sv, "open_tree_attr"sv, "fsopen"sv,
    "fsconfig"sv, "fsmount"sv, "fspick"sv, "mount_setattr"sv, "setns"sv, "unshare"sv, "init_module"sv, "finit_module"sv, "create_module"sv,
    "delete_module"sv, "kexec_load"sv, "kexec_file_load"sv, "reboot"sv, "swapon"sv, "swapoff"sv, "iopl"sv, "ioperm"sv, "open_by_handle_at"sv,
    "fanotify_init"sv, "acct"sv, "quotactl"sv, "quotactl_fd"sv, "settimeofday"sv, "clock_settime"sv, "clock_adjtime"sv, "adjtimex"sv,
    "sethostname"sv, "setdomainname"sv, "syslog"sv, "lookup_dcookie"sv, "vhangup"sv, "nfsservctl"sv, "modify_ldt"sv,
};

/// Newer than libseccomp 2.5.4; the same on x86-64 and arm64.
constexpr std::array<std::pair<int, std::string_view>, 20> newer{{
    {448, "process_mrelease"}, {449, "futex_waitv"}, {450, "set_mempolicy_home_node"}, {451, "cachestat"}, {452, "fchmodat2"},
    {453, "map_shadow_stack"}, {454, "futex_wake"}, {455, "futex_wait"}, {456, "futex_requeue"}, {457, "statmount"},
    {458, "listmount"}, {459, "lsm_get_self_attr"}, {460, "lsm_set_self_attr"}, {461, "lsm_list_modules"}, {462, "mseal"},
    {463, "setxattrat"}, {464, "getxattrat"}, {465, "listxattrat"}, {466, "removexattrat"}, {467, "open_tree_attr"},
}};

constexpr std::array fcntl_commands{
    F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, 36 /* F_OFD_GETLK */, 37, 38, F_GETOWN,
    1027 /* F_DUPFD_QUERY */, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_GET_RW_HINT, F_SET_RW_HINT,
};
constexpr std::array<unsigned long, 7> ioctl_commands{FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TCGETS, TIOCGWINSZ, 0x40049409 /* FICLONE */};
constexpr std::array prctl_commands{
    PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS, PR_GET_PDEATHSIG, PR_GET_TIMERSLACK, PR_SET_TIMERSLACK,
    PR_GET_THP_DISABLE, PR_SET_THP_DISABLE, PR_CAPBSET_READ, PR_GET_SECCOMP, PR_GET_SECUREBITS, PR_GET_KEEPCAPS, 0x53564d41 /* PR_SET_VMA */,
};
/// Of level SOL_SOCKET. None tells who is at the other end: SO_PEERPIDFD would even give a handle of the host's process.
constexpr std::array socket_options{
    SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_LINGER, SO_RCVTIMEO_OLD, SO_SNDTIMEO_OLD, SO_RCVLOWAT, SO_REUSEADDR,
};
constexpr std::array socket_options_to_read{SO_TYPE, SO_ERROR, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_SNDLOWAT};

// What glibc and musl pass to make a thread, and what they may add.
constexpr std::uint64_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                       CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
constexpr std::uint64_t thread_flags_optional = CLONE_DETACHED | CLONE_CHILD_SETTID;

/// A libseccomp program in the making. The first failure sticks.
class Builder {
public:
    explicit Builder(std::uint32_t otherwise) : context_(seccomp_init(otherwise), &seccomp_release) {
        failed_ = context_ == nullptr;
        if (failed_) return;
        keep(seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
        keep(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
    }
    void rule(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> when = {}) {
        const int number = seccomp_syscall_resolve_name(name);
        // Calls of other architectures have no number here.
        if (number == __NR_SCMP_ERROR || number < 0) return;
        this->rule(action, number, when);
    }
    void rule(std::uint32_t action, int number, std::initializer_list<scmp_arg_cmp> when = {}) {
        if (context_ == nullptr) return;
        // An allowed call that is the default action already needs no rule.
        const int added = seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(when.size()), when.begin());
        keep(added == -EACCES ? 0 : added);
    }
    void allow(const char* name, std::initializer_list<scmp_arg_cmp> when = {}) { rule(SCMP_ACT_ALLOW, name, when); }

    std::vector<sock_filter> finish() {
        if (failed_) return {};
        const Fd memory(::memfd_create("symphony-seccomp", MFD_CLOEXEC));
        if (!memory.open() || seccomp_export_bpf(context_.get(), memory.get()) != 0) return {};
        const off_t size = ::lseek(memory.get(), 0, SEEK_END);
        std::vector<sock_filter> program(static_cast<std::size_t>(std::max<off_t>(size, 0)) / sizeof(sock_filter));
        const auto bytes = static_cast<ssize_t>(program.size() * sizeof(sock_filter));
        if (bytes == 0 || ::pread(memory.get(), program.data(), static_cast<std::size_t>(bytes), 0) != bytes) return {};
        return program;
    }

private:
    void keep(int status) { failed_ = failed_ || status != 0; }

    std::unique_ptr<void, decltype(&seccomp_release)> context_;
    bool failed_ = false;
};

template <class Numbers>
void allow_commands(Builder& to, const char* name, unsigned argument, const Numbers& commands) {
    for (const auto command : commands) {
        // Commands are 32 bit: the kernel ignores the upper half, so the filter must too.
        to.allow(name, {SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, static_cast<std::uint32_t>(command))});
    }
}

void add_memory(Builder& to, bool jit) {
    if (jit) {
        for (const char* name : {"mmap", "mprotect", "pkey_mprotect"}) to.allow(name);
        return;
    }
    // Until loading is done, code comes from a file, and nothing is ever writable and executable.
    to.allow("mmap", {SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
    to.allow("mmap", {SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC), SCMP_A3_64(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0)});
    for (const char* name : {"mprotect", "pkey_mprotect"}) to.allow(name, {SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
}

void add_processes(Builder& to) {
    to.allow("clone", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, ~thread_flags_optional, thread_flags)});
    for (const char* name : {"kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"}) {
        to.allow(name, {SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, own_pid)});
    }
    // Its own affinity only, and another process's limits never.
    to.allow("sched_setaffinity", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, 0)});
    to.allow("prlimit64", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, 0)});
    to.allow("prlimit64", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, own_pid), SCMP_A2_64(SCMP_CMP_EQ, 0)});
    to.allow("personality", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, 0xFFFF'FFFFu)});
    // SIGSYS stays the runner's.
    to.allow("rt_sigaction", {SCMP_A0_64(SCMP_CMP_LT, SIGSYS)});
    to.allow("rt_sigaction", {SCMP_A0_64(SCMP_CMP_GT, SIGSYS)});
}

/// Advice that stays within the process. Left out: merging its pages with others', whose timing tells what those hold, and failing memory.
void add_advice(Builder& to) {
    constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 6> allowed_advice{{{~7u, 0}, {~3u, 8}, {~0u, MADV_UNMERGEABLE}, {~1u, 14}, {~15u, 16}, {~1u, 102}}};
    for (const auto& [mask, advice] : allowed_advice) to.allow("madvise", {SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, mask, advice)});
}

void add_sockets(Builder& to, bool may_socketpair) {
    // A TCP socket that was passed in connects elsewhere with MSG_FASTOPEN. Bytes out of band have been a way into the kernel.
    constexpr std::uint64_t no_send = MSG_FASTOPEN | MSG_OOB, no_receive = MSG_OOB | MSG_ERRQUEUE;
    // What is sent goes to the other end and nowhere else. sendmsg names its destination in memory, which no filter can read; what keeps
    // it harmless is that there is no socket here that would look at it.
    to.allow("sendto", {SCMP_A3_64(SCMP_CMP_MASKED_EQ, no_send, 0), SCMP_A4_64(SCMP_CMP_EQ, 0)});
    to.allow("sendmsg", {SCMP_A2_64(SCMP_CMP_MASKED_EQ, no_send, 0)});
    to.allow("sendmmsg", {SCMP_A3_64(SCMP_CMP_MASKED_EQ, no_send, 0)});
    to.allow("recvfrom", {SCMP_A3_64(SCMP_CMP_MASKED_EQ, no_receive, 0)});
    to.allow("recvmsg", {SCMP_A2_64(SCMP_CMP_MASKED_EQ, no_receive, 0)});
    to.allow("recvmmsg", {SCMP_A3_64(SCMP_CMP_MASKED_EQ, no_receive, 0)});
    const auto allow_option = [&](const char* name, int option) {
        to.allow(name, {SCMP_A1_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, SOL_SOCKET),
                        SCMP_A2_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, static_cast<std::uint32_t>(option))});
    };
    for (const int option : socket_options) {
        allow_option("setsockopt", option);
        allow_option("getsockopt", option);
    }
    for (const int option : socket_options_to_read) allow_option("getsockopt", option);
    if (!may_socketpair) return;
    // No datagrams: such a socket sends to any address, connected or not.
    constexpr std::uint32_t type = ~static_cast<std::uint32_t>(SOCK_NONBLOCK | SOCK_CLOEXEC);
    for (const int kind : {SOCK_STREAM, SOCK_SEQPACKET}) {
        to.allow("socketpair", {SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0xFFFF'FFFFu, AF_UNIX),
                                SCMP_A1_64(SCMP_CMP_MASKED_EQ, type, static_cast<std::uint32_t>(kind))});
    }
}

} // namespace

std::vector<sock_filter> compile(const Options& options) {
    Builder to(options.otherwise == Otherwise::notify ? SCMP_ACT_NOTIFY : SCMP_ACT_TRAP);
    for (const char* name : allowed) to.allow(name);
    for (const int number : allowed_numbers) to.rule(SCMP_ACT_ALLOW, number);
    for (const auto& [name, error] : quiet) to.rule(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), name);
    to.rule(SCMP_ACT_ERRNO(EINVAL), "arch_prctl");
    add_memory(to, options.jit);
    add_processes(to);
    add_advice(to);
    add_sockets(to, options.may_socketpair);
    allow_commands(to, "fcntl", 1, fcntl_commands);
    allow_commands(to, "ioctl", 1, ioctl_commands);
    allow_commands(to, "prctl", 0, prctl_commands);
    if (options.second != nullptr) {
        to.allow("seccomp", {SCMP_A0_64(SCMP_CMP_EQ, SECCOMP_SET_MODE_FILTER), SCMP_A1_64(SCMP_CMP_EQ, SECCOMP_FILTER_FLAG_TSYNC),
                             SCMP_A2_64(SCMP_CMP_EQ, reinterpret_cast<std::uintptr_t>(options.second))});
    }
    return to.finish();
}

void set_own_pid(std::vector<sock_filter>& program, pid_t own) noexcept {
    for (sock_filter& step : program) {
        if (BPF_CLASS(step.code) == BPF_JMP && step.k == own_pid) step.k = static_cast<std::uint32_t>(own);
    }
}

std::vector<sock_filter> compile_second() {
    Builder to(SCMP_ACT_ALLOW);
    const std::uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
    for (const char* name : {"mmap", "mprotect", "pkey_mprotect"}) to.rule(refuse, name, {SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)});
    to.rule(refuse, "shmat", {SCMP_A2_64(SCMP_CMP_MASKED_EQ, 0100000 /* SHM_EXEC */, 0100000)});
    to.rule(refuse, "seccomp");
    return to.finish();
}

std::vector<sock_filter> compile_init() {
    Builder to(SCMP_ACT_KILL_PROCESS);
    for (const char* name : {"waitid", "sendmsg", "close", "exit", "exit_group", "rt_sigreturn", "restart_syscall"}) to.allow(name);
    return to.finish();
}

std::string name_of(int number) {
    for (const auto& [known, name] : newer) {
        if (known == number) return std::string(name);
    }
    const std::unique_ptr<char, decltype(&std::free)> name(seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), &std::free);
    return name != nullptr ? std::string(name.get()) : "syscall " + std::to_string(number);
}

bool is_grave(std::string_view name) noexcept { return std::find(grave.begin(), grave.end(), name) != grave.end(); }

int usual_error(std::string_view name) noexcept {
    constexpr std::array absent{"memfd_secret"sv, "landlock_create_ruleset"sv, "cachestat"sv, "map_shadow_stack"sv, "statmount"sv, "listmount"sv,
                                "lsm_get_self_attr"sv, "mseal"sv, "io_setup"sv, "pidfd_open"sv, "sysfs"sv, "ustat"sv};
    if (name == "ioctl") return ENOTTY;
    if (name == "setsockopt" || name == "getsockopt") return ENOPROTOOPT;
    if (name.starts_with("syscall ") || std::find(absent.begin(), absent.end(), name) != absent.end()) return ENOSYS;
    return EPERM;
}

} // namespace symphony::sandbox::policy
