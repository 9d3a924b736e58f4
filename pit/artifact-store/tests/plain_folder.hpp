// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace symphony::store::test {

/// A folder of the disk without care, for where the real one is not built.
class PlainFile final : public File {
public:
    explicit PlainFile(int fd) : fd_(fd) {}
    ~PlainFile() override { ::close(fd_); }
    PlainFile(const PlainFile&) = delete;
    PlainFile& operator=(const PlainFile&) = delete;
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> to) override {
        std::size_t done = 0;
        while (done < to.size()) {
            const ssize_t got = ::pread(fd_, to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
            if (got < 0) return Error(Code::io, "read-failed", std::strerror(errno));
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    }
    Status write_at(std::uint64_t offset, Bytes from) override {
        std::size_t done = 0;
        while (done < from.size()) {
            const ssize_t put = ::pwrite(fd_, from.data() + done, from.size() - done, static_cast<off_t>(offset + done));
            if (put < 0) return Error(Code::io, "write-failed", std::strerror(errno));
            done += static_cast<std::size_t>(put);
        }
        return {};
    }
    Status truncate(std::uint64_t size) override { return check(::ftruncate(fd_, static_cast<off_t>(size))); }
    Result<std::uint64_t> size() override { return static_cast<std::uint64_t>(::lseek(fd_, 0, SEEK_END)); }
    Status sync() override { return check(::fdatasync(fd_)); }
    int fd() const noexcept override { return fd_; }

private:
    static Status check(int result) { return result == 0 ? Status() : Status(Error(Code::io, "write-failed", std::strerror(errno))); }
    int fd_;
};

class PlainFolder final : public Folder {
public:
    explicit PlainFolder(std::filesystem::path path) : path_(std::move(path)) { std::filesystem::create_directories(path_); }
    Result<std::unique_ptr<File>> open(std::string_view path, Mode mode) override {
        const auto full = path_ / path;
        std::error_code ignored;
        if (mode == Mode::create || mode == Mode::create_new) std::filesystem::create_directories(full.parent_path(), ignored);
        const int flags = mode == Mode::read ? O_RDONLY : mode == Mode::write ? O_RDWR : mode == Mode::create ? O_RDWR | O_CREAT : O_RDWR | O_CREAT | O_EXCL;
        const int fd = ::open(full.c_str(), flags | O_CLOEXEC, 0666);
        if (fd < 0) return Error(errno == ENOENT ? Code::not_found : errno == EEXIST ? Code::conflict : Code::io, full.string() + ": " + std::strerror(errno));
        return std::unique_ptr<File>(std::make_unique<PlainFile>(fd));
    }
    Result<std::vector<Entry>> list(std::string_view path) override {
        std::vector<Entry> out;
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator(path_ / path, none)) {
            out.push_back({entry.path().filename().string(), entry.is_directory(), entry.is_directory() ? 0 : entry.file_size(none), 0});
        }
        std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
        return out;
    }
    Status rename(std::string_view from, std::string_view to) override {
        std::error_code error;
        std::filesystem::create_directories((path_ / to).parent_path(), error);
        std::filesystem::rename(path_ / from, path_ / to, error);
        return status(error);
    }
    Status remove(std::string_view path) override {
        std::error_code error;
        if (!std::filesystem::remove(path_ / path, error) && !error) return Error(Code::not_found, std::string(path) + ": is not there");
        return status(error);
    }
    Status sync_folder(std::string_view path) override {
        const int fd = ::open((path_ / path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const bool good = fd >= 0 && ::fsync(fd) == 0;
        if (fd >= 0) ::close(fd);
        return good ? Status() : Status(Error(Code::io, std::string(path) + ": cannot be synced"));
    }
    std::string name() const override { return path_.string(); }

private:
    static Status status(const std::error_code& error) {
        if (!error) return {};
        return Error(error == std::errc::no_such_file_or_directory ? Code::not_found : Code::io, error.message());
    }
    std::filesystem::path path_;
};

} // namespace symphony::store::test
