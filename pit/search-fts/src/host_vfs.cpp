// SPDX-License-Identifier: Apache-2.0
#include "host_vfs.hpp"

#include <sqlite3.h>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>

namespace symphony::search {

struct HostVfs::Impl {
    Files files;
    std::string root;
    std::string name;
    sqlite3_vfs vfs{};
    sqlite3_vfs* machine = nullptr; ///< for time and random numbers
};

namespace {

/// SQLite allocates szOsFile bytes for it and never runs a constructor.
struct OpenFile {
    sqlite3_file base;
    int fd;
    int lock;
};
OpenFile& of(sqlite3_file* file) noexcept { return *static_cast<OpenFile*>(static_cast<void*>(file)); }

int write_failure() noexcept { return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? SQLITE_FULL : SQLITE_IOERR_WRITE; }

int close_file(sqlite3_file* file) noexcept {
    ::close(of(file).fd); // gives the flock up too
    return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int bytes, sqlite3_int64 offset) noexcept {
    auto* at = static_cast<char*>(to);
    while (bytes > 0) {
        const ssize_t n = ::pread(of(file).fd, at, static_cast<std::size_t>(bytes), offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return SQLITE_IOERR_READ;
        if (n == 0) {
            std::memset(at, 0, static_cast<std::size_t>(bytes)); // as SQLite wants it
            return SQLITE_IOERR_SHORT_READ;
        }
        at += n;
        offset += n;
        bytes -= static_cast<int>(n);
    }
    return SQLITE_OK;
}

int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) noexcept {
    const auto* at = static_cast<const char*>(from);
    while (bytes > 0) {
        const ssize_t n = ::pwrite(of(file).fd, at, static_cast<std::size_t>(bytes), offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return write_failure();
        at += n;
        offset += n;
        bytes -= static_cast<int>(n);
    }
    return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) noexcept { return ::ftruncate(of(file).fd, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE; }
int sync_file(sqlite3_file* file, int) noexcept { return ::fdatasync(of(file).fd) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC; }

int file_size(sqlite3_file* file, sqlite3_int64* size) noexcept {
    struct stat info{};
    if (::fstat(of(file).fd, &info) != 0) return SQLITE_IOERR_FSTAT;
    *size = info.st_size;
    return SQLITE_OK;
}

/// One owner at a time, from the first lock until the file is closed.
int lock_file(sqlite3_file* file, int level) noexcept {
    if (of(file).lock == SQLITE_LOCK_NONE && ::flock(of(file).fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? SQLITE_BUSY : SQLITE_IOERR_LOCK;
    }
    of(file).lock = std::max(of(file).lock, level);
    return SQLITE_OK;
}
int unlock_file(sqlite3_file*, int) noexcept { return SQLITE_OK; }
int check_reserved(sqlite3_file*, int* reserved) noexcept {
    *reserved = 0;
    return SQLITE_OK;
}
int file_control(sqlite3_file*, int, void*) noexcept { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) noexcept { return 4096; }
int characteristics(sqlite3_file*) noexcept { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

constexpr sqlite3_io_methods methods{1,           close_file,  read_file,     write_file,     truncate_file, sync_file,       file_size,
                                     lock_file,   unlock_file, check_reserved, file_control,  sector_size,   characteristics, nullptr,
                                     nullptr,     nullptr,     nullptr,       nullptr,        nullptr};

template <class Impl>
Impl& impl(sqlite3_vfs* vfs) noexcept { return *static_cast<Impl*>(vfs->pAppData); }

template <class Impl>
int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) noexcept {
    auto* const opened = new (file) OpenFile{};
    if (name == nullptr) return SQLITE_CANTOPEN; // temporary data stays in memory
    try {
        Impl& self = impl<Impl>(vfs);
        std::uint32_t wanted = Files::read_flag;
        if ((flags & SQLITE_OPEN_READWRITE) != 0) wanted |= Files::write_flag;
        if ((flags & SQLITE_OPEN_CREATE) != 0) wanted |= Files::create_flag;
        auto found = self.files.open(self.root, name, wanted);
        if (!found) return found.error().code() == Code::exhausted ? SQLITE_FULL : SQLITE_CANTOPEN;
        opened->fd = found->release();
        opened->base.pMethods = &methods;
        if (flags_out != nullptr) *flags_out = flags;
        return SQLITE_OK;
    } catch (...) {
        return SQLITE_NOMEM;
    }
}

template <class Impl>
int delete_file(sqlite3_vfs* vfs, const char* name, int) noexcept {
    try {
        Impl& self = impl<Impl>(vfs);
        const Status removed = self.files.remove(self.root, name);
        if (removed) return SQLITE_OK;
        return removed.error().code() == Code::not_found ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
    } catch (...) {
        return SQLITE_NOMEM;
    }
}

template <class Impl>
int access_file(sqlite3_vfs* vfs, const char* name, int, int* there) noexcept {
    try {
        Impl& self = impl<Impl>(vfs);
        const auto file = self.files.open(self.root, name);
        *there = file ? 1 : 0;
        return file || file.error().code() == Code::not_found ? SQLITE_OK : SQLITE_IOERR_ACCESS;
    } catch (...) {
        return SQLITE_NOMEM;
    }
}

int full_name(sqlite3_vfs*, const char* name, int size, char* out) noexcept {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

template <class Impl>
int randomness(sqlite3_vfs* vfs, int size, char* out) noexcept {
    sqlite3_vfs* const machine = impl<Impl>(vfs).machine;
    return machine->xRandomness(machine, size, out);
}
template <class Impl>
int current_time(sqlite3_vfs* vfs, double* out) noexcept {
    sqlite3_vfs* const machine = impl<Impl>(vfs).machine;
    return machine->xCurrentTime(machine, out);
}
int no_sleep(sqlite3_vfs*, int) noexcept { return 0; } // whoever has the file keeps it
int last_error(sqlite3_vfs*, int, char*) noexcept { return 0; }

} // namespace

HostVfs::HostVfs(Files files, std::string root) : impl_(std::make_unique<Impl>(Impl{files, std::move(root), {}, {}, sqlite3_vfs_find(nullptr)})) {
    static std::atomic<std::uint64_t> counter{0}; // names are the process's: several instances have one each
    impl_->name = "symphony-search-" + std::to_string(counter.fetch_add(1)) + "-" + std::to_string(std::hash<const void*>{}(impl_.get()));
    sqlite3_vfs& vfs = impl_->vfs;
    vfs.iVersion = 1;
    vfs.szOsFile = sizeof(OpenFile);
    vfs.mxPathname = 512;
    vfs.zName = impl_->name.c_str();
    vfs.pAppData = impl_.get();
    vfs.xOpen = open_file<Impl>;
    vfs.xDelete = delete_file<Impl>;
    vfs.xAccess = access_file<Impl>;
    vfs.xFullPathname = full_name;
    vfs.xRandomness = randomness<Impl>;
    vfs.xSleep = no_sleep;
    vfs.xCurrentTime = current_time<Impl>;
    vfs.xGetLastError = last_error;
    sqlite3_vfs_register(&vfs, 0);
}

HostVfs::~HostVfs() { sqlite3_vfs_unregister(&impl_->vfs); }

Storage HostVfs::storage(std::string name) {
    Impl* const impl = impl_.get();
    return {[impl, name] { return Database::open(name, impl->name.c_str()); },
            [impl, name]() -> Status {
                for (const char* suffix : {"-wal", "-journal", ""}) {
                    const Status removed = impl->files.remove(impl->root, name + suffix);
                    if (!removed && removed.error().code() != Code::not_found) return removed;
                }
                return {};
            }};
}

} // namespace symphony::search
