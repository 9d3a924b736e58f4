// SPDX-License-Identifier: Apache-2.0
#include "guard.hpp"

#include <cstring>
#include <new>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace symphony::checker {
namespace {
std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
} // namespace

Guarded::Guarded(const void* bytes, std::size_t size, std::size_t align) : size_(size) {
    const std::size_t page = page_bytes();
    const std::size_t room = (size + page - 1) / page * page;
    mapped_ = room + page;
    memory_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    auto* const end = static_cast<std::uint8_t*>(memory_) + room;
    data_ = end - (size + align - 1) / align * align;
    if (size > 0) std::memcpy(data_, bytes, size);
    ::mprotect(end, page, PROT_NONE);
}

Guarded::Guarded(Guarded&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), mapped_(other.mapped_), data_(other.data_), size_(other.size_) {}

Guarded::~Guarded() {
    if (memory_ != nullptr) ::munmap(memory_, mapped_);
}

void Guarded::protect() noexcept { ::mprotect(memory_, mapped_ - page_bytes(), PROT_READ); }
void Guarded::poison() noexcept { ::mprotect(memory_, mapped_, PROT_NONE); }

} // namespace symphony::checker
