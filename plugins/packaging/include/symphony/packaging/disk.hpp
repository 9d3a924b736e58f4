// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// What is done to the disk, one step at a time: each step is in force when it returns, and one that fails has a reason: "disk-full", "read-only",
/// "no-permission", "exists", "missing" or "io". Nothing follows a symbolic link in the last name of a path. [any]
class Disk {
public:
    /// Asked before every step with its name and path; what it returns instead of success, the step returns. For tests: a crash or a full disk at each step.
    using Before = std::function<Status(std::string_view step, const std::filesystem::path& path)>;

    Disk() = default;
    explicit Disk(Before before) : before_(std::move(before)) {}

    /// Makes the folder and those above it, and syncs what they lie in. That it is there already is fine.
    Status make_folders(const std::filesystem::path& path) const;
    /// Makes one folder, which must not be there.
    Status make_folder(const std::filesystem::path& path) const;
    /// Writes a file that must not be there, and syncs it.
    Status write_file(const std::filesystem::path& path, std::string_view bytes, std::uint32_t mode = 0644) const;
    /// Puts a file in the place of another, or of none, whole: beside, synced, renamed, folder synced.
    Status replace_file(const std::filesystem::path& path, std::string_view bytes) const;
    /// A symbolic link that must not be there.
    Status link(const std::filesystem::path& target, const std::filesystem::path& path) const;
    /// Atomic; what is at `to` is replaced when the system can do that (files and links, not folders with content).
    Status rename(const std::filesystem::path& from, const std::filesystem::path& to) const;
    Status set_mode(const std::filesystem::path& path, std::uint32_t mode) const;
    Status sync_folder(const std::filesystem::path& path) const;
    /// Removes a file, a link or a folder with everything in it, whatever the modes. That it is not there is fine.
    Status remove(const std::filesystem::path& path) const;

private:
    Status before(std::string_view step, const std::filesystem::path& path) const;
    Before before_;
};

/// `io`, or `exhausted` for a full disk, with a reason and a remedy. @param what  "cannot write".
Error disk_error(std::string_view what, const std::filesystem::path& path, int number);

/// Reads a regular file, not a link to one and no pipe. @return `not_found` "missing"; `io`; `exhausted` "too-large" beyond `bytes_max`.
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t bytes_max);

/// An open descriptor.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_;
};

/// The lock of who writes. The system gives it back when the process ends, however it ends.
class WriteLock {
public:
    /// @param longest  How long to wait for another process. @param stop  Asked meanwhile; true ends the waiting with `cancelled`.
    /// @return `busy`, reason "locked", when another process writes all that time.
    static Result<WriteLock> take(const std::filesystem::path& file, std::chrono::milliseconds longest, const std::function<bool()>& stop = {});

private:
    explicit WriteLock(Descriptor fd) noexcept : fd_(std::move(fd)) {}
    Descriptor fd_;
};

} // namespace symphony::packaging
