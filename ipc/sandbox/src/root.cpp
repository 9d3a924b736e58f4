// SPDX-License-Identifier: Apache-2.0
#include "root.hpp"

#include "fd.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace symphony::sandbox {
namespace {

/// Small enough to matter to nobody, present on every system; what it held before is out of sight afterwards.
constexpr std::array bases{"/tmp", "/run", "/var/tmp", "/mnt"};
constexpr std::size_t file_bytes_max = 4u << 20;
constexpr std::size_t path_bytes_max = 1000, path_folders_max = 40; // of the distribution: the root has 128 inodes
constexpr const char* seal = "SHA256SUMS";                            // that every composed distribution has

std::string read_small_file(const char* path) {
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info{};
    if (!file.open() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0 ||
        static_cast<std::size_t>(info.st_size) > file_bytes_max) {
        return {};
    }
    std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
    const ssize_t n = ::read(file.get(), bytes.data(), bytes.size());
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
}

/// The copy of a mount, with `attributes`, at `to`.
bool put(const Fd& tree, const char* to, std::uint64_t attributes) noexcept {
    mount_attr attr{};
    attr.attr_set = attributes;
    if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) != 0) return false;
    return ::move_mount(tree.get(), "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

/// A copy of the mount at `from` with its sub-mounts.
bool bind(const char* from, const char* to, std::uint64_t attributes) noexcept {
    const Fd tree(::open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    return tree.open() && put(tree, to, attributes);
}

bool make_read_only(const char* path, std::uint64_t also) noexcept {
    mount_attr attr{};
    attr.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | also;
    return ::mount_setattr(AT_FDCWD, path, 0, &attr, sizeof attr) == 0;
}

bool write_file(const char* path, const char* bytes, std::size_t size, mode_t mode) noexcept {
    const Fd file(::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.open()) return false;
    for (std::size_t done = 0; done < size;) {
        const ssize_t n = ::write(file.get(), bytes + done, size - done);
        if (n <= 0) return false;
        done += static_cast<std::size_t>(n);
    }
    return true;
}

Outcome add_devices() noexcept {
    if (::mkdir("dev", 0755) != 0) return fail(Stage::devices);
    for (const char* const name : {"dev/null", "dev/zero", "dev/urandom"}) {
        char from[32];
        std::snprintf(from, sizeof from, "/%s", name);
        if (!write_file(name, "", 0, 0666) || !bind(from, name, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)) return fail(Stage::devices);
    }
    return {};
}

Outcome add_system(const RootContents& contents) noexcept {
    if (::mkdir("etc", 0755) != 0) return fail(Stage::system_folders);
    for (const auto& folder : contents.folders) {
        char from[128];
        std::snprintf(from, sizeof from, "/%s", folder.c_str());
        if (::mkdir(folder.c_str(), 0755) != 0 || !bind(from, folder.c_str(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)) {
            return fail(Stage::system_folders);
        }
    }
    for (const auto& link : contents.links) {
        if (::symlink(link.target.c_str(), link.name.c_str()) != 0) return fail(Stage::system_folders);
    }
    for (const auto& file : contents.files) {
        if (!write_file(file.name.c_str(), file.bytes.data(), file.bytes.size(), 0444)) return fail(Stage::system_files);
    }
    return {};
}

/// `path`, absolute, beneath the current folder, with all folders above it.
bool make_folders(const std::string& path) noexcept {
    char name[path_bytes_max + 8];
    for (std::size_t at = 1; at != std::string::npos && at < path.size();) {
        at = path.find('/', at + 1);
        const std::size_t size = (at == std::string::npos ? path.size() : at) - 1;
        if (size >= sizeof name) return false;
        std::memcpy(name, path.data() + 1, size);
        name[size] = '\0';
        if (::mkdir(name, 0755) != 0 && errno != EEXIST) return false;
    }
    return true;
}

/// Without mounts beneath it: they are not the distribution's. Where this user may not go, its plugins may not either, and there is none.
Fd own_libraries(const RootContents& contents) noexcept {
    if (contents.libraries.empty()) return Fd();
    return Fd(::open_tree(AT_FDCWD, contents.libraries.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW));
}

Outcome add_own_libraries(const RootContents& contents, const Fd& tree) noexcept {
    if (!tree.open()) return {};
    const bool made = make_folders(contents.programs) && make_folders(contents.libraries);
    if (!made || !put(tree, contents.libraries.c_str() + 1, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)) return fail(Stage::own_libraries);
    return {};
}

} // namespace

void RootContents::add_distribution(const std::string& prefix, std::uint32_t owner) {
    namespace fs = std::filesystem;
    struct stat info{};
    // A prefix that nobody composed, such as ~/.local, may have anything in its lib.
    if (::lstat((prefix + "/" + seal).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
    const std::string folder = prefix + "/lib";
    if (::lstat(folder.c_str(), &info) != 0) return;
    const fs::path path(folder);
    if (const std::string first = (++path.begin())->string(); first == "usr" || first.starts_with("lib")) return; // it is there with the system's
    const std::string what = "isolated plugins do not see " + folder + ": ";
    if (!S_ISDIR(info.st_mode) || (info.st_uid != 0 && info.st_uid != owner) || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        libraries_hidden = what + "others than root and its owner may change what is in it";
    } else if (folder.size() > path_bytes_max || static_cast<std::size_t>(std::distance(path.begin(), path.end())) > path_folders_max) {
        libraries_hidden = what + "its path is too long";
    } else {
        libraries = folder;
        programs = prefix + "/bin";
    }
}

RootContents RootContents::read() {
    namespace fs = std::filesystem;
    RootContents contents;
    for (const char* const name : {"usr", "lib", "lib32", "lib64", "libx32"}) {
        std::error_code failed;
        const fs::path path = fs::path("/") / name;
        if (fs::is_symlink(path, failed)) {
            contents.links.push_back({name, fs::read_symlink(path, failed).string()});
        } else if (fs::is_directory(path, failed)) {
            contents.folders.emplace_back(name);
        }
    }
    std::error_code failed;
    // Debian's BLAS and others are found through links in here.
    if (fs::is_directory("/etc/alternatives", failed)) contents.folders.emplace_back("etc/alternatives");
    for (const char* const name : {"etc/ld.so.cache", "etc/localtime"}) {
        if (std::string bytes = read_small_file((std::string("/") + name).c_str()); !bytes.empty()) contents.files.push_back({name, std::move(bytes)});
    }
    const fs::path program = fs::read_symlink("/proc/self/exe", failed);
    struct stat info{};
    if (program.has_parent_path() && ::stat("/proc/self/exe", &info) == 0) contents.add_distribution(program.parent_path().parent_path().string(), info.st_uid);
    return contents;
}

Outcome add_library(int image, const char* name) noexcept {
    // On a file system of its own: the root is noexec.
    struct stat info{};
    if (::fstat(image, &info) != 0) return fail(Stage::library_copy);
    char options[64];
    std::snprintf(options, sizeof options, "size=%lld,nr_inodes=4,mode=0755", static_cast<long long>(info.st_size) + (64 << 10));
    if (::mount("tmpfs", "/plugin", "tmpfs", MS_NOSUID | MS_NODEV, options) != 0) return fail(Stage::library_copy);
    char path[300];
    std::snprintf(path, sizeof path, "/plugin/%s", name);
    {
        const Fd file(::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444));
        if (!file.open()) return fail(Stage::library_copy);
        off_t at = 0;
        while (at < info.st_size) {
            const ssize_t n = ::sendfile(file.get(), image, &at, static_cast<std::size_t>(info.st_size - at));
            if (n <= 0) return fail(Stage::library_copy);
        }
    }
    return make_read_only("/plugin", 0) ? Outcome{} : fail(Stage::library_copy);
}

Outcome enter_private_root(const RootContents& contents) noexcept {
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail(Stage::private_mounts);
    const char* base = nullptr;
    for (const char* const candidate : bases) {
        struct stat info{};
        if (::stat(candidate, &info) != 0 || !S_ISDIR(info.st_mode)) continue;
        base = candidate;
        break;
    }
    if (base == nullptr) return fail(Stage::root_folder, ENOENT);
    const Fd libraries = own_libraries(contents); // before the new root covers the base, which they may be in
    if (::mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "size=8m,nr_inodes=128,mode=0755") != 0 || ::chdir(base) != 0) {
        return fail(Stage::root_folder);
    }
    if (const Outcome made = add_system(contents); made.failed()) return made;
    if (const Outcome made = add_devices(); made.failed()) return made;
    if (const Outcome made = add_own_libraries(contents, libraries); made.failed()) return made;
    if (::mkdir("plugin", 0755) != 0) return fail(Stage::root_folder);
    // Both roots at the same place: the old one is below and goes away with its mounts.
    if (::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) return fail(Stage::enter_root);
    if (!make_read_only("/", MOUNT_ATTR_NOEXEC)) return fail(Stage::root_read_only);
    return {};
}

} // namespace symphony::sandbox
