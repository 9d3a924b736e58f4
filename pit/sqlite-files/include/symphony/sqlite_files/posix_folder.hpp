// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <set>

namespace symphony::sqlite_files {

/// A folder of the disk. The kernel resolves every path beneath it, without symbolic links. Used by tests, tools and
/// benchmarks; the plugin has HostFolder. Errors are those of file_error(). [any thread, blocks]
class PosixFolder final : public Folder {
public:
    enum class Missing : std::uint8_t { fails, is_made };
    /// @param missing  Whether the folder, and those above it, are made when they are not there.
    static Result<std::unique_ptr<PosixFolder>> open(const std::filesystem::path& path, Missing missing = Missing::is_made);
    PosixFolder(const PosixFolder&) = delete;
    PosixFolder& operator=(const PosixFolder&) = delete;
    ~PosixFolder() override;

    Result<std::unique_ptr<File>> open(std::string_view path, Mode mode) override;
    Result<std::vector<Entry>> list(std::string_view path) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status remove(std::string_view path) override;
    Status sync_folder(std::string_view path) override;
    std::string name() const override { return path_; }

private:
    PosixFolder(int fd, std::string path, int made) : fd_(fd), path_(std::move(path)), made_(made) {}
    const int fd_;
    const std::string path_;
    const int made_; ///< folders that open() made: this one and so many above
    std::mutex mutex_;
    std::set<std::string> above_is_synced_; ///< folders whose own names are on the disk
};

} // namespace symphony::sqlite_files
