// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/sqlite_files/folder.hpp>
#include <symphony/sqlite_files/locks.hpp>

namespace symphony::sqlite_files {

/// The shared memory of one connection to a WAL database: the index of the log, and its locks. The layout of the locks is
/// that of SQLite's own VFS. As a file it says nothing that the log does not; it never needs a sync.
class Shm {
public:
    static Result<std::unique_ptr<Shm>> open(Folder& folder, const std::string& path);
    static Result<std::unique_ptr<Shm>> in_process(std::shared_ptr<InProcessFile> shared);
    Shm(const Shm&) = delete;
    Shm& operator=(const Shm&) = delete;
    ~Shm();

    /// Joins those that use it, or begins it anew when nobody does. @return SQLITE_OK, or SQLite's code for why not.
    int attach();
    /// @param out  The region, null when it is not there and `make` is false.
    Status map(std::size_t index, std::size_t size, bool make, std::uint8_t*& out);
    LockAnswer lock(int first, int count, LockKind kind);
    bool is_read_only() const noexcept { return read_only_; }

private:
    explicit Shm(std::unique_ptr<File> file, std::shared_ptr<InProcessFile> shared, bool read_only);
    Status grow(std::uint64_t size);

    struct Region {
        void* memory;
        std::size_t size;
    };
    const std::unique_ptr<File> file_; ///< null when in process
    const std::shared_ptr<InProcessFile> shared_;
    const bool read_only_;
    std::vector<Region> regions_;
    Locks locks_;
};

} // namespace symphony::sqlite_files
