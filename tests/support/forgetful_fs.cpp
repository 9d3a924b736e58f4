// SPDX-License-Identifier: Apache-2.0
// symphony-forgetful-fs MOUNTPOINT: a file system in memory that forgets on command what was not synced. Commands go to the file
// .forgetful in its root, one a write; see ForgetfulControl. Prints "ready" when it is mounted; SIGTERM unmounts it.
#define FUSE_USE_VERSION 35
#include "forgetful_tree.hpp"

#include <fuse3/fuse.h>

#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

using namespace symphony::test_support;

namespace {

constexpr std::string_view control_path = "/.forgetful";

struct FileSystem {
    ForgetfulTree tree;
    ForgetfulControl control{tree};
};
FileSystem& self() { return *static_cast<FileSystem*>(fuse_get_context()->private_data); }

/// What an open file is: its node, also after its name is gone, and the name it was opened by.
struct Handle {
    NodePtr node; ///< null for the control file
    std::string path;
};
Handle& handle_of(const fuse_file_info* info) { return *reinterpret_cast<Handle*>(info->fh); }
void set_handle(fuse_file_info* info, Handle handle) { info->fh = reinterpret_cast<std::uint64_t>(new Handle(std::move(handle))); }

void fill(const ForgetfulNode& node, struct stat* out) {
    *out = {};
    out->st_mode = (node.folder ? S_IFDIR : S_IFREG) | node.mode;
    out->st_nlink = node.folder ? 2 : 1;
    out->st_uid = ::getuid();
    out->st_gid = ::getgid();
    out->st_size = static_cast<off_t>(node.content.size());
    out->st_blocks = (out->st_size + 511) / 512;
    out->st_mtim = out->st_ctim = out->st_atim = node.changed;
}

void* fs_init(fuse_conn_info*, fuse_config* config) {
    // The kernel asks every time: what was forgotten must not live on in its caches.
    config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
    config->hard_remove = 1;
    config->nullpath_ok = 1;
    static_cast<void>(::write(STDOUT_FILENO, "ready\n", 6) == 6);
    return fuse_get_context()->private_data;
}

int fs_getattr(const char* path, struct stat* out, fuse_file_info* info) {
    if (path != nullptr && path == control_path) {
        *out = {};
        out->st_mode = S_IFREG | 0600;
        out->st_nlink = 1;
        return 0;
    }
    const NodePtr node = info != nullptr && handle_of(info).node ? handle_of(info).node : path != nullptr ? self().tree.find(path) : nullptr;
    if (!node) return -ENOENT;
    fill(*node, out);
    return 0;
}

int fs_open(const char* path, fuse_file_info* info) {
    if (path == control_path) {
        info->direct_io = 1;
        set_handle(info, {nullptr, path});
        return 0;
    }
    const NodePtr node = self().tree.find(path);
    if (!node) return -ENOENT;
    if (const int failed = self().control.check("open", path)) return failed;
    if ((info->flags & O_TRUNC) != 0) self().tree.truncate(*node, 0);
    set_handle(info, {node, path});
    return 0;
}

int fs_create(const char* path, mode_t mode, fuse_file_info* info) {
    NodePtr made;
    if (const int failed = self().control.check("create", path)) return failed;
    if (const int failed = self().tree.make(path, false, mode, made)) return failed;
    set_handle(info, {made, path});
    return 0;
}

int fs_release(const char*, fuse_file_info* info) {
    delete &handle_of(info);
    return 0;
}

int fs_read(const char*, char* to, size_t size, off_t offset, fuse_file_info* info) {
    const Handle& file = handle_of(info);
    if (!file.node) {
        const std::string status = self().control.status();
        if (static_cast<std::size_t>(offset) >= status.size()) return 0;
        return static_cast<int>(status.copy(to, size, static_cast<std::size_t>(offset)));
    }
    if (const int failed = self().control.check("read", file.path)) return failed;
    const auto& content = file.node->content;
    if (static_cast<std::size_t>(offset) >= content.size()) return 0;
    const std::size_t count = std::min(size, content.size() - static_cast<std::size_t>(offset));
    std::memcpy(to, content.data() + offset, count);
    return static_cast<int>(count);
}

int fs_write(const char*, const char* from, size_t size, off_t offset, fuse_file_info* info) {
    const Handle& file = handle_of(info);
    if (!file.node) {
        const int failed = self().control.command({from, size});
        return failed != 0 ? failed : static_cast<int>(size);
    }
    if (const int failed = self().control.check("write", file.path)) return failed;
    return self().tree.write(*file.node, static_cast<std::uint64_t>(offset), {from, size});
}

int fs_truncate(const char* path, off_t size, fuse_file_info* info) {
    if (path != nullptr && path == control_path) return 0;
    const NodePtr node = info != nullptr ? handle_of(info).node : self().tree.find(path);
    if (!node) return -ENOENT;
    if (const int failed = self().control.check("truncate", path != nullptr ? path : handle_of(info).path)) return failed;
    return self().tree.truncate(*node, static_cast<std::uint64_t>(size));
}

int fs_fsync(const char*, int, fuse_file_info* info) {
    const Handle& file = handle_of(info);
    if (!file.node) return 0;
    if (const int failed = self().control.check("fsync", file.path)) return failed;
    ForgetfulTree::sync(*file.node);
    return 0;
}

int fs_opendir(const char* path, fuse_file_info* info) {
    const NodePtr node = self().tree.find(path);
    if (!node) return -ENOENT;
    if (!node->folder) return -ENOTDIR;
    set_handle(info, {node, path});
    return 0;
}

int fs_readdir(const char*, void* to, fuse_fill_dir_t add, off_t, fuse_file_info* info, fuse_readdir_flags) {
    for (const char* name : {".", ".."}) add(to, name, nullptr, 0, fuse_fill_dir_flags{});
    for (const auto& [name, child] : handle_of(info).node->names) add(to, name.c_str(), nullptr, 0, fuse_fill_dir_flags{});
    return 0;
}

int fs_fsyncdir(const char*, int, fuse_file_info* info) {
    if (const int failed = self().control.check("fsyncdir", handle_of(info).path)) return failed;
    self().tree.sync_names(handle_of(info).node);
    return 0;
}

int fs_mkdir(const char* path, mode_t mode) {
    NodePtr made;
    if (const int failed = self().control.check("mkdir", path)) return failed;
    return self().tree.make(path, true, mode, made);
}
int fs_unlink(const char* path) {
    if (const int failed = self().control.check("unlink", path)) return failed;
    return self().tree.remove(path, false);
}
int fs_rmdir(const char* path) { return self().tree.remove(path, true); }
int fs_rename(const char* from, const char* to, unsigned flags) {
    if ((flags & ~static_cast<unsigned>(RENAME_NOREPLACE)) != 0) return -EINVAL;
    if (const int failed = self().control.check("rename", from)) return failed;
    return self().tree.rename(from, to, (flags & RENAME_NOREPLACE) == 0);
}
int fs_utimens(const char* path, const timespec times[2], fuse_file_info* info) {
    const NodePtr node = info != nullptr ? handle_of(info).node : self().tree.find(path);
    if (!node) return -ENOENT;
    node->changed = times[1];
    return 0;
}
int fs_chmod(const char* path, mode_t mode, fuse_file_info*) {
    const NodePtr node = path != nullptr ? self().tree.find(path) : nullptr;
    if (!node) return -ENOENT;
    node->mode = mode & 07777;
    return 0;
}
int fs_statfs(const char*, struct statvfs* out) {
    *out = {};
    out->f_bsize = out->f_frsize = 4096;
    out->f_namemax = 255;
    out->f_blocks = out->f_bfree = out->f_bavail = 1 << 20;
    return 0;
}

fuse_operations operations() {
    fuse_operations out{};
    out.init = fs_init;
    out.getattr = fs_getattr;
    out.open = fs_open;
    out.create = fs_create;
    out.release = out.releasedir = fs_release;
    out.read = fs_read;
    out.write = fs_write;
    out.truncate = fs_truncate;
    out.fsync = fs_fsync;
    out.opendir = fs_opendir;
    out.readdir = fs_readdir;
    out.fsyncdir = fs_fsyncdir;
    out.mkdir = fs_mkdir;
    out.unlink = fs_unlink;
    out.rmdir = fs_rmdir;
    out.rename = fs_rename;
    out.utimens = fs_utimens;
    out.chmod = fs_chmod;
    out.statfs = fs_statfs;
    return out;
}

} // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::fputs("usage: symphony-forgetful-fs MOUNTPOINT\n", stderr);
        return 2;
    }
    FileSystem file_system;
    const fuse_operations functions = operations();
    char name[] = "symphony-forgetful-fs", option[] = "-o", source[] = "fsname=symphony-forgetful";
    char* arguments[] = {name, option, source, nullptr};
    fuse_args args = FUSE_ARGS_INIT(3, arguments);
    fuse* it = fuse_new(&args, &functions, sizeof functions, &file_system);
    if (it == nullptr || fuse_mount(it, words[1]) != 0) return 1;
    fuse_set_signal_handlers(fuse_get_session(it));
    const int status = fuse_loop(it);
    fuse_remove_signal_handlers(fuse_get_session(it));
    fuse_unmount(it);
    fuse_destroy(it);
    fuse_opt_free_args(&args);
    return status < 0 ? 1 : 0;
}
