// SPDX-License-Identifier: Apache-2.0
#include "kill_loop.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::test_support {
namespace {

/// Reads whole lines of a pipe as they come.
class LedgerReader {
public:
    explicit LedgerReader(int fd) : fd_(fd) {}
    LedgerReader(const LedgerReader&) = delete;
    LedgerReader& operator=(const LedgerReader&) = delete;
    ~LedgerReader() { ::close(fd_); }

    /// @return False at the end of the pipe, or when nothing came for so long.
    bool read_some(std::vector<std::string>& lines, int wait_ms_max) {
        pollfd wait{fd_, POLLIN, 0};
        int ready = 0;
        do {
            ready = ::poll(&wait, 1, wait_ms_max);
        } while (ready < 0 && errno == EINTR);
        timed_out = timed_out || ready == 0;
        if (ready <= 0) return false;
        char bytes[4096];
        const ssize_t n = ::read(fd_, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) return true;
        if (n <= 0) return false;
        rest_.append(bytes, static_cast<std::size_t>(n));
        for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
            lines.push_back(rest_.substr(0, end));
            rest_.erase(0, end + 1);
        }
        return true;
    }
    bool timed_out = false;

private:
    const int fd_;
    std::string rest_;
};

struct Child {
    pid_t pid = -1;
    int ledger = -1;
};

Child start(const Worker& worker) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        ::_exit(worker(ends[1]));
    }
    ::close(ends[1]);
    if (pid < 0) ::close(ends[0]);
    return {pid, pid < 0 ? -1 : ends[0]};
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return status;
}

} // namespace

Worker program(std::vector<std::string> arguments) {
    return [arguments = std::move(arguments)](int ledger) mutable {
        std::vector<char*> words;
        for (std::string& argument : arguments) words.push_back(argument.data());
        words.push_back(nullptr);
        const int kept = ::dup(ledger); // the copy is not closed by exec
        ::setenv("SYMPHONY_LEDGER", std::to_string(kept).c_str(), 1);
        ::execv(words[0], words.data());
        return 127;
    };
}

bool acknowledge(int ledger_fd, const std::string& line) {
    const std::string text = line + "\n";
    ssize_t n = 0;
    do {
        n = ::write(ledger_fd, text.data(), text.size());
    } while (n < 0 && errno == EINTR);
    return n == static_cast<ssize_t>(text.size());
}

std::string KillReport::text() const {
    std::string out = std::to_string(killed) + " kills in " + std::to_string(rounds) + " rounds, " + std::to_string(ledger.size()) + " lines in the ledger, seed " + std::to_string(seed);
    for (const std::string& failure : failures) out += "\n  " + failure;
    return out;
}

KillReport run_kill_loop(const Worker& worker, const KillOptions& options, const std::function<std::string(const std::vector<std::string>&, std::size_t)>& check) {
    KillReport report;
    report.seed = options.seed;
    std::mt19937_64 random(options.seed);
    for (; report.rounds < options.rounds && report.failures.empty(); ++report.rounds) {
        const std::string which = "round " + std::to_string(report.rounds + 1) + ": ";
        const std::size_t before = report.ledger.size();
        const std::size_t wanted = before + 1 + static_cast<std::size_t>(random() % static_cast<unsigned>(options.lines_max));
        const auto delay_us = static_cast<useconds_t>(random() % (static_cast<unsigned>(options.delay_us_max) + 1));
        const Child child = start(worker);
        if (child.pid < 0) {
            report.failures.push_back(which + "cannot start: " + std::strerror(errno));
            break;
        }
        LedgerReader reader(child.ledger);
        bool goes_on = true;
        while (goes_on && report.ledger.size() < wanted) goes_on = reader.read_some(report.ledger, options.wait_ms_max);
        // Where the kill falls decides what is tested, never what comes out of the test.
        if (goes_on) ::usleep(delay_us);
        ::kill(child.pid, SIGKILL);
        const int status = wait_for(child.pid);
        // What was said before the kill is in the pipe.
        while (reader.read_some(report.ledger, options.wait_ms_max)) {}
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !reader.timed_out) ++report.killed;
        else if (reader.timed_out) report.failures.push_back(which + "the worker said nothing for " + std::to_string(options.wait_ms_max) + " ms");
        else if (WIFSIGNALED(status)) report.failures.push_back(which + "the worker died of signal " + std::to_string(WTERMSIG(status)));
        else if (WEXITSTATUS(status) != 0) report.failures.push_back(which + "the worker failed with status " + std::to_string(WEXITSTATUS(status)));
        const std::string problem = check(report.ledger, before);
        if (!problem.empty()) report.failures.push_back(which + problem);
    }
    return report;
}

int kill_rounds(int otherwise) {
    const char* given = std::getenv("SYMPHONY_KILL_ROUNDS");
    const long rounds = given != nullptr ? std::strtol(given, nullptr, 10) : 0;
    return rounds > 0 && rounds <= 1'000'000 ? static_cast<int>(rounds) : otherwise;
}

} // namespace symphony::test_support
