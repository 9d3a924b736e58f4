// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/disk.hpp>

#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace symphony::packaging {
namespace fs = std::filesystem;
namespace {

struct Words {
    Code code;
    std::string_view reason, hint;
};

Words words_of(int number) {
    switch (number) {
    case ENOSPC:
    case EDQUOT: return {Code::exhausted, "disk-full", "make room on the disk and try again; what is installed is as it was"};
    case EROFS: return {Code::io, "read-only", "the file system is mounted read-only; XDG_DATA_HOME names another place"};
    case EACCES:
    case EPERM: return {Code::io, "no-permission", "see who owns it: ls -ld"};
    case EEXIST:
    case ENOTEMPTY: return {Code::conflict, "exists", "remove it, or see what made it"};
    case ENOENT:
    case ENOTDIR: return {Code::not_found, "missing", ""};
    case ELOOP: return {Code::io, "is-a-link", "give the file itself, not a link to it"};
    default: return {Code::io, "io", ""};
    }
}

int synced(int fd) {
    while (::fsync(fd) != 0) {
        if (errno != EINTR) return errno;
    }
    return 0;
}

int written(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) return errno;
        if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return 0;
}

} // namespace

Error disk_error(std::string_view what, const fs::path& path, int number) {
    const Words words = words_of(number);
    return {words.code, words.reason, std::string(what) + " " + path.string() + ": " + std::strerror(number), std::string(words.hint)};
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

Status Disk::before(std::string_view step, const fs::path& path) const { return before_ ? before_(step, path) : Status(); }

Status Disk::make_folder(const fs::path& path) const {
    SYMPHONY_TRY(before("make-folder", path));
    if (::mkdir(path.c_str(), 0755) != 0) return disk_error("cannot make the folder", path, errno);
    return {};
}

Status Disk::make_folders(const fs::path& path) const {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) {
        if (S_ISDIR(info.st_mode)) return {};
        return Error(Code::conflict, "not-a-folder", path.string() + " is there and is no folder", "move it away");
    }
    if (path.has_relative_path()) SYMPHONY_TRY(make_folders(path.parent_path()));
    SYMPHONY_TRY(before("make-folder", path));
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return disk_error("cannot make the folder", path, errno);
    return sync_folder(path.parent_path());
}

Status Disk::write_file(const fs::path& path, std::string_view bytes, std::uint32_t mode) const {
    SYMPHONY_TRY(before("write-file", path));
    const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd) return disk_error("cannot make", path, errno);
    if (const int failed = written(fd.get(), bytes)) return disk_error("cannot write", path, failed);
    if (::fchmod(fd.get(), mode) != 0) return disk_error("cannot set the mode of", path, errno); // whatever the umask
    SYMPHONY_TRY(before("sync-file", path));
    if (const int failed = synced(fd.get())) return disk_error("cannot sync", path, failed);
    return {};
}

Status Disk::replace_file(const fs::path& path, std::string_view bytes) const {
    const fs::path beside = path.parent_path() / ("." + path.filename().string() + ".new");
    SYMPHONY_TRY(remove(beside)); // a crash left it
    auto done = write_file(beside, bytes);
    if (done) done = rename(beside, path);
    if (!done) {
        ::unlink(beside.c_str());
        return done;
    }
    return sync_folder(path.parent_path());
}

Status Disk::link(const fs::path& target, const fs::path& path) const {
    SYMPHONY_TRY(before("link", path));
    if (::symlink(target.c_str(), path.c_str()) != 0) return disk_error("cannot make the link", path, errno);
    return {};
}

Status Disk::rename(const fs::path& from, const fs::path& to) const {
    SYMPHONY_TRY(before("rename", to));
    if (::rename(from.c_str(), to.c_str()) != 0) return disk_error("cannot rename to", to, errno);
    return {};
}

Status Disk::set_mode(const fs::path& path, std::uint32_t mode) const {
    SYMPHONY_TRY(before("set-mode", path));
    if (::chmod(path.c_str(), mode) != 0) return disk_error("cannot set the mode of", path, errno);
    return {};
}

Status Disk::sync_folder(const fs::path& path) const {
    SYMPHONY_TRY(before("sync-folder", path));
    const fs::path shown = path.empty() ? fs::path(".") : path;
    const Descriptor fd(::open(shown.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return disk_error("cannot open the folder", shown, errno);
    if (const int failed = synced(fd.get())) return disk_error("cannot sync the folder", shown, failed);
    return {};
}

Status Disk::remove(const fs::path& path) const {
    std::error_code error;
    const auto state = fs::symlink_status(path, error);
    if (state.type() == fs::file_type::not_found) return {};
    if (error) return disk_error("cannot look at", path, error.value());
    if (state.type() == fs::file_type::directory) {
        ::chmod(path.c_str(), 0755); // the store's folders are read-only; what fails now fails below with a name
        std::vector<fs::path> inside;
        for (fs::directory_iterator item(path, error), end; !error && item != end; item.increment(error)) inside.push_back(item->path());
        if (error) return disk_error("cannot read the folder", path, error.value());
        for (const auto& item : inside) SYMPHONY_TRY(remove(item));
        SYMPHONY_TRY(before("remove", path));
        if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return disk_error("cannot remove the folder", path, errno);
        return {};
    }
    SYMPHONY_TRY(before("remove", path));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return disk_error("cannot remove", path, errno);
    return {};
}

Result<std::string> read_file(const fs::path& path, std::uint64_t bytes_max) {
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
    if (!fd) return disk_error("cannot open", path, errno);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return disk_error("cannot look at", path, errno);
    if (!S_ISREG(info.st_mode)) return Error(Code::invalid_argument, "not-a-file", path.string() + " is no regular file");
    const auto too_large = [&] { return Error(Code::exhausted, "too-large", path.string() + " has more than " + std::to_string(bytes_max) + " bytes"); };
    if (static_cast<std::uint64_t>(info.st_size) > bytes_max) return too_large();
    std::string bytes(static_cast<std::size_t>(info.st_size) + 1, '\0'); // a little more than its size, so that growth is noticed
    for (std::size_t at = 0;;) {
        if (at == bytes.size()) bytes.resize(at + 65536);
        const ssize_t got = ::read(fd.get(), bytes.data() + at, bytes.size() - at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return disk_error("cannot read", path, errno);
        at += static_cast<std::size_t>(got);
        if (at > bytes_max) return too_large();
        if (got > 0) continue;
        bytes.resize(at);
        return bytes;
    }
}

Result<WriteLock> WriteLock::take(const fs::path& file, std::chrono::milliseconds longest, const std::function<bool()>& stop) {
    Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return disk_error("cannot open the lock", file, errno);
    const auto until = std::chrono::steady_clock::now() + longest;
    for (;;) {
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return WriteLock(std::move(fd));
        if (errno != EWOULDBLOCK && errno != EINTR) return disk_error("cannot lock", file, errno);
        if (stop && stop()) return Error(Code::cancelled, "stopped while another process was writing");
        if (std::chrono::steady_clock::now() >= until) {
            return Error(Code::busy, "locked", "another process is installing or removing plugins (" + file.string() + ")", "wait for it and try again");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

} // namespace symphony::packaging
