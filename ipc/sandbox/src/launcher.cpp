// SPDX-License-Identifier: Apache-2.0
#include <symphony/sandbox/launcher.hpp>

#include "cgroups.hpp"
#include "fd.hpp"
#include "wire.hpp"

#include <symphony/sandbox/runner.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace symphony::sandbox {
namespace {

using namespace std::chrono_literals;
constexpr auto greeting_max = 10s;
constexpr auto launch_max = 8s;  // less than a plugin has for its start: a stuck launcher is replaced before
constexpr auto quit_max = 6s;
/// After a launcher's own death, how long the last of its plugins may take to end.
constexpr auto sweep_max = 2s;
constexpr auto sweep_pause = 5ms;
constexpr std::uint64_t memory_bytes_min = 16u << 20;

/// The launcher's name for signals that a person may not know by number.
std::string signal_text(int number) {
    const char* const name = ::sigdescr_np(number);
    std::string text = "signal " + std::to_string(number);
    if (name != nullptr) {
        std::string words = name;
        std::transform(words.begin(), words.end(), words.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        text += " (" + words + ")";
    }
    return text;
}

std::string text_of(const Death& death) {
    const std::string number = std::to_string(death.number);
    switch (death.how) {
    case Death::exited: return "exited with status " + number;
    case Death::signalled: return "ended by " + signal_text(static_cast<int>(death.number));
    case Death::out_of_memory: return "out of memory: used more than its limit of " + std::to_string(death.number >> 20) + " MiB";
    case Death::too_many_threads: return "made more threads than its limit of " + number;
    case Death::policy: return "made a forbidden system call";
    case Death::killed: return "killed by the host";
    case Death::launcher_died: return "the launcher of isolated plugins died, and its plugins with it";
    }
    return "ended";
}

/// Only what the launcher itself needs: its memory is its plugins' memory.
std::vector<std::string> launcher_environment() {
    constexpr std::array exact{"LANG", "TZ", "LD_LIBRARY_PATH", "SYMPHONY_SANDBOX_OFF"};
    std::vector<std::string> kept;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::string_view name = text.substr(0, text.find('='));
        if (std::find(exact.begin(), exact.end(), name) != exact.end() || name.ends_with("SAN_OPTIONS")) kept.emplace_back(text);
    }
    return kept;
}

} // namespace

class Launcher::Core {
public:
    explicit Core(Options options) : options_(std::move(options)) {}

    Status open() {
        const std::lock_guard lock(mutex_);
        if (Status started = start_program(); !started) return started;
        reader_ = std::thread([this] { read(); });
        teller_ = std::thread([this] { tell(); });
        return {};
    }

    ~Core() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
            const wire::Quit quit;
            if (socket_.open()) wire::send(socket_.get(), &quit, sizeof quit);
        }
        changed_.notify_all();
        if (reader_.joinable()) {
            std::unique_lock lock(mutex_);
            if (!changed_.wait_for(lock, quit_max, [&] { return reader_done_; }) && program_ > 0) ::kill(program_, SIGKILL);
            lock.unlock();
            reader_.join();
        }
        if (teller_.joinable()) teller_.join();
    }

    Result<Started> launch(const Spec& spec) {
        if (spec.image_fd < 0 || spec.control_fd < 0) return Error(Code::invalid_argument, who(spec) + ": a library and a channel are needed to launch it");
        if (spec.limits.memory_bytes != 0 && spec.limits.memory_bytes < memory_bytes_min) {
            return Error(Code::invalid_argument, "memory-too-small",
                         who(spec) + ": a memory limit of " + std::to_string(spec.limits.memory_bytes) + " bytes is below the 16 MiB that any process needs",
                         "raise memory in the manifest's [resources]");
        }
        std::unique_lock lock(mutex_);
        if (!socket_.open()) {
            if (stopping_) return Error(Code::io, "no-launcher", who(spec) + ": the launcher of isolated plugins is stopping");
            if (Status started = start_program(); !started) return std::move(started).error().in(who(spec));
            changed_.notify_all();
        }
        const std::uint64_t id = ++last_id_;
        Waiting& waiting = waiting_[id];
        waiting.tag = spec.tag;
        wire::Launch message;
        message.id = id;
        message.limits = spec.limits;
        message.layers_off = spec.layers_off;
        message.minimum = spec.minimum;
        message.jit = spec.jit;
        message.may_socketpair = spec.may_socketpair;
        copy_cut(message.name, spec.name);
        copy_cut(message.version, spec.version);
        const std::array fds{spec.image_fd, spec.control_fd};
        const bool sent = wire::send(socket_.get(), &message, sizeof message, fds.data(), fds.size());
        if (sent && !changed_.wait_for(lock, launch_max, [&] { return waiting.answer.has_value(); })) {
            // Stopped or stuck: nothing that it holds can be trusted to go on.
            ::kill(program_, SIGKILL);
            changed_.wait(lock, [&] { return waiting.answer.has_value(); });
        }
        Result<Started> answer = waiting.answer ? std::move(*waiting.answer) : Result<Started>(gone());
        waiting_.erase(id);
        if (!answer && answer.error().reason() == "no-launcher") return std::move(answer).error().in(who(spec));
        return answer;
    }

    void kill(std::uint64_t id) {
        const std::lock_guard lock(mutex_);
        const auto found = living_.find(id);
        if (found == living_.end()) return;
        const wire::Kill message{.id = id};
        if (socket_.open()) wire::send(socket_.get(), &message, sizeof message);
        // At once, also while the launcher is busy or stopped; what it told first is how the death is named.
        ::syscall(SYS_pidfd_send_signal, found->second.pidfd.get(), SIGKILL, nullptr, 0);
    }

    Machine machine() const {
        const std::lock_guard lock(mutex_);
        return machine_;
    }
    pid_t pid() const {
        const std::lock_guard lock(mutex_);
        return program_;
    }

private:
    struct Waiting {
        std::uint64_t tag = 0;
        std::optional<Result<Started>> answer;
    };
    struct Living {
        std::uint64_t tag = 0;
        pid_t pid = -1;
        Fd pidfd;
    };

    static std::string who(const Spec& spec) { return "plugin \"" + spec.name + "\" " + spec.version; }
    static Error gone() { return Error(Code::io, "no-launcher", "the launcher of isolated plugins died", "try again: it is started anew").as_retryable(); }

    Error cannot_start(int error, const char* what) const {
        return Error(Code::io, "no-launcher", std::string("cannot start ") + options_.runner_program.string() + ": " + what + (error != 0 ? std::string(": ") + std::strerror(error) : ""),
                     "check that symphony-runner is installed beside symphony");
    }

    /// Spawns the program and reads its greeting. With mutex_ held.
    Status start_program() {
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return cannot_start(errno, "no socket");
        Fd ours(pair[0]);
        Fd theirs(pair[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), launcher_socket);
        ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addclosefrom_np(&actions, launcher_socket + 1);
        posix_spawnattr_t attributes;
        ::posix_spawnattr_init(&attributes);
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setsigdefault(&attributes, &all);
        // Its own session: a terminal's interrupt is the host's to handle.
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
        std::string program = options_.runner_program.string(), name = "symphony-runner", flag = "--launcher";
        std::array<char*, 3> arguments{name.data(), flag.data(), nullptr};
        std::vector<std::string> kept = launcher_environment();
        std::vector<char*> environment;
        for (std::string& entry : kept) environment.push_back(entry.data());
        environment.push_back(nullptr);
        pid_t pid = -1;
        const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
        if (error != 0) return cannot_start(error, "it cannot be run");
        // Otherwise its end would not be seen.
        theirs.reset();
        Status greeted = read_greeting(ours.get());
        if (!greeted) {
            ::kill(pid, SIGKILL);
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
            static_cast<void>(Cgroups::remove_stale(Cgroups::find())); // it may have made its groups, and nothing is in them yet
            return greeted;
        }
        program_ = pid;
        socket_ = std::move(ours);
        return {};
    }

    Status read_greeting(int socket) {
        const auto message = std::make_unique<wire::Received>();
        pollfd wait{socket, POLLIN, 0};
        const auto until = std::chrono::steady_clock::now() + greeting_max;
        int ready = 0;
        do {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
            ready = ::poll(&wait, 1, static_cast<int>(std::max<long>(0, left)));
        } while (ready < 0 && errno == EINTR);
        if (ready <= 0) return cannot_start(0, "no greeting within 10 s");
        if (wire::receive(socket, *message) != wire::Got::message) return cannot_start(0, "it ended without a greeting");
        const auto* hello = message->as<wire::Hello>();
        if (hello == nullptr || message->kind() != wire::Kind::hello || hello->version != wire::version) {
            return Error(Code::abi_mismatch, "other-runner", options_.runner_program.string() + " belongs to another build of symphony",
                         "install symphony and symphony-runner from the same package");
        }
        machine_.grade = hello->grade;
        machine_.limits_backend = read_bounded(hello->backend);
        machine_.layers.clear();
        for (std::size_t i = 0; i < std::min<std::size_t>(hello->layer_count, hello->layers.size()); ++i) {
            const wire::Layer& layer = hello->layers[i];
            machine_.layers.push_back({std::string(read_bounded(layer.name)), layer.active, std::string(read_bounded(layer.detail)),
                                       std::string(read_bounded(layer.why_not)), std::string(read_bounded(layer.remedy))});
        }
        return {};
    }

    /// What is active of the machine's layers in one launch.
    std::vector<LayerState> layers_of(std::uint32_t active) const {
        std::vector<LayerState> layers = machine_.layers;
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const std::uint32_t bit = 1u << i;
            if ((active & bit) != 0 || !layers[i].active) continue;
            layers[i].active = false;
            layers[i].detail.clear();
            layers[i].remedy.clear();
            layers[i].why_not = bit == layer_memory && (active & layer_seccomp) != 0 ? "the plugin may make code (JIT)" : "left out for a test";
        }
        return layers;
    }

    // ---- reader: one thread for the life of the object, one program after the other

    void read() {
        const auto message = std::make_unique<wire::Received>();
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return socket_.open() || stopping_; });
            if (!socket_.open()) break;
            // Only this thread closes it.
            const int socket = socket_.get();
            lock.unlock();
            const wire::Got got = wire::receive(socket, *message);
            lock.lock();
            if (got == wire::Got::message && on_message(*message)) continue;
            on_end(lock);
            if (stopping_) break;
        }
        reader_done_ = true;
        lock.unlock();
        changed_.notify_all();
    }

    bool on_message(wire::Received& message) {
        switch (message.kind()) {
        case wire::Kind::started: return on_started(*message.as<wire::Ready>(), message);
        case wire::Kind::failed: {
            const auto& failed = *message.as<wire::Failed>();
            Error error(static_cast<Code>(failed.code), read_bounded(failed.reason), std::string(read_bounded(failed.message)), std::string(read_bounded(failed.hint)));
            answer(failed.id, failed.retryable ? std::move(error).as_retryable() : std::move(error));
            return true;
        }
        case wire::Kind::died: {
            const auto& died = *message.as<wire::Died>();
            bury(died.id, died.how, died.number);
            return true;
        }
        default: return false;
        }
    }

    bool on_started(const wire::Ready& ready, wire::Received& message) {
        Started started;
        started.id = ready.id;
        started.pid = ready.pid;
        started.grade = ready.grade;
        started.layers = layers_of(ready.active);
        started.limits = ready.limits;
        started.limits_backend = machine_.limits_backend;
        started.forgeable = ready.forgeable;
        Living living{.tag = 0, .pid = ready.pid, .pidfd = Fd(::fcntl(message.fds[0].get(), F_DUPFD_CLOEXEC, 0))};
        if (!living.pidfd.open() || !message.fds[1].open()) return false;
        if (const auto found = waiting_.find(ready.id); found != waiting_.end()) living.tag = found->second.tag;
        living_.emplace(ready.id, std::move(living));
        started.pidfd = message.fds[0].release();
        started.output_fd = message.fds[1].release();
        if (ready.has_violations) started.violations_fd = message.fds[2].release();
        answer(ready.id, std::move(started));
        return true;
    }

    void answer(std::uint64_t id, Result<Started> result) {
        if (const auto found = waiting_.find(id); found != waiting_.end()) found->second.answer = std::move(result);
        changed_.notify_all();
    }

    void bury(std::uint64_t id, Death::How how, std::int64_t number) {
        const auto found = living_.find(id);
        if (found == living_.end()) return;
        Death death{.id = id, .tag = found->second.tag, .pid = found->second.pid, .how = how, .number = number, .text = {}};
        death.text = text_of(death);
        living_.erase(found);
        deaths_.push_back(std::move(death));
        changed_.notify_all();
    }

    void on_end(std::unique_lock<std::mutex>& lock) {
        const pid_t program = program_;
        socket_.reset();
        lock.unlock();
        // It may only have closed its end, or been stopped by somebody; its plugins die with it.
        if (!wait_for(program, 1s)) {
            ::kill(program, SIGKILL);
            wait_for(program, std::chrono::hours(1));
        }
        lock.lock();
        program_ = -1;
        while (!living_.empty()) bury(living_.begin()->first, Death::launcher_died, 0);
        for (auto& [id, waiting] : waiting_) {
            if (!waiting.answer) waiting.answer = gone();
        }
        sweep_until_ = std::chrono::steady_clock::now() + sweep_max;
        changed_.notify_all();
    }

    static bool wait_for(pid_t program, std::chrono::nanoseconds limit) {
        const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, program, 0)));
        if (pidfd.open()) {
            pollfd wait{pidfd.get(), POLLIN, 0};
            const auto ms = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count());
            if (::poll(&wait, 1, ms) == 0) return false;
        }
        while (::waitpid(program, nullptr, 0) < 0 && errno == EINTR) {}
        return true;
    }

    // ---- teller: calls on_death, so that it may come back in; and removes the control groups of a launcher that could not

    void tell() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return !deaths_.empty() || sweep_until_ || reader_done_; });
            if (deaths_.empty() && sweep_until_) {
                const auto until = *std::exchange(sweep_until_, std::nullopt);
                lock.unlock();
                const bool swept = Cgroups::remove_stale(Cgroups::find());
                lock.lock();
                if (swept || std::chrono::steady_clock::now() > until) continue;
                changed_.wait_for(lock, sweep_pause, [&] { return !deaths_.empty(); });
                if (!sweep_until_) sweep_until_ = until;
                continue;
            }
            if (deaths_.empty()) return;
            const Death death = std::move(deaths_.front());
            deaths_.pop_front();
            lock.unlock();
            if (options_.on_death) options_.on_death(death);
            lock.lock();
        }
    }

    const Options options_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Fd socket_;
    pid_t program_ = -1;
    Machine machine_;
    std::uint64_t last_id_ = 0;
    std::map<std::uint64_t, Waiting> waiting_;
    std::map<std::uint64_t, Living> living_;
    std::deque<Death> deaths_;
    std::optional<std::chrono::steady_clock::time_point> sweep_until_;
    bool stopping_ = false, reader_done_ = false;
    std::thread reader_, teller_;
};

Result<std::unique_ptr<Launcher>> Launcher::start(Options options) {
    auto core = std::make_unique<Core>(std::move(options));
    if (Status opened = core->open(); !opened) return std::move(opened).error();
    return std::unique_ptr<Launcher>(new Launcher(std::move(core)));
}

Launcher::Launcher(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Launcher::~Launcher() = default;
Result<Started> Launcher::launch(const Spec& spec) { return core_->launch(spec); }
void Launcher::kill(std::uint64_t id) { core_->kill(id); }
Machine Launcher::machine() const { return core_->machine(); }
pid_t Launcher::pid() const { return core_->pid(); }

std::filesystem::path find_runner(const std::filesystem::path& own_folder) {
    for (const char* const place : {"symphony-runner", "../libexec/symphony/symphony-runner"}) {
        const std::filesystem::path candidate = own_folder / place;
        if (::access(candidate.c_str(), X_OK) == 0) return candidate.lexically_normal();
    }
    return {};
}

} // namespace symphony::sandbox
