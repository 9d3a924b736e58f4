// SPDX-License-Identifier: Apache-2.0
#include "crash.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string_view>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

namespace symphony::host {
namespace {

// The handler has no object to be a member of. Everything it reads is here, plain and preallocated.
struct Code {
    std::atomic<std::uintptr_t> begin{0}, end{0};
    std::atomic<const Label*> label{nullptr};
};
constexpr std::size_t codes_max = 1024;
constinit std::array<Code, codes_max> codes{};
constinit std::atomic<std::size_t> codes_count{0};
constinit std::atomic<int> record{-1};
constinit std::atomic<bool> crashing{false};

/// Text in a fixed buffer, from async-signal-safe means only.
class Line {
public:
    Line& operator<<(std::string_view text) {
        const std::size_t n = std::min(text.size(), sizeof text_ - size_);
        std::memcpy(text_ + size_, text.data(), n);
        size_ += n;
        return *this;
    }
    Line& number(std::uint64_t value, unsigned base = 10) {
        char digits[24];
        std::size_t at = sizeof digits;
        do {
            digits[--at] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        return *this << std::string_view(digits + at, sizeof digits - at);
    }
    void write_to(int fd) const {
        for (std::size_t done = 0; done < size_;) {
            const ssize_t n = ::write(fd, text_ + done, size_ - done);
            if (n < 0 && errno != EINTR) return;
            done += n > 0 ? static_cast<std::size_t>(n) : 0;
        }
    }
    std::string_view text() const { return {text_, size_}; }

private:
    char text_[1600];
    std::size_t size_ = 0;
};

const Label* label_of(std::uintptr_t address) {
    const std::size_t count = std::min(codes_count.load(std::memory_order_acquire), codes_max);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uintptr_t begin = codes[i].begin.load(std::memory_order_relaxed);
        if (address >= begin && address < codes[i].end.load(std::memory_order_acquire)) return codes[i].label.load(std::memory_order_relaxed);
    }
    return nullptr;
}

/// A thread of the plugin's own has no frame: looks for a return address into a plugin on its stack.
/// Reads through the kernel, which answers instead of faulting where the stack ends.
const Label* label_on_stack(std::uintptr_t stack) {
    std::uintptr_t words[512];
    for (std::size_t page = 0; page < 16; ++page) {
        const iovec here{words, sizeof words};
        const iovec there{reinterpret_cast<void*>(stack + page * sizeof words), sizeof words};
        const ssize_t n = ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0);
        for (std::size_t i = 0; n > 0 && i < static_cast<std::size_t>(n) / sizeof words[0]; ++i) {
            if (const Label* label = label_of(words[i])) return label;
        }
        if (n < static_cast<ssize_t>(sizeof words)) return nullptr;
    }
    return nullptr;
}

std::string_view name_of_signal(int signal) {
    switch (signal) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    default: return "SIGABRT";
    }
}

struct Machine {
    std::uintptr_t pc, stack;
};
Machine machine_of(const void* context) {
    const auto& at = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return {static_cast<std::uintptr_t>(at.gregs[REG_RIP]), static_cast<std::uintptr_t>(at.gregs[REG_RSP])};
#else
    return {static_cast<std::uintptr_t>(at.pc), static_cast<std::uintptr_t>(at.sp)};
#endif
}

void report(int signal, const siginfo_t* info, const void* context) {
    const Machine machine = machine_of(context);
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    const Frame* frame = current_frame;
    // The code that ran is the best witness; then the thunk this thread is in; then what is on the stack.
    const Label* label = label_of(machine.pc);
    if (label == nullptr && frame != nullptr) label = frame->label;
    if (label == nullptr && frame == nullptr) label = label_on_stack(machine.stack);
    const auto same = [label](const Label* other) { return label != nullptr && other != nullptr && std::strcmp(label->id, other->id) == 0; };
    while (frame != nullptr && !same(frame->label)) frame = frame->outer;

    Line what;
    what << name_of_signal(signal);
    if (signal != SIGABRT) (what << " at 0x").number(address, 16);
    const bool guarded = frame != nullptr && address >= frame->guard_begin && address < frame->guard_end && signal == SIGSEGV;
    if (frame != nullptr && frame->port.len != 0) {
        ((what << " in method ").number(frame->method) << " of " << std::string_view(frame->port.ptr, std::min<std::uint64_t>(frame->port.len, 100)) << ", call ").number(frame->call & 0xFFFFFFFF);
    } else if (frame != nullptr) {
        what << " in " << frame->function;
    } else if (label != nullptr) {
        what << " in a thread of its own";
    }
    Line line;
    if (label == nullptr) {
        line << "error: symphony crashed (" << what.text() << ") [crashed]\nhint: please report this with what you did\n";
    } else if (guarded) {
        line << "error: plugin \"" << label->name << "\" " << label->version << " wrote to, or read beyond, a borrowed buffer: " << what.text()
             << " [writes-borrowed]\nhint: arguments are read-only; report it to the plugin's author\n";
    } else {
        line << "error: plugin \"" << label->name << "\" " << label->version << " crashed (" << what.text()
             << ") [crashed]\nhint: three crashes in ten minutes put it into quarantine; to work without it: symphony --safe-mode\n";
    }
    line.write_to(STDERR_FILENO);
    const int fd = record.load(std::memory_order_relaxed);
    if (fd < 0 || label == nullptr) return;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    Line out;
    out << "id=" << label->id << "\nname=" << label->name << "\nversion=" << label->version << "\nsha256=" << label->sha256
        << "\nwhat=" << (guarded ? "writes-borrowed: " : "") << what.text() << "\ntime=";
    out.number(static_cast<std::uint64_t>(now.tv_sec)) << "\n";
    out.write_to(fd);
}

void on_signal(int signal, siginfo_t* info, void* context) {
    const int kept = errno;
    if (!crashing.exchange(true)) {
        report(signal, info, context);
    } else {
        ::sleep(1); // another thread is reporting; do not die under its hands
    }
    struct sigaction plain{};
    plain.sa_handler = SIG_DFL;
    ::sigaction(signal, &plain, nullptr);
    errno = kept;
    ::raise(signal);
}

} // namespace

void set_crash_record(int record_fd) noexcept { record.store(record_fd); }

void install_crash_handler(int record_fd) {
    record.store(record_fd);
    struct sigaction action{};
    action.sa_sigaction = &on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigaction(signal, &action, nullptr);
}

void register_code(std::uintptr_t begin, std::uintptr_t end, const Label* label) noexcept {
    const std::size_t at = codes_count.fetch_add(1, std::memory_order_acq_rel);
    if (at >= codes_max) return;
    codes[at].label.store(label, std::memory_order_relaxed);
    codes[at].begin.store(begin, std::memory_order_relaxed);
    codes[at].end.store(end, std::memory_order_release);
}

SignalStack::SignalStack() {
    constexpr std::size_t size = 64 * 1024;
    memory_ = std::make_unique<char[]>(size);
    stack_t stack{};
    stack.ss_sp = memory_.get();
    stack.ss_size = size;
    ::sigaltstack(&stack, nullptr);
}

SignalStack::~SignalStack() {
    stack_t off{};
    off.ss_flags = SS_DISABLE;
    ::sigaltstack(&off, nullptr);
}

} // namespace symphony::host
