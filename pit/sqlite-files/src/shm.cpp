// SPDX-License-Identifier: Apache-2.0
#include "shm.hpp"

#include <symphony/sqlite_files/fd_file.hpp>

#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <sys/mman.h>

namespace symphony::sqlite_files {
namespace {

// As in SQLite's own VFS: the locks lie behind the two headers of the index, and behind them one that all users share.
constexpr std::int64_t locks_start = (22 + SQLITE_SHM_NLOCK) * 4;
constexpr LockRange users_byte{locks_start + SQLITE_SHM_NLOCK, 1};
constexpr std::uint64_t page_bytes = 4096;

} // namespace

Shm::Shm(std::unique_ptr<File> file, std::shared_ptr<InProcessFile> shared, bool read_only)
    : file_(std::move(file)), shared_(std::move(shared)), read_only_(read_only), locks_(file_ ? file_->fd() : -1, shared_) {
    if (shared_) shared_->use_regions();
}

Result<std::unique_ptr<Shm>> Shm::open(Folder& folder, const std::string& path) {
    bool read_only = false;
    auto file = folder.open(path, Folder::Mode::create);
    if (!file) {
        read_only = true;
        auto readable = folder.open(path, Folder::Mode::read);
        if (!readable) return std::move(file).error();
        file = std::move(readable);
    }
    if ((*file)->fd() < 0) return Error(Code::internal, path + ": the database has a descriptor, and its shared memory has none");
    return std::unique_ptr<Shm>(new Shm(*std::move(file), nullptr, read_only));
}

Result<std::unique_ptr<Shm>> Shm::in_process(std::shared_ptr<InProcessFile> shared) { return std::unique_ptr<Shm>(new Shm(nullptr, std::move(shared), false)); }

Shm::~Shm() {
    if (shared_) shared_->leave_regions();
    for (const Region& region : regions_) {
        if (file_ && region.memory != nullptr) ::munmap(region.memory, region.size);
    }
}

int Shm::attach() {
    if (!file_) return SQLITE_OK; // begins empty with the first connection, and ends with the last
    bool used = false;
    if (locks_.ask(users_byte, LockKind::exclusive, used) != LockAnswer::done) return SQLITE_IOERR_SHMLOCK;
    if (!used && read_only_) return SQLITE_READONLY_CANTINIT; // what is there may be of before a crash, and may not be made anew
    if (!used) {
        const LockAnswer first = locks_.set(users_byte, LockKind::exclusive);
        if (first != LockAnswer::done) return first == LockAnswer::busy ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
        if (!file_->truncate(3)) return SQLITE_IOERR_SHMOPEN; // too short for a header, so that SQLite makes it anew from the log
    }
    const LockAnswer joined = locks_.set(users_byte, LockKind::shared);
    return joined == LockAnswer::done ? SQLITE_OK : joined == LockAnswer::busy ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
}

/// By writing, not by truncate: a hole that the disk has no room for would be a signal when the memory is touched.
Status Shm::grow(std::uint64_t size) {
    const std::uint64_t old = SYMPHONY_TRY(file_->size());
    constexpr std::array<std::uint8_t, 1> zero{};
    for (std::uint64_t page = old / page_bytes; page < size / page_bytes; ++page) SYMPHONY_TRY(file_->write_at(page * page_bytes + page_bytes - 1, zero));
    return {};
}

Status Shm::map(std::size_t index, std::size_t size, bool make, std::uint8_t*& out) {
    out = nullptr;
    if (!file_) {
        out = shared_->region(index, size, make);
        return {};
    }
    while (regions_.size() <= index) {
        const std::uint64_t end = (regions_.size() + 1) * std::uint64_t{size};
        if (SYMPHONY_TRY(file_->size()) < end) {
            if (!make) return {};
            SYMPHONY_TRY(grow(end));
        }
        void* memory = ::mmap(nullptr, size, read_only_ ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, file_->fd(), static_cast<off_t>(end - size));
        if (memory == MAP_FAILED) return file_error("cannot map the shared memory of", "SQLite", errno);
        regions_.push_back({memory, size});
    }
    out = static_cast<std::uint8_t*>(regions_[index].memory);
    return {};
}

LockAnswer Shm::lock(int first, int count, LockKind kind) { return locks_.set({locks_start + first, count}, kind); }

} // namespace symphony::sqlite_files
