// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"

#include <atomic>
#include <string>
#include <vector>

namespace symphony::sqlite_files {

/// A File over a descriptor of a regular file, which it owns. Short transfers and interruptions are carried on with. [any thread, blocks]
class FdFile final : public File {
public:
    /// @param path  For messages.
    FdFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
    FdFile(const FdFile&) = delete;
    FdFile& operator=(const FdFile&) = delete;
    ~FdFile() override;

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> to) override;
    Status write_at(std::uint64_t offset, Bytes from) override;
    Status truncate(std::uint64_t size) override;
    Result<std::uint64_t> size() override;
    /// By fdatasync, which covers the size too. After a failure every later sync and write fails with "sync-failed".
    Status sync() override;
    void begin_sync(std::uint64_t offset, std::uint64_t size) noexcept override;
    int fd() const noexcept override { return fd_; }

private:
    Status check_poison() const;

    const int fd_;
    const std::string path_;
    std::atomic<bool> poisoned_{false};
};

/// What the kernel said about `path`, for people and for callers:
///   - `not_found`
///   - `conflict` / "exists"
///   - `exhausted` / "disk-full", "too-many-files" or "file-too-large"
///   - `not_granted` / "path-escape": out of the folder or through a symbolic link
///   - `invalid_argument` / "not-a-file" or "bad-path"
///   - `io` / "permission-denied", "read-only" or "io"
Error file_error(std::string_view what, std::string_view path, int number);

/// Reads the first `size` bytes and writes them again. After a failed sync the kernel takes pages for clean that never came to the
/// disk, and no later sync writes them: whoever goes on in a file that another process left does this first.
Status write_back(File& file, std::uint64_t size);

/// The names of a path that stays in its folder: no empty name, no "." and no "..", no zero byte.
/// @return `invalid_argument` / "bad-path" otherwise. "" has no names.
Result<std::vector<std::string>> path_names(std::string_view path);

} // namespace symphony::sqlite_files
