// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/vfs.hpp>

#include <symphony/sqlite_files/fd_file.hpp>
#include "shm.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <sys/random.h>
#include <sys/stat.h>

namespace symphony::sqlite_files {
namespace {

constexpr int path_bytes_max = 512;
constexpr int sector_bytes = 4096;

// The bytes of a database file that stand for its locks, as in SQLite's file format.
constexpr LockRange pending_byte{0x4000'0000, 1};
constexpr LockRange reserved_byte{pending_byte.start + 1, 1};
constexpr LockRange shared_bytes{pending_byte.start + 2, 510};

/// One folder as SQLite sees it.
struct Mount {
    sqlite3_vfs vfs{};
    Folder& folder;
    sqlite3_vfs* os;
    std::string name;
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<InProcessFile>> shared; ///< by path; for files without a descriptor
    std::string last_error;
    int files_open = 0;

    Mount(Folder& to, sqlite3_vfs* system) : folder(to), os(system) {}

    std::shared_ptr<InProcessFile> shared_of(const std::string& path) {
        const std::lock_guard lock(mutex);
        std::erase_if(shared, [](const auto& one) { return one.second.expired(); });
        auto found = shared[path].lock();
        if (!found) shared[path] = found = std::make_shared<InProcessFile>();
        return found;
    }
    /// Keeps what was said. @return SQLite's code for it: `otherwise`, or the one for a full disk.
    int failed(const Error& error, int otherwise) {
        const std::lock_guard lock(mutex);
        last_error = error.message();
        const bool no_room = error.code() == Code::exhausted && (error.reason() == "disk-full" || error.reason() == "file-too-large");
        return no_room ? SQLITE_FULL : otherwise;
    }
};

/// What SQLite holds for an open file; made in memory that it gives.
struct VfsFile : sqlite3_file {
    Mount& mount;
    std::string path;
    std::unique_ptr<File> file;
    std::shared_ptr<InProcessFile> shared;
    std::unique_ptr<Locks> locks;
    std::unique_ptr<Shm> shm;
    int level = SQLITE_LOCK_NONE;
    bool folder_sync_owed = false; ///< the file was made and its name may not be on the disk
    bool removed_on_close = false;
    bool wal_is_kept = false;
    bool read_only = false;
    std::optional<timespec> unwatched; ///< when it was last changed: nobody would tell us of a writer

    VfsFile(Mount& in, std::string at) : sqlite3_file{}, mount(in), path(std::move(at)) {}
};

VfsFile& of(sqlite3_file* file) { return *static_cast<VfsFile*>(file); }
Mount& of(sqlite3_vfs* vfs) { return *static_cast<Mount*>(vfs->pAppData); }

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

/// SQLite is C: nothing is thrown through it, and what can be thrown here is a lack of memory.
template <class Function>
int guarded(Function function) noexcept {
    try {
        return function();
    } catch (const std::bad_alloc&) {
        return SQLITE_IOERR_NOMEM;
    } catch (...) {
        return SQLITE_IOERR;
    }
}

/// What may only be read is opened so, as SQLite's own VFS does; a broken disk is no such thing.
bool may_only_read(const Error& error) {
    return error.code() == Code::not_granted || error.reason() == "permission-denied" || error.reason() == "read-only";
}

/// The log of a database that may only be read and has none.
class NoFile final : public File {
public:
    Result<std::size_t> read_at(std::uint64_t, std::span<std::uint8_t>) override { return std::size_t{0}; }
    Status write_at(std::uint64_t, Bytes) override { return refused(); }
    Status truncate(std::uint64_t) override { return refused(); }
    Result<std::uint64_t> size() override { return std::uint64_t{0}; }
    Status sync() override { return {}; }
    int fd() const noexcept override { return -1; }

private:
    static Status refused() { return Error(Code::io, "read-only", "the database may only be read"); }
};

std::optional<timespec> changed_at(const File& file) {
    struct stat info{};
    if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) return std::nullopt;
    return info.st_mtim;
}

// --- a file ---

int vfs_close(sqlite3_file* given) noexcept {
    VfsFile& self = of(given);
    Mount& mount = self.mount;
    const int done = guarded([&] {
        self.shm.reset();
        self.locks.reset();
        self.file.reset();
        if (self.removed_on_close) static_cast<void>(self.mount.folder.remove(self.path));
        return SQLITE_OK;
    });
    self.~VfsFile();
    const std::lock_guard lock(mount.mutex);
    --mount.files_open;
    return done;
}

int vfs_read(sqlite3_file* given, void* to, int size, sqlite3_int64 offset) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        const std::span<std::uint8_t> bytes(static_cast<std::uint8_t*>(to), static_cast<std::size_t>(size));
        const auto read = self.file->read_at(static_cast<std::uint64_t>(offset), bytes);
        if (!read) return self.mount.failed(read.error(), 0), SQLITE_IOERR_READ;
        if (self.unwatched) {
            const auto now = changed_at(*self.file);
            if (!now || now->tv_sec != self.unwatched->tv_sec || now->tv_nsec != self.unwatched->tv_nsec) {
                return self.mount.failed(Error(Code::busy, self.path + ": was written while it was read by somebody who may not write, and so cannot take part in its locks"), SQLITE_IOERR_READ);
            }
        }
        if (*read == bytes.size()) return SQLITE_OK;
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(*read), bytes.end(), std::uint8_t{0}); // SQLite's demand
        return SQLITE_IOERR_SHORT_READ;
    });
}

int vfs_write(sqlite3_file* given, const void* from, int size, sqlite3_int64 offset) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        const Status done = self.file->write_at(static_cast<std::uint64_t>(offset), {static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)});
        return done ? SQLITE_OK : self.mount.failed(done.error(), SQLITE_IOERR_WRITE);
    });
}

int vfs_truncate(sqlite3_file* given, sqlite3_int64 size) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        const Status done = self.file->truncate(static_cast<std::uint64_t>(size));
        return done ? SQLITE_OK : self.mount.failed(done.error(), SQLITE_IOERR_TRUNCATE);
    });
}

int vfs_sync(sqlite3_file* given, int) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        if (const Status done = self.file->sync(); !done) {
            self.mount.failed(done.error(), SQLITE_IOERR_FSYNC);
            return SQLITE_IOERR_FSYNC;
        }
        if (!self.folder_sync_owed) return SQLITE_OK;
        if (const Status done = self.mount.folder.sync_folder(parent_of(self.path)); !done) {
            self.mount.failed(done.error(), SQLITE_IOERR_DIR_FSYNC);
            return SQLITE_IOERR_DIR_FSYNC;
        }
        self.folder_sync_owed = false;
        return SQLITE_OK;
    });
}

int vfs_file_size(sqlite3_file* given, sqlite3_int64* out) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        const auto size = self.file->size();
        if (!size) return self.mount.failed(size.error(), SQLITE_IOERR_FSTAT), SQLITE_IOERR_FSTAT;
        *out = static_cast<sqlite3_int64>(*size);
        return SQLITE_OK;
    });
}

int to_sqlite(LockAnswer answer, int failure) {
    return answer == LockAnswer::done ? SQLITE_OK : answer == LockAnswer::busy ? SQLITE_BUSY : failure;
}

/// From nothing to reading: the pending byte in passing, so that a writer who waits is not starved.
int lock_shared(VfsFile& self) {
    const LockAnswer pending = self.locks->set(pending_byte, LockKind::shared);
    if (pending != LockAnswer::done) return to_sqlite(pending, SQLITE_IOERR_LOCK);
    const LockAnswer shared = self.locks->set(shared_bytes, LockKind::shared);
    if (self.locks->set(pending_byte, LockKind::none) != LockAnswer::done) return SQLITE_IOERR_UNLOCK;
    if (shared == LockAnswer::done) self.level = SQLITE_LOCK_SHARED;
    return to_sqlite(shared, SQLITE_IOERR_RDLOCK);
}

int lock_exclusive(VfsFile& self) {
    if (self.level < SQLITE_LOCK_PENDING) {
        const LockAnswer pending = self.locks->set(pending_byte, LockKind::exclusive);
        if (pending != LockAnswer::done) return to_sqlite(pending, SQLITE_IOERR_LOCK);
        self.level = SQLITE_LOCK_PENDING; // stays while readers finish
    }
    const LockAnswer shared = self.locks->set(shared_bytes, LockKind::exclusive);
    if (shared == LockAnswer::done) self.level = SQLITE_LOCK_EXCLUSIVE;
    return to_sqlite(shared, SQLITE_IOERR_LOCK);
}

int vfs_lock(sqlite3_file* given, int level) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        if (self.level >= level) return SQLITE_OK;
        if (level == SQLITE_LOCK_SHARED) return lock_shared(self);
        if (level != SQLITE_LOCK_RESERVED) return lock_exclusive(self);
        const LockAnswer reserved = self.locks->set(reserved_byte, LockKind::exclusive);
        if (reserved == LockAnswer::done) self.level = SQLITE_LOCK_RESERVED;
        return to_sqlite(reserved, SQLITE_IOERR_LOCK);
    });
}

int vfs_unlock(sqlite3_file* given, int level) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        if (self.level <= level) return SQLITE_OK;
        const bool reads_on = level == SQLITE_LOCK_SHARED;
        bool good = true;
        if (self.level == SQLITE_LOCK_EXCLUSIVE || !reads_on) {
            good = self.locks->set(shared_bytes, reads_on ? LockKind::shared : LockKind::none) == LockAnswer::done;
        }
        good = self.locks->set(reserved_byte, LockKind::none) == LockAnswer::done && good;
        good = self.locks->set(pending_byte, LockKind::none) == LockAnswer::done && good;
        self.level = level;
        return good ? SQLITE_OK : SQLITE_IOERR_UNLOCK;
    });
}

int vfs_check_reserved_lock(sqlite3_file* given, int* out) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        bool locked = self.level > SQLITE_LOCK_SHARED;
        if (!locked && self.locks->ask(reserved_byte, LockKind::exclusive, locked) != LockAnswer::done) return SQLITE_IOERR_CHECKRESERVEDLOCK;
        *out = locked ? 1 : 0;
        return SQLITE_OK;
    });
}

int vfs_file_control(sqlite3_file* given, int operation, void* argument) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        auto* number = static_cast<int*>(argument);
        switch (operation) {
        case SQLITE_FCNTL_LOCKSTATE: *number = self.level; return SQLITE_OK;
        case SQLITE_FCNTL_LAST_ERRNO: *number = 0; return SQLITE_OK;
        case SQLITE_FCNTL_HAS_MOVED: *number = 0; return SQLITE_OK;
        case SQLITE_FCNTL_PERSIST_WAL:
            if (*number < 0) *number = self.wal_is_kept ? 1 : 0;
            else self.wal_is_kept = *number != 0;
            return SQLITE_OK;
        case SQLITE_FCNTL_POWERSAFE_OVERWRITE:
            if (*number < 0) *number = 1;
            return SQLITE_OK;
        case SQLITE_FCNTL_VFSNAME: *static_cast<char**>(argument) = sqlite3_mprintf("%s", self.mount.name.c_str()); return SQLITE_OK;
        default: return SQLITE_NOTFOUND;
        }
    });
}

int vfs_sector_size(sqlite3_file*) noexcept { return sector_bytes; }
/// A write changes no byte outside of it, also when it is torn: the kernel writes whole blocks that it read before.
int vfs_device_characteristics(sqlite3_file*) noexcept { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

// --- shared memory of WAL ---

int vfs_shm_map(sqlite3_file* given, int index, int size, int extend, void volatile** out) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        *out = nullptr;
        if (!self.shm) {
            auto opened = self.shared ? Shm::in_process(self.shared) : Shm::open(self.mount.folder, self.path + "-shm");
            int code = SQLITE_OK;
            if (opened) code = (*opened)->attach();
            if (code == SQLITE_READONLY_CANTINIT || (!opened && may_only_read(opened.error()))) {
                // Nobody uses it, and we may not: an index of our own, good as long as nobody writes.
                opened = Shm::in_process(std::make_shared<InProcessFile>());
                code = SQLITE_OK;
                self.unwatched = changed_at(*self.file);
                if (!self.unwatched) return SQLITE_CANTOPEN;
            }
            if (!opened) return self.mount.failed(opened.error(), SQLITE_CANTOPEN);
            if (code != SQLITE_OK) return code;
            self.shm = *std::move(opened);
        }
        std::uint8_t* region = nullptr;
        const Status mapped = self.shm->map(static_cast<std::size_t>(index), static_cast<std::size_t>(size), extend != 0, region);
        if (!mapped) return self.mount.failed(mapped.error(), SQLITE_IOERR_SHMSIZE);
        *out = region;
        return self.shm->is_read_only() ? SQLITE_READONLY : SQLITE_OK;
    });
}

int vfs_shm_lock(sqlite3_file* given, int first, int count, int flags) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        if (!self.shm) return SQLITE_IOERR_SHMLOCK;
        const LockKind kind = (flags & SQLITE_SHM_UNLOCK) != 0 ? LockKind::none : (flags & SQLITE_SHM_SHARED) != 0 ? LockKind::shared : LockKind::exclusive;
        return to_sqlite(self.shm->lock(first, count, kind), SQLITE_IOERR_SHMLOCK);
    });
}

void vfs_shm_barrier(sqlite3_file*) noexcept { __sync_synchronize(); }

int vfs_shm_unmap(sqlite3_file* given, int remove) noexcept {
    return guarded([&] {
        VfsFile& self = of(given);
        if (!self.shm) return SQLITE_OK;
        // Before the locks on it end, so that whoever comes next makes a new one and not this.
        if (remove != 0 && !self.shared) static_cast<void>(self.mount.folder.remove(self.path + "-shm"));
        self.shm.reset();
        return SQLITE_OK;
    });
}

constexpr sqlite3_io_methods file_methods{
    2, vfs_close, vfs_read, vfs_write, vfs_truncate, vfs_sync, vfs_file_size, vfs_lock, vfs_unlock, vfs_check_reserved_lock,
    vfs_file_control, vfs_sector_size, vfs_device_characteristics, vfs_shm_map, vfs_shm_lock, vfs_shm_barrier, vfs_shm_unmap, nullptr, nullptr};

// --- the folder ---

std::string random_name() {
    std::array<std::uint8_t, 16> bytes{};
    constexpr char digits[] = "0123456789abcdef";
    std::string name = ".sqlite-";
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) sqlite3_randomness(static_cast<int>(bytes.size()), bytes.data());
    for (const std::uint8_t byte : bytes) {
        name += digits[byte >> 4];
        name += digits[byte & 15];
    }
    return name;
}

Result<std::unique_ptr<File>> open_file(VfsFile& self, int flags, int* flags_out) {
    using Mode = Folder::Mode;
    const bool writes = (flags & SQLITE_OPEN_READWRITE) != 0;
    const bool creates = (flags & SQLITE_OPEN_CREATE) != 0;
    const bool is_new = creates && (flags & SQLITE_OPEN_EXCLUSIVE) != 0;
    Folder& folder = self.mount.folder;
    auto opened = folder.open(self.path, is_new ? Mode::create_new : creates ? Mode::create : writes ? Mode::write : Mode::read);
    if (!opened && writes && !is_new && may_only_read(opened.error())) {
        auto again = folder.open(self.path, Mode::read);
        if (!again && again.error().code() == Code::not_found && (flags & SQLITE_OPEN_WAL) != 0) again = std::unique_ptr<File>(std::make_unique<NoFile>());
        if (again) {
            self.read_only = true;
            opened = std::move(again);
        }
    }
    const int how = SQLITE_OPEN_READONLY | SQLITE_OPEN_READWRITE;
    if (flags_out != nullptr) *flags_out = (flags & ~how) | (writes && !self.read_only ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    return opened;
}

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* given, int flags, int* flags_out) noexcept {
    given->pMethods = nullptr;
    return guarded([&] {
        Mount& mount = of(vfs);
        const bool temporary = name == nullptr;
        VfsFile& self = *::new (given) VfsFile(mount, temporary ? random_name() : std::string(name));
        const auto give_up = [&self](int code) {
            self.~VfsFile();
            return code;
        };
        if (temporary) flags |= SQLITE_OPEN_EXCLUSIVE | SQLITE_OPEN_DELETEONCLOSE;
        auto opened = open_file(self, flags, flags_out);
        if (!opened) return give_up(mount.failed(opened.error(), SQLITE_CANTOPEN));
        self.file = *std::move(opened);
        if (self.file->fd() < 0) self.shared = mount.shared_of(self.path);
        self.locks = std::make_unique<Locks>(self.file->fd(), self.shared);
        const bool remove = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
        // What has a descriptor lives on without its name, and so a crash leaves nothing.
        self.removed_on_close = remove && (self.file->fd() < 0 || !mount.folder.remove(self.path));
        self.folder_sync_owed = !remove && (flags & SQLITE_OPEN_CREATE) != 0 && !self.read_only;
        self.pMethods = &file_methods;
        const std::lock_guard lock(mount.mutex);
        ++mount.files_open;
        return SQLITE_OK;
    });
}

int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync) noexcept {
    return guarded([&] {
        Mount& mount = of(vfs);
        const Status removed = mount.folder.remove(name);
        if (!removed) return removed.error().code() == Code::not_found ? SQLITE_IOERR_DELETE_NOENT : (mount.failed(removed.error(), 0), SQLITE_IOERR_DELETE);
        if (sync == 0) return SQLITE_OK;
        const Status synced = mount.folder.sync_folder(parent_of(name));
        return synced ? SQLITE_OK : (mount.failed(synced.error(), 0), SQLITE_IOERR_DIR_FSYNC);
    });
}

int vfs_access(sqlite3_vfs* vfs, const char* name, int flags, int* out) noexcept {
    return guarded([&] {
        Mount& mount = of(vfs);
        *out = 0;
        const auto opened = mount.folder.open(name, flags == SQLITE_ACCESS_READWRITE ? Folder::Mode::write : Folder::Mode::read);
        if (!opened) {
            const Code code = opened.error().code();
            // What cannot be looked at may be a journal that has to be played back.
            if (code == Code::not_found || code == Code::invalid_argument || flags == SQLITE_ACCESS_READWRITE) return SQLITE_OK;
            return mount.failed(opened.error(), 0), SQLITE_IOERR_ACCESS;
        }
        const auto size = (*opened)->size();
        if (!size) return mount.failed(size.error(), 0), SQLITE_IOERR_ACCESS;
        // An empty journal is none, as SQLite's own VFS says.
        *out = flags != SQLITE_ACCESS_EXISTS || *size > 0 ? 1 : 0;
        return SQLITE_OK;
    });
}

int vfs_full_pathname(sqlite3_vfs* vfs, const char* name, int size_max, char* out) noexcept {
    return guarded([&] {
        const auto names = path_names(name);
        if (!names) return of(vfs).failed(names.error(), SQLITE_CANTOPEN);
        const std::size_t size = std::strlen(name) + 1;
        if (names->empty() || size > static_cast<std::size_t>(size_max)) return SQLITE_CANTOPEN;
        std::memcpy(out, name, size);
        return SQLITE_OK;
    });
}

void* vfs_dl_open(sqlite3_vfs*, const char*) noexcept { return nullptr; }
void vfs_dl_error(sqlite3_vfs*, int size, char* out) noexcept { sqlite3_snprintf(size, out, "extensions are not loaded here"); }
void (*vfs_dl_sym(sqlite3_vfs*, void*, const char*) noexcept)(void) { return nullptr; }
void vfs_dl_close(sqlite3_vfs*, void*) noexcept {}

int vfs_randomness(sqlite3_vfs* vfs, int size, char* out) noexcept {
    // The kernel's, because a sandbox has no /dev and SQLite's own VFS would fall back to the time.
    const ssize_t got = ::getrandom(out, static_cast<std::size_t>(size), 0);
    return got == size ? size : of(vfs).os->xRandomness(of(vfs).os, size, out);
}
int vfs_sleep(sqlite3_vfs* vfs, int microseconds) noexcept { return of(vfs).os->xSleep(of(vfs).os, microseconds); }
int vfs_current_time(sqlite3_vfs* vfs, double* out) noexcept { return of(vfs).os->xCurrentTime(of(vfs).os, out); }
int vfs_current_time_int64(sqlite3_vfs* vfs, sqlite3_int64* out) noexcept { return of(vfs).os->xCurrentTimeInt64(of(vfs).os, out); }
int vfs_get_last_error(sqlite3_vfs* vfs, int size, char* out) noexcept {
    return guarded([&] {
        const std::lock_guard lock(of(vfs).mutex);
        if (size > 0) sqlite3_snprintf(size, out, "%s", of(vfs).last_error.c_str());
        return 0;
    });
}

Mount* find_mount(std::string_view name) {
    sqlite3_vfs* vfs = sqlite3_vfs_find(std::string(name).c_str());
    return vfs != nullptr && vfs->xOpen == vfs_open ? &of(vfs) : nullptr;
}

} // namespace

Result<std::string> mount_vfs(Folder& folder) {
    sqlite3_vfs* os = sqlite3_vfs_find("unix");
    if (os == nullptr) return Error(Code::exhausted, "no-sqlite", "SQLite cannot be started: out of memory, or built without files");
    auto mount = std::make_unique<Mount>(folder, os);
    // By its address: several plugins of one process share one SQLite, each with its own copy of this code.
    mount->name = "symphony-" + std::to_string(reinterpret_cast<std::uintptr_t>(mount.get()));
    mount->vfs = {2, sizeof(VfsFile), path_bytes_max, nullptr, mount->name.c_str(), mount.get(), vfs_open, vfs_delete, vfs_access, vfs_full_pathname,
                  vfs_dl_open, vfs_dl_error, vfs_dl_sym, vfs_dl_close, vfs_randomness, vfs_sleep, vfs_current_time, vfs_get_last_error,
                  vfs_current_time_int64, nullptr, nullptr, nullptr};
    if (sqlite3_vfs_register(&mount->vfs, 0) != SQLITE_OK) return Error(Code::exhausted, "SQLite takes no more file systems: out of memory");
    return mount.release()->name;
}

Status unmount_vfs(std::string_view name) {
    Mount* mount = find_mount(name);
    if (mount == nullptr) return Error(Code::not_found, "SQLite has no file system \"" + std::string(name) + "\" of ours");
    {
        const std::lock_guard lock(mount->mutex);
        if (mount->files_open > 0) return Error(Code::busy, "vfs-in-use", mount->folder.name() + ": " + std::to_string(mount->files_open) + " files of SQLite are still open", "close the connections first");
    }
    sqlite3_vfs_unregister(&mount->vfs);
    delete mount;
    return {};
}

std::string last_vfs_error(std::string_view name) {
    Mount* mount = find_mount(name);
    if (mount == nullptr) return {};
    const std::lock_guard lock(mount->mutex);
    return mount->last_error;
}

} // namespace symphony::sqlite_files
