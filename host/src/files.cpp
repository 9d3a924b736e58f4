// SPDX-License-Identifier: Apache-2.0
#include "files.hpp"

#include <symphony/manifests/manifest.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace symphony::host {
namespace {

namespace fs = std::filesystem;
constexpr std::array<std::string_view, 6> root_names{"workspace", "selected", "config", "cache", "state", "temp"};

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

/// A path for a message: control characters would play tricks on a terminal.
std::string shown(std::string_view path) {
    std::string out(path.substr(0, 300));
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    return "\"" + out + "\"";
}

Error from_errno(std::string_view what, std::string_view path) {
    const int error = errno;
    const std::string message = std::string(what) + " " + shown(path) + ": ";
    switch (error) {
    case ENOENT: return Error(Code::not_found, message + "it is not there");
    case EXDEV:
    case ELOOP:
        return Error(Code::not_granted, "path-escape", message + "it leads out of its root or through a symbolic link",
                     "give the real path; symbolic links are never followed");
    case EACCES:
    case EPERM: return Error(Code::io, "permission-denied", message + "this user may not", "check the file's permissions");
    case ENOSPC:
    case EDQUOT: return Error(Code::exhausted, "disk-full", message + std::strerror(error), "make room on the disk");
    case EMFILE:
    case ENFILE: return Error(Code::exhausted, "too-many-files", message + std::strerror(error));
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case EINVAL: return Error(Code::invalid_argument, message + std::strerror(error));
    default: return Error(Code::io, message + std::strerror(error));
    }
}

/// The kernel does the walking: beneath `folder`, through no symbolic link. EAGAIN means that somebody renamed meanwhile.
int open_beneath(int folder, const std::string& path, std::uint64_t flags, std::uint64_t mode = 0) {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    for (int tries = 0;; ++tries) {
        const long fd = ::syscall(SYS_openat2, folder, path.empty() ? "." : path.c_str(), &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN || tries == 16) return static_cast<int>(fd);
    }
}

struct Split {
    std::string parent, leaf;
};
Split split(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? Split{"", path} : Split{path.substr(0, slash), path.substr(slash + 1)};
}

/// Makes the folders above a file, one by one, each opened beneath the last.
bool make_folders(int base, const std::string& parent) {
    std::string so_far;
    for (std::size_t at = 0; at < parent.size();) {
        const std::size_t end = std::min(parent.find('/', at), parent.size());
        const std::string name = parent.substr(at, end - at);
        at = end + 1;
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            errno = EXDEV;
            return false;
        }
        const Fd above(open_beneath(base, so_far, O_PATH | O_DIRECTORY));
        if (above.get() < 0) return false;
        if (::mkdirat(above.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return false;
        so_far += (so_far.empty() ? "" : "/") + name;
    }
    return true;
}

/// One entry of a listing, as the protocol has it.
void add_entry(ValueBuilder& out, std::string_view name, int folder, const char* path) {
    struct stat info{};
    const bool good = ::fstatat(folder, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
    const int error = good ? 0 : errno;
    out.map().key("name").bytes(bytes_of(name));
    const char* kind = !good                  ? "unreadable"
                       : S_ISREG(info.st_mode) ? "file"
                       : S_ISDIR(info.st_mode) ? "folder"
                       : S_ISLNK(info.st_mode) ? "symlink"
                                               : "other";
    out.add("kind", kind);
    out.add("size", static_cast<std::uint64_t>(info.st_size));
    out.add("mtime_ns", std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec);
    if (!good) out.add("error", std::strerror(error));
    out.end();
}

} // namespace

/// A root's folder, open, and the path beneath it.
struct Files::Place {
    Fd base;
    std::string path;
};

Files::Files(const manifests::Manifest& manifest, const Grants& grants, Folders own)
    : who_("plugin \"" + manifest.name() + "\""), grants_(grants), own_(std::move(own)) {
    for (const manifests::Capability& wish : manifest.capabilities) {
        if (wish.kind != manifests::CapabilityKind::file_access) continue;
        const std::size_t colon = wish.value.find(':');
        if (colon == std::string::npos || (grants.allows && !grants.allows(manifest.id(), wish.value))) continue;
        const std::string_view verb = std::string_view(wish.value).substr(0, colon);
        const auto root = std::find(root_names.begin(), root_names.end(), std::string_view(wish.value).substr(colon + 1));
        if (root == root_names.end()) continue;
        rights_[root - root_names.begin()] |= verb == "read" ? SYMPHONY_FS_READ : verb == "write" ? SYMPHONY_FS_WRITE : 0;
    }
}

bool Files::any() const noexcept {
    return std::any_of(std::begin(rights_), std::end(rights_), [](std::uint32_t right) { return right != 0; });
}

Error Files::not_granted(std::string_view right, std::string_view path) const {
    const bool typed = right.ends_with("selected");
    return Error(Code::not_granted, "not-granted", who_ + ": no right to " + std::string(right) + " for " + shown(path),
                 typed ? "name the path on the command line, and ask for \"" + std::string(right) + "\" in file_access of the manifest"
                       : "ask for \"" + std::string(right) + "\" in file_access of the manifest, and grant it");
}

/// @param flags  What is wanted of the place. Makes missing root folders when it is to be written.
Result<Files::Place> Files::resolve(std::string_view root, std::string_view path, std::uint32_t flags) const {
    if (path.find('\0') != std::string_view::npos) return Error(Code::invalid_argument, who_ + ": a path with a zero byte");
    const auto at = std::find(root_names.begin(), root_names.end(), root);
    const std::string right = ((flags & SYMPHONY_FS_WRITE) != 0 ? "write:" : "read:") + std::string(root.substr(0, 40));
    const auto index = static_cast<std::size_t>(at - root_names.begin());
    const std::uint32_t wanted = flags & (SYMPHONY_FS_READ | SYMPHONY_FS_WRITE);
    if (at == root_names.end() || (rights_[index] & wanted) != wanted) return not_granted(right, path);
    const bool writes = (flags & SYMPHONY_FS_WRITE) != 0;

    if (index != selected) {
        const std::array<const fs::path*, 6> folders{&grants_.workspace, nullptr, &own_.config, &own_.cache, &own_.state, &own_.temp};
        const fs::path& folder = *folders[index];
        if (folder.empty()) return not_granted(right, path);
        std::error_code ignored;
        if (index != workspace) fs::create_directories(folder, ignored);
        Fd base(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (base.get() < 0) return from_errno("cannot open the root", folder.string());
        return Place{std::move(base), std::string(path)};
    }
    // What the person typed is the grant, links in it included; beneath a typed folder the rules are the usual ones.
    for (const SelectedPath& typed : grants_.selected) {
        const bool granted = ((flags & SYMPHONY_FS_READ) == 0 || typed.read) && (!writes || typed.write);
        std::string_view rest = path;
        if (!granted || !path.starts_with(typed.typed)) continue;
        rest.remove_prefix(typed.typed.size());
        if (rest.empty() || rest == "/") {
            std::error_code failed;
            const fs::path real = fs::weakly_canonical(typed.path, failed);
            if (!failed && fs::is_directory(real, failed)) return Place{Fd(::open(real.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), ""};
            const fs::path& file = real.empty() ? typed.path : real;
            if (writes) fs::create_directories(file.parent_path(), failed);
            Fd base(::open(file.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
            if (base.get() < 0) return from_errno("cannot open", typed.typed);
            return Place{std::move(base), file.filename().string()};
        }
        if (rest.front() != '/' && !typed.typed.ends_with('/')) continue; // "out" does not grant "output"
        while (rest.starts_with('/')) rest.remove_prefix(1);
        std::error_code ignored;
        if (writes && (flags & SYMPHONY_FS_CREATE) != 0) fs::create_directories(typed.path, ignored);
        Fd base(::open(typed.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (base.get() < 0) return from_errno("cannot open", typed.typed);
        return Place{std::move(base), std::string(rest)};
    }
    return not_granted(right, path);
}

Result<int> Files::open(std::string_view root, std::string_view path, std::uint32_t flags) const {
    const bool reads = (flags & SYMPHONY_FS_READ) != 0;
    const bool writes = (flags & SYMPHONY_FS_WRITE) != 0;
    const bool known = (flags & ~(SYMPHONY_FS_READ | SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE | SYMPHONY_FS_TRUNCATE)) == 0;
    if (!known || (!reads && !writes) || (!writes && (flags & (SYMPHONY_FS_CREATE | SYMPHONY_FS_TRUNCATE)) != 0)) {
        return Error(Code::invalid_argument, who_ + ": unknown or contradictory flags to open " + shown(path));
    }
    const Place place = SYMPHONY_TRY(resolve(root, path, flags));
    // O_NONBLOCK: a named pipe must not hang us before we see that it is one.
    std::uint64_t mode = O_NONBLOCK | O_NOCTTY;
    mode |= static_cast<std::uint64_t>(reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY);
    if ((flags & SYMPHONY_FS_CREATE) != 0) mode |= O_CREAT;
    Fd file(open_beneath(place.base.get(), place.path, mode, (flags & SYMPHONY_FS_CREATE) != 0 ? 0666 : 0));
    if (file.get() < 0 && errno == ENOENT && (flags & SYMPHONY_FS_CREATE) != 0) {
        if (!make_folders(place.base.get(), split(place.path).parent)) return from_errno("cannot make the folders above", path);
        file = Fd(open_beneath(place.base.get(), place.path, mode, 0666));
    }
    if (file.get() < 0) return from_errno("cannot open", path);
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) return from_errno("cannot look at", path);
    if (!S_ISREG(info.st_mode)) return Error(Code::invalid_argument, "not-a-file", "cannot open " + shown(path) + ": it is not a regular file");
    if (writes && info.st_nlink > 1) {
        return Error(Code::not_granted, "hard-link", "cannot write " + shown(path) + ": the file has other names, which may lie outside the root",
                     "copy the file, so that it has one name");
    }
    if ((flags & SYMPHONY_FS_TRUNCATE) != 0 && ::ftruncate(file.get(), 0) != 0) return from_errno("cannot truncate", path);
    ::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) & ~O_NONBLOCK);
    return file.release();
}

Result<Value> Files::list(std::string_view root, std::string_view path) const {
    ValueBuilder out;
    if (root == root_names[selected] && path.empty() && (rights_[selected] & SYMPHONY_FS_READ) != 0) {
        out.list();
        for (const SelectedPath& typed : grants_.selected) {
            if (typed.read) add_entry(out, typed.typed, AT_FDCWD, typed.path.c_str());
        }
        out.end();
        return out.build();
    }
    const Place place = SYMPHONY_TRY(resolve(root, path, SYMPHONY_FS_READ));
    const int fd = open_beneath(place.base.get(), place.path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return from_errno("cannot list", path);
    DIR* folder = ::fdopendir(fd);
    if (folder == nullptr) {
        ::close(fd);
        return from_errno("cannot list", path);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(folder)) { // NOLINT(concurrency-mt-unsafe): the stream is ours
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
        errno = 0;
    }
    const int error = errno;
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return static_cast<unsigned char>(x) < static_cast<unsigned char>(y); });
    });
    out.list(names.size());
    for (const std::string& name : names) add_entry(out, name, ::dirfd(folder), name.c_str());
    out.end();
    ::closedir(folder);
    errno = error;
    if (error != 0) return from_errno("cannot list", path);
    return out.build();
}

Status Files::rename(std::string_view root, std::string_view from, std::string_view to) const {
    const Place source = SYMPHONY_TRY(resolve(root, from, SYMPHONY_FS_WRITE));
    const Place target = SYMPHONY_TRY(resolve(root, to, SYMPHONY_FS_WRITE));
    const Split a = split(source.path);
    const Split b = split(target.path);
    const Fd from_folder(open_beneath(source.base.get(), a.parent, O_PATH | O_DIRECTORY));
    if (from_folder.get() < 0) return from_errno("cannot rename", from);
    const Fd to_folder(open_beneath(target.base.get(), b.parent, O_PATH | O_DIRECTORY));
    if (to_folder.get() < 0) return from_errno("cannot rename to", to);
    struct stat info{};
    if (::fstatat(from_folder.get(), a.leaf.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return from_errno("cannot rename", from);
    if (!S_ISREG(info.st_mode)) return Error(Code::invalid_argument, "not-a-file", "cannot rename " + shown(from) + ": it is not a regular file");
    if (::renameat(from_folder.get(), a.leaf.c_str(), to_folder.get(), b.leaf.c_str()) != 0) return from_errno("cannot rename to", to);
    return {};
}

Status Files::remove(std::string_view root, std::string_view path) const {
    const Place place = SYMPHONY_TRY(resolve(root, path, SYMPHONY_FS_WRITE));
    const Split at = split(place.path);
    const Fd folder(open_beneath(place.base.get(), at.parent, O_PATH | O_DIRECTORY));
    if (folder.get() < 0) return from_errno("cannot remove", path);
    struct stat info{};
    if (::fstatat(folder.get(), at.leaf.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return from_errno("cannot remove", path);
    const bool is_folder = S_ISDIR(info.st_mode);
    if (!is_folder && !S_ISREG(info.st_mode)) return Error(Code::invalid_argument, "not-a-file", "cannot remove " + shown(path) + ": it is not a regular file");
    if (::unlinkat(folder.get(), at.leaf.c_str(), is_folder ? AT_REMOVEDIR : 0) != 0) return from_errno("cannot remove", path);
    return {};
}

} // namespace symphony::host
