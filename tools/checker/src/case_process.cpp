// SPDX-License-Identifier: Apache-2.0
// What belongs to the process.
#include "running.hpp"

#include <cfenv>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern char** environ; // NOLINT: POSIX

namespace symphony::checker {
namespace {

/// A life with calls.
void live(Case& at) {
    HostDouble host(at.manifest());
    const Value configuration = at.subject.configuration();
    host.set_configuration(configuration);
    Running running(at, host);
    if (!running.use_library() || !running.start(configuration)) return;
    for (const auto& [port, operation] : at.subject.operations()) {
        OperationCall arguments(operation->name, make_input(*operation, Style::plain, at.random));
        auto* const call = new Recorder; // for late answers
        static_cast<void>(running.call(*call, arguments.request(port, operation->name)));
    }
    static_cast<void>(running.end());
}

std::string stream_at(int fd) {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return "closed";
    return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

/// Everything of the process that a plugin has no business with, by what people call it.
std::map<std::string, std::string> state_of_process() {
    std::map<std::string, std::string> out;
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action{};
        if (::sigaction(number, nullptr, &action) != 0) continue;
        const char* const name = ::sigabbrev_np(number);
        out["the handler of SIG" + std::string(name == nullptr ? std::to_string(number)
            : name)] = std::to_string(reinterpret_cast<std::uintptr_t>(action.sa_handler));
    }
    sigset_t blocked;
    ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
    std::string mask;
    for (int number = 1; number < NSIG; ++number) mask += ::sigismember(&blocked, number) == 1 ? '1' : '0';
    out["the signal mask"] = mask;
    std::string environment;
    for (char** one = environ; one != nullptr && *one != nullptr; ++one) environment += std::string(*one) + "\n";
    out["the environment"] = environment;
    std::error_code ignored;
    out["the current folder"] = std::filesystem::current_path(ignored).string();
    out["the locale"] = std::setlocale(LC_ALL, nullptr);
    const mode_t mode = ::umask(0);
    ::umask(mode);
    out["the umask"] = std::to_string(mode);
    out["the rounding mode"] = std::to_string(std::fegetround());
    for (int fd = 0; fd <= 2; ++fd) out["standard stream " + std::to_string(fd)] = stream_at(fd);
    return out;
}

Case* leaving = nullptr; // for an exit handler, which takes no argument

/// Runs after the handlers that were registered later, and before those of libraries.
void leave() {
    leaving->done();
    ::_exit(0);
}

} // namespace

void check_process(Case& at) {
    const auto before = state_of_process();
    live(at);
    for (const auto& [what, now] : state_of_process()) {
        const auto was = before.find(what);
        if (was == before.end() || was->second != now) at.find("process-untouched", what + " is another one after its life");
    }
}

void check_exit_handlers(Case& at) {
    leaving = &at;
    if (std::atexit(&leave) != 0) return at.skip("no exit handler can be registered");
    live(at);
    const auto library = at.subject.load();
    if (!library) return;
    // Whoever comes back to its code or its objects faults. Its own destructors, which the loader runs, come after leave().
    at.step("the end of the process, whose exit handlers must not lead into the plugin");
    const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t begin = (*library)->begin() / page * page;
    const std::uintptr_t end = ((*library)->end() + page - 1) / page * page;
    ::mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_NONE); // NOLINT: the loader tells addresses as numbers
    std::exit(0);
}

} // namespace symphony::checker
