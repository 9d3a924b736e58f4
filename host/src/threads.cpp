// SPDX-License-Identifier: Apache-2.0
#include "threads.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <link.h>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace symphony::host {
namespace {

struct Code {
    std::uintptr_t begin, end;
    bool run_time; // libc and what else may stand between a thread and the code it belongs to
};

int add_code(dl_phdr_info* info, std::size_t, void* out) {
    const std::string_view path = info->dlpi_name != nullptr ? info->dlpi_name : "";
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const auto is = [&](std::string_view start) { return name.starts_with(start); };
    const bool run_time = is("libc.so") || is("libstdc++") || is("libgcc_s") || is("libm.so") || is("libpthread") || is("ld-linux") ||
                          is("linux-vdso") || is("libasan") || is("libtsan") || is("libubsan");
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
        const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        static_cast<std::vector<Code>*>(out)->push_back({begin, begin + segment.p_memsz, run_time});
    }
    return 0;
}

/// The stack pointer of a thread that sleeps in a system call: the last but one word of /proc/self/task/TID/syscall.
/// A thread that runs has none; one that was only just started gets a moment to fall asleep.
std::uintptr_t stack_of(const std::filesystem::path& task) {
    for (int tries = 0; tries < 10; ++tries) {
        std::ifstream in(task / "syscall");
        std::string word, last, before;
        while (in >> word) before = std::exchange(last, word);
        if (last != "running") return std::strtoull(before.c_str(), nullptr, 16);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return 0;
}

/// The first code address outside the run-times, from the innermost frame on. 0 when there is none nearby.
std::uintptr_t owner_on_stack(std::uintptr_t stack, const std::vector<Code>& codes) {
    std::uintptr_t words[512];
    for (std::size_t page = 0; page < 4; ++page) {
        const iovec here{words, sizeof words};
        const iovec there{reinterpret_cast<void*>(stack + page * sizeof words), sizeof words};
        const ssize_t n = ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0);
        for (std::size_t i = 0; n > 0 && i < static_cast<std::size_t>(n) / sizeof words[0]; ++i) {
            for (const Code& code : codes) {
                if (!code.run_time && words[i] >= code.begin && words[i] < code.end) return words[i];
            }
        }
        if (n < static_cast<ssize_t>(sizeof words)) break;
    }
    return 0;
}

} // namespace

std::size_t threads_inside(std::uintptr_t begin, std::uintptr_t end) {
    std::vector<Code> codes;
    ::dl_iterate_phdr(&add_code, &codes);
    const std::string self = std::to_string(::gettid());
    std::size_t found = 0;
    std::error_code failed;
    for (auto it = std::filesystem::directory_iterator("/proc/self/task", failed); !failed && it != std::filesystem::directory_iterator(); it.increment(failed)) {
        if (it->path().filename() == self) continue;
        const std::uintptr_t stack = stack_of(it->path());
        const std::uintptr_t owner = stack != 0 ? owner_on_stack(stack, codes) : 0;
        found += owner >= begin && owner < end ? 1u : 0u;
    }
    return found;
}

} // namespace symphony::host
