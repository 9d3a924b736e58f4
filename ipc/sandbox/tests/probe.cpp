// SPDX-License-Identifier: Apache-2.0
// A plugin of the tests: does what it is told and tells what the kernel said.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace {

using Words = std::istringstream;

std::string result(long value) { return value < 0 ? "error " + std::to_string(errno) : "ok " + std::to_string(value); }

std::string call(Words& words) {
    long number = 0;
    words >> number;
    unsigned long args[6] = {};
    for (unsigned long& arg : args) words >> arg;
    errno = 0;
    return result(::syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]));
}

std::string open_file(Words& words) {
    std::string path;
    int flags = 0;
    words >> path >> flags;
    const int fd = ::open(path.c_str(), flags, 0600);
    std::string answer = result(fd);
    if (fd >= 0) ::close(fd);
    return answer;
}

std::string read_text(Words& words) {
    std::string path, text;
    words >> path;
    const int fd = ::open(path.c_str(), O_RDONLY);
    if (fd < 0) return result(fd);
    char part[1024];
    const ssize_t n = ::read(fd, part, sizeof part);
    ::close(fd);
    return n < 0 ? result(n) : "ok " + std::string(part, static_cast<std::size_t>(n));
}

std::string descriptors(Words&) {
    std::string open;
    for (int fd = 0; fd < 4096; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) open += (open.empty() ? "" : " ") + std::to_string(fd);
    }
    return open;
}

std::string environment(Words&) {
    std::string all;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) all += std::string(*entry) + "\n";
    return all.empty() ? "none" : all;
}

/// Bytes that belong to nobody in particular, which a sanitizer would object to.
[[gnu::no_sanitize("address", "thread")]] void append_raw(std::string& to, const volatile char* bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) to.push_back(bytes[i]);
}

/// Looks for a text in its own stack, where the kernel puts arguments and environment.
std::string find_on_stack(Words& words) {
    std::string wanted;
    words >> wanted;
    // The word was sent with its last letter apart, so that the request itself is no hit.
    std::string last;
    words >> last;
    wanted += last;
    std::size_t pages = 0;
    unsigned char resident = 0;
    auto page = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) & ~std::uintptr_t{4095};
    std::string memory;
    for (; pages < 4096 && ::mincore(reinterpret_cast<void*>(page), 4096, &resident) == 0; ++pages, page += 4096) {
        append_raw(memory, reinterpret_cast<const volatile char*>(page), 4096);
    }
    std::size_t hits = 0;
    for (std::size_t i = 0; (i = memory.find(wanted, i)) != std::string::npos; ++i) ++hits;
    // `wanted` itself is short enough to be on the stack.
    return hits <= 2 && pages > 0 ? "ok" : "found " + std::to_string(hits) + " in " + std::to_string(pages);
}

std::string identity(Words&) {
    std::string text = std::to_string(::getuid()) + " " + std::to_string(::geteuid()) + " " + std::to_string(::getgid()) + " " +
                       std::to_string(::getgroups(0, nullptr)) + " " + std::to_string(::getpid());
    for (int capability = 0; capability < 40; ++capability) {
        if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1) return text + " bounded";
    }
    return text + " empty " + std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) + " " + std::to_string(::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
}

std::vector<std::thread>& sleepers() {
    static std::vector<std::thread> threads;
    return threads;
}

std::string make_threads(Words& words) {
    int wanted = 0, made = 0;
    words >> wanted;
    for (; made < wanted; ++made) {
        try {
            sleepers().emplace_back([] {
                for (;;) ::pause();
            });
        } catch (const std::system_error&) {
            break;
        }
    }
    return std::to_string(made);
}

std::string allocate(Words& words) {
    std::size_t mib = 0;
    std::string kind;
    words >> mib >> kind;
    const int flags = MAP_ANONYMOUS | (kind == "shared" ? MAP_SHARED : MAP_PRIVATE);
    for (std::size_t i = 0; i < mib; ++i) {
        void* const part = ::mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (part == MAP_FAILED) return "error " + std::to_string(errno) + " after " + std::to_string(i);
        std::memset(part, 1, 1 << 20);
        // Slow enough for one who looks now and then.
        if (kind == "slow") {
            const timespec pause{0, 500'000};
            ::nanosleep(&pause, nullptr);
        }
    }
    return "ok";
}

std::string burn(Words& words) {
    int ms = 0, threads = 1;
    words >> ms >> threads;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    std::vector<std::thread> burning;
    for (int i = 0; i < threads; ++i) {
        burning.emplace_back([until] {
            while (std::chrono::steady_clock::now() < until) {}
        });
    }
    for (auto& thread : burning) thread.join();
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::to_string(used.tv_sec * 1000 + used.tv_nsec / 1'000'000);
}

std::string open_many(Words& words) {
    int wanted = 0, made = 0;
    words >> wanted;
    std::vector<int> fds;
    for (; made < wanted; ++made) {
        const int fd = ::open("/dev/null", O_RDONLY);
        if (fd < 0) break;
        fds.push_back(fd);
    }
    std::string answer = std::to_string(made) + " " + std::to_string(errno);
    for (const int fd : fds) ::close(fd);
    return answer;
}

std::string say(Words& words) {
    std::size_t bytes = 0;
    words >> bytes;
    const std::string text(bytes, 'x');
    const ssize_t out = ::write(STDOUT_FILENO, text.data(), text.size()), err = ::write(STDERR_FILENO, "e", 1);
    return std::to_string(out) + " " + std::to_string(err);
}

std::string executable_memory(Words&) {
    std::string answer;
    const auto add = [&](const void* part) { answer += (answer.empty() ? "" : " ") + std::string(part == MAP_FAILED ? "no" : "yes"); };
    add(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    add(::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    void* const plain = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    add(::mprotect(plain, 4096, PROT_READ | PROT_EXEC) == 0 ? plain : MAP_FAILED);
    add(::dlopen("libz.so.1", RTLD_NOW) != nullptr ? plain : MAP_FAILED);
    return answer;
}

/// Takes a file that the test passes, and writes `bytes` to it until it must stop or has done so `times` times.
std::string write_passed(int control, Words& words) {
    int times = 0;
    std::size_t bytes = 0;
    words >> times >> bytes;
    char byte[8], space[CMSG_SPACE(sizeof(int))] = {};
    iovec part{byte, sizeof byte};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    if (::recvmsg(control, &message, 0) < 0 || CMSG_FIRSTHDR(&message) == nullptr) return "no file";
    int file = -1;
    std::memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof file);
    const std::string text(bytes, 'x');
    std::string answer;
    for (int i = 0; i < times; ++i) {
        const ssize_t n = ::write(file, text.data(), text.size());
        answer += (i == 0 ? "" : " ") + (n < 0 ? result(n) : std::to_string(n));
        if (n < 0) break;
    }
    ::close(file);
    return answer;
}

/// Threads, locks, timers, time zones, locale: what honest libraries use.
std::string honest_work(Words&) {
    std::atomic<int> done = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&done] { ++done; });
    for (auto& thread : threads) thread.join();
    if (done != 8) return "threads";
    if (std::thread::hardware_concurrency() == 0) return "concurrency";
    std::setlocale(LC_ALL, "C.UTF-8");
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    unsigned char random[16] = {};
    if (::getentropy(random, sizeof random) != 0) return "random";
    timer_t timer{};
    if (::timer_create(CLOCK_MONOTONIC, nullptr, &timer) != 0 || ::timer_delete(timer) != 0) return "timer";
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0 || ::write(pipe_ends[1], "x", 1) != 1) return "pipe";
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    std::signal(SIGUSR1, SIG_IGN);
    if (::raise(SIGUSR1) != 0) return "raise";
    try {
        throw std::runtime_error("unwound");
    } catch (const std::runtime_error&) {
    }
    std::FILE* const file = std::fopen("/usr/share/common-licenses/GPL-2", "r");
    if (file != nullptr) std::fclose(file);
    return "ok";
}

} // namespace

/// @return an exit status to end with, or -1
extern "C" __attribute__((visibility("default"))) int probe(int control, const char* request, char* answer, std::size_t size) {
    static const std::map<std::string, std::string (*)(Words&)> commands{
        {"call", &call}, {"open", &open_file}, {"read", &read_text}, {"fds", &descriptors}, {"env", &environment}, {"stack", &find_on_stack},
        {"ids", &identity}, {"threads", &make_threads}, {"alloc", &allocate}, {"burn", &burn}, {"files", &open_many}, {"say", &say},
        {"code", &executable_memory}, {"work", &honest_work},
    };
    Words words{request};
    std::string command;
    words >> command;
    if (command == "exit") {
        int status = 0;
        words >> status;
        return status;
    }
    if (command == "write") {
        std::snprintf(answer, size, "%s", write_passed(control, words).c_str());
        return -1;
    }
    if (command == "abort") std::abort();
    if (command == "crash") ::raise(SIGSEGV);
    const auto found = commands.find(command);
    const std::string text = found == commands.end() ? "unknown command" : found->second(words);
    std::snprintf(answer, size, "%s", text.c_str());
    return -1;
}
