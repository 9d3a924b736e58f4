// SPDX-License-Identifier: Apache-2.0
#include "allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace symphony::test_support {
namespace {

struct Plan {
    std::uint64_t left = 0; ///< allocations until the one that fails; 0 = none does
    bool sticky = false;
    bool fired = false;
};
thread_local Plan plan;

bool fails() noexcept {
    if (plan.left == 0) return false;
    if (plan.left > 1) {
        --plan.left;
        return false;
    }
    plan.fired = true;
    if (!plan.sticky) plan.left = 0;
    return true;
}

void* take(std::size_t size, std::size_t alignment) noexcept {
    if (fails()) return nullptr;
    if (alignment <= alignof(std::max_align_t)) return std::malloc(size != 0 ? size : 1);
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* take_or_throw(std::size_t size, std::size_t alignment) {
    void* memory = take(size, alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

} // namespace

AllocationFault::AllocationFault(std::uint64_t at, bool sticky) { plan = {at, sticky, false}; }
void AllocationFault::heal() noexcept { plan.left = 0; }
bool AllocationFault::fired() const noexcept { return plan.fired; }

} // namespace symphony::test_support

using symphony::test_support::take;
using symphony::test_support::take_or_throw;

// The replacements of the standard, [replacement.functions]. What is not here calls one that is.
void* operator new(std::size_t size) { return take_or_throw(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take_or_throw(size, static_cast<std::size_t>(alignment)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept { return take(size, static_cast<std::size_t>(alignment)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
