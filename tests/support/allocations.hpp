// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace symphony::test_support {

/// While it lives, allocation `at` of this thread by operator new throws std::bad_alloc, and with `sticky` all later ones do.
/// Only in programs that link symphony_test_allocations, which replaces operator new. Not nested.
class AllocationFault {
public:
    explicit AllocationFault(std::uint64_t at, bool sticky = false);
    AllocationFault(const AllocationFault&) = delete;
    AllocationFault& operator=(const AllocationFault&) = delete;
    ~AllocationFault() { heal(); }
    /// No further faults.
    void heal() noexcept;
    bool fired() const noexcept;
};

/// The same for the memory that SQLite takes, in all threads. The first one restarts SQLite: no connection may be open.
class SqliteAllocationFault {
public:
    explicit SqliteAllocationFault(std::uint64_t at, bool sticky = false);
    SqliteAllocationFault(const SqliteAllocationFault&) = delete;
    SqliteAllocationFault& operator=(const SqliteAllocationFault&) = delete;
    ~SqliteAllocationFault() { heal(); }
    void heal() noexcept;
    bool fired() const noexcept;
};

} // namespace symphony::test_support
