// SPDX-License-Identifier: Apache-2.0
#include "allocations.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstdlib>

namespace symphony::test_support {
namespace {

std::atomic<std::int64_t> left{0}; ///< allocations until the one that fails; below 1 = none does
std::atomic<bool> sticky_faults{false}, has_fired{false};
sqlite3_mem_methods real;

bool fails() noexcept {
    if (left.load(std::memory_order_relaxed) <= 0) return false;
    if (left.fetch_sub(1, std::memory_order_relaxed) != 1) return false;
    has_fired.store(true);
    if (sticky_faults.load()) left.store(1);
    return true;
}

void* take(int size) { return fails() ? nullptr : real.xMalloc(size); }
void* grow(void* memory, int size) { return fails() ? nullptr : real.xRealloc(memory, size); }

/// SQLite takes its allocator only while it is at rest.
void install() {
    static const bool done = [] {
        sqlite3_shutdown();
        sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
        static sqlite3_mem_methods ours;
        ours = real;
        ours.xMalloc = &take;
        ours.xRealloc = &grow;
        const bool good = sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK;
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); // so that small allocations are seen too
        return sqlite3_initialize() == SQLITE_OK && good;
    }();
    if (!done) std::abort(); // a test that tests nothing
}

} // namespace

SqliteAllocationFault::SqliteAllocationFault(std::uint64_t at, bool sticky) {
    install();
    has_fired.store(false);
    sticky_faults.store(sticky);
    left.store(static_cast<std::int64_t>(at));
}
void SqliteAllocationFault::heal() noexcept { left.store(0); }
bool SqliteAllocationFault::fired() const noexcept { return has_fired.load(); }

} // namespace symphony::test_support
