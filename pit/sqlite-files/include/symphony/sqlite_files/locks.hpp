// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace symphony::sqlite_files {

enum class LockKind : std::uint8_t { none, shared, exclusive };
enum class LockAnswer : std::uint8_t { done, busy, failed };

/// Bytes of a file that are locked together. What SQLite locks never overlaps in part.
struct LockRange {
    std::int64_t start = 0, size = 1;
};

/// What the connections of one process share where a file has no descriptor: its locks, and the shared memory of WAL. [any thread]
class InProcessFile {
public:
    using Owner = const void*;
    /// All bytes of the range, or none.
    LockAnswer lock(Owner owner, LockRange range, LockKind kind);
    /// Whether somebody else's lock is in the way of `kind`.
    bool is_locked(Owner owner, LockRange range, LockKind kind);
    void forget(Owner owner);
    /// The region, zeroed when it is new; null when it is not there and not to be made.
    std::uint8_t* region(std::size_t index, std::size_t size, bool make);
    /// Whoever uses the regions says so; they go with the last one.
    void use_regions();
    void leave_regions();

private:
    struct Holders {
        std::set<Owner> shared;
        Owner exclusive = nullptr;
    };
    bool conflicts(Owner owner, LockRange range, LockKind kind) const;

    std::mutex mutex_;
    std::map<std::int64_t, Holders> bytes_; ///< by the start of the range; a range of the shared memory is one byte each
    std::vector<std::unique_ptr<std::uint8_t[]>> regions_;
    int region_users_ = 0;
};

/// The locks of one opened file: the kernel's when there is a descriptor, else those of `shared`.
class Locks {
public:
    Locks(int fd, std::shared_ptr<InProcessFile> shared) : fd_(fd), shared_(std::move(shared)) {}
    Locks(const Locks&) = delete;
    Locks& operator=(const Locks&) = delete;
    ~Locks();
    LockAnswer set(LockRange range, LockKind kind);
    /// @param locked  Whether somebody else's lock is in the way of `kind`.
    LockAnswer ask(LockRange range, LockKind kind, bool& locked);

private:
    const int fd_;
    const std::shared_ptr<InProcessFile> shared_;
};

} // namespace symphony::sqlite_files
