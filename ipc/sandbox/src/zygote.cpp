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
constexpr auto report_max = 500ms;
constexpr auto retry_pause = 5ms;
constexpr auto remove_max = 2s;
constexpr const char* oom_score = "500";

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

struct Sandbox {
    std::uint64_t id = 0;
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
    std::optional<Watch> watch;
};

class Zygote {
public:
    explicit Zygote(const LauncherProgram& program)
        : program_(program), off_(program.obey_layers_off ? layers_named_in(std::getenv("SYMPHONY_SANDBOX_OFF")) : 0),
          title_space_(take_argument_memory(program.argv)), root_(RootContents::read()), cgroups_(Cgroups::find(), ::getpid(), true),
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
        case wire::Got::end: end_all(); return false;
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

    void end_all() {
        if (ending_) return;
        ending_ = true;
        ending_until_ = Clock::now() + 5s;
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
        copy_cut(failed.reason, error.reason());
        copy_cut(failed.message, box.who + ": " + error.message());
        copy_cut(failed.hint, error.hint());
        wire::send(launcher_socket, &failed, sizeof failed);
    }
    static Error broken(Outcome why) {
        return Error(Code::io, "sandbox-failed", "could not be confined: " + std::string(name_of(why.stage)) + " failed: " + std::strerror(why.error),
                     "see what symphony doctor says about isolation");
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
            for (const LayerState& state : plan_.machine.layers) {
                if (state.active) continue;
                missing += (missing.empty() ? "" : "; ") + state.name + " is missing: " + state.why_not;
                if (remedy.empty()) remedy = state.remedy;
            }
            return Error(Code::refused, "grade-too-low",
                         "this machine confines plugins with grade " + std::string(name_of(grade)) + " (" + std::string(describe(grade)) + "), " +
                             std::string(name_of(launch.minimum)) + " is needed: " + missing, std::move(remedy));
        }
        std::uint32_t active = plan_.available & ~(launch.layers_off | off_);
        if (launch.jit) active &= ~std::uint32_t{layer_memory};
        return active;
    }

    std::vector<sock_filter>& filter_for(bool jit, bool may_socketpair) {
        auto& filter = filters_[(jit ? 1u : 0u) | (may_socketpair ? 2u : 0u)];
        if (filter.empty()) {
            filter = policy::compile({.otherwise = plan_.notify ? policy::Otherwise::notify : policy::Otherwise::trap, .jit = jit,
                                      .may_socketpair = may_socketpair, .second = &second_});
        }
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
        Fd setup, output, trap;
        const bool traps = (box.active & layer_seccomp) != 0 && !plan_.notify;
        if (const Outcome made = make_pipes(box, setup, output, traps ? &trap : nullptr); made.failed()) return made;
        const bool private_user = (own || plan_.distinct_ids) && (box.active & layer_identity) != 0;

        Box inside;
        inside.active = box.active;
        inside.notify = plan_.notify;
        inside.setup = setup.get();
        inside.image = image;
        inside.control = control;
        inside.output = output.get();
        inside.trap = trap.get();
        inside.jit = launch.jit;
        inside.limits.limits = box.limits;
        // Its first process counts, too.
        inside.limits.processes = private_user ? box.limits.threads + (own ? 1u : 0u) : 0;
        const Watch::What what{.memory = limited && !cgroups_.memory(), .cpu = limited && !cgroups_.cpu() && box.limits.cpu_percent != 0,
                               .threads = limited && !cgroups_.threads() && !private_user};
        // Far above the limit: it only has to stop what grows faster than the watcher looks.
        if (what.memory) inside.limits.data_bytes = box.limits.memory_bytes * 4 + (std::uint64_t{1} << 30);
        inside.wait_for_go = what.memory || what.cpu || what.threads;
        copy_cut(inside.library_name, file + ".so");
        copy_cut(inside.title, "symphony-runner: " + file);
        copy_cut(inside.short_name, file);
        inside.title_space = title_space_;
        inside.root = &root_;
        inside.filter = &filter_for((box.active & layer_memory) == 0, launch.may_socketpair);
        inside.init_filter = &init_code_;
        inside.second = &second_;
        inside.main = program_.main;
        inside.launcher = ::getpid();
        if ((box.active & layer_seccomp) != 0 && (inside.filter->empty() || init_code_.empty() || second_code_.empty())) {
            return fail(Stage::seccomp, EINVAL);
        }
        if (limited && !cgroups_.backend().empty()) {
            if (const int error = cgroups_.make(box.id, box.limits, box.limits.threads + (own ? 1u : 0u)); error != 0) return fail(Stage::cgroup, error);
            box.in_cgroup = true;
        }
        int pidfd = -1;
        box.own_pid_namespace = own;
        // libc's own fork where the plugin's code will be: it sets right what libc knows of the process. Init has no use for that.
        box.child = own ? make_process(plan_.namespaces | SIGCHLD, &pidfd) : ::fork();
        if (box.child < 0) return fail(Stage::make_process);
        if (box.child == 0) {
            if (own) run_init(inside);
            run_alone(inside);
        }
        if (!own) pidfd = static_cast<int>(::syscall(SYS_pidfd_open, box.child, 0));
        if (pidfd < 0) {
            const Outcome failed = fail(Stage::make_process);
            ::kill(box.child, SIGKILL);
            ::waitpid(box.child, nullptr, 0);
            return failed;
        }
        box.child_fd.reset(pidfd);
        box.deadline = Clock::now() + start_max;
        if (what.memory || what.cpu || what.threads) box.watch.emplace(what, box.limits);
        return admit(box, own);
    }

    static Outcome make_pipes(Sandbox& box, Fd& setup, Fd& output, Fd* trap) {
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return fail(Stage::make_process);
        box.setup.reset(pair[0]);
        setup.reset(pair[1]);
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

    /// What only the launcher can do for a new process, and its leave to go on.
    Outcome admit(Sandbox& box, bool own) {
        const bool identity_on = (box.active & layer_identity) != 0;
        const Identity identity = identity_for(box.child, plan_.distinct_ids && identity_on, !identity_on);
        if (own) {
            if (const Outcome mapped = map_identity(box.child, identity); mapped.failed()) return mapped;
        }
        if (box.in_cgroup) {
            if (const int error = cgroups_.enter(box.id, box.child); error != 0) return fail(Stage::cgroup, error);
        }
        if ((box.active & layer_limits) != 0) {
            const Fd score(::open(("/proc/" + std::to_string(box.child) + "/oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC));
            if (!score.open() || ::write(score.get(), oom_score, std::strlen(oom_score)) < 0) return fail(Stage::resource_limits);
        }
        wire::Step go = go_of(identity);
        // Without a namespace there is only the launcher's own user or, for root, a distinct one.
        go.change_identity = own || (identity_on && plan_.distinct_ids);
        if (!own) {
            box.runner = box.child;
            if (box.watch) box.watch->look_at(box.runner);
        }
        return wire::send(box.setup.get(), &go, sizeof go) ? Outcome{} : fail(Stage::hand_over);
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
        if (box.in_cgroup) cgroups_.kill(box.id);
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
        const std::uint64_t oom_kills = box.in_cgroup ? cgroups_.oom_kills(box.id) : 0;
        const std::uint64_t id = box.id;
        if (box.started) tell_death(box, oom_kills);
        else refuse(box, Error(Code::io, "sandbox-failed", oom_kills != 0 ? "its memory limit is too low to start it" : "ended before it was confined",
                               oom_kills != 0 ? "raise memory in the manifest's [resources]" : "see what symphony doctor says about isolation"));
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
        const bool left = found->second.in_cgroup && !cgroups_.remove(id);
        sandboxes_.erase(found);
        if (left) leftovers_.emplace_back(id, Clock::now() + remove_max);
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
        Clock::time_point next = Clock::time_point::max();
        for (auto& [id, box] : sandboxes_) {
            add(box.setup, id);
            add(box.child_fd, id);
            // Its death starts a clock once.
            if (box.deadline == Clock::time_point::max()) add(box.runner_fd, id);
            next = std::min(next, box.deadline);
            if (box.started && box.watch) next = std::min(next, box.watch->next());
        }
        const auto now = Clock::now();
        if (!leftovers_.empty()) next = std::min(next, now + retry_pause);
        if (ending_) next = std::min(next, ending_until_);
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
        const int timeout = next == Clock::time_point::max() ? -1 : static_cast<int>(std::clamp<long>(left, 0, 60'000));
        if (::poll(polled_.data(), polled_.size(), timeout) < 0 && errno != EINTR) return end_all();
        for (std::size_t i = 0; i < polled_.size(); ++i) {
            if (polled_[i].revents != 0) on_event(polled_[i].fd, owners_[i]);
        }
        on_time();
    }

    void on_event(int fd, std::uint64_t owner) {
        if (fd == launcher_socket) return on_host();
        if (fd == signals_.get()) return end_all();
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
            if (!box.started || !box.watch || box.cause || now < box.watch->next()) continue;
            if (const auto cause = box.watch->check(now, box.own_pid_namespace ? box.runner_fd.get() : box.child_fd.get()); cause) {
                box.cause = cause;
                kill(box);
            }
        }
        std::erase_if(leftovers_, [&](const auto& left) { return cgroups_.remove(left.first) || now > left.second; });
    }

    const LauncherProgram program_;
    const std::uint32_t off_;
    const TitleSpace title_space_;
    const RootContents root_;
    Cgroups cgroups_;
    const Plan plan_;
    std::vector<sock_filter> second_code_, init_code_;
    sock_fprog second_{};
    std::map<unsigned, std::vector<sock_filter>> filters_;
    Fd signals_;
    std::map<std::uint64_t, Sandbox> sandboxes_;
    std::vector<std::pair<std::uint64_t, Clock::time_point>> leftovers_;  ///< groups whose last process is still ending
    std::vector<pollfd> polled_;
    std::vector<std::uint64_t> owners_;
    bool ending_ = false;
    Clock::time_point ending_until_{};
};

} // namespace

int run_launcher(const LauncherProgram& program) {
    ::signal(SIGPIPE, SIG_IGN);
    Zygote zygote(program);
    return zygote.run();
}

} // namespace symphony::sandbox
