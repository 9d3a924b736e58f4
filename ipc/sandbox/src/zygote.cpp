// SPDX-License-Identifier: Apache-2.0
#include "cgroups.hpp"
#include "fd.hpp"
#include "inside.hpp"
#include "landlock.hpp"
#include "plan.hpp"
#include "policy.hpp"
#include "process.hpp"
#include "watch.hpp"
#include "wire.hpp"

#include <symphony/sandbox/runner.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/sched.h>
#include <malloc.h>
#include <map>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace symphony::sandbox {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto start_max = 10s;
/// After the runner's death, how long its first process may take to tell how, and to end.
constexpr auto report_max = 4s; // less than the host waits for the cause
constexpr auto retry_pause = 5ms;
/// How often it looks whether somebody stopped a process that is being confined: that one never answers.
constexpr auto stopped_look = 100ms;
constexpr auto remove_max = 2s;
/// How long it waits for its last sandboxes: for a host that waits, and when there is none and nobody else would remove their groups.
constexpr auto quit_max = 5s;
constexpr auto alone_max = 60s;
/// The next shell is made when nothing has happened for so long.
constexpr auto quiet = 3ms;
/// What a shell is made with; the rest follows with the plugin.
constexpr std::uint32_t shell_layers = layer_hygiene | layer_namespaces | layer_identity | layer_limits;
constexpr const char* oom_score = "500";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool has_shadow_memory = true; // terabytes that are reserved and hardly used
#else
constexpr bool has_shadow_memory = false;
#endif

/// The memory of the arguments and the environment, wiped: what the host passes must not be read by a plugin. Keeps LANG and TZ.
TitleSpace take_argument_memory(char** argv) {
    TitleSpace space;
    if (argv == nullptr || argv[0] == nullptr) return space;
    char* end = argv[0];
    for (char** word = argv; *word != nullptr; ++word) {
        if (*word == end) end += std::strlen(*word) + 1;
    }
    for (char** word = environ; word != nullptr && *word != nullptr; ++word) {
        if (*word == end) end += std::strlen(*word) + 1;
    }
    space = {argv[0], static_cast<std::size_t>(end - argv[0])};
    std::vector<std::pair<std::string, std::string>> kept;
    for (const char* const name : {"LANG", "TZ"}) {
        if (const char* value = std::getenv(name); value != nullptr) kept.emplace_back(name, value);
    }
    ::clearenv();
    for (const auto& [name, value] : kept) ::setenv(name.c_str(), value.c_str(), 1);
    set_title(space, "symphony-runner --launcher", "symphony-runner");
    return space;
}

std::uint32_t layers_named_in(const char* list) {
    std::uint32_t bits = 0;
    std::string_view rest = list == nullptr ? "" : list;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        const std::string_view word = rest.substr(0, comma);
        for (std::uint32_t bit = 1; bit < layers_all; bit <<= 1) {
            if (name_of(static_cast<Layer>(bit)) == word) bits |= bit;
        }
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return bits;
}

/// As much of a plugin's name as may stand in a file name.
std::string safe_name(std::string_view name) {
    std::string safe;
    for (const char c : name.substr(0, 100)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (c == '.' && !safe.empty());
        safe += plain ? c : '_';
    }
    return safe.empty() ? "plugin" : safe;
}

/// The first process of a sandbox to be: in its namespaces, its group and its root, and without a plugin. One is kept in stock,
/// because the kernel takes 10 ms and more to move a process between control groups.
struct Shell {
    std::uint64_t group = 0;
    bool in_cgroup = false;
    std::uint32_t active = 0;
    pid_t child = -1;
    Fd child_fd, setup;
};

struct Sandbox {
    std::uint64_t id = 0;
    std::uint64_t group = 0;
    std::string who;  ///< plugin "x" 1.0
    Limits limits;
    std::uint32_t active = 0;
    bool in_cgroup = false, own_pid_namespace = false;
    pid_t child = -1, runner = -1;
    Fd child_fd, runner_fd, setup, output, trap;
    Fd listener;           ///< of denied calls
    bool ready = false;    ///< the runner says that it is confined
    bool started = false;  ///< the host knows it
    bool answered = false; ///< the host has its answer
    bool killed = false;
    std::optional<Death::How> cause;  ///< why the launcher killed it
    std::optional<wire::Step> end;
    Clock::time_point deadline = Clock::time_point::max();  ///< then it is killed
    Clock::time_point look{};  ///< then, when it has not answered, whether somebody stopped it
    std::optional<Watch> watch;
};

class Zygote {
public:
    explicit Zygote(const LauncherProgram& program)
        : program_(program), off_(program.obey_layers_off ? layers_named_in(std::getenv("SYMPHONY_SANDBOX_OFF")) : 0),
          title_space_(take_argument_memory(program.argv)), root_(RootContents::read()), folders_(Cgroups::find()), cgroups_(folders_, ::getpid()),
          plan_(make_plan(root_, cgroups_)) {
        second_code_ = policy::compile_second();
        second_ = {static_cast<unsigned short>(second_code_.size()), second_code_.data()};
        init_code_ = policy::compile_init();
        filter_for(false, false);
        // The compiler's memory is in every plugin process otherwise.
        ::malloc_trim(0);
    }

    int run() {
        sigset_t ends;
        ::sigemptyset(&ends);
        for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&ends, number);
        ::sigprocmask(SIG_BLOCK, &ends, nullptr);
        signals_.reset(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
        ::fcntl(launcher_socket, F_SETFD, FD_CLOEXEC);
        if (!greet()) return 1;
        while (!ending_ || !sandboxes_.empty() || !leftovers_.empty()) {
            if (ending_ && Clock::now() > ending_until_) break;
            wait();
        }
        return 0;
    }

private:
    // ---- the host

    bool greet() {
        wire::Hello hello;
        hello.version = wire::version;
        hello.grade = plan_.machine.grade;
        copy_cut(hello.backend, plan_.machine.limits_backend);
        for (const LayerState& state : plan_.machine.layers) {
            wire::Layer& to = hello.layers[hello.layer_count];
            copy_cut(to.name, state.name);
            to.bit = 1u << hello.layer_count++;
            to.active = state.active;
            copy_cut(to.detail, state.detail);
            copy_cut(to.why_not, state.why_not);
            copy_cut(to.remedy, state.remedy);
        }
        return wire::send(launcher_socket, &hello, sizeof hello);
    }

    void on_host() {
        while (!ending_ && take_from_host()) {}
    }

    /// @return whether there may be more
    bool take_from_host() {
        wire::Received message;
        switch (wire::receive(launcher_socket, message, MSG_DONTWAIT)) {
        case wire::Got::nothing: return false;
        case wire::Got::end: end_all(alone_max); return false;
        case wire::Got::message: break;
        }
        if (const auto* launch = message.as<wire::Launch>(); launch != nullptr && message.kind() == wire::Kind::launch) {
            start(*launch, message.fds[0], message.fds[1]);
        } else if (const auto* kill = message.as<wire::Kill>(); kill != nullptr && message.kind() == wire::Kind::kill) {
            if (const auto found = sandboxes_.find(kill->id); found != sandboxes_.end()) {
                found->second.killed = true;
                this->kill(found->second);
            }
        } else {
            end_all();
        }
        return true;
    }

    void end_all(Clock::duration limit = quit_max) {
        if (ending_) return;
        ending_ = true;
        ending_until_ = Clock::now() + limit;
        drop(spare_);
        for (auto& [id, box] : sandboxes_) {
            box.killed = true;
            kill(box);
        }
    }

    void refuse(Sandbox& box, const Error& error) {
        if (std::exchange(box.answered, true)) return;
        wire::Failed failed;
        failed.id = box.id;
        failed.code = static_cast<std::int32_t>(error.code());
        failed.retryable = error.retryable();
        copy_cut(failed.reason, error.reason());
        copy_cut(failed.message, box.who + ": " + error.message());
        copy_cut(failed.hint, error.hint());
        wire::send(launcher_socket, &failed, sizeof failed);
    }
    static Error broken(Outcome why) {
        Error error(Code::io, "sandbox-failed", "could not be confined: " + std::string(name_of(why.stage)) + " failed: " + std::strerror(why.error),
                    "see what symphony doctor says about isolation");
        // As when somebody ends the process in between.
        const bool gone = why.error == ESRCH || why.error == ENOENT || why.error == ECONNRESET || why.error == EPIPE;
        return gone ? std::move(error).as_retryable() : error;
    }

    // ---- starting

    /// The layers for a launch, or why it is refused.
    Result<std::uint32_t> layers_for(const wire::Launch& launch) const {
        if (launch.layers_off != 0 && !program_.obey_layers_off) {
            return Error(Code::refused, "layers-off", "this runner does not leave out layers", "use symphony-runner-ablation, in tests only");
        }
        // What a test left out on purpose is not missing.
        if (const Grade grade = grade_of(plan_.available); grade < launch.minimum) {
            std::string missing, remedy;
            for (std::uint32_t bit = 1; const LayerState& state : plan_.machine.layers) {
                const bool helps = grade_of(plan_.available | std::exchange(bit, bit << 1)) > grade;
                if (state.active) continue;
                missing += (missing.empty() ? "" : "; ") + state.name + " is missing: " + state.why_not;
                if (helps && remedy.empty()) remedy = state.remedy;
            }
            if (remedy.empty()) remedy = "symphony doctor tells what is missing";
            return Error(Code::refused, "grade-too-low",
                         "this machine confines plugins with grade " + std::string(name_of(grade)) + " (" + std::string(describe(grade)) + "), " +
                             std::string(name_of(launch.minimum)) + " is needed: " + missing, std::move(remedy));
        }
        std::uint32_t active = plan_.available & ~(launch.layers_off | off_);
        if (launch.jit) active &= ~std::uint32_t{layer_memory};
        return active;
    }

    static unsigned filter_key(bool jit, bool may_socketpair) { return (jit ? 1u : 0u) | (may_socketpair ? 2u : 0u); }

    std::vector<sock_filter>& filter_for(bool jit, bool may_socketpair) {
        auto& filter = filters_[filter_key(jit, may_socketpair)];
        if (!filter.empty()) return filter;
        // It is not in the memory of a process that is older.
        drop(spare_);
        filter = policy::compile({.otherwise = plan_.notify ? policy::Otherwise::notify : policy::Otherwise::trap, .jit = jit,
                                  .may_socketpair = may_socketpair, .second = &second_});
        return filter;
    }

    void start(const wire::Launch& launch, Fd& image, Fd& control) {
        Sandbox& box = sandboxes_[launch.id];
        box.id = launch.id;
        const std::string name(read_bounded(launch.name)), version(read_bounded(launch.version));
        box.who = "plugin \"" + name + "\" " + version;
        box.limits = launch.limits.filled();
        auto active = layers_for(launch);
        if (active) box.active = *active;
        Error error(Code::internal, "");
        bool good = false;
        if (!active) error = std::move(active).error();
        else if (const Outcome made = make(box, launch, image.get(), control.get(), safe_name(name + "-" + version)); made.failed()) error = broken(made);
        else good = true;
        if (good) return;
        refuse(box, error);
        if (box.child_fd.open()) kill(box);
        else forget(box.id);
    }

    Outcome make(Sandbox& box, const wire::Launch& launch, int image, int control, const std::string& file) {
        const bool own = (box.active & layer_namespaces) != 0, limited = (box.active & layer_limits) != 0;
        const bool private_user = (own || plan_.distinct_ids) && (box.active & layer_identity) != 0;
        const Watch::What what{.memory = limited && !cgroups_.memory(), .cpu = limited && !cgroups_.cpu() && box.limits.cpu_percent != 0,
                               .threads = limited && !cgroups_.threads() && !private_user};
        const bool watched = what.memory || what.cpu || what.threads;
        if (watched) box.watch.emplace(what, box.limits);
        Fd output, trap;
        const bool traps = (box.active & layer_seccomp) != 0 && !plan_.notify;
        if (const Outcome made = make_pipes(box, output, traps ? &trap : nullptr); made.failed()) return made;

        Box inside = box_for(box.active);
        inside.image = image;
        inside.control = control;
        inside.output = output.get();
        inside.trap = trap.get();
        inside.wait_for_go = watched;
        inside.jit = launch.jit;
        inside.limits.limits = box.limits;
        // Its first process counts, too.
        const std::uint32_t processes = box.limits.threads + (own ? 1u : 0u);
        inside.limits.processes = private_user ? processes : 0;
        // Far above the limit: it only has to stop what grows faster than the watcher looks.
        if (what.memory && !has_shadow_memory) inside.limits.data_bytes = box.limits.memory_bytes * 4 + (std::uint64_t{1} << 30);
        copy_cut(inside.library_name, file + ".so");
        copy_cut(inside.title, "symphony-runner: " + file);
        copy_cut(inside.short_name, file);
        inside.filter = &filter_for((box.active & layer_memory) == 0, launch.may_socketpair);
        if ((box.active & layer_seccomp) != 0 && (inside.filter->empty() || init_code_.empty() || second_code_.empty())) {
            return fail(Stage::seccomp, EINVAL);
        }
        box.own_pid_namespace = own;
        box.deadline = Clock::now() + start_max;
        box.look = Clock::now() + stopped_look;
        if (const Outcome made = own ? use_shell(box, inside) : make_alone(box, inside); made.failed()) return made;
        if (box.in_cgroup) {
            if (const int error = cgroups_.limit(box.group, box.limits, processes); error != 0) return fail(Stage::cgroup, error);
        }
        if (own) {
            const Use use{.head = {wire::Kind::use, sizeof(Use)}, .box = inside};
            const std::array fds{image, control, output.get(), trap.get()};
            return wire::send(box.setup.get(), &use, sizeof use, fds.data(), traps ? 4 : 3) ? Outcome{} : fail(Stage::hand_over);
        }
        box.runner = box.child;
        if (box.watch) box.watch->look_at(box.runner);
        return let_go(box.child, box.setup, box.active);
    }

    Box box_for(std::uint32_t active) {
        Box box;
        box.active = active;
        box.notify = plan_.notify;
        box.title_space = title_space_;
        box.root = &root_;
        box.init_filter = &init_code_;
        box.second = &second_;
        box.main = program_.main;
        box.launcher = ::getpid();
        return box;
    }

    Outcome use_shell(Sandbox& box, const Box& inside) {
        const bool fits = spare_.child > 0 && (spare_.active & shell_layers) == (inside.active & shell_layers) && !has_ended(spare_.child_fd);
        Shell shell;
        if (fits) {
            shell = std::exchange(spare_, Shell{});
        } else if (const Outcome made = make_shell(shell, inside.active); made.failed()) {
            drop(shell);
            return made;
        }
        box.group = shell.group;
        box.in_cgroup = shell.in_cgroup;
        box.child = shell.child;
        box.child_fd = std::move(shell.child_fd);
        box.setup = std::move(shell.setup);
        return {};
    }

    static bool has_ended(const Fd& child) {
        pollfd look{child.get(), POLLIN, 0};
        return ::poll(&look, 1, 0) != 0;
    }

    Outcome make_shell(Shell& shell, std::uint32_t active) {
        shell.active = active;
        if (const Outcome made = make_group(shell.group, shell.in_cgroup, active); made.failed()) return made;
        Fd theirs;
        if (const Outcome made = make_pair(shell.setup, theirs); made.failed()) return made;
        Box inside = box_for(active);
        inside.setup = theirs.get();
        int pidfd = -1;
        shell.child = make_process(plan_.namespaces | SIGCHLD, &pidfd);
        if (shell.child < 0) return fail(Stage::make_process);
        if (shell.child == 0) run_init(inside);
        shell.child_fd.reset(pidfd);
        const Identity identity = identity_of(shell.child, active);
        if (const Outcome mapped = map_identity(shell.child, identity); mapped.failed()) return mapped;
        if (const Outcome admitted = admit(shell.child, shell.group, shell.in_cgroup, active); admitted.failed()) return admitted;
        return let_go(shell.child, shell.setup, active);
    }

    /// Without namespaces: libc's own fork, which sets right what libc knows of the process.
    Outcome make_alone(Sandbox& box, Box& inside) {
        if (const Outcome made = make_group(box.group, box.in_cgroup, box.active); made.failed()) return made;
        Fd theirs;
        if (const Outcome made = make_pair(box.setup, theirs); made.failed()) return made;
        inside.setup = theirs.get();
        box.child = ::fork();
        if (box.child < 0) return fail(Stage::make_process);
        if (box.child == 0) run_alone(inside);
        box.child_fd.reset(static_cast<int>(::syscall(SYS_pidfd_open, box.child, 0)));
        if (!box.child_fd.open()) {
            const Outcome failed = fail(Stage::make_process);
            ::kill(box.child, SIGKILL);
            ::waitpid(box.child, nullptr, 0);
            return failed;
        }
        return admit(box.child, box.group, box.in_cgroup, box.active);
    }

    Outcome make_group(std::uint64_t& group, bool& made, std::uint32_t active) {
        if ((active & layer_limits) == 0 || cgroups_.backend().empty()) return {};
        group = ++last_group_;
        if (const int error = cgroups_.make(group); error != 0) return fail(Stage::cgroup, error);
        made = true;
        return {};
    }

    static Outcome make_pair(Fd& ours, Fd& theirs) {
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return fail(Stage::make_process);
        ours.reset(pair[0]);
        theirs.reset(pair[1]);
        return {};
    }

    Identity identity_of(pid_t child, std::uint32_t active) const {
        const bool on = (active & layer_identity) != 0;
        return identity_for(child, plan_.distinct_ids && on, !on);
    }

    /// What only the launcher can do for a new process.
    Outcome admit(pid_t child, std::uint64_t group, bool in_cgroup, std::uint32_t active) {
        if (in_cgroup) {
            if (const int error = cgroups_.enter(group, child); error != 0) return fail(Stage::cgroup, error);
        }
        if ((active & layer_limits) == 0) return {};
        const Fd score(::open(("/proc/" + std::to_string(child) + "/oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC));
        return score.open() && ::write(score.get(), oom_score, std::strlen(oom_score)) > 0 ? Outcome{} : fail(Stage::resource_limits);
    }

    Outcome let_go(pid_t child, const Fd& setup, std::uint32_t active) const {
        wire::Step go = go_of(identity_of(child, active));
        // Without a namespace there is only the launcher's own user or, for root, a distinct one.
        go.change_identity = (active & layer_namespaces) != 0 || ((active & layer_identity) != 0 && plan_.distinct_ids);
        return wire::send(setup.get(), &go, sizeof go) ? Outcome{} : fail(Stage::hand_over);
    }

    /// Ends a shell that nobody uses.
    void drop(Shell& shell) {
        if (shell.child_fd.open()) {
            ::syscall(SYS_pidfd_send_signal, shell.child_fd.get(), SIGKILL, nullptr, 0);
            while (::waitpid(shell.child, nullptr, __WALL) < 0 && errno == EINTR) {}
        }
        if (shell.in_cgroup && !cgroups_.remove(shell.group)) leftovers_.emplace_back(shell.group, Clock::now() + remove_max);
        shell = Shell{};
    }

    void keep_spare() {
        const std::uint32_t active = plan_.available & ~off_;
        if ((active & layer_namespaces) == 0) return;
        // One that cannot be made now is made, or its failure told, when it is needed.
        if (!make_shell(spare_, active).failed()) return;
        drop(spare_);
        spare_again_ = Clock::now() + 1s;
    }

    static Outcome make_pipes(Sandbox& box, Fd& output, Fd* trap) {
        int pair[2];
        if (::pipe2(pair, O_CLOEXEC) != 0) return fail(Stage::make_process);
        box.output.reset(pair[0]);
        output.reset(pair[1]);
        ::fcntl(box.output.get(), F_SETFL, O_NONBLOCK);
        if (trap == nullptr) return {};
        if (::pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) return fail(Stage::make_process);
        box.trap.reset(pair[0]);
        trap->reset(pair[1]);
        return {};
    }

    // ---- what children say

    void on_setup(Sandbox& box) {
        wire::Received message;
        switch (wire::receive(box.setup.get(), message, MSG_DONTWAIT)) {
        case wire::Got::nothing: return;
        case wire::Got::end: return box.setup.reset();
        case wire::Got::message: break;
        }
        const auto* step = message.as<wire::Step>();
        if (step == nullptr) return;
        switch (message.kind()) {
        case wire::Kind::runner: {
            box.runner_fd = std::move(message.fds[0]);
            box.runner = pid_of(box.runner_fd.get());
            if (!box.watch) return announce(box);
            box.watch->look_at(box.runner);
            const wire::Step go;
            wire::send(box.setup.get(), &go, sizeof go);
            return;
        }
        case wire::Kind::ready:
            box.ready = true;
            box.listener = std::move(message.fds[0]);
            return announce(box);
        case wire::Kind::broken:
            refuse(box, broken(fail(static_cast<Stage>(step->stage), step->error)));
            return kill(box);
        case wire::Kind::ended: box.end = *step; return;
        default: return;
        }
    }

    /// Two processes say that it is done, in any order: the runner that it is confined, its init who it is.
    void announce(Sandbox& box) {
        if (!box.ready || box.answered || (box.own_pid_namespace && !box.runner_fd.open())) return;
        const int pidfd = box.own_pid_namespace ? box.runner_fd.get() : box.child_fd.get();
        const bool seccomp = (box.active & layer_seccomp) != 0;
        wire::Ready ready;
        ready.id = box.id;
        ready.pid = box.runner;
        ready.active = box.active;
        ready.grade = grade_of(box.active);
        ready.limits = box.limits;
        ready.forgeable = seccomp && !box.listener.open();
        ready.has_violations = seccomp;
        const std::array fds{pidfd, box.output.get(), box.listener.open() ? box.listener.get() : box.trap.get()};
        if (!wire::send(launcher_socket, &ready, sizeof ready, fds.data(), seccomp ? 3 : 2)) {
            refuse(box, broken(fail(Stage::hand_over)));
            return kill(box);
        }
        box.started = box.answered = true;
        for (Fd* const given : {&box.output, &box.trap, &box.listener}) given->reset();
        box.deadline = Clock::time_point::max();
        if (box.watch) box.watch->begin(Clock::now());
    }

    // ---- ending

    void kill(Sandbox& box) {
        if (box.in_cgroup) cgroups_.kill(box.group);
        if (box.runner_fd.open()) ::syscall(SYS_pidfd_send_signal, box.runner_fd.get(), SIGKILL, nullptr, 0);
        if (box.child_fd.open()) ::syscall(SYS_pidfd_send_signal, box.child_fd.get(), SIGKILL, nullptr, 0);
    }

    void on_child_dead(Sandbox& box) {
        // The host asks first and kills then: its word, which may be waiting, decides what the death is called.
        on_host();
        while (box.setup.open()) {
            const bool more = [&] {
                pollfd poll_it{box.setup.get(), POLLIN, 0};
                return ::poll(&poll_it, 1, 0) > 0;
            }();
            if (!more) break;
            on_setup(box);
        }
        siginfo_t info{};
        while (::waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(box.child_fd.get()), &info, WEXITED | __WALL) != 0 && errno == EINTR) {}
        if (!box.own_pid_namespace) {
            box.end.emplace();
            box.end->code = info.si_code;
            box.end->status = info.si_status;
        }
        const std::uint64_t oom_kills = box.in_cgroup ? cgroups_.oom_kills(box.group) : 0;
        const std::uint64_t id = box.id;
        if (box.started) tell_death(box, oom_kills);
        else if (oom_kills != 0) refuse(box, Error(Code::io, "sandbox-failed", "its memory limit is too low to start it", "raise memory in the manifest's [resources]"));
        else refuse(box, Error(Code::io, "sandbox-failed", "ended before it was confined", "see what symphony doctor says about isolation").as_retryable());
        forget(id);
    }

    void tell_death(const Sandbox& box, std::uint64_t oom_kills) {
        wire::Died died;
        died.id = box.id;
        died.pid = box.runner;
        const bool exited = box.end && box.end->code == CLD_EXITED;
        const int status = box.end ? box.end->status : SIGKILL;
        if (box.cause) {
            died.how = *box.cause;
        } else if (oom_kills != 0 && !exited) {
            died.how = Death::out_of_memory;
        } else if (box.killed && !exited) {
            died.how = Death::killed;
        } else if (exited) {
            died.how = Death::exited;
        } else {
            died.how = status == SIGSYS ? Death::policy : Death::signalled;
        }
        died.number = died.how == Death::out_of_memory ? static_cast<std::int64_t>(box.limits.memory_bytes)
                      : died.how == Death::too_many_threads ? static_cast<std::int64_t>(box.limits.threads) : status;
        wire::send(launcher_socket, &died, sizeof died);
    }

    void forget(std::uint64_t id) {
        const auto found = sandboxes_.find(id);
        if (found == sandboxes_.end()) return;
        const std::uint64_t group = found->second.group;
        const bool left = found->second.in_cgroup && !cgroups_.remove(group);
        sandboxes_.erase(found);
        if (left) leftovers_.emplace_back(group, Clock::now() + remove_max);
    }

    // ---- the loop

    void wait() {
        polled_.clear();
        owners_.clear();
        const auto add = [&](const Fd& fd, std::uint64_t owner) {
            if (!fd.open()) return;
            polled_.push_back({fd.get(), POLLIN, 0});
            owners_.push_back(owner);
        };
        polled_.push_back({ending_ ? -1 : launcher_socket, POLLIN, 0});
        owners_.push_back(0);
        add(signals_, 0);
        add(spare_.child_fd, 0);
        Clock::time_point next = Clock::time_point::max();
        for (auto& [id, box] : sandboxes_) {
            add(box.setup, id);
            add(box.child_fd, id);
            // Its death starts a clock once.
            if (box.deadline == Clock::time_point::max()) add(box.runner_fd, id);
            next = std::min(next, box.deadline);
            if (!box.answered) next = std::min(next, box.look);
            if (box.started && box.watch) next = std::min(next, box.watch->next());
        }
        const auto now = Clock::now();
        if (!leftovers_.empty() || stale_) next = std::min(next, now + retry_pause);
        if (ending_) next = std::min(next, ending_until_);
        const bool wants_spare = !ending_ && spare_.child <= 0 && (plan_.available & ~off_ & layer_namespaces) != 0 && now >= spare_again_;
        if (wants_spare) next = std::min(next, now + quiet);
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
        const int timeout = next == Clock::time_point::max() ? -1 : static_cast<int>(std::clamp<long>(left, 0, 60'000));
        const int ready = ::poll(polled_.data(), polled_.size(), timeout);
        if (ready < 0 && errno != EINTR) return end_all();
        if (ready == 0 && wants_spare) keep_spare();
        for (std::size_t i = 0; i < polled_.size(); ++i) {
            if (polled_[i].revents != 0) on_event(polled_[i].fd, owners_[i]);
        }
        on_time();
    }

    void on_event(int fd, std::uint64_t owner) {
        if (fd == launcher_socket) return on_host();
        if (fd == signals_.get()) return end_all();
        if (fd == spare_.child_fd.get()) {
            drop(spare_);
            spare_again_ = Clock::now() + 1s;
            return;
        }
        const auto found = sandboxes_.find(owner);
        if (found == sandboxes_.end()) return;
        Sandbox& box = found->second;
        if (fd == box.setup.get()) return on_setup(box);
        if (fd == box.child_fd.get()) return on_child_dead(box);
        if (fd == box.runner_fd.get()) box.deadline = std::min(box.deadline, Clock::now() + report_max);
    }

    void on_time() {
        const auto now = Clock::now();
        for (auto& [id, box] : sandboxes_) {
            if (now >= box.deadline) {
                box.deadline = now + report_max;
                kill(box);
            }
            if (!box.answered && now >= box.look) {
                box.look = now + stopped_look;
                if (is_stopped(box.child) || is_stopped(box.runner)) {
                    refuse(box, Error(Code::io, "sandbox-failed", "was stopped from outside before it was confined", "try again").as_retryable());
                    kill(box);
                }
            }
            if (!box.started || !box.watch || box.cause || now < box.watch->next()) continue;
            if (const auto cause = box.watch->check(now, box.own_pid_namespace ? box.runner_fd.get() : box.child_fd.get()); cause) {
                box.cause = cause;
                kill(box);
            }
        }
        // The last processes of a launcher that was killed may be ending still.
        if (stale_) stale_ = !Cgroups::remove_stale(folders_) && now < stale_until_;
        std::erase_if(leftovers_, [&](const auto& left) { return cgroups_.remove(left.first) || now > left.second; });
    }

    const LauncherProgram program_;
    const std::uint32_t off_;
    const TitleSpace title_space_;
    const RootContents root_;
    const Cgroups::Folders folders_;
    Cgroups cgroups_;
    const Plan plan_;
    std::vector<sock_filter> second_code_, init_code_;
    sock_fprog second_{};
    std::map<unsigned, std::vector<sock_filter>> filters_;
    Fd signals_;
    Shell spare_;
    Clock::time_point spare_again_{};
    std::uint64_t last_group_ = 0;
    std::map<std::uint64_t, Sandbox> sandboxes_;
    std::vector<std::pair<std::uint64_t, Clock::time_point>> leftovers_;  ///< groups whose last process is still ending
    std::vector<pollfd> polled_;
    std::vector<std::uint64_t> owners_;
    bool stale_ = true;
    const Clock::time_point stale_until_ = Clock::now() + 3s;
    bool ending_ = false;
    Clock::time_point ending_until_{};
};

} // namespace

int run_launcher(const LauncherProgram& program) {
    ::signal(SIGPIPE, SIG_IGN);
    // For the folders of private roots, whatever the host's is.
    ::umask(022);
    Zygote zygote(program);
    return zygote.run();
}

} // namespace symphony::sandbox
