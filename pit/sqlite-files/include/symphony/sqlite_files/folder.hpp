// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::sqlite_files {

/// One open file. Closes itself. Reads and writes at offsets may be concurrent; a sync covers what was
/// written before it began.
class File {
public:
    virtual ~File() = default;
    /// Fills `to`. @return Bytes read; fewer than asked only at the end of the file.
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> to) = 0;
    /// Writes all of `from`, or fails with any part of it written. `exhausted` / "disk-full" when there is no room.
    virtual Status write_at(std::uint64_t offset, Bytes from) = 0;
    virtual Status truncate(std::uint64_t size) = 0;
    virtual Result<std::uint64_t> size() = 0;
    /// Content and size are on the disk. A failure is final: what was written since the last success may be gone, and a
    /// second sync of the same file fails too (the kernel forgets which pages it could not write).
    virtual Status sync() = 0;
    /// Asks the disk to begin with what was written there, so that a later sync() waits for less. Promises nothing.
    virtual void begin_sync(std::uint64_t offset, std::uint64_t size) noexcept {
        static_cast<void>(offset);
        static_cast<void>(size);
    }
    /// For locks and for mapping; -1 where there is none. Stays the file's.
    virtual int fd() const noexcept = 0;
};

struct Entry {
    std::string name;
    bool folder = false;
    std::uint64_t size = 0;     ///< bytes; 0 for a folder
    std::uint64_t mtime_ns = 0; ///< since 1970
};

/// The only way to a disk that a user of this library has: a folder, with paths relative to it, parted by '/'. Tests put a recording
/// or a failing one in its place, and SQLite reaches its files through it too. [any thread, blocks]
class Folder {
public:
    enum class Mode : std::uint8_t {
        read,       ///< `not_found` when it is not there
        write,      ///< to read and write; `not_found` when it is not there
        create,     ///< to read and write; made when it is not there, with the folders above it
        create_new, ///< `conflict` when it is there
    };
    virtual ~Folder() = default;
    virtual Result<std::unique_ptr<File>> open(std::string_view path, Mode mode) = 0;
    /// Sorted by name. A folder that is not there has no entries.
    virtual Result<std::vector<Entry>> list(std::string_view path) = 0;
    /// A file. Replaces `to` at once, and makes the folders above it; on the disk after sync_folder() of the folder of `to`.
    virtual Status rename(std::string_view from, std::string_view to) = 0;
    /// A file. `not_found` when it is not there.
    virtual Status remove(std::string_view path) = 0;
    /// New, renamed and removed names in the folder `path` are on the disk, and so is the folder itself; "" is this one.
    /// Where there is no such folder, that is on the disk.
    virtual Status sync_folder(std::string_view path) = 0;
    /// For people: where it is.
    virtual std::string name() const = 0;
};

} // namespace symphony::sqlite_files
