// SPDX-License-Identifier: Apache-2.0
#include "guarded.hpp"

#include <cstring>
#include <sys/mman.h>

namespace symphony::host {
namespace {
constexpr std::size_t page = 4096;
constexpr std::size_t pages_of(std::uint64_t size) { return (static_cast<std::size_t>(size) + page - 1) / page; }
} // namespace

GuardedArguments::GuardedArguments(const symphony_buf* args, std::uint32_t count) : args_(args, args + count) {
    for (const symphony_buf& arg : args_) size_ += (pages_of(arg.size) + 1) * page;
    void* memory = size_ == 0 ? MAP_FAILED : ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        size_ = 0;
        return;
    }
    memory_ = memory;
    auto* at = static_cast<std::uint8_t*>(memory);
    for (symphony_buf& arg : args_) {
        const std::size_t room = pages_of(arg.size) * page;
        std::uint8_t* start = at + room - static_cast<std::size_t>(arg.size);
        if (arg.size > 0) std::memcpy(start, arg.data, static_cast<std::size_t>(arg.size));
        ::mprotect(at, room, PROT_READ);
        ::mprotect(at + room, page, PROT_NONE);
        // Borrowed, also where the original was counted: keeping the copy past the call is a fault that shows, too.
        arg.flags = SYMPHONY_BUF_BORROWED;
        arg.data = start;
        arg.owner = nullptr;
        arg.ops = nullptr;
        at += room + page;
    }
}

GuardedArguments::~GuardedArguments() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
}

} // namespace symphony::host
