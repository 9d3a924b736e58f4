// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"

#include <symphony/files.hpp>

#include <mutex>
#include <set>
#include <string>

namespace symphony::sqlite_files {

/// A folder beneath a root that the host grants, reached through symphony.host.fs/1: the only way to the disk that an
/// isolated plugin has. Files are descriptors, so reading and writing costs no message; opening, listing, renaming, removing
/// and sync_folder() do. Errors are the host's, in the words of file_error() where they mean the same. [any thread, blocks]
class HostFolder final : public Folder {
public:
    /// @param files  Of the plugin's Host.
    /// @param root  Such as "state".
    /// @param path  Of the folder beneath the root; "" is the root itself. Made with the first file.
    HostFolder(Files files, std::string root, std::string path);

    Result<std::unique_ptr<File>> open(std::string_view path, Mode mode) override;
    Result<std::vector<Entry>> list(std::string_view path) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view path) override;
    Status sync_folder(std::string_view path) override;
    std::string name() const override { return root_ + ":" + path_; }

private:
    std::string beneath_root(std::string_view path) const;

    const Files files_;
    const std::string root_;
    const std::string path_;
    std::mutex mutex_;
    std::set<std::string> above_is_synced_; ///< paths beneath the root, of folders whose own names are on the disk
};

} // namespace symphony::sqlite_files
