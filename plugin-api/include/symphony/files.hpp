// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/abi/services/fs.h>
#include <symphony/value.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony {

/// An open regular file. Movable; closes itself.
class File {
public:
    explicit File(int fd) noexcept : fd_(fd) {}
    File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    File& operator=(File&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }

    int fd() const noexcept { return fd_; }
    /// Gives the descriptor away.
    int release() noexcept { return std::exchange(fd_, -1); }

    Result<std::uint64_t> size() const {
        struct stat info{};
        if (::fstat(fd_, &info) != 0) return failed("read the size");
        return static_cast<std::uint64_t>(info.st_size);
    }
    /// Fills `to` as far as the file goes from the current position. @return Bytes read; 0 = end.
    Result<std::size_t> read(std::span<std::uint8_t> to) const {
        std::size_t done = 0;
        while (done < to.size()) {
            const ssize_t n = ::read(fd_, to.data() + done, to.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return failed("read");
            if (n == 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }
    Status write(Bytes from) const {
        while (!from.empty()) {
            const ssize_t n = ::write(fd_, from.data(), from.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return failed("write");
            from = from.subspan(static_cast<std::size_t>(n));
        }
        return {};
    }
    /// The bytes are on the disk.
    Status sync() const {
        if (::fsync(fd_) != 0) return failed("write to disk");
        return {};
    }

private:
    static Error failed(const char* what) {
        const int number = errno;
        const Code code = number == ENOSPC || number == EDQUOT || number == EFBIG ? Code::exhausted : Code::io;
        return {code, code == Code::io ? "io" : "disk-full", std::string("cannot ") + what + ": " + std::strerror(number)};
    }
    int fd_ = -1;
};

struct FileEntry {
    std::string name; ///< raw bytes; not always UTF-8
    std::string kind; ///< "file", "folder", "symlink", "other" or "unreadable"
    std::uint64_t size = 0;
    std::uint64_t mtime_ns = 0;
    std::string error; ///< only when unreadable
};

/// Files beneath a granted root: "workspace", "selected" (what the person typed; the path is then that),
/// "config", "cache", "state", "temp". Paths are relative bytes with '/'. [any, may block]
class Files {
public:
    Files(const symphony_host_fs* service, void* ctx) noexcept : service_(service), ctx_(ctx) {}

    static constexpr std::uint32_t read_flag = SYMPHONY_FS_READ;
    static constexpr std::uint32_t write_flag = SYMPHONY_FS_WRITE;
    static constexpr std::uint32_t create_flag = SYMPHONY_FS_CREATE;
    static constexpr std::uint32_t truncate_flag = SYMPHONY_FS_TRUNCATE;
    static constexpr std::uint32_t exclusive_flag = SYMPHONY_FS_EXCLUSIVE; ///< `conflict` / "exists" when the file is there

    Result<File> open(std::string_view root, std::string_view path, std::uint32_t flags = read_flag) const {
        if (!callable(service_, &symphony_host_fs::open)) return absent("open");
        std::int32_t fd = -1;
        symphony_error error = blank_error();
        const auto status = service_->open(ctx_, to_c(root), to_c(path), flags, &fd, &error);
        if (status < 0) return from_c(error, status);
        return File(fd);
    }

    /// A whole file. @return `exhausted` / "file-too-large" beyond `size_max` bytes, or an open or read error.
    Result<Buffer> read_all(std::string_view root, std::string_view path, std::uint64_t size_max = std::uint64_t{1} << 30) const {
        const File file = SYMPHONY_TRY(open(root, path));
        const std::uint64_t size = SYMPHONY_TRY(file.size());
        if (size > size_max) {
            return Error(Code::exhausted, "file-too-large",
                         std::string(path) + ": " + std::to_string(size) + " bytes, the limit is " + std::to_string(size_max));
        }
        Buffer content = Buffer::make(static_cast<std::size_t>(size));
        const std::size_t read = SYMPHONY_TRY(file.read(content.writable()));
        return read == content.size() ? content : content.slice(0, read);
    }

    /// Entries of one folder, sorted by name; the root itself is "".
    Result<std::vector<FileEntry>> list(std::string_view root, std::string_view path) const {
        if (!callable(service_, &symphony_host_fs::list)) return absent("list");
        symphony_buf out{};
        out.struct_size = sizeof out;
        symphony_error error = blank_error();
        const auto status = service_->list(ctx_, to_c(root), to_c(path), &out, &error);
        if (status < 0) return from_c(error, status);
        const Value listing = Value::unchecked(Buffer::adopt(out));
        std::vector<FileEntry> entries;
        entries.reserve(listing.size());
        for (const ValueView item : listing.items()) {
            const ValueView name = item["name"];
            entries.push_back({std::string(name.is_text() ? name.as_text() : text_of(name.as_bytes())), std::string(item["kind"].as_text()),
                               item["size"].as_uint(), item["mtime_ns"].as_uint(), std::string(item["error"].as_text())});
        }
        return entries;
    }

    /// Replaces `to` by `from`, both beneath the same root; makes missing folders above `to`.
    Status rename(std::string_view root, std::string_view from, std::string_view to) const {
        if (!callable(service_, &symphony_host_fs::rename)) return absent("rename");
        symphony_error error = blank_error();
        const auto status = service_->rename(ctx_, symphony::to_c(root), symphony::to_c(from), symphony::to_c(to), &error);
        if (status < 0) return from_c(error, status);
        return {};
    }
    Status remove(std::string_view root, std::string_view path) const {
        if (!callable(service_, &symphony_host_fs::remove)) return absent("remove");
        symphony_error error = blank_error();
        const auto status = service_->remove(ctx_, to_c(root), to_c(path), &error);
        if (status < 0) return from_c(error, status);
        return {};
    }

    /// New, renamed and removed names in the folder `path` are on the disk, and so is the folder itself; "" is the root.
    /// A file that was made, written and synced is found again after a power cut only then.
    Status sync_folder(std::string_view root, std::string_view path) const {
        if (!callable(service_, &symphony_host_fs::sync_folder)) return absent("sync_folder");
        symphony_error error = blank_error();
        const auto status = service_->sync_folder(ctx_, to_c(root), to_c(path), &error);
        if (status < 0) return from_c(error, status);
        return {};
    }

    /// All of the new content or the old file, also on a full disk and after a crash: written beside, synced, renamed
    /// over. A single file that the person typed grants that too; only where its folder takes no new file, or its owner
    /// could not be kept, it is written in place.
    Status write_atomic(std::string_view root, std::string_view path, Bytes content) const {
        static std::atomic<std::uint64_t> counter{0};
        const std::size_t leaf = path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1;
        // The process's number says little: every isolated plugin has the same one.
        const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
        const std::string beside = std::string(path.substr(0, leaf)) + "." + std::string(path.substr(leaf)) + "." + std::to_string(::getpid()) + "-" +
                                   std::to_string(now) + "-" + std::to_string(counter.fetch_add(1)) + ".new";
        Status status = write_synced(root, beside, content);
        if (!status && status.error().code() == Code::not_granted) return write_synced(root, path, content);
        if (status) status = rename(root, beside, path);
        if (!status) static_cast<void>(remove(root, beside));
        return status;
    }
    Status write_atomic(std::string_view root, std::string_view path, std::string_view content) const {
        return write_atomic(root, path, bytes_of(content));
    }

private:
    Status write_synced(std::string_view root, std::string_view path, Bytes content) const {
        const File file = SYMPHONY_TRY(open(root, path, write_flag | create_flag | truncate_flag));
        SYMPHONY_TRY(file.write(content));
        return file.sync();
    }
    static symphony_error blank_error() noexcept {
        symphony_error error{};
        error.struct_size = sizeof error;
        return error;
    }
    static Error absent(const char* what) {
        return {Code::unsupported, "host-too-old", std::string("this host's file service has no ") + what};
    }
    const symphony_host_fs* service_;
    void* ctx_;
};

} // namespace symphony
