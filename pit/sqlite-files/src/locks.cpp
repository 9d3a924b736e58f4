// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/locks.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

namespace symphony::sqlite_files {
namespace {

struct flock to_flock(LockRange range, LockKind kind) {
    struct flock lock{};
    lock.l_type = kind == LockKind::none ? F_UNLCK : kind == LockKind::shared ? F_RDLCK : F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = range.start;
    lock.l_len = range.size;
    return lock;
}

int lock_fd(int fd, int command, struct flock& lock) {
    int result = 0;
    do {
        result = ::fcntl(fd, command, &lock);
    } while (result != 0 && errno == EINTR);
    return result;
}

} // namespace

bool InProcessFile::conflicts(Owner owner, LockRange range, LockKind kind) const {
    if (kind == LockKind::none) return false;
    for (auto at = bytes_.lower_bound(range.start); at != bytes_.end() && at->first < range.start + range.size; ++at) {
        const Holders& held = at->second;
        if (held.exclusive != nullptr && held.exclusive != owner) return true;
        const bool others_read = held.shared.size() > (held.shared.contains(owner) ? 1u : 0u);
        if (kind == LockKind::exclusive && others_read) return true;
    }
    return false;
}

LockAnswer InProcessFile::lock(Owner owner, LockRange range, LockKind kind) {
    const std::lock_guard guard(mutex_);
    if (conflicts(owner, range, kind)) return LockAnswer::busy;
    // The many bytes that stand for "shared" are always taken together; those of the shared memory one by one.
    constexpr std::int64_t one_by_one_max = 16;
    const std::int64_t count = range.size <= one_by_one_max ? range.size : 1;
    for (std::int64_t i = 0; i < count; ++i) {
        Holders& held = bytes_[range.start + i];
        if (held.exclusive == owner) held.exclusive = nullptr;
        held.shared.erase(owner);
        if (kind == LockKind::shared) held.shared.insert(owner);
        if (kind == LockKind::exclusive) held.exclusive = owner;
    }
    return LockAnswer::done;
}

bool InProcessFile::is_locked(Owner owner, LockRange range, LockKind kind) {
    const std::lock_guard guard(mutex_);
    return conflicts(owner, range, kind);
}

void InProcessFile::forget(Owner owner) {
    const std::lock_guard guard(mutex_);
    for (auto& [start, held] : bytes_) {
        if (held.exclusive == owner) held.exclusive = nullptr;
        held.shared.erase(owner);
    }
}

std::uint8_t* InProcessFile::region(std::size_t index, std::size_t size, bool make) {
    const std::lock_guard guard(mutex_);
    while (make && regions_.size() <= index) regions_.push_back(std::make_unique<std::uint8_t[]>(size));
    return index < regions_.size() ? regions_[index].get() : nullptr;
}

void InProcessFile::use_regions() {
    const std::lock_guard guard(mutex_);
    ++region_users_;
}

void InProcessFile::leave_regions() {
    const std::lock_guard guard(mutex_);
    if (--region_users_ == 0) regions_.clear();
}

Locks::~Locks() {
    if (fd_ < 0) shared_->forget(this);
    // The kernel's end with the last descriptor of the open file; a forked child may hold another.
    struct flock all = to_flock({0, 0}, LockKind::none);
    if (fd_ >= 0) lock_fd(fd_, F_OFD_SETLK, all);
}

LockAnswer Locks::set(LockRange range, LockKind kind) {
    if (fd_ < 0) return shared_->lock(this, range, kind);
    struct flock lock = to_flock(range, kind);
    if (lock_fd(fd_, F_OFD_SETLK, lock) == 0) return LockAnswer::done;
    return errno == EAGAIN || errno == EACCES ? LockAnswer::busy : LockAnswer::failed;
}

LockAnswer Locks::ask(LockRange range, LockKind kind, bool& locked) {
    if (fd_ < 0) {
        locked = shared_->is_locked(this, range, kind);
        return LockAnswer::done;
    }
    struct flock lock = to_flock(range, kind);
    if (lock_fd(fd_, F_OFD_GETLK, lock) != 0) return LockAnswer::failed;
    locked = lock.l_type != F_UNLCK;
    return LockAnswer::done;
}

} // namespace symphony::sqlite_files
