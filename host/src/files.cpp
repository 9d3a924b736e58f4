// SPDX-License-Identifier: Apache-2.0
#include "files.hpp"

#include <symphony/manifests/manifest.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
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

Error escape(std::string_view what, std::string_view path) {
    return Error(Code::not_granted, "path-escape", std::string(what) + " " + shown(path) + ": it leads out of its root or through a symbolic link",
                 "give the real path; symbolic links are never followed");
}

Error not_a_file(std::string_view what, std::string_view path) {
    return Error(Code::invalid_argument, "not-a-file", std::string(what) + " " + shown(path) + ": it is not a regular file", "only regular files are handed out; folders can be listed");
}

Error from_errno(std::string_view what, std::string_view path) {
    const int error = errno;
    const std::string message = std::string(what) + " " + shown(path) + ": ";
    switch (error) {
    case ENOENT: return Error(Code::not_found, message + "it is not there");
    case EEXIST: return Error(Code::conflict, "exists", message + "it is there already");
    case EXDEV:
    case ELOOP: return escape(what, path);
    case EACCES:
    case EPERM: return Error(Code::io, "permission-denied", message + "this user may not", "check the file's permissions");
    case EROFS: return Error(Code::io, "read-only", message + std::strerror(error), "mount it for writing, or only read");
    case ENOSPC:
    case EDQUOT: return Error(Code::exhausted, "disk-full", message + std::strerror(error), "make room on the disk");
    case EMFILE:
    case ENFILE: return Error(Code::exhausted, "too-many-files", message + std::strerror(error), "close some files, or raise ulimit -n");
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

/// The names on the way, which is the path as resolved: with no symbolic links on it, "a/../b" is "b".
/// @return False when it leads above its root.
bool split(std::string_view path, std::vector<std::string>& parts) {
    if (path.starts_with('/')) return false;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view name = path.substr(at, end - at);
        at = end + 1;
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            if (parts.empty()) return false;
            parts.pop_back();
        } else {
            parts.emplace_back(name);
        }
    }
    return true;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : "/") + part;
    return out;
}

/// As Files::write_atomic of the SDK calls a file that is to take the place of `leaf`: ".leaf.TOKEN.new".
bool is_beside(std::string_view name, std::string_view leaf) {
    constexpr std::string_view end = ".new";
    const std::string begin = "." + std::string(leaf) + ".";
    if (leaf.empty() || !name.starts_with(begin) || !name.ends_with(end) || name.size() <= begin.size() + end.size()) return false;
    const std::string_view token = name.substr(begin.size(), name.size() - begin.size() - end.size());
    return token.size() <= 64 && std::all_of(token.begin(), token.end(), [](char c) { return (c >= '0' && c <= '9') || c == '-'; });
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

/// A root's folder, open, and the way beneath it.
struct Files::Place {
    Root root = workspace;
    Fd base;
    std::vector<std::string> parts;
    std::string beside_of;  ///< the typed single file that this new file may replace
};

/// The folder that a place lies in, open, after everything on the way was checked; and its name there.
struct Files::Folder {
    Fd fd;
    std::string leaf;  ///< empty: the folder itself
};

struct Files::Inode {
    dev_t device = 0;
    ino_t number = 0;
    static Inode of(const struct stat& info) { return {info.st_dev, info.st_ino}; }
    friend bool operator==(const Inode&, const Inode&) = default;
};

/// New files that wait to take the place of a typed one.
struct Files::Beside {
    static constexpr std::size_t files_max = 16;
    struct File {
        Fd folder;
        std::string name, target;
        Inode inode;
    };
    std::mutex mutex;
    std::deque<File> files;
};

namespace {

/// A folder or file of the host; or, of one that is not there yet, the folder above it and the name that it will have.
struct Kept {
    dev_t device;
    ino_t number;
    std::string missing;
};

std::vector<Kept> look_at(const std::vector<fs::path>& paths) {
    std::vector<Kept> out;
    for (const fs::path& path : paths) {
        std::string missing;
        for (fs::path at = path; !at.empty(); missing = at.filename().string(), at = at.parent_path()) {
            struct stat info{};
            if (::stat(at.c_str(), &info) == 0) {
                out.push_back({info.st_dev, info.st_ino, missing});
                break;
            }
            if (!at.has_relative_path()) break;
        }
    }
    return out;
}

bool is_kept(const std::vector<Kept>& kept, const struct stat& info, std::string_view name = {}) {
    return std::any_of(kept.begin(), kept.end(), [&](const Kept& one) { return one.device == info.st_dev && one.number == info.st_ino && one.missing == name; });
}

/// Whether `name` in `folder` is where something of the host is going to be.
bool is_awaited(const std::vector<Kept>& kept, int folder, std::string_view name) {
    if (std::none_of(kept.begin(), kept.end(), [&](const Kept& one) { return !one.missing.empty() && one.missing == name; })) return false;
    struct stat info{};
    return ::fstat(folder, &info) != 0 || is_kept(kept, info, name);
}

/// Whether `folder` lies in a kept folder, or is one: its own ".." entries are climbed, names say nothing.
bool is_inside(const std::vector<Kept>& kept, int folder) {
    struct stat info{};
    Fd at(::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (at.get() < 0 || ::fstat(at.get(), &info) != 0) return true; // what cannot be told is not handed out
    for (int depth = 0; depth < 512; ++depth) {
        if (is_kept(kept, info)) return true;
        const struct stat below = info;
        at = Fd(::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (at.get() < 0 || ::fstat(at.get(), &info) != 0) return true;
        if (info.st_dev == below.st_dev && info.st_ino == below.st_ino) return false;
    }
    return true;
}

/// Whether a file with several names has one of them somewhere in a kept folder, outside of the folders that plugins have there.
bool has_name_inside(const std::vector<fs::path>& paths, const std::array<fs::path, 3>& of_plugins, const struct stat& wanted) {
    std::size_t left = 100'000; // entries; a state folder larger than that is not searched to its end, and the answer is yes
    for (const fs::path& path : paths) {
        std::error_code error;
        for (fs::recursive_directory_iterator at(path, fs::directory_options::skip_permission_denied, error), end; !error && at != end; at.increment(error)) {
            struct stat info{};
            if (left-- == 0) return true;
            if (std::find(of_plugins.begin(), of_plugins.end(), at->path()) != of_plugins.end()) at.disable_recursion_pending();
            if (::lstat(at->path().c_str(), &info) == 0 && info.st_dev == wanted.st_dev && info.st_ino == wanted.st_ino) return true;
        }
    }
    return false;
}

Error host_state(std::string_view what, std::string_view path) {
    return Error(Code::not_granted, "host-state", std::string(what) + " " + shown(path) + ": it is the host's own state", "choose another folder");
}

} // namespace

Files::Files(const manifests::Manifest& manifest, const Grants& grants, Folders own, Rules rules)
    : who_("plugin \"" + manifest.name() + "\""), name_(manifest.name()), id_(manifest.id()), grants_(grants), own_(std::move(own)), rules_(std::move(rules)),
      beside_(std::make_unique<Beside>()) {
    for (const manifests::Capability& wish : manifest.capabilities) {
        if (wish.kind != manifests::CapabilityKind::file_access) continue;
        const auto right = manifests::Right::parse(wish.kind, wish.value);
        if (right && std::find(root_names.begin(), root_names.end(), right->root()) != root_names.end()) requested_.push_back(*right);
    }
}

Files::~Files() {
    for (const Beside::File& file : beside_->files) {
        struct stat info{};
        const bool same = ::fstatat(file.folder.get(), file.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && Inode::of(info) == file.inode;
        if (same) ::unlinkat(file.folder.get(), file.name.c_str(), 0);
    }
}

bool Files::allows(const manifests::Right& right) const {
    if (rules_.allows) return rules_.allows(right);
    const std::string whole = (right.access() == manifests::FileAccess::read ? "read:" : "write:") + std::string(right.root());
    return !grants_.allows || grants_.allows(id_, right.text()) || grants_.allows(id_, whole);
}

bool Files::any() const {
    if (rules_.allows || !grants_.allows) return !requested_.empty();
    return std::any_of(requested_.begin(), requested_.end(), [&](const manifests::Right& right) { return allows(right); });
}

Error Files::not_granted(std::string_view right, std::string_view path) const {
    const bool typed = right.ends_with("selected");
    return Error(Code::not_granted, "not-granted", who_ + ": no right to " + std::string(right) + " for " + shown(path),
                 typed ? "name the path on the command line, and ask for \"" + std::string(right) + "\" in file_access of the manifest"
                       : "ask for \"" + std::string(right) + "\" in file_access of the manifest; then symphony permission grant " + name_ + " " + std::string(right));
}

/// Requested by the manifest, and granted now.
/// @param object  The path beneath the root as resolved.
Status Files::check(Root root, std::uint32_t flags, const std::string& object, std::string_view path) const {
    using manifests::FileAccess;
    using manifests::Right;
    for (const FileAccess access : {FileAccess::read, FileAccess::write}) {
        if ((flags & (access == FileAccess::read ? SYMPHONY_FS_READ : SYMPHONY_FS_WRITE)) == 0) continue;
        const std::string whole = (access == FileAccess::read ? "read:" : "write:") + std::string(root_names[root]);
        auto right = Right::file(access, root_names[root], object);
        // Names that no right can be written for, such as those with a line break, need the right to the whole root.
        if (!right) right = Right::parse(whole);
        if (right && rules_.require) {
            SYMPHONY_TRY(rules_.require(*right));
            continue;
        }
        if (!right || std::none_of(requested_.begin(), requested_.end(), [&](const Right& one) { return one.covers(*right); })) return not_granted(whole, path);
        if (!allows(*right)) return not_granted(whole, path);
    }
    return {};
}

/// @param flags  What is wanted of the place. Makes missing root folders when it is to be written.
Result<Files::Place> Files::resolve(std::string_view root, std::string_view path, std::uint32_t flags, bool named) const {
    if (path.find('\0') != std::string_view::npos) return Error(Code::invalid_argument, who_ + ": a path with a zero byte");
    const auto at = std::find(root_names.begin(), root_names.end(), root);
    const std::string right = ((flags & SYMPHONY_FS_WRITE) != 0 ? "write:" : "read:") + std::string(root.substr(0, 40));
    const auto has_root = [&](const manifests::Right& one) { return one.root() == root && ((flags & SYMPHONY_FS_WRITE) == 0 || one.access() == manifests::FileAccess::write); };
    if (at == root_names.end()) return not_granted(right, path);
    const auto index = static_cast<Root>(at - root_names.begin());
    if (std::none_of(requested_.begin(), requested_.end(), has_root)) {
        if (rules_.require) SYMPHONY_TRY(check(index, flags, index == selected ? std::string() : std::string(path.substr(0, 4096)), path)); // says no, and keeps it on record
        return not_granted(right, path);
    }
    if (index == selected) return resolve_selected(path, flags);

    Place place;
    place.root = index;
    if (!split(path, place.parts)) return escape("cannot open", path);
    const std::array<const fs::path*, 6> folders{&grants_.workspace, nullptr, &own_.config, &own_.cache, &own_.state, &own_.temp};
    const fs::path& folder = *folders[index];
    if (folder.empty()) return not_granted(right, path);
    if (!named) SYMPHONY_TRY(check(index, flags, joined(place.parts), path));
    std::error_code ignored;
    if (index != workspace) fs::create_directories(folder, ignored);
    place.base = Fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (place.base.get() < 0) return from_errno("cannot open the root", folder.string());
    return place;
}

/// What the person typed is the grant, links in it included; beneath a typed folder the rules are the usual ones.
Result<Files::Place> Files::resolve_selected(std::string_view path, std::uint32_t flags) const {
    const bool writes = (flags & SYMPHONY_FS_WRITE) != 0;
    for (const SelectedPath& typed : grants_.selected) {
        const bool granted = ((flags & SYMPHONY_FS_READ) == 0 || typed.read) && (!writes || typed.write);
        if (!granted) continue;
        Place place;
        place.root = selected;
        const std::string name = typed.path.filename().string();
        std::string_view rest = path;
        const bool begins = path.starts_with(typed.typed);
        if (begins) rest.remove_prefix(typed.typed.size());
        const std::size_t typed_leaf = typed.typed.rfind('/') == std::string::npos ? 0 : typed.typed.rfind('/') + 1;
        std::error_code failed;
        const bool is_neighbour = writes && path.substr(0, typed_leaf) == std::string_view(typed.typed).substr(0, typed_leaf) &&
                                  is_beside(path.substr(std::min(path.size(), typed_leaf)), std::string_view(typed.typed).substr(typed_leaf));
        if (is_neighbour || (begins && (rest.empty() || rest == "/"))) {
            fs::path real = fs::weakly_canonical(typed.path, failed);
            if (failed) real = typed.path;
            if (fs::is_directory(real, failed)) {
                if (is_neighbour) continue;
                SYMPHONY_TRY(check(selected, flags, name, path));
                place.base = Fd(::open(real.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
            } else {
                SYMPHONY_TRY(check(selected, flags, name, path));
                const std::string leaf = real.filename().string();
                const std::string_view token = path.substr(typed_leaf);
                if (is_neighbour) place.beside_of = leaf;
                place.parts = {is_neighbour ? "." + leaf + std::string(token.substr(1 + typed.typed.size() - typed_leaf)) : leaf};
                if (writes) fs::create_directories(real.parent_path(), failed);
                place.base = Fd(::open(real.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
            }
        } else {
            if (!begins || (rest.front() != '/' && !typed.typed.ends_with('/'))) continue; // "out" does not grant "output"
            while (rest.starts_with('/')) rest.remove_prefix(1);
            if (!split(rest, place.parts)) return escape("cannot open", path);
            SYMPHONY_TRY(check(selected, flags, name + "/" + joined(place.parts), path));
            if (writes && (flags & SYMPHONY_FS_CREATE) != 0) fs::create_directories(typed.path, failed);
            place.base = Fd(::open(typed.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        }
        if (place.base.get() < 0) return from_errno("cannot open", typed.typed);
        return place;
    }
    return not_granted(writes ? "write:selected" : "read:selected", path);
}

/// Folder by folder, each opened beneath the last and looked at: what was checked is what is used.
Result<Files::Folder> Files::walk(const Place& place, std::string_view path, bool make) const {
    const std::vector<Kept> kept = look_at(rules_.kept_out);
    // Its own folders lie in the host's state, rightly; nothing beneath them does.
    const bool own = place.root != workspace && place.root != selected;
    if (!kept.empty() && !own && is_inside(kept, place.base.get())) return host_state("cannot open", path);
    Folder folder{Fd(open_beneath(place.base.get(), "", O_PATH | O_DIRECTORY)), place.parts.empty() ? "" : place.parts.back()};
    if (folder.fd.get() < 0) return from_errno("cannot open", path);
    for (std::size_t i = 0; i + 1 < place.parts.size(); ++i) {
        const std::string& name = place.parts[i];
        if (is_awaited(kept, folder.fd.get(), name)) return host_state("cannot open", path);
        Fd next(open_beneath(folder.fd.get(), name, O_PATH | O_DIRECTORY));
        if (next.get() < 0 && errno == ENOENT && make) {
            if (::mkdirat(folder.fd.get(), name.c_str(), 0777) != 0 && errno != EEXIST) return from_errno("cannot make the folders above", path);
            next = Fd(open_beneath(folder.fd.get(), name, O_PATH | O_DIRECTORY));
        }
        struct stat info{};
        if (next.get() < 0 || ::fstat(next.get(), &info) != 0) return from_errno("cannot open", path);
        if (is_kept(kept, info)) return host_state("cannot open", path);
        folder.fd = std::move(next);
    }
    if (is_awaited(kept, folder.fd.get(), folder.leaf)) return host_state("cannot open", path);
    return folder;
}

/// The opened object itself: a regular file, and none of the host's, under whatever name.
Status Files::check_file(int fd, std::string_view what, std::string_view path) const {
    struct stat info{};
    if (::fstat(fd, &info) != 0) return from_errno(what, path);
    if (!S_ISREG(info.st_mode)) return not_a_file(what, path);
    // "Files" of procfs are the memory and the secrets of processes, ours first.
    struct statfs volume{};
    if (::fstatfs(fd, &volume) != 0 || volume.f_type == PROC_SUPER_MAGIC) return host_state(what, path);
    if (rules_.kept_out.empty()) return {};
    const std::array<fs::path, 3> of_plugins{own_.config.parent_path(), own_.cache.parent_path(), own_.state.parent_path()};
    if (is_kept(look_at(rules_.kept_out), info) || (info.st_nlink > 1 && has_name_inside(rules_.kept_out, of_plugins, info))) return host_state(what, path);
    return {};
}

Result<int> Files::open(std::string_view root, std::string_view path, std::uint32_t flags) const {
    const bool reads = (flags & SYMPHONY_FS_READ) != 0;
    const bool writes = (flags & SYMPHONY_FS_WRITE) != 0;
    const bool known = (flags & ~(SYMPHONY_FS_READ | SYMPHONY_FS_WRITE | SYMPHONY_FS_CREATE | SYMPHONY_FS_TRUNCATE | SYMPHONY_FS_EXCLUSIVE)) == 0;
    const bool contradicts = (flags & SYMPHONY_FS_EXCLUSIVE) != 0 && (flags & SYMPHONY_FS_CREATE) == 0;
    if (!known || contradicts || (!reads && !writes) || (!writes && (flags & (SYMPHONY_FS_CREATE | SYMPHONY_FS_TRUNCATE)) != 0)) {
        return Error(Code::invalid_argument, who_ + ": unknown or contradictory flags to open " + shown(path));
    }
    const Place place = SYMPHONY_TRY(resolve(root, path, flags));
    if (!place.beside_of.empty()) return open_beside(place, path, flags);
    const bool creates = (flags & SYMPHONY_FS_CREATE) != 0;
    const Folder folder = SYMPHONY_TRY(walk(place, path, creates));
    if (folder.leaf.empty()) return not_a_file("cannot open", path);
    // O_NONBLOCK: a named pipe must not hang us before we see that it is one.
    std::uint64_t mode = O_NONBLOCK | O_NOCTTY;
    mode |= static_cast<std::uint64_t>(reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY);
    if (creates) mode |= O_CREAT;
    if ((flags & SYMPHONY_FS_EXCLUSIVE) != 0) mode |= O_EXCL;
    Fd file(open_beneath(folder.fd.get(), folder.leaf, mode, creates ? 0666 : 0));
    if (file.get() < 0) return from_errno("cannot open", path);
    SYMPHONY_TRY(check_file(file.get(), "cannot open", path));
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) return from_errno("cannot look at", path);
    if (writes && info.st_nlink > 1) {
        return Error(Code::not_granted, "hard-link", "cannot write " + shown(path) + ": the file has other names, which may lie outside the root",
                     "copy the file, so that it has one name");
    }
    if ((flags & SYMPHONY_FS_TRUNCATE) != 0 && ::ftruncate(file.get(), 0) != 0) return from_errno("cannot truncate", path);
    ::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) & ~O_NONBLOCK);
    return file.release();
}

/// A new file beside a typed one. It never touches what is there: what may be replaced is the typed file alone.
Result<int> Files::open_beside(const Place& place, std::string_view path, std::uint32_t flags) const {
    if ((flags & SYMPHONY_FS_READ) != 0 || (flags & SYMPHONY_FS_CREATE) == 0) return not_granted("read:selected", path);
    Folder folder = SYMPHONY_TRY(walk(place, path, true));
    struct stat old{};
    const bool replaces = ::fstatat(folder.fd.get(), place.beside_of.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (replaces && !S_ISREG(old.st_mode)) return not_a_file("cannot replace", place.beside_of);
    const std::lock_guard lock(beside_->mutex);
    if (beside_->files.size() >= Beside::files_max) return Error(Code::exhausted, "too-many-files", who_ + ": too many files wait to replace what was typed", "rename or remove one first");
    Fd file(open_beneath(folder.fd.get(), folder.leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY, 0666));
    if (file.get() < 0 && errno == EEXIST) return Error(Code::conflict, "exists", "cannot make " + shown(path) + ": it is there already", "take another name");
    if (file.get() < 0 && (errno == EACCES || errno == EPERM || errno == EROFS || errno == ENAMETOOLONG)) {
        return Error(Code::not_granted, "no-room-beside", "cannot make a file beside " + shown(place.beside_of) + ": " + std::strerror(errno),
                     "the file itself can be written in place");
    }
    if (file.get() < 0) return from_errno("cannot make", path);
    struct stat info{};
    bool good = ::fstat(file.get(), &info) == 0;
    // Whose the old file is and who may read it stays; where that cannot be kept, the file is better written in place.
    if (good && replaces) good = (old.st_uid == info.st_uid && old.st_gid == info.st_gid) || ::fchown(file.get(), old.st_uid, old.st_gid) == 0;
    if (good && replaces) good = ::fchmod(file.get(), old.st_mode & 07777U) == 0;
    if (!good) {
        ::unlinkat(folder.fd.get(), folder.leaf.c_str(), 0);
        return Error(Code::not_granted, "no-room-beside", "cannot give a file beside " + shown(place.beside_of) + " its owner and mode", "the file itself can be written in place");
    }
    beside_->files.push_back({std::move(folder.fd), folder.leaf, place.beside_of, Inode::of(info)});
    return file.release();
}

struct Files::Cover {
    bool whole = false;
    bool part = false;  ///< something in it, or in a folder on the way, is asked for and granted now
    const manifests::Right* asked = nullptr;  ///< the first wish for something of it
};

Files::Cover Files::cover(manifests::FileAccess access, std::string_view root, const std::string& object) const {
    using manifests::Right;
    const auto exactly = Right::file(access, root, object);
    const std::string all = (access == manifests::FileAccess::read ? "read:" : "write:") + std::string(root);
    const auto everything = Right::parse(!exactly || object.empty() ? all : exactly->text() + "/**");
    if (!everything) return {};
    const auto asked = std::find_if(requested_.begin(), requested_.end(), [&](const Right& one) { return one.overlaps(*everything); });
    return {std::any_of(requested_.begin(), requested_.end(), [&](const Right& one) { return one.covers(*everything); }),
            std::any_of(requested_.begin(), requested_.end(), [&](const Right& one) { return one.overlaps(*everything) && allows(one); }),
            asked == requested_.end() ? nullptr : &*asked};
}

Result<Value> Files::list(std::string_view root, std::string_view path) const {
    using manifests::Right;
    ValueBuilder out;
    if (root == root_names[selected] && path.empty()) {
        const bool asked = std::any_of(requested_.begin(), requested_.end(), [](const Right& one) {
            return one.root() == root_names[selected] && one.access() == manifests::FileAccess::read;
        });
        if (!asked) return not_granted("read:selected", path);
        SYMPHONY_TRY(check(selected, SYMPHONY_FS_READ, {}, path));
        out.list();
        for (const SelectedPath& typed : grants_.selected) {
            if (typed.read) add_entry(out, typed.typed, AT_FDCWD, typed.path.c_str());
        }
        out.end();
        return out.build();
    }
    Place place = SYMPHONY_TRY(resolve(root, path, SYMPHONY_FS_READ, true));
    // The whole folder may be listed, or what patterns cover in it and the folders on the way to more.
    const std::string object = joined(place.parts);
    const Cover covered = cover(manifests::FileAccess::read, root, object);
    const bool whole = place.root == selected || covered.whole;
    if (!whole && !covered.part) {
        if (!rules_.require || covered.asked == nullptr) return not_granted("read:" + std::string(root), path);
        SYMPHONY_TRY(rules_.require(*covered.asked)); // a person may be asked
    }
    if (whole && place.root != selected) SYMPHONY_TRY(check(place.root, SYMPHONY_FS_READ, object, path));

    place.parts.emplace_back("."); // walk() checks what is above the last name, and here that is the folder itself
    const Folder folder = SYMPHONY_TRY(walk(place, path, false));
    const int fd = open_beneath(folder.fd.get(), ".", O_RDONLY | O_DIRECTORY);
    if (fd < 0) return from_errno("cannot list", path);
    DIR* stream = ::fdopendir(fd);
    if (stream == nullptr) {
        ::close(fd);
        return from_errno("cannot list", path);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) { // NOLINT(concurrency-mt-unsafe): the stream is ours
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
        errno = 0;
    }
    const int error = errno;
    const auto shows = [&](const std::string& name) {
        if (whole) return true;
        const auto right = Right::file(manifests::FileAccess::read, root, object.empty() ? name : object + "/" + name);
        if (!right) return false;
        if (std::any_of(requested_.begin(), requested_.end(), [&](const Right& one) { return one.covers(*right); })) return allows(*right);
        struct stat info{};
        if (::fstatat(::dirfd(stream), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode)) return false;
        const auto under = Right::parse(right->text() + "/**");
        return under && std::any_of(requested_.begin(), requested_.end(), [&](const Right& one) { return one.overlaps(*under); });
    };
    std::erase_if(names, [&](const std::string& name) { return !shows(name); });
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return static_cast<unsigned char>(x) < static_cast<unsigned char>(y); });
    });
    out.list(names.size());
    for (const std::string& name : names) add_entry(out, name, ::dirfd(stream), name.c_str());
    out.end();
    ::closedir(stream);
    errno = error;
    if (error != 0) return from_errno("cannot list", path);
    return out.build();
}

Status Files::rename(std::string_view root, std::string_view from, std::string_view to) const {
    const Place source = SYMPHONY_TRY(resolve(root, from, SYMPHONY_FS_WRITE));
    const Place target = SYMPHONY_TRY(resolve(root, to, SYMPHONY_FS_WRITE));
    const Folder a = SYMPHONY_TRY(walk(source, from, false));
    const Folder b = SYMPHONY_TRY(walk(target, to, true));
    if (a.leaf.empty() || !target.beside_of.empty()) return not_a_file("cannot rename", from);
    if (b.leaf.empty()) return not_a_file("cannot rename to", to);
    const Fd file(open_beneath(a.fd.get(), a.leaf, O_PATH | O_NOFOLLOW));
    if (file.get() < 0) return errno == ELOOP ? not_a_file("cannot rename", from) : from_errno("cannot rename", from);
    SYMPHONY_TRY(check_file(file.get(), "cannot rename", from));
    struct stat old{};
    if (::fstatat(b.fd.get(), b.leaf.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0) {
        if (!S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode)) return not_a_file("cannot rename to", to);
        if (is_kept(look_at(rules_.kept_out), old)) return host_state("cannot rename to", to);
    }
    const std::lock_guard lock(beside_->mutex);
    auto waiting = beside_->files.end();
    if (!source.beside_of.empty()) {
        struct stat info{};
        if (::fstat(file.get(), &info) != 0) return from_errno("cannot rename", from);
        waiting = std::find_if(beside_->files.begin(), beside_->files.end(), [&](const Beside::File& one) {
            return one.inode == Inode::of(info) && one.name == a.leaf && one.target == b.leaf;
        });
        if (waiting == beside_->files.end()) return not_granted("write:selected", from); // not made here, or for another file
    }
    if (::renameat(a.fd.get(), a.leaf.c_str(), b.fd.get(), b.leaf.c_str()) != 0) return from_errno("cannot rename to", to);
    if (waiting != beside_->files.end()) beside_->files.erase(waiting);
    return {};
}

Status Files::remove(std::string_view root, std::string_view path) const {
    const Place place = SYMPHONY_TRY(resolve(root, path, SYMPHONY_FS_WRITE));
    const Folder folder = SYMPHONY_TRY(walk(place, path, false));
    if (folder.leaf.empty()) return not_a_file("cannot remove", path);
    struct stat info{};
    if (::fstatat(folder.fd.get(), folder.leaf.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return from_errno("cannot remove", path);
    const bool is_folder = S_ISDIR(info.st_mode);
    if (!is_folder && !S_ISREG(info.st_mode)) return not_a_file("cannot remove", path);
    if (is_kept(look_at(rules_.kept_out), info)) return host_state("cannot remove", path);
    const std::lock_guard lock(beside_->mutex);
    const auto waiting = std::find_if(beside_->files.begin(), beside_->files.end(), [&](const Beside::File& one) { return one.inode == Inode::of(info) && one.name == folder.leaf; });
    if (!place.beside_of.empty() && waiting == beside_->files.end()) return not_granted("write:selected", path);
    if (::unlinkat(folder.fd.get(), folder.leaf.c_str(), is_folder ? AT_REMOVEDIR : 0) != 0) return from_errno("cannot remove", path);
    if (waiting != beside_->files.end()) beside_->files.erase(waiting);
    return {};
}

Status Files::sync_folder(std::string_view root, std::string_view path) const {
    Place place = SYMPHONY_TRY(resolve(root, path, SYMPHONY_FS_WRITE, true));
    const std::string object = joined(place.parts);
    if (place.root != selected) {
        const Cover covered = cover(manifests::FileAccess::write, root, object);
        if (!covered.whole && !covered.part) return not_granted("write:" + std::string(root), path);
        if (covered.whole) SYMPHONY_TRY(check(place.root, SYMPHONY_FS_WRITE, object, path));
    }
    place.parts.emplace_back("."); // walk() checks what is above the last name, and here that is the folder itself
    const Folder folder = SYMPHONY_TRY(walk(place, path, false));
    Fd fd(open_beneath(folder.fd.get(), ".", O_RDONLY | O_DIRECTORY));
    if (fd.get() < 0 || ::fsync(fd.get()) != 0) return from_errno("cannot write to the disk: the names in", path);
    // A plugin's own root, and a typed folder that was not there, were made by us, with the folders above: nobody else would sync
    // their names.
    const int above_max = place.root == workspace || !object.empty() ? 0 : place.root == selected ? 16 : 3;
    for (int above = 0; above < above_max; ++above) {
        fd = Fd(::openat(fd.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (fd.get() < 0 || ::fsync(fd.get()) != 0) break; // above a folder of ours it may not be ours to read
    }
    return {};
}

} // namespace symphony::host
