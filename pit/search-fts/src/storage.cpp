// SPDX-License-Identifier: Apache-2.0
#include "storage.hpp"

#include <symphony/sqlite_files/fd_file.hpp>
#include <symphony/sqlite_files/vfs.hpp>

namespace symphony::search {

using sqlite_files::Folder;

namespace {

/// What the folder said, in the words of search/1.
Error told(const Error& error) {
    if (error.reason() == "disk-full" || error.reason() == "file-too-large") return index_full("search index: " + error.message());
    return {error.code(), error.reason(), "search index: " + error.message(), error.hint()};
}

} // namespace

Result<std::unique_ptr<Storage>> Storage::in(Folder& folder, std::string name) {
    std::string vfs = SYMPHONY_TRY(sqlite_files::mount_vfs(folder));
    return std::unique_ptr<Storage>(new Storage(folder, std::move(name), std::move(vfs)));
}

Storage::~Storage() {
    lock_.reset(); // before its file
    static_cast<void>(sqlite_files::unmount_vfs(vfs_));
}

Status Storage::lock() {
    if (lock_file_) return {};
    auto file = SYMPHONY_TRY(folder_.open(name_ + "-lock", Folder::Mode::create));
    if (file->fd() >= 0) { // a folder without descriptors is in this process's memory
        auto lock = std::make_unique<sqlite_files::Locks>(file->fd(), nullptr);
        const auto answer = lock->set({}, sqlite_files::LockKind::exclusive);
        if (answer == sqlite_files::LockAnswer::busy) return Error(Code::busy, "index-in-use", "search index: another process has it", "end that process, or wait for it");
        if (answer != sqlite_files::LockAnswer::done) return Error(Code::io, "io", "search index: its file \"" + name_ + "-lock\" cannot be locked");
        lock_ = std::move(lock);
    }
    lock_file_ = std::move(file);
    return {};
}

Result<std::uint64_t> Storage::size_of(const std::string& path) {
    const auto file = folder_.open(path, Folder::Mode::read);
    if (!file && file.error().code() == Code::not_found) return std::uint64_t{0};
    if (!file) return file.error();
    return (*file)->size();
}

Status Storage::remove_logs() {
    bool removed_any = false;
    for (const char* suffix : {"-wal", "-journal"}) {
        const Status removed = folder_.remove(name_ + suffix);
        if (!removed && removed.error().code() != Code::not_found) return removed;
        removed_any = removed_any || removed;
    }
    return removed_any ? folder_.sync_folder("") : Status();
}

/// What a failed sync left in the log is read as if it were on the disk, and no later sync would put it there: so it is written again.
Status Storage::renew_log() {
    if (SYMPHONY_TRY(size_of(name_ + "-wal")) == 0) return {};
    const auto log = SYMPHONY_TRY(folder_.open(name_ + "-wal", Folder::Mode::write));
    SYMPHONY_TRY(sqlite_files::write_back(*log, SYMPHONY_TRY(log->size())));
    return log->sync();
}

Status Storage::prepare() {
    SYMPHONY_TRY(lock());
    // SQLite would forget the log of a database that is gone, but only until the next power cut: then it were the new one's.
    return SYMPHONY_TRY(size_of(name_)) == 0 ? remove_logs() : renew_log();
}

Result<Database> Storage::open() {
    if (const Status prepared = prepare(); !prepared) return told(prepared.error());
    return Database::open(name_, vfs_.c_str());
}

Status Storage::remove_all() {
    SYMPHONY_TRY(lock());
    // The database first: without the end of its log it may be one that never was.
    const Status removed = folder_.remove(name_);
    if (!removed && removed.error().code() != Code::not_found) return removed;
    SYMPHONY_TRY(folder_.sync_folder(""));
    return remove_logs();
}

Status Storage::remove() {
    const Status removed = remove_all();
    return removed ? removed : told(removed.error());
}

} // namespace symphony::search
