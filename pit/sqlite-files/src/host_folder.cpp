// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/host_folder.hpp>

#include <symphony/sqlite_files/fd_file.hpp>

#include <cerrno>
#include <cstring>
#include <utility>

namespace symphony::sqlite_files {
namespace {

std::string parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return std::string(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
}

/// A path to a file, never to the folder itself.
Status check_file_path(std::string_view path) {
    const auto names = SYMPHONY_TRY(path_names(path));
    if (names.empty()) return Error(Code::invalid_argument, "not-a-file", "the folder itself is no file");
    return {};
}

} // namespace

HostFolder::HostFolder(Files files, std::string root, std::string path) : files_(files), root_(std::move(root)), path_(std::move(path)) {}

std::string HostFolder::beneath_root(std::string_view path) const {
    if (path_.empty()) return std::string(path);
    return path.empty() ? path_ : path_ + "/" + std::string(path);
}

Result<std::unique_ptr<File>> HostFolder::open(std::string_view path, Mode mode) {
    SYMPHONY_TRY(check_file_path(path));
    std::uint32_t flags = Files::read_flag;
    if (mode != Mode::read) flags |= Files::write_flag;
    if (mode == Mode::create || mode == Mode::create_new) flags |= Files::create_flag;
    if (mode == Mode::create_new) flags |= Files::exclusive_flag;
    auto file = SYMPHONY_TRY(files_.open(root_, beneath_root(path), flags));
    return std::unique_ptr<File>(std::make_unique<FdFile>(file.release(), std::string(path)));
}

Result<std::vector<Entry>> HostFolder::list(std::string_view path) {
    SYMPHONY_TRY(path_names(path));
    const auto listed = files_.list(root_, beneath_root(path));
    std::vector<Entry> entries;
    if (!listed && listed.error().code() == Code::not_found) return entries;
    if (!listed) return listed.error();
    for (const FileEntry& one : *listed) {
        if (one.kind == "unreadable" && one.error == std::strerror(ENOENT)) continue; // removed meanwhile
        if (one.kind == "unreadable") return Error(Code::io, "io", "cannot look at \"" + one.name + "\" in \"" + std::string(path) + "\": " + one.error);
        const bool folder = one.kind == "folder";
        if (folder || one.kind == "file") entries.push_back({one.name, folder, folder ? 0 : one.size, one.mtime_ns});
    }
    return entries;
}

Status HostFolder::rename(std::string_view from, std::string_view to) {
    SYMPHONY_TRY(check_file_path(from));
    SYMPHONY_TRY(check_file_path(to));
    return files_.rename(root_, beneath_root(from), beneath_root(to));
}

Status HostFolder::remove(std::string_view path) {
    SYMPHONY_TRY(check_file_path(path));
    return files_.remove(root_, beneath_root(path));
}

/// As PosixFolder::sync_folder, up to the root.
Status HostFolder::sync_folder(std::string_view path) {
    SYMPHONY_TRY(path_names(path));
    const std::string whole = beneath_root(path);
    std::string found; // the first that is there
    for (std::string at(whole);; at = parent_of(at)) {
        const Status synced = files_.sync_folder(root_, at);
        const bool is_missing = !synced && synced.error().code() == Code::not_found && !at.empty();
        if (!synced && !is_missing) return synced.error();
        if (!is_missing && found.empty()) found = at;
        const std::lock_guard lock(mutex_);
        // What a person typed is a root itself: there is no right to what lies above it.
        if (at.empty() || (root_ == "selected" && at.size() <= path_.size()) || (!is_missing && above_is_synced_.contains(at))) break;
    }
    const std::lock_guard lock(mutex_);
    for (std::string at(found); !at.empty(); at = parent_of(at)) above_is_synced_.insert(at);
    return {};
}

} // namespace symphony::sqlite_files
