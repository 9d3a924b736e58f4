// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::transport {
namespace {

Error failed(const std::string& name, std::string_view what, int error) {
    return {Code::io, "io", "cannot " + std::string(what) + " \"" + name + "\": " + std::strerror(error)};
}

struct Pipe {
    Fd read, write;
};
Result<Pipe> make_pipe(const std::string& name) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return failed(name, "make a pipe for", errno);
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// Each end of a pipe has flags of its own: the child's stays as programs expect it.
void set_nonblocking(int fd) noexcept { ::fcntl(fd, F_SETFL, O_NONBLOCK); }

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

/// Ours, with what is given in place of what has the same name.
std::vector<std::string> environment_with(const std::vector<std::string>& given) {
    std::vector<std::string> out(given);
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view own = *at, name = own.substr(0, own.find('=') + 1);
        if (std::none_of(given.begin(), given.end(), [&](const std::string& one) { return one.starts_with(name); })) out.emplace_back(own);
    }
    return out;
}

struct Actions {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    Actions() {
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawnattr_init(&attributes);
    }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    ~Actions() {
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
    }
};

} // namespace

Result<Child::Started> Child::start(const std::vector<std::string>& command, const std::vector<std::string>& environment, const ChildOptions& options) {
    const std::string& name = command.front();
    Pipe in = SYMPHONY_TRY(make_pipe(name)), out = SYMPHONY_TRY(make_pipe(name)), errors = SYMPHONY_TRY(make_pipe(name));
    Actions actions;
    ::posix_spawn_file_actions_adddup2(&actions.files, in.read.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions.files, out.write.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions.files, errors.write.get(), STDERR_FILENO);
    // A group of its own, so that what it starts can be killed with it; and the signals as a program expects them.
    sigset_t none, standard;
    ::sigemptyset(&none);
    ::sigemptyset(&standard);
    ::sigaddset(&standard, SIGPIPE);
    ::posix_spawnattr_setsigmask(&actions.attributes, &none);
    ::posix_spawnattr_setsigdefault(&actions.attributes, &standard);
    ::posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const auto variables = environment_with(environment);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, name.c_str(), &actions.files, &actions.attributes, pointers(command).data(), pointers(variables).data());
    if (error == ENOENT || error == EACCES || error == ENOTDIR) {
        return Error(Code::not_found, "no-listener", "cannot start \"" + name + "\": " + std::strerror(error), "name a program that is there and may be executed: option \"command\"");
    }
    if (error != 0) return failed(name, "start", error);
    Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    for (const int fd : {in.write.get(), out.read.get(), errors.read.get()}) set_nonblocking(fd);
    return Started{std::make_shared<Child>(pid, std::move(process), std::move(errors.read), name, options), std::move(out.read), std::move(in.write)};
}

Child::Child(pid_t pid, Fd process, Fd errors, std::string name, const ChildOptions& options)
    : pid_(pid), process_(std::move(process)), errors_(std::move(errors)), name_(std::move(name)), options_(options) {}

/// The loop let go of it: either it is gone, or the plugin stops and nobody will see to it any more.
Child::~Child() {
    if (reaped_.load()) return;
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
}

Status Child::attach(Loop& loop) {
    loop_ = &loop;
    place_errors_ = SYMPHONY_TRY(loop.add(errors_.get(), EPOLLIN, shared_from_this(), tag_errors));
    if (!process_) return failed(name_, "watch", errno);
    place_process_ = SYMPHONY_TRY(loop.add(process_.get(), EPOLLIN, shared_from_this(), tag_process));
    return {};
}

void Child::release() {
    std::uint64_t running = never;
    const std::uint64_t at = now_ns() + options_.end_ns;
    if (loop_ == nullptr || !kill_at_ns_.compare_exchange_strong(running, at)) return;
    loop_->schedule(shared_from_this(), at);
}

std::uint64_t Child::on_time(std::uint64_t now) {
    const std::uint64_t at = kill_at_ns_.load();
    if (reaped_.load() || at == never) return never;
    if (now < at) return at;
    options_.host.warn("\"" + name_ + "\" went on after its connection ended, and was killed");
    ::kill(-pid_, SIGKILL);
    return never;
}

void Child::on_events(std::uint32_t tag, std::uint32_t) {
    if (tag == tag_errors) read_errors();
    else reap();
}

void Child::read_errors() {
    std::array<char, 16 * 1024> bytes;
    const ssize_t got = ::read(errors_.get(), bytes.data(), bytes.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        line_ends();
        if (unlogged_bytes_ != 0) options_.host.warn("\"" + name_ + "\" wrote " + std::to_string(unlogged_bytes_) + " more bytes to its standard error than are logged (stderr_bytes_max)");
        if (place_errors_ != 0) loop_->remove(std::exchange(place_errors_, 0), errors_.get());
        return;
    }
    for (const char c : std::string_view(bytes.data(), static_cast<std::size_t>(got))) {
        if (c == '\n' || line_.size() == line_bytes_max) line_ends();
        if (c == '\n') continue;
        if (logged_bytes_ + line_.size() < options_.stderr_bytes_max) line_ += c;
        else ++unlogged_bytes_;
    }
}

void Child::line_ends() {
    logged_bytes_ += line_.size();
    if (!line_.empty()) options_.host.info(name_ + ": " + to_valid_utf8(line_));
    line_.clear();
}

void Child::reap() {
    const auto self = shared_from_this(); // the loop lets go of it here
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return;
    reaped_.store(true);
    loop_->remove(std::exchange(place_process_, 0), process_.get());
    if (WIFSIGNALED(status)) options_.host.warn("\"" + name_ + "\" was ended by signal " + std::to_string(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0) options_.host.warn("\"" + name_ + "\" ended with status " + std::to_string(WEXITSTATUS(status)));
}

} // namespace symphony::transport
