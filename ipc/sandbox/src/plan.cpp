// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include "confine.hpp"
#include "fd.hpp"
#include "landlock.hpp"
#include "process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::sandbox {
namespace {

constexpr int probe_ms_max = 5'000, probe_look_ms = 100, probe_tries_max = 3;

std::string text_of(int error) { return std::strerror(error); }

long number_in(const char* path) {
    const std::string text = read_file(path);
    return text.empty() ? -1 : std::atol(text.c_str());
}

/// Waits for the child's word, and not for one that somebody stopped.
bool hears(int socket, pid_t child, wire::Received& answer) {
    for (int waited_ms = 0; waited_ms < probe_ms_max; waited_ms += probe_look_ms) {
        pollfd wait{socket, POLLIN, 0};
        const int ready = ::poll(&wait, 1, probe_look_ms);
        if (ready > 0) return wire::receive(socket, answer) == wire::Got::message;
        if (ready == 0 && is_stopped(child)) return false;
    }
    return false;
}

/// @param answered  Whether the child said anything: one that somebody ended or stopped says nothing about the machine.
template <class Body>
Outcome ask_child(std::uint64_t flags, bool distinct, Body& body, bool& answered) {
    answered = true;
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return fail(Stage::make_process);
    Fd ours(pair[0]);
    Fd theirs(pair[1]);
    int pidfd = -1;
    const pid_t child = make_process(flags, &pidfd);
    if (child < 0) return fail(Stage::make_process);
    if (child == 0) {
        ::close(ours.release());
        wire::Received go;
        if (wire::receive(theirs.get(), go) != wire::Got::message) ::_exit(1);
        const Outcome outcome = body(*go.as<wire::Step>());
        wire::Step answer;
        answer.head.kind = outcome.failed() ? wire::Kind::broken : wire::Kind::ready;
        answer.stage = static_cast<std::int32_t>(outcome.stage);
        answer.error = outcome.error;
        wire::send(theirs.get(), &answer, sizeof answer);
        ::_exit(0);
    }
    const Fd process(pidfd);
    theirs.reset();
    Outcome outcome;
    const Identity identity = identity_for(child, distinct);
    if ((flags & CLONE_NEWUSER) != 0) outcome = map_identity(child, identity);
    pollfd ended{process.get(), POLLIN, 0};
    if (outcome.failed()) answered = ::poll(&ended, 1, 0) == 0; // somebody ended it in between
    if (!outcome.failed()) {
        const wire::Step go = go_of(identity);
        wire::Received answer;
        answered = wire::send(ours.get(), &go, sizeof go) && hears(ours.get(), child, answer);
        if (!answered) {
            outcome = fail(Stage::make_process, ETIMEDOUT);
        } else if (const auto* step = answer.as<wire::Step>(); step != nullptr && answer.kind() == wire::Kind::broken) {
            outcome = fail(static_cast<Stage>(step->stage), step->error);
        }
    }
    ::kill(child, SIGKILL);
    while (::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {}
    return outcome;
}

/// Runs `body` in a child that ends with it. @return what it found, or why there was no child.
template <class Body>
Outcome in_child(std::uint64_t flags, bool distinct, Body&& body) {
    for (int tries = 1;; ++tries) {
        bool answered = false;
        const Outcome outcome = ask_child(flags, distinct, body, answered);
        if (answered || tries == probe_tries_max) return outcome;
    }
}

Outcome try_namespaces(const RootContents& root, std::uint64_t flags, bool distinct) {
    return in_child(flags, distinct, [&](const wire::Step& go) {
        if (const Outcome taken = take_identity(go.uid, go.gid, go.may_drop_groups); taken.failed()) return taken;
        if (const Outcome named = take_host_name(); named.failed()) return named;
        return enter_private_root(root);
    });
}

Outcome try_seccomp(bool notify) {
    return in_child(SIGCHLD, false, [&](const wire::Step&) {
        sock_filter allow{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
        const sock_fprog program{1, &allow};
        if (const Outcome outcome = no_new_privileges(); outcome.failed()) return outcome;
        int listener = -1;
        return load_filter(program, notify ? &listener : nullptr);
    });
}

/// Why the kernel says no, as far as it can be known, and what a person can do.
void explain_namespaces(Outcome why, LayerState& state) {
    state.why_not = std::string(name_of(why.stage)) + " failed: " + text_of(why.error);
    if (number_in("/proc/sys/user/max_user_namespaces") == 0) {
        state.why_not = "user namespaces are switched off (user.max_user_namespaces is 0)";
        state.remedy = "as root: sysctl user.max_user_namespaces=10000";
    } else if (number_in("/proc/sys/kernel/unprivileged_userns_clone") == 0 && ::geteuid() != 0) {
        state.why_not = "only root may make user namespaces (kernel.unprivileged_userns_clone is 0)";
        state.remedy = "as root: sysctl kernel.unprivileged_userns_clone=1";
    } else if (number_in("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 && (why.error == EPERM || why.error == EACCES)) {
        state.why_not = "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1, as on Ubuntu since 23.10)";
        state.remedy = "as root: give symphony-runner an AppArmor profile with \"userns,\", or sysctl kernel.apparmor_restrict_unprivileged_userns=0";
    } else if (why.error == ENOSPC) {
        state.why_not = "no further user namespace may be made: as many as user.max_user_namespaces allows exist, or they are nested too deep";
        state.remedy = "as root: sysctl user.max_user_namespaces=10000; or run symphony outside of other sandboxes";
    } else if (why.error == EPERM || why.error == ENOSYS) {
        const bool filtered = read_file("/proc/self/status").find("\nSeccomp:\t2") != std::string::npos;
        state.why_not += filtered ? " (a filter of a container or an outer sandbox forbids it)" : "";
        state.remedy = filtered ? "start the container with a seccomp profile that allows user namespaces, or run symphony outside of it"
                                : "allow user namespaces on this machine; grade G3 does without (minimum_grade in policy.toml)";
    } else {
        state.remedy = "run on a kernel of 5.12 or newer with user namespaces; grade G3 does without (minimum_grade in policy.toml)";
    }
}

/// A layer that decides about files also tells whether those of the distribution are among them.
void tell_libraries(const RootContents& root, LayerState& state) {
    if (!root.libraries.empty()) state.detail += "; the distribution's lib/ is readable";
    if (root.libraries_hidden.empty()) return;
    state.why_not = root.libraries_hidden;
    state.remedy = "let root or its owner alone write to it, chmod go-w; or install the distribution elsewhere";
}

LayerState namespaces_of(Plan& plan, const RootContents& root) {
    LayerState state{.name = "L1 namespaces", .active = false, .detail = {}, .why_not = {}, .remedy = {}};
    constexpr std::uint64_t base = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    Outcome outcome;
    for (const bool distinct : {true, false}) {
        if (distinct && ::geteuid() != 0) continue;
        for (const std::uint64_t flags : {base | CLONE_NEWCGROUP, base}) {
            outcome = try_namespaces(root, flags | SIGCHLD, distinct);
            if (outcome.failed()) continue;
            plan.namespaces = flags;
            plan.distinct_ids = distinct;
            plan.available |= layer_namespaces;
            state.active = true;
            state.detail = std::string("user, mount, pid, net, ipc, uts") + ((flags & CLONE_NEWCGROUP) != 0 ? ", cgroup" : "") +
                           "; a root of its own, no procfs";
            tell_libraries(root, state);
            return state;
        }
    }
    explain_namespaces(outcome, state);
    return state;
}

LayerState identity_of(Plan& plan) {
    LayerState state{.name = "L2 identity", .active = true, .detail = "no capabilities, no new privileges", .why_not = {}, .remedy = {}};
    if ((plan.available & layer_namespaces) == 0 && ::geteuid() == 0) {
        // Root in a user namespace that has no second user would run plugins as root.
        const Outcome taken = in_child(SIGCHLD, true, [](const wire::Step& go) { return take_identity(go.uid, go.gid, go.may_drop_groups); });
        plan.distinct_ids = !taken.failed();
        if (taken.failed()) {
            return {.name = state.name, .active = false, .detail = {},
                    .why_not = "plugins would run as root: this user namespace has no other user, or may not change to it: " + text_of(taken.error),
                    .remedy = "run symphony as a plain user, or outside of the sandbox it is in"};
        }
    }
    plan.available |= layer_identity;
    if (plan.distinct_ids) {
        state.detail = "a user and group of its own for each plugin, " + state.detail;
    } else {
        state.detail = "user " + std::to_string(::geteuid()) + " as the host, " + state.detail;
        state.why_not = "only a host that runs as root can give each plugin a user of its own";
    }
    return state;
}

LayerState landlock_of(Plan& plan, const RootContents& root) {
    LayerState state{.name = "L3 Landlock", .active = false, .detail = {}, .why_not = {}, .remedy = {}};
    errno = 0;
    if (const int abi = landlock::abi(); abi > 0) {
        plan.available |= layer_landlock;
        state.active = true;
        state.detail = "ABI " + std::to_string(abi) + ": files" + (abi >= 4 ? ", TCP" : "") + (abi >= 6 ? ", signals, abstract sockets" : "");
        if (const int errata = landlock::errata(); errata > 0) state.detail += "; errata " + std::to_string(errata);
        if ((plan.available & layer_namespaces) == 0) tell_libraries(root, state); // else it is told there
        return state;
    }
    const int error = errno;
    utsname kernel{};
    ::uname(&kernel);
    if (error == EOPNOTSUPP) {
        state.why_not = "Landlock is in this kernel but not switched on";
        state.remedy = "boot with landlock in the kernel's lsm= list";
    } else if (error == ENOSYS) {
        state.why_not = std::string("kernel ") + kernel.release + " offers no Landlock, or a container hides it";
        state.remedy = "use a kernel of 5.13 or newer that is built with Landlock";
    } else {
        state.why_not = "Landlock cannot be asked: " + text_of(error);
        state.remedy = "allow the landlock system calls in the container's or service's filter";
    }
    return state;
}

LayerState seccomp_of(Plan& plan) {
    LayerState state{.name = "L4 seccomp", .active = false, .detail = {}, .why_not = {}, .remedy = {}};
    const Outcome notify = try_seccomp(true);
    const Outcome plain = notify.failed() ? try_seccomp(false) : Outcome{};
    if (plain.failed()) {
        state.why_not = "no system call filter can be loaded: " + text_of(plain.error);
        state.remedy = "use a kernel that is built with CONFIG_SECCOMP_FILTER";
        return state;
    }
    plan.available |= layer_seccomp | layer_memory;
    plan.notify = !notify.failed();
    state.active = true;
    state.detail = "allow-list; what is denied is told by the kernel";
    if (!plan.notify) {
        state.detail = "allow-list; what is denied is told by the runner";
        state.why_not = notify.error == EBUSY ? "an outer sandbox takes the notifications of denied calls, so records can be forged"
                                              : "no notification of denied calls (" + text_of(notify.error) + "), so records can be forged";
        state.remedy = notify.error == EBUSY ? "run symphony outside of the outer sandbox" : "use a kernel of 5.0 or newer";
    }
    return state;
}

LayerState memory_of(const Plan& plan) {
    LayerState state{.name = "L4 code", .active = (plan.available & layer_memory) != 0, .detail = {}, .why_not = {}, .remedy = {}};
    if (state.active) state.detail = "never writable and executable; no new code after loading";
    else state.why_not = "needs seccomp";
    return state;
}

LayerState limits_of(Plan& plan, const Cgroups& cgroups) {
    LayerState state{.name = "L5 limits", .active = true, .detail = {}, .why_not = {}, .remedy = {}};
    plan.available |= layer_limits;
    plan.machine.limits_backend = cgroups.backend().empty() ? "rlimits and watcher" : cgroups.backend();
    state.detail = plan.machine.limits_backend;
    if (!cgroups.memory() || !cgroups.cpu()) {
        state.why_not = "memory and processor time are watched, not limited by the kernel: " + cgroups.why_not();
        state.remedy = ::geteuid() == 0 ? "mount the control groups writable" : "start symphony in a group that systemd delegates: systemd-run --user --scope -p Delegate=yes symphony ...";
    }
    return state;
}

} // namespace

pid_t make_process(std::uint64_t flags, int* pidfd) noexcept {
    clone_args args{};
    args.flags = (flags & ~static_cast<std::uint64_t>(CSIGNAL)) | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);
    args.exit_signal = SIGCHLD;
    const long made = ::syscall(SYS_clone3, &args, sizeof args);
    if (made >= 0 || errno != ENOSYS) return static_cast<pid_t>(made);
    // Containers answer so, because their filter cannot see clone3's flags.
#if defined(__x86_64__)
    return static_cast<pid_t>(::syscall(SYS_clone, args.flags | SIGCHLD, nullptr, pidfd, nullptr, 0));
#else
    return static_cast<pid_t>(::syscall(SYS_clone, args.flags | SIGCHLD, nullptr, pidfd, 0, nullptr));
#endif
}

Identity identity_for(pid_t child, bool distinct, bool own) noexcept {
    Identity identity{::geteuid(), ::geteuid(), ::getegid(), ::getegid(), false};
    if (own) return identity;
    if (distinct) {
        const auto id = uid_base + static_cast<std::uint32_t>(child);
        return {id, id, id, id, true};
    }
    // Somebody's root in a namespace without further users: at least not root inside.
    constexpr uid_t nobody = 65534;
    if (identity.uid_inside == 0) identity.uid_inside = identity.gid_inside = nobody;
    return identity;
}

wire::Step go_of(const Identity& identity) noexcept {
    wire::Step go;
    go.change_identity = true;
    go.may_drop_groups = identity.may_drop_groups;
    go.uid = identity.uid_inside;
    go.gid = identity.gid_inside;
    return go;
}

Outcome map_identity(pid_t child, const Identity& identity) {
    const std::string folder = "/proc/" + std::to_string(child) + "/";
    const auto write = [&](const char* file, const std::string& text) {
        const Fd fd(::open((folder + file).c_str(), O_WRONLY | O_CLOEXEC));
        return fd.open() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    };
    const auto line = [](std::uint32_t inside, std::uint32_t outside) { return std::to_string(inside) + " " + std::to_string(outside) + " 1"; };
    if (!identity.may_drop_groups && !write("setgroups", "deny")) return fail(Stage::map_identity);
    if (!write("uid_map", line(identity.uid_inside, identity.uid_outside))) return fail(Stage::map_identity);
    if (!write("gid_map", line(identity.gid_inside, identity.gid_outside))) return fail(Stage::map_identity);
    return {};
}

Grade grade_of(std::uint32_t active) noexcept {
    const auto has = [&](std::uint32_t bits) { return (active & bits) == bits; };
    if (!has(layer_limits | layer_hygiene | layer_identity)) return active == 0 ? Grade::none : Grade::limits;
    if (!has(layer_seccomp)) return Grade::limits;
    if (!has(layer_landlock)) return has(layer_namespaces) ? Grade::no_landlock : Grade::limits;
    return has(layer_namespaces) ? Grade::full : Grade::no_namespaces;
}

Plan make_plan(const RootContents& root, const Cgroups& cgroups) {
    Plan plan;
    plan.available = layer_hygiene;
    auto& layers = plan.machine.layers;
    layers.push_back({.name = "L0 hygiene", .active = true, .detail = "no inherited descriptor, environment or terminal", .why_not = {}, .remedy = {}});
    layers.push_back(namespaces_of(plan, root));
    layers.push_back(identity_of(plan));
    layers.push_back(landlock_of(plan, root));
    layers.push_back(seccomp_of(plan));
    layers.push_back(memory_of(plan));
    layers.push_back(limits_of(plan, cgroups));
    plan.machine.grade = grade_of(plan.available);
    return plan;
}

Machine Machine::probe() {
    const RootContents root = RootContents::read();
    const Cgroups cgroups(Cgroups::find(), ::getpid());
    return make_plan(root, cgroups).machine;
}

} // namespace symphony::sandbox
