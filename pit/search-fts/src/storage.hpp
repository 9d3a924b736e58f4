// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "database.hpp"

#include <symphony/sqlite_files/folder.hpp>
#include <symphony/sqlite_files/locks.hpp>

#include <memory>
#include <string>

namespace symphony::search {

/// The files of one database in a folder. Who opened it first has it until it is destroyed. Outlives the databases that it opened.
class Storage {
public:
    /// @param folder  Outlives it. @param name  Of the database. @return `exhausted` when SQLite takes no more file layers.
    static Result<std::unique_ptr<Storage>> in(sqlite_files::Folder& folder, std::string name);
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    ~Storage();

    /// Opens or makes the database, when none of it is open. @return `busy` "index-in-use" when somebody else has it; `io`; `data_corrupt`.
    Result<Database> open();
    /// Removes the database, when none of it is open, and knows it removed on the disk. None being there is no error.
    Status remove();

private:
    Storage(sqlite_files::Folder& folder, std::string name, std::string vfs) : folder_(folder), name_(std::move(name)), vfs_(std::move(vfs)) {}
    Status prepare();
    Status remove_all();
    Status lock();
    Result<std::uint64_t> size_of(const std::string& path);
    Status remove_logs();
    Status renew_log();

    sqlite_files::Folder& folder_;
    const std::string name_;
    const std::string vfs_;
    std::unique_ptr<sqlite_files::File> lock_file_;
    std::unique_ptr<sqlite_files::Locks> lock_;
};

} // namespace symphony::search
