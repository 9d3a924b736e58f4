// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/fd_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::sqlite_files {
namespace {

/// A path for a message: control characters would play tricks on a terminal.
std::string shown(std::string_view path) {
    std::string out(path.substr(0, 300));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return "\"" + out + "\"";
}

/// off_t is signed: what does not fit is no offset of a file.
bool fits(std::uint64_t offset, std::size_t size) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    return offset <= most && size <= most - offset;
}

} // namespace

Error file_error(std::string_view what, std::string_view path, int number) {
    const std::string message = std::string(what) + " " + shown(path) + ": ";
    switch (number) {
    case ENOENT: return {Code::not_found, "not-found", message + "it is not there"};
    case EEXIST: return {Code::conflict, "exists", message + "it is there already"};
    case EXDEV:
    case ELOOP: return {Code::not_granted, "path-escape", message + "it leads out of its folder or through a symbolic link", "symbolic links are never followed; give the real path"};
    case ENOSPC:
    case EDQUOT: return {Code::exhausted, "disk-full", message + std::strerror(number), "make room on the disk"};
    case EFBIG: return {Code::exhausted, "file-too-large", message + std::strerror(number)};
    case EMFILE:
    case ENFILE: return {Code::exhausted, "too-many-files", message + std::strerror(number), "raise the limit of open files"};
    case EACCES:
    case EPERM: return {Code::io, "permission-denied", message + "this user may not", "check the owner and the permissions of the file and its folder"};
    case EROFS: return {Code::io, "read-only", message + "the file system is mounted read-only", "mount it for writing, or open it to read only"};
    case EISDIR:
    case ENOTDIR: return {Code::invalid_argument, "not-a-file", message + std::strerror(number)};
    case ENAMETOOLONG:
    case EINVAL: return {Code::invalid_argument, "bad-path", message + std::strerror(number)};
    default: return {Code::io, "io", message + std::strerror(number), number == EIO ? "the disk failed; look at the system's log and copy what is there to another disk" : ""};
    }
}

Result<std::vector<std::string>> path_names(std::string_view path) {
    std::vector<std::string> names;
    if (path.empty()) return names;
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view name = path.substr(at, end - at);
        if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos) {
            return Error(Code::invalid_argument, "bad-path", "no path beneath its folder: " + shown(path), "names are parted by one '/' each, and none is empty, \".\" or \"..\"");
        }
        names.emplace_back(name);
        at = end + 1;
    }
    return names;
}

Status write_back(File& file, std::uint64_t size) {
    std::vector<std::uint8_t> bytes(256 * 1024);
    for (std::uint64_t at = 0; at < size;) {
        const auto part = std::span(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), size - at)));
        const std::size_t got = SYMPHONY_TRY(file.read_at(at, part));
        if (got == 0) break;
        SYMPHONY_TRY(file.write_at(at, part.first(got)));
        at += got;
    }
    return {};
}

FdFile::~FdFile() { ::close(fd_); }

Result<std::size_t> FdFile::read_at(std::uint64_t offset, std::span<std::uint8_t> to) {
    if (!fits(offset, to.size())) return file_error("cannot read", path_, EFBIG);
    std::size_t done = 0;
    while (done < to.size()) {
        const ssize_t n = ::pread(fd_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return file_error("cannot read", path_, errno);
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return done;
}

Status FdFile::check_poison() const {
    if (!poisoned_.load(std::memory_order_acquire)) return {};
    return Error(Code::io, "sync-failed", "cannot use " + shown(path_) + " any more: the disk did not take what was written before", "what was acknowledged before is safe; write anew into another file");
}

Status FdFile::write_at(std::uint64_t offset, Bytes from) {
    SYMPHONY_TRY(check_poison());
    if (!fits(offset, from.size())) return file_error("cannot write", path_, EFBIG);
    while (!from.empty()) {
        const ssize_t n = ::pwrite(fd_, from.data(), from.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        // A write of nothing without an error would be repeated for ever.
        if (n <= 0) return file_error("cannot write", path_, n == 0 ? ENOSPC : errno);
        from = from.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

Status FdFile::truncate(std::uint64_t size) {
    SYMPHONY_TRY(check_poison());
    if (!fits(size, 0)) return file_error("cannot resize", path_, EFBIG);
    int result = 0;
    do {
        result = ::ftruncate(fd_, static_cast<off_t>(size));
    } while (result != 0 && errno == EINTR);
    if (result != 0) return file_error("cannot resize", path_, errno);
    return {};
}

Result<std::uint64_t> FdFile::size() {
    struct stat info{};
    if (::fstat(fd_, &info) != 0) return file_error("cannot look at", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
}

void FdFile::begin_sync(std::uint64_t offset, std::uint64_t size) noexcept {
    // A failure is not lost: each descriptor hears of it at its next sync.
    if (fits(offset, size)) static_cast<void>(::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE));
}

Status FdFile::sync() {
    SYMPHONY_TRY(check_poison());
    int result = 0;
    do {
        result = ::fdatasync(fd_);
    } while (result != 0 && errno == EINTR);
    if (result == 0) return {};
    const int number = errno;
    // The kernel takes the pages for clean now: a second sync would say yes to what was never written.
    poisoned_.store(true, std::memory_order_release);
    return file_error("cannot write to the disk:", path_, number);
}

} // namespace symphony::sqlite_files
