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

/// A copy of the mount at `from` with its sub-mounts, with `attributes`, at `to`.
bool bind(const char* from, const char* to, std::uint64_t attributes) noexcept {
    const Fd tree(::open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!tree.open()) return false;
    mount_attr attr{};
    attr.attr_set = attributes;
    if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) != 0) return false;
    return ::move_mount(tree.get(), "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) == 0;
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

} // namespace

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
    if (::mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "size=8m,nr_inodes=128,mode=0755") != 0 || ::chdir(base) != 0) {
        return fail(Stage::root_folder);
    }
    if (const Outcome made = add_system(contents); made.failed()) return made;
    if (const Outcome made = add_devices(); made.failed()) return made;
    if (::mkdir("plugin", 0755) != 0) return fail(Stage::root_folder);
    // Both roots at the same place: the old one is below and goes away with its mounts.
    if (::syscall(SYS_pivot_root, ".", ".") != 0 || ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) return fail(Stage::enter_root);
    if (!make_read_only("/", MOUNT_ATTR_NOEXEC)) return fail(Stage::root_read_only);
    return {};
}

} // namespace symphony::sandbox
