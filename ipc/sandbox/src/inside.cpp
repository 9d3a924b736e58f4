// SPDX-License-Identifier: Apache-2.0
#include "inside.hpp"

#include "landlock.hpp"
#include "policy.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <utility>

namespace symphony::sandbox {
namespace {

constexpr int status_not_confined = 71;

bool tell(const Box& box, const wire::Step& step, int fd = -1) { return wire::send(box.setup, &step, sizeof step, &fd, fd >= 0 ? 1 : 0); }

[[noreturn]] void give_up(const Box& box, Outcome why) {
    wire::Step step;
    step.head.kind = wire::Kind::broken;
    step.stage = static_cast<std::int32_t>(why.stage);
    step.error = why.error;
    tell(box, step);
    ::_exit(status_not_confined);
}
void must(const Box& box, Outcome outcome) {
    if (outcome.failed()) give_up(box, outcome);
}

/// The launcher's word that it has done its part, and who to be.
wire::Step await_go(const Box& box) {
    wire::Received message;
    if (wire::receive(box.setup, message) != wire::Got::message || message.kind() != wire::Kind::go) ::_exit(status_not_confined);
    return *message.as<wire::Step>();
}
void become(const Box& box, const wire::Step& go) {
    if (go.change_identity) must(box, take_identity(go.uid, go.gid, go.may_drop_groups));
}

bool has(const Box& box, Layer layer) { return (box.active & layer) != 0; }

// The second program and the pipe for denied calls: one runner per process, and handlers have no argument.
const sock_fprog* second_program = nullptr;
int trap_pipe = -1;

/// Another thread's filter, too: a library's constructors may have started some.
bool forbid_code() {
    if (second_program == nullptr) return true;
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, second_program) != 0) return false;
    // A mapping that the first program lets pass, and that the kernel would refuse with EBADF.
    if (::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, -1, 0) != MAP_FAILED || errno != EPERM) return false;
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, second_program) != 0;
}

/// A denied call without notification: one record into the pipe, and the call fails.
void on_denied(int, siginfo_t* info, void* context) {
    auto* machine = static_cast<ucontext_t*>(context);
    std::array<std::uint64_t, 7> record{};
    record[0] = static_cast<std::uint64_t>(info->si_syscall);
#if defined(__x86_64__)
    auto& registers = machine->uc_mcontext.gregs;
    constexpr std::array arguments{REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    for (std::size_t i = 0; i < arguments.size(); ++i) record[i + 1] = static_cast<std::uint64_t>(registers[arguments[i]]);
    registers[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    auto& registers = machine->uc_mcontext.regs;
    for (std::size_t i = 0; i < 6; ++i) record[i + 1] = registers[i];
    registers[0] = static_cast<std::uint64_t>(-EPERM);
#endif
    const int saved = errno;
    // Too many at once are dropped: the pipe must not become a place to wait in.
    if (::write(trap_pipe, record.data(), sizeof record) < 0) errno = saved;
    errno = saved;
}

void take_denials(const Box& box) {
    trap_pipe = box.trap;
    struct sigaction action{};
    action.sa_sigaction = &on_denied;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER;
    ::sigaction(SIGSYS, &action, nullptr);
}

void apply_landlock(const Box& box) {
    using landlock::Right;
    // The private root has no more than this; without one these are what is left of the machine.
    constexpr std::array rules{
        landlock::Rule{"/usr", Right::read}, landlock::Rule{"/lib", Right::read}, landlock::Rule{"/lib32", Right::read},
        landlock::Rule{"/lib64", Right::read}, landlock::Rule{"/libx32", Right::read}, landlock::Rule{"/plugin", Right::read},
        landlock::Rule{"/etc/ld.so.cache", Right::read}, landlock::Rule{"/etc/alternatives", Right::read},
        landlock::Rule{"/etc/localtime", Right::read}, landlock::Rule{"/dev/null", Right::read_write},
        landlock::Rule{"/dev/zero", Right::read}, landlock::Rule{"/dev/urandom", Right::read},
    };
    // A folder /plugin of the machine's own is not ours.
    const bool own_root = has(box, layer_namespaces);
    std::array<landlock::Rule, rules.size() + 1> used{};
    std::size_t count = 0;
    for (const auto& rule : rules) {
        if (own_root || std::strcmp(rule.path, "/plugin") != 0) used[count++] = rule;
    }
    if (!box.root->libraries.empty()) used[count++] = {box.root->libraries.c_str(), Right::read};
    if (const int error = landlock::restrict_self({used.data(), count}); error != 0) give_up(box, fail(Stage::landlock, error));
}

/// From a process with an identity and a root of its own to one that may map untrusted code.
[[noreturn]] void become_runner(Box& box, pid_t parent) {
    if (has(box, layer_hygiene)) {
        if (::setsid() < 0 && errno != EPERM) give_up(box, fail(Stage::new_session));
    }
    set_title(box.title_space, box.title, box.short_name);
    if (box.output > STDERR_FILENO) ::close(std::exchange(box.output, -1));
    if (has(box, layer_limits)) must(box, set_resource_limits(box.limits));
    if (has(box, layer_identity)) must(box, drop_capabilities());
    must(box, no_new_privileges());
    hide_memory();
    // After every change of identity: that clears it.
    must(box, die_with_parent(parent));
    if (has(box, layer_landlock)) apply_landlock(box);
    int listener = -1;
    if (has(box, layer_seccomp)) {
        policy::set_own_pid(*box.filter, ::getpid());
        if (!box.notify) take_denials(box);
        const sock_fprog program{static_cast<unsigned short>(box.filter->size()), box.filter->data()};
        must(box, load_filter(program, box.notify ? &listener : nullptr));
    }
    wire::Step ready;
    ready.head.kind = wire::Kind::ready;
    if (!tell(box, ready, listener)) ::_exit(status_not_confined);
    // With either of these the plugin could answer its own denials, or tell the launcher stories.
    if ((listener >= 0 && ::close(listener) != 0) || ::close(box.setup) != 0) ::_exit(status_not_confined);
    box.setup = -1;

    Confined confined;
    confined.control_fd = box.control;
    confined.jit = box.jit;
    confined.active = box.active;
    confined.loaded = &forbid_code;
    if (has(box, layer_seccomp) && has(box, layer_memory)) second_program = box.second;
    if (has(box, layer_namespaces)) {
        confined.library = std::string("/plugin/") + box.library_name;
    } else {
        confined.library = "/proc/self/fd/" + std::to_string(box.image);
    }
    // _exit: nothing of the launcher's is this process's to clean up.
    ::_exit(box.main(confined));
}

/// What it is to become, and the descriptors for it.
void await_use(Box& box) {
    wire::Received message;
    if (wire::receive(box.setup, message) != wire::Got::message || message.kind() != wire::Kind::use) ::_exit(status_not_confined);
    const int setup = box.setup;
    box = message.as<Use>()->box;
    box.setup = setup;
    int* const into[] = {&box.image, &box.control, &box.output, &box.trap};
    for (std::size_t i = 0; i < std::size(into); ++i) *into[i] = message.fds[i].release();
}

/// Pid 1 from here on: no files, no capabilities, hardly a system call.
[[noreturn]] void watch_runner(Box& box, pid_t runner) {
    hide_memory();
    for (const int fd : {box.image, box.control, box.output, box.trap, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fd >= 0) ::close(fd);
    }
    if (has(box, layer_identity)) must(box, drop_capabilities());
    must(box, no_new_privileges());
    if (has(box, layer_seccomp)) {
        const sock_fprog program{static_cast<unsigned short>(box.init_filter->size()), const_cast<sock_filter*>(box.init_filter->data())};
        must(box, load_filter(program, nullptr));
    }
    for (;;) {
        siginfo_t info{};
        const long waited = ::syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | __WALL, nullptr);
        if (waited != 0 && errno == EINTR) continue;
        if (waited == 0 && info.si_pid != runner) continue;
        wire::Step ended;
        ended.head.kind = wire::Kind::ended;
        ended.code = waited == 0 ? info.si_code : CLD_KILLED;
        ended.status = waited == 0 ? info.si_status : SIGKILL;
        tell(box, ended);
        ::_exit(0);
    }
}

} // namespace

void run_init(Box& box) {
    // Before it waits: with the launcher's ends open in here too, nobody would see that the launcher is gone.
    must(box, die_with_parent(0));
    if (has(box, layer_hygiene)) must(box, close_all_but(std::array{box.setup}));
    const wire::Step go = await_go(box);
    become(box, go);
    must(box, take_host_name());
    must(box, enter_private_root(*box.root));
    // Its parent is outside of the namespace, so it reads 0; whether that still lives, the next message shows.
    must(box, die_with_parent(0));
    set_title(box.title_space, "symphony-runner: init", "symphony-init");
    await_use(box);
    if (has(box, layer_hygiene)) must(box, tidy_process(box.output));
    must(box, add_library(box.image, box.library_name));
    const pid_t runner = ::fork();
    if (runner < 0) give_up(box, fail(Stage::make_runner));
    if (runner == 0) {
        ::close(box.image);
        box.image = -1;
        if (box.wait_for_go) await_go(box);
        become_runner(box, 1);
    }
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, runner, 0));
    if (pidfd < 0) give_up(box, fail(Stage::make_runner));
    wire::Step made;
    made.head.kind = wire::Kind::runner;
    if (!tell(box, made, pidfd)) ::_exit(status_not_confined);
    ::close(pidfd);
    watch_runner(box, runner);
}

void run_alone(Box& box) {
    must(box, die_with_parent(box.launcher));
    const wire::Step go = await_go(box);
    if (has(box, layer_hygiene)) {
        must(box, tidy_process(box.output));
        box.output = -1;
        must(box, close_all_but(std::array{box.setup, box.image, box.control, box.trap}));
    }
    become(box, go);
    become_runner(box, box.launcher);
}

} // namespace symphony::sandbox
