// SPDX-License-Identifier: Apache-2.0
#include "isolation.hpp"

#include "library.hpp"

#include <symphony/manifests/manifest.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace symphony::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int launches_max = 3;                                // of one start, when somebody ends or stops it before it is confined
// The call table ends a cancelled call for its caller as in process; what goes on behind that costs the process.
constexpr auto ended_first = std::chrono::milliseconds(50);
constexpr auto notice_max = std::chrono::seconds(5);           // that a death's cause may take behind the death: below a millisecond, unless the machine is starved
constexpr auto idle_min = std::chrono::milliseconds(150);      // seen without work before its silence is a hang
constexpr std::size_t line_max = 4096;                         // of a plugin's output; longer ones are cut
constexpr std::uint32_t denied_max = 10'000;                   // system calls refused without a word, then it ends
constexpr std::uint32_t denied_told_max = 3;                   // records of one system call

sandbox::Limits limits_of(const manifests::Resources& wish) {
    sandbox::Limits limits;
    limits.memory_bytes = wish.memory_limit_bytes.value_or(0);
    limits.cpu_percent = wish.cpu_limit_percent.value_or(0);
    limits.threads = wish.threads.value_or(0);
    limits.open_files = wish.open_files.value_or(0);
    limits.file_bytes = wish.file_size_bytes.value_or(0);
    limits.output_bytes = wish.output_volume_bytes.value_or(0);
    return limits;
}

/// What a process, or one thread of it, is doing.
struct Activity {
    char state = '?';  ///< as in proc(5); '?' when it cannot be read
    std::uint64_t ran_ns = 0, waited_ns = 0;  ///< on a processor, and ready to run without one
};
std::string head_of(const std::string& file) {
    // No stream: one throws when the process goes between open and read.
    char bytes[1024];
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    const ssize_t n = ::read(fd, bytes, sizeof bytes - 1);
    ::close(fd);
    return std::string(bytes, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
}
Activity activity_in(const std::string& file) {
    const std::string text = head_of(file);
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) return {};
    Activity out;
    unsigned long user = 0, system = 0;
    // proc(5): after the name, state is the third field, utime and stime are the 14th and 15th.
    if (std::sscanf(text.c_str() + name_end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &out.state, &user, &system) != 3) return {};
    out.ran_ns = (user + system) * (1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
    return out;
}
/// The time is that of all its threads; the state is 'R' when one of them would run if it could, or is inside the kernel.
Activity activity_of(pid_t pid) {
    const std::string folder = "/proc/" + std::to_string(pid);
    Activity out = activity_in(folder + "/stat");
    std::uint64_t ran_ns = 0; // finer, where the kernel counts it
    std::error_code gone;
    for (std::filesystem::directory_iterator thread(folder + "/task", gone), end; !gone && thread != end; thread.increment(gone)) {
        const char state = activity_in(thread->path().string() + "/stat").state;
        if (state == 'R' || state == 'D') out.state = 'R';
        unsigned long long ran = 0, waited = 0; // Documentation/scheduler/sched-stats.rst of the kernel
        if (std::sscanf(head_of(thread->path().string() + "/schedstat").c_str(), "%llu %llu", &ran, &waited) != 2) continue;
        ran_ns += ran;
        out.waited_ns += waited;
    }
    if (ran_ns != 0) out.ran_ns = ran_ns;
    return out;
}

constinit thread_local bool on_watch = false;

std::string signal_text(int number) {
    const char* name = ::sigabbrev_np(number);
    return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

} // namespace

// --- Process ----------------------------------------------------------------------------------------------------

Process::Process(Isolation& isolation, permissions::Subject subject, OutputBudget& output, std::chrono::milliseconds cancel_grace)
    : isolation_(isolation), subject_(std::move(subject)), who_("plugin \"" + subject_.name + "\" " + subject_.version), name_(subject_.name), output_(output),
      cancel_grace_(cancel_grace) {}

Process::~Process() {
    for (const int fd : {started_.pidfd, started_.output_fd}) {
        if (fd >= 0) ::close(fd);
    }
}

void Process::kill(Error why) {
    {
        const std::lock_guard lock(mutex_);
        if (cause_ || wanted_) return;
        wanted_ = std::move(why);
    }
    isolation_.kill(started_.id);
}

void Process::record_used_up() const { isolation_.tell(*this, "L5 limits", "output_volume", false); }

std::optional<Error> Process::cause() const {
    const std::lock_guard lock(mutex_);
    return cause_;
}

bool Process::wait_gone(Clock::time_point limit) {
    std::unique_lock lock(mutex_);
    return gone_changed_.wait_until(lock, limit, [this] { return forgotten_; });
}

// --- Isolation: starting ----------------------------------------------------------------------------------------

Isolation::Isolation(Options options) : options_(std::move(options)), launcher_(Error(Code::io, "no-launcher", "not started")) {
    // The launcher's own threads must not take the host's signals.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    launcher_ = sandbox::Launcher::start({options_.runner, [this](const sandbox::Death& death) { on_death(death); }});
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

Isolation::~Isolation() {
    std::vector<std::shared_ptr<Process>> left;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, process] : processes_) left.push_back(process);
    }
    for (const auto& process : left) process->kill(Error(Code::cancelled, "stopped", process->who_ + ": the host is shutting down"));
    for (const auto& process : left) static_cast<void>(process->wait_gone(Clock::now() + std::chrono::seconds(2)));
    monitor_thread_.request_stop();
    wake();
    if (monitor_thread_.joinable()) monitor_thread_.join();
    if (launcher_) launcher_->reset();
    if (wake_ >= 0) ::close(wake_);
}

/// One that somebody outside ended before it was confined is launched again: that says nothing about the plugin.
Result<sandbox::Started> Isolation::launch(sandbox::Spec& spec, ipc::ChannelPair& channel) {
    for (int launches = 1;; ++launches) {
        channel = SYMPHONY_TRY(ipc::ChannelPair::make({}));
        spec.control_fd = channel.runner.control();
        auto started = (*launcher_)->launch(spec);
        { // the runner has its own by now; ours must not keep the channel open when it is dead
            const ipc::ChannelEnd ended = std::move(channel.runner);
        }
        if (started || launches == launches_max || !started.error().retryable() || started.error().reason() != "sandbox-failed") return started;
    }
}

Result<std::shared_ptr<Process>> Isolation::start(Wish wish) {
    const std::string who = "plugin \"" + wish.manifest.name() + "\" " + wish.manifest.extension.version.text();
    if (!launcher_) return Error(launcher_.error()).in(who);
    auto process = std::make_shared<Process>(*this, wish.subject, wish.output, wish.cancel_grace);
    process->on_dying_ = std::move(wish.on_dying);
    process->on_gone_ = std::move(wish.on_gone);
    process->on_output_ = std::move(wish.on_output);

    sandbox::Spec spec;
    spec.name = wish.manifest.name();
    spec.version = wish.manifest.extension.version.text();
    spec.image_fd = wish.image.fd();
    spec.limits = limits_of(wish.manifest.resources);
    spec.jit = wish.jit;
    spec.may_socketpair = wish.socketpair;
    spec.minimum = std::max(options_.minimum, static_cast<sandbox::Grade>(wish.manifest.abi.minimum_grade));
    spec.layers_off = options_.layers_off;
    ipc::ChannelPair channel;
    auto started = launch(spec, channel);
    if (!started) return started.error(); // it names the plugin
    process->started_ = *std::move(started);
    process->output_.begin(process->started_.limits.output_bytes);
    if (const int fd = std::exchange(process->started_.violations_fd, -1); fd >= 0) {
        process->violations_ = std::make_unique<sandbox::Violations>(fd, process->started_.forgeable);
    }

    ipc::RemoteInstance::Options remote;
    remote.name = wish.manifest.name();
    remote.on_broken = [own = process.get()](const Error& why) { // its threads end before it does
        own->isolation_.tell(*own, "channel", std::string(why.message()), true);
        own->kill(why);
    };
    remote.on_misuse = std::move(wish.on_misuse);
    auto connected = ipc::RemoteInstance::connect(std::move(channel.host), std::move(remote));
    if (!connected) {
        (*launcher_)->kill(process->started_.id);
        return Error(connected.error()).in(who);
    }
    process->remote_ = *std::move(connected);
    {
        const std::lock_guard lock(mutex_);
        processes_.emplace(process->started_.id, process);
        for (const auto& death : early_) {
            if (death.id != process->started_.id) continue;
            const std::lock_guard own(process->mutex_);
            process->death_ = death;
        }
        std::erase_if(early_, [&](const sandbox::Death& death) { return death.id == process->started_.id; });
        if (!monitor_thread_.joinable()) monitor_thread_ = std::jthread([this](std::stop_token stop) { monitor(stop); });
    }
    wake();
    return process;
}

void Isolation::kill(std::uint64_t id) {
    if (launcher_) (*launcher_)->kill(id);
    wake();
}

void Isolation::abandon() noexcept {
    // It sees the host's end of the socket close, ends its sandboxes and removes their groups, unless somebody stopped it.
    if (launcher_ && (*launcher_)->pid() > 0) ::kill((*launcher_)->pid(), SIGCONT);
}

void Isolation::wake() noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_, &one, sizeof one)); // full: it is awake anyway
}

/// On the launcher's thread.
void Isolation::on_death(const sandbox::Death& death) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = processes_.find(death.id);
        if (at == processes_.end()) {
            if (early_.size() < 1024) early_.push_back(death);
        } else {
            const std::lock_guard own(at->second->mutex_);
            at->second->death_ = death;
        }
    }
    wake();
}

void Isolation::tell(const Process& process, std::string layer, std::string object, bool fatal) const {
    if (!options_.on_violation) return;
    options_.on_violation({process.subject_, std::move(layer), std::move(object), fatal});
}

// --- Isolation: watching ----------------------------------------------------------------------------------------

bool Isolation::watching() noexcept { return on_watch; }

void Isolation::monitor(std::stop_token stop) {
    on_watch = true;
    std::vector<std::shared_ptr<Process>> all;
    std::vector<pollfd> events;
    while (!stop.stop_requested()) {
        all.clear();
        events.assign(1, {wake_, POLLIN, 0});
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [id, process] : processes_) all.push_back(process);
        }
        bool busy = false;
        for (const auto& process : all) {
            events.push_back({process->exited_ ? -1 : process->started_.pidfd, POLLIN, 0});
            events.push_back({process->violations_ ? process->violations_->fd() : -1, POLLIN, 0});
            events.push_back({process->started_.output_fd, POLLIN, 0});
            busy = busy || process->exited_ || process->remote_->in_flight() > 0;
        }
        // Without processes it sleeps. With them it looks, now and then, whether they are called, and then at their silence.
        const int timeout = busy ? 50 : all.empty() ? -1 : 200;
        if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) return;
        std::uint64_t ignored = 0;
        static_cast<void>(!::read(wake_, &ignored, sizeof ignored));
        for (std::size_t i = 0; i < all.size(); ++i) {
            Process& process = *all[i];
            const pollfd* of = &events[1 + 3 * i];
            if (of[2].revents != 0) read_output(process);
            if (of[1].revents != 0) serve_violations(process);
            if (of[0].revents != 0 && !process.exited_) {
                process.exited_ = true;
                process.dead_since_ = Clock::now();
            }
            look_at(process);
        }
    }
}

void Isolation::look_at(Process& process) {
    const auto now = Clock::now();
    const auto [wanted, known] = [&] {
        const std::lock_guard lock(process.mutex_);
        return std::pair(process.wanted_.has_value(), process.wanted_ || process.death_);
    }();
    if (process.exited_) {
        if (known || now - process.dead_since_ > notice_max) finish(process);
        return;
    }
    if (wanted) return; // its end is on the way, and told
    ipc::RemoteInstance& remote = *process.remote_;
    if (!process.ready_.load(std::memory_order_relaxed)) {
        const bool before = std::exchange(process.stopped_, activity_of(process.started_.pid).state == 'T');
        if (before && process.stopped_) {
            tell(process, "supervisor", "hung", true);
            process.kill(Error(Code::peer_died, "hung", process.who_ + ": its process was stopped in its start, and was ended", "try again").as_retryable());
        }
        return;
    }
    if (remote.in_flight() == 0) {
        process.silence_ = {};
        return;
    }
    if (remote.overdue(process.cancel_grace_ + ended_first)) {
        tell(process, "supervisor", "deadline", true);
        return process.kill(Error(Code::deadline, "deadline", process.who_ + ": went on after its call was cancelled; its process was ended",
                                  "give it more time: --set " + process.name_ + ".timeout=5m, or a setting cancel_grace of its own"));
    }
    // A heartbeat of real work: the thread that reads its calls answers, whatever the plugin does meanwhile.
    if (now - process.pinged_ >= options_.ping_every) {
        process.pinged_ = now;
        remote.ping();
    }
    const auto silence = remote.unanswered();
    if (silence < options_.hung_after) {
        process.silence_ = {};
        return;
    }
    // Stopped or asleep: nobody is there, and one look is not enough to say so. It works, or would: it has more time. When most of
    // what it wanted of a processor was waiting for one, the machine is busy, which is not its fault.
    const Activity activity = activity_of(process.started_.pid);
    if (activity.state == 't') return; // a debugger holds it, for as long as a person thinks
    Process::Silence& seen = process.silence_;
    const bool first = seen.idle_since == Clock::time_point();
    const bool ready = activity.state == 'R' || (!first && activity.ran_ns != seen.last_ran_ns);
    if (first) {
        seen.ran_ns = activity.ran_ns;
        seen.waited_ns = activity.waited_ns;
    }
    if (first || ready) seen.idle_since = now;
    seen.last_ran_ns = activity.ran_ns;
    if (ready) {
        const auto since = [](std::uint64_t now_ns, std::uint64_t seen_ns) { return now_ns > seen_ns ? now_ns - seen_ns : 0; }; // a thread that ends takes its time with it
        const bool starved = since(activity.waited_ns, seen.waited_ns) >= since(activity.ran_ns, seen.ran_ns);
        if (silence < options_.hung_after + (starved ? options_.starved_max : options_.working_max)) return;
    } else if (now - seen.idle_since < idle_min) {
        return;
    }
    if (remote.unanswered() < options_.hung_after) return; // it answered while it was looked at, and sleeps because of that
    tell(process, "supervisor", "hung", true);
    process.kill(Error(Code::peer_died, "hung", process.who_ + ": its process did not react for " +
                       std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(silence).count()) + " ms" +
                       (activity.state == 'T' ? " (it is stopped)" : "") + " and was ended", "try again; symphony doctor tells when it was put aside").as_retryable());
}

void Isolation::serve_violations(Process& process) {
    for (int served = 0; served < 64; ++served) {
        const auto next = process.violations_->next();
        if (!next) return process.violations_.reset(); // the process is gone
        if (!*next) return;
        const sandbox::Violation& tried = **next;
        const std::uint32_t times = ++process.denied_[tried.name];
        const bool fatal = tried.grave || ++process.denied_count_ > denied_max;
        if (times <= denied_told_max || fatal) tell(process, "L4 seccomp", tried.text(), fatal);
        if (fatal) {
            process.kill(Error(Code::peer_died, "policy-violation", process.who_ + ": tried the system call " + tried.name +
                               ", which no isolated plugin may; its process was ended",
                               "report it to the plugin's author; symphony permission audit shows what it tried"));
        }
        process.violations_->deny(tried, sandbox::Violations::usual_error(tried));
    }
}

bool Isolation::read_output(Process& process) {
    char bytes[16 * 1024];
    const ssize_t n = ::read(process.started_.output_fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        if (!process.line_.empty() && process.on_output_) process.on_output_(std::exchange(process.line_, {}));
        ::close(std::exchange(process.started_.output_fd, -1));
        return false;
    }
    if (process.output_.spend(static_cast<std::uint64_t>(n)) != OutputBudget::Spent::fits) {
        tell(process, "L5 limits", "output_volume", true);
        process.kill(Error(Code::exhausted, "output-volume", process.who_ + ": wrote more than " + std::to_string(process.output_.bytes_max()) +
                           " bytes to its output and its log; its process was ended", "raise output_volume in [resources] of its manifest; symphony show " + process.name_ + " tells where that is"));
        ::close(std::exchange(process.started_.output_fd, -1));
        return false;
    }
    for (const char c : std::string_view(bytes, static_cast<std::size_t>(n))) {
        if (c != '\n' && process.line_.size() < line_max) {
            process.line_ += c;
        } else if (c == '\n') {
            if (process.on_output_) process.on_output_(process.line_);
            process.line_.clear();
        }
    }
    return true;
}

/// The process is dead and its cause is as known as it gets: its calls end, then its owner hears of it.
void Isolation::finish(Process& process) {
    Error cause(Code::peer_died, "vanished", process.who_ + ": its process is gone and left no cause", "try again; symphony doctor tells what this machine can do");
    std::string limit; // of the sandbox, that it ran into
    {
        const std::lock_guard lock(process.mutex_);
        if (process.wanted_) {
            cause = *process.wanted_;
        } else if (process.death_) {
            const sandbox::Death& death = *process.death_;
            const std::string went = process.who_ + ": its process ";
            const std::string detail = death.text.empty() ? "" : " (" + death.text + ")";
            switch (death.how) {
            case sandbox::Death::out_of_memory:
                limit = "memory_limit";
                cause = Error(Code::exhausted, "out-of-memory", went + "used more memory than it may" + detail, "raise memory_limit in [resources] of its manifest; symphony show " + process.name_ + " tells where that is");
                break;
            case sandbox::Death::too_many_threads:
                limit = "threads";
                cause = Error(Code::exhausted, "too-many-threads", went + "had more threads than it may" + detail, "raise threads in [resources] of its manifest; symphony show " + process.name_ + " tells where that is");
                break;
            case sandbox::Death::policy:
                limit = "system call interface";
                cause = Error(Code::peer_died, "policy-violation", went + "broke the sandbox's rules" + detail, "report it to the plugin's author");
                break;
            case sandbox::Death::signalled:
                cause = Error(Code::peer_died, "crashed", went + "died of " + signal_text(static_cast<int>(death.number)) + detail, "report it to the plugin's author").as_retryable();
                break;
            case sandbox::Death::exited:
                cause = Error(Code::peer_died, "exited", went + "ended by itself with status " + std::to_string(death.number), "report it to the plugin's author").as_retryable();
                break;
            case sandbox::Death::killed:
            case sandbox::Death::launcher_died:
                cause = Error(Code::peer_died, "killed", went + "was killed" + detail, "try again: it is started anew").as_retryable();
                break;
            }
        }
        process.cause_ = cause;
    }
    while (process.started_.output_fd >= 0 && read_output(process)) {} // what it said last
    if (!limit.empty()) tell(process, cause.reason() == "policy-violation" ? "L4 seccomp" : "L5 limits", limit, true);
    process.violations_.reset();
    if (process.on_dying_) process.on_dying_();
    process.remote_->abandon(cause);
    std::shared_ptr<Process> kept;
    {
        const std::lock_guard lock(mutex_);
        const auto at = processes_.find(process.started_.id);
        if (at == processes_.end()) return;
        kept = std::move(at->second);
        processes_.erase(at);
    }
    if (process.on_gone_) process.on_gone_(cause);
    const std::lock_guard lock(process.mutex_);
    process.forgotten_ = true;
    process.gone_changed_.notify_all();
}

} // namespace symphony::host
