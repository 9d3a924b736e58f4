// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::kit {
namespace {

class Fd {
public:
    Fd() = default;
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

struct Pipe {
    Fd read, write;
    bool open() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return false;
        read = Fd(ends[0]);
        write = Fd(ends[1]);
        return true;
    }
};

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

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

std::vector<std::string> environment_with(const std::vector<std::string>& given) {
    std::vector<std::string> out(given);
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view own = *at, name = own.substr(0, own.find('=') + 1);
        if (std::none_of(given.begin(), given.end(), [&](const std::string& one) { return one.starts_with(name); })) out.emplace_back(own);
    }
    return out;
}

Error io(const std::string& program, std::string_view what) {
    return {Code::io, "io", "cannot " + std::string(what) + " \"" + program + "\": " + std::strerror(errno)};
}

/// Passes on what it says until both streams end. @return False: cancelled, and it did not end by itself in its time of grace.
bool listen(Fd& out, Fd& errors, pid_t pid, const ProgramOptions& options, bool& cancelled) {
    using Clock = std::chrono::steady_clock;
    Clock::time_point limit;
    bool open[2] = {true, true};
    while (open[0] || open[1]) {
        if (!cancelled && options.cancelled && options.cancelled()) {
            cancelled = true;
            limit = Clock::now() + options.grace;
            if (options.grace.count() > 0) ::kill(-pid, SIGTERM);
        }
        if (cancelled && Clock::now() >= limit) return false;
        pollfd fds[2] = {{open[0] ? out.get() : -1, POLLIN, 0}, {open[1] ? errors.get() : -1, POLLIN, 0}};
        constexpr int look_every_ms = 100;
        ::poll(fds, 2, look_every_ms);
        for (std::size_t i = 0; i < 2; ++i) {
            if (fds[i].revents == 0) continue;
            std::array<char, 16384> part; // NOLINT: read fills it
            const ssize_t n = ::read(fds[i].fd, part.data(), part.size());
            if (n > 0 && options.on_output) options.on_output(i == 1, {part.data(), static_cast<std::size_t>(n)});
            if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) open[i] = false;
        }
    }
    return true;
}

} // namespace

Result<int> run_program(const std::vector<std::string>& words, const ProgramOptions& options) {
    const std::string& name = words.front();
    Pipe out, errors;
    if (!out.open() || !errors.open()) return io(name, "make a pipe for");
    Actions actions;
    ::posix_spawn_file_actions_addopen(&actions.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions.files, out.write.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions.files, errors.write.get(), STDERR_FILENO);
    if (!options.folder.empty()) ::posix_spawn_file_actions_addchdir_np(&actions.files, options.folder.c_str());
    // A group of its own, so that what it starts is killed with it; and the signals as a program expects them.
    sigset_t none, standard;
    ::sigemptyset(&none);
    ::sigfillset(&standard);
    ::posix_spawnattr_setsigmask(&actions.attributes, &none);
    ::posix_spawnattr_setsigdefault(&actions.attributes, &standard);
    ::posix_spawnattr_setflags(&actions.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const auto variables = environment_with(options.environment);
    pid_t pid = -1;
    errno = ::posix_spawnp(&pid, name.c_str(), &actions.files, &actions.attributes, pointers(words).data(), pointers(variables).data());
    if (errno == ENOENT || errno == EACCES) {
        return Error(Code::not_found, "no-program", "cannot start \"" + name + "\": " + std::strerror(errno), "install it, or put its folder into PATH");
    }
    if (errno != 0) return io(name, "start");
    out.write = Fd();
    errors.write = Fd();
    bool cancelled = false;
    const bool ended = listen(out.read, errors.read, pid, options, cancelled);
    if (!ended) ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    ::kill(-pid, SIGKILL); // what it left behind
    if (cancelled) return Error(Code::cancelled, "cancelled", "\"" + name + "\" was stopped");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace symphony::kit
