// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fd.hpp"
#include "process.hpp"

#include <symphony/sandbox/launcher.hpp>
#include <symphony/sandbox/violations.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <grp.h>
#include <map>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace symphony::sandbox::test {

constexpr int patience_ms = 100'000;
#if defined(__SANITIZE_THREAD__)
constexpr bool has_tsan = true;  // with a thread of its own in every process
#else
constexpr bool has_tsan = false;
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool has_sanitizer = true;  // with memory of its own beside that which is used
#else
constexpr bool has_sanitizer = false;
#endif

/// Runs `body` in a forked copy of the test, where it may give up its rights; its failures are the test's.
inline void in_child(const std::function<void()>& body) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        body();
        std::fflush(nullptr);
        ::_exit(::testing::Test::HasFailure() ? 1 : ::testing::Test::IsSkipped() ? 77 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
    if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "see above";
    EXPECT_EQ(WEXITSTATUS(status), 0) << "see the failures above";
}

inline void become_nobody() {
    constexpr uid_t nobody = 65534;
    ASSERT_EQ(::setgroups(0, nullptr), 0);
    ASSERT_EQ(::setresgid(nobody, nobody, nobody), 0);
    ASSERT_EQ(::setresuid(nobody, nobody, nobody), 0);
    // As after an exec.
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

enum class As { root, nobody };

/// Runs `body` as that user, or skips with a sentence.
inline void as(As who, const std::function<void()>& body) {
    if (who == As::root && ::geteuid() != 0) GTEST_SKIP() << "only root can try what root may";
    in_child([&] {
        if (who == As::nobody && ::geteuid() == 0) become_nobody();
        if (::access(SANDBOX_PROBE_RUNNER, X_OK) != 0) GTEST_SKIP() << "user " << ::geteuid() << " cannot reach the build folder";
        body();
    });
}

inline Fd sealed_copy(const char* path) {
    const std::string bytes = read_file(path);
    Fd memory(::memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL), 0);
    return memory;
}

/// Deaths as they are told.
class Deaths {
public:
    void add(const Death& death) {
        {
            const std::lock_guard lock(mutex_);
            deaths_.emplace(death.id, death);
        }
        changed_.notify_all();
    }
    Death of(std::uint64_t id) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::milliseconds(patience_ms), [&] { return deaths_.count(id) != 0; })) {
            ADD_FAILURE() << "no death was told of " << id;
            return {};
        }
        return deaths_.at(id);
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return deaths_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::uint64_t, Death> deaths_;
};

/// A process with the probe in it, and a thread that denies what it is not allowed.
class Probe {
public:
    Probe(Launcher& launcher, Started started, Fd control)
        : launcher_(&launcher), started_(std::move(started)), control_(std::move(control)), pidfd_(started_.pidfd), output_(started_.output_fd) {
        if (started_.violations_fd >= 0) monitor_ = std::thread([this] { monitor(); });
    }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    ~Probe() {
        launcher_->kill(started_.id);
        if (monitor_.joinable()) monitor_.join();
    }

    const Started& started() const { return started_; }
    std::uint64_t id() const { return started_.id; }
    int pidfd() const { return pidfd_.get(); }
    int output() const { return output_.get(); }
    int control() const { return control_.get(); }
    void send(const std::string& request) { ::send(control_.get(), request.data(), request.size(), MSG_NOSIGNAL); }
    /// The next answer; "" when the process ended or `limit_ms` is over.
    std::string answer(int limit_ms = patience_ms) {
        pollfd wait{control_.get(), POLLIN, 0};
        if (::poll(&wait, 1, limit_ms) <= 0) return "";
        std::string text(65536, '\0');
        const ssize_t n = ::recv(control_.get(), text.data(), text.size(), MSG_DONTWAIT);
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }
    std::string ask(const std::string& request, int limit_ms = patience_ms) {
        send(request);
        return answer(limit_ms);
    }
    /// "error EPERM's number" or "ok N".
    std::string call(long number, std::initializer_list<unsigned long> args = {}) {
        std::string request = "call " + std::to_string(number);
        for (const unsigned long arg : args) request += " " + std::to_string(arg);
        return ask(request);
    }
    /// Names of what was denied so far; a trailing "!" for grave ones.
    std::vector<std::string> denied() {
        const std::lock_guard lock(mutex_);
        return denied_;
    }
    bool is_dead(int limit_ms = 0) const {
        pollfd wait{pidfd_.get(), POLLIN, 0};
        return ::poll(&wait, 1, limit_ms) > 0;
    }

private:
    void monitor() {
        Violations violations(started_.violations_fd, started_.forgeable);
        for (;;) {
            pollfd wait{violations.fd(), POLLIN, 0};
            ::poll(&wait, 1, -1);
            auto next = violations.next();
            if (!next) return;
            if (!*next) continue;
            {
                const std::lock_guard lock(mutex_);
                denied_.push_back((*next)->name + ((*next)->grave ? "!" : ""));
            }
            violations.deny(**next, Violations::usual_error(**next));
        }
    }

    Launcher* launcher_;
    Started started_;
    Fd control_, pidfd_, output_;
    std::mutex mutex_;
    std::vector<std::string> denied_;
    std::thread monitor_;
};

/// A launcher with the probe's runner.
class Rig {
public:
    explicit Rig(const char* runner = SANDBOX_PROBE_RUNNER) {
        auto started = Launcher::start({runner, [this](const Death& death) { deaths.add(death); }});
        if (!started) {
            ADD_FAILURE() << started.error().message();
            return;
        }
        launcher = std::move(*started);
    }

    Result<Started> try_launch(Spec spec, Fd& ours) {
        int pair[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        ours.reset(pair[0]);
        const Fd theirs(pair[1]);
        const Fd image = sealed_copy(SANDBOX_PROBE);
        spec.name = "probe";
        spec.version = "1.2.3";
        spec.image_fd = image.get();
        spec.control_fd = theirs.get();
        return launcher->launch(spec);
    }
    /// A probe that has said that it is ready; null with a failure otherwise.
    std::unique_ptr<Probe> probe(const Spec& spec = {}) {
        Fd control;
        auto started = try_launch(spec, control);
        if (!started) {
            ADD_FAILURE() << started.error().reason() << ": " << started.error().message() << " | " << started.error().hint();
            return nullptr;
        }
        auto made = std::make_unique<Probe>(*launcher, std::move(*started), std::move(control));
        const std::string ready = made->answer();
        if (!ready.starts_with("ready ")) {
            ADD_FAILURE() << "the probe says \"" << ready << "\", and denied were " << ::testing::PrintToString(made->denied());
            return nullptr;
        }
        return made;
    }

    Deaths deaths;
    std::unique_ptr<Launcher> launcher;
};

inline std::string error(int number) { return "error " + std::to_string(number); }

} // namespace symphony::sandbox::test
