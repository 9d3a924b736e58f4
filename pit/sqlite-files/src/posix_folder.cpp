// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/posix_folder.hpp>

#include <symphony/sqlite_files/fd_file.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace symphony::sqlite_files {
namespace {

class Fd {
public:
    explicit Fd(int fd = -1) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }

private:
    int fd_;
};

/// The kernel does the walking. EAGAIN means that somebody renamed a folder meanwhile.
Fd open_beneath(int folder, const std::string& path, int flags, mode_t mode = 0) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    for (int tries = 0;; ++tries) {
        const long fd = ::syscall(SYS_openat2, folder, path.empty() ? "." : path.c_str(), &how, sizeof how);
        if (fd >= 0 || (errno != EINTR && (errno != EAGAIN || tries == 16))) return Fd(static_cast<int>(fd));
    }
}

int sync_fd(int fd) {
    int result = 0;
    do {
        result = ::fsync(fd);
    } while (result != 0 && errno == EINTR);
    return result;
}

std::string parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return std::string(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
}

std::string leaf_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

/// Makes the folders that a file lies in.
Status make_folders(int root, const std::vector<std::string>& names, std::string_view path) {
    Fd at = open_beneath(root, "", O_RDONLY | O_DIRECTORY);
    for (std::size_t i = 0; i + 1 < names.size() && at.get() >= 0; ++i) {
        Fd next = open_beneath(at.get(), names[i], O_RDONLY | O_DIRECTORY);
        if (next.get() < 0 && errno == ENOENT) {
            if (::mkdirat(at.get(), names[i].c_str(), 0777) != 0 && errno != EEXIST) return file_error("cannot make the folders above", path, errno);
            next = open_beneath(at.get(), names[i], O_RDONLY | O_DIRECTORY);
        }
        at = std::move(next);
    }
    if (at.get() < 0) return file_error("cannot open the folders above", path, errno);
    return {};
}

/// The names of this folder and of those above it. Above what this user may read nothing of ours is.
void sync_above(int folder, int levels) {
    Fd at;
    for (int i = 0; i < levels; ++i) {
        Fd above(::openat(i == 0 ? folder : at.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (above.get() < 0 || sync_fd(above.get()) != 0) return;
        at = std::move(above);
    }
}

} // namespace

Result<std::unique_ptr<PosixFolder>> PosixFolder::open(const std::filesystem::path& path, Missing missing) {
    std::error_code error;
    int made = 0;
    for (std::filesystem::path at = path; missing == Missing::is_made && at.has_relative_path() && !std::filesystem::exists(at, error); at = at.parent_path()) ++made;
    if (missing == Missing::is_made) std::filesystem::create_directories(path, error);
    if (error) return file_error("cannot make the folder", path.native(), error.value());
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0) return file_error("cannot open the folder", path.native(), errno);
    return std::unique_ptr<PosixFolder>(new PosixFolder(fd.release(), path.native(), made));
}

PosixFolder::~PosixFolder() { ::close(fd_); }

Result<std::unique_ptr<File>> PosixFolder::open(std::string_view path, Mode mode) {
    const auto names = SYMPHONY_TRY(path_names(path));
    if (names.empty()) return file_error("cannot open", path, EISDIR);
    const bool creates = mode == Mode::create || mode == Mode::create_new;
    int flags = O_NONBLOCK | O_NOCTTY; // a named pipe must not hang us before we see that it is one
    flags |= mode == Mode::read ? O_RDONLY : O_RDWR;
    if (creates) flags |= O_CREAT;
    if (mode == Mode::create_new) flags |= O_EXCL;
    Fd fd = open_beneath(fd_, std::string(path), flags, creates ? 0666 : 0);
    if (fd.get() < 0 && errno == ENOENT && creates && names.size() > 1) {
        SYMPHONY_TRY(make_folders(fd_, names, path));
        fd = open_beneath(fd_, std::string(path), flags, 0666);
    }
    if (fd.get() < 0) return file_error("cannot open", path, errno);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return file_error("cannot look at", path, errno);
    if (!S_ISREG(info.st_mode)) return Error(Code::invalid_argument, "not-a-file", "cannot open \"" + std::string(path) + "\": it is not a regular file");
    return std::unique_ptr<File>(std::make_unique<FdFile>(fd.release(), std::string(path)));
}

Result<std::vector<Entry>> PosixFolder::list(std::string_view path) {
    SYMPHONY_TRY(path_names(path));
    Fd fd = open_beneath(fd_, std::string(path), O_RDONLY | O_DIRECTORY);
    std::vector<Entry> entries;
    if (fd.get() < 0 && errno == ENOENT) return entries;
    if (fd.get() < 0) return file_error("cannot list", path, errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), &::closedir);
    if (!stream) return file_error("cannot list", path, errno);
    fd.release();
    errno = 0;
    while (const dirent* found = ::readdir(stream.get())) { // NOLINT(concurrency-mt-unsafe): the stream is ours
        const std::string_view name = found->d_name;
        struct stat info{};
        if (name == "." || name == "..") continue;
        if (::fstatat(::dirfd(stream.get()), found->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
            const bool folder = S_ISDIR(info.st_mode);
            const auto time = static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
            if (folder || S_ISREG(info.st_mode)) entries.push_back({std::string(name), folder, folder ? 0 : static_cast<std::uint64_t>(info.st_size), time});
        } else if (errno != ENOENT) {
            return file_error("cannot look at an entry of", path, errno);
        }
        errno = 0;
    }
    if (errno != 0) return file_error("cannot list", path, errno);
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
}

Status PosixFolder::rename(std::string_view from, std::string_view to) {
    const auto source = SYMPHONY_TRY(path_names(from));
    const auto target = SYMPHONY_TRY(path_names(to));
    if (source.empty() || target.empty()) return file_error("cannot rename", source.empty() ? from : to, EISDIR);
    const Fd a = open_beneath(fd_, parent_of(from), O_RDONLY | O_DIRECTORY);
    if (a.get() < 0) return file_error("cannot rename", from, errno);
    Fd b = open_beneath(fd_, parent_of(to), O_RDONLY | O_DIRECTORY);
    if (b.get() < 0 && errno == ENOENT) {
        SYMPHONY_TRY(make_folders(fd_, target, to));
        b = open_beneath(fd_, parent_of(to), O_RDONLY | O_DIRECTORY);
    }
    if (b.get() < 0) return file_error("cannot rename to", to, errno);
    struct stat info{};
    if (::fstatat(a.get(), leaf_of(from).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode)) return file_error("cannot rename", from, EISDIR);
    if (::renameat(a.get(), leaf_of(from).c_str(), b.get(), leaf_of(to).c_str()) != 0) return file_error("cannot rename", from, errno);
    return {};
}

Status PosixFolder::remove(std::string_view path) {
    const auto names = SYMPHONY_TRY(path_names(path));
    if (names.empty()) return file_error("cannot remove", path, EISDIR);
    const Fd folder = open_beneath(fd_, parent_of(path), O_RDONLY | O_DIRECTORY);
    if (folder.get() < 0 || ::unlinkat(folder.get(), names.back().c_str(), 0) != 0) return file_error("cannot remove", path, errno);
    return {};
}

/// One after the other, from the folder up. Those above need it once only: a name that this process finds there may be one
/// that another process made and did not live to sync.
Status PosixFolder::sync_folder(std::string_view path) {
    SYMPHONY_TRY(path_names(path));
    std::string found; // the first that is there
    for (std::string at(path);; at = parent_of(at)) {
        const Fd folder = open_beneath(fd_, at, O_RDONLY | O_DIRECTORY);
        const bool is_missing = folder.get() < 0 && errno == ENOENT && !at.empty();
        if (!is_missing && (folder.get() < 0 || sync_fd(folder.get()) != 0)) return file_error("cannot write to the disk: the names in", at, errno);
        if (!is_missing && found.empty()) found = at;
        const std::lock_guard lock(mutex_);
        if (at.empty() || (!is_missing && above_is_synced_.contains(at))) break;
    }
    const std::lock_guard lock(mutex_);
    for (std::string at(found); !at.empty(); at = parent_of(at)) above_is_synced_.insert(at);
    if (above_is_synced_.insert("").second) sync_above(fd_, std::max(made_, 1)); // one that died may have made it
    return {};
}

} // namespace symphony::sqlite_files
