// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "index.hpp"

#include <symphony/files.hpp>

#include <memory>
#include <string>

struct sqlite3_vfs;

namespace symphony::search {

/// SQLite's file layer over the host's file service: files are opened by name in one root of the plugin's, and then read and
/// written by descriptor. One process at a time: the database file is locked with flock(2) while it is open. No shared memory, so
/// a write-ahead log needs the exclusive locking mode. Outlives every database that was opened through it.
class HostVfs {
public:
    /// Registers a layer of a name of its own. @param root  Such as "state".
    HostVfs(Files files, std::string root);
    HostVfs(const HostVfs&) = delete;
    HostVfs& operator=(const HostVfs&) = delete;
    ~HostVfs();

    /// The database `name` with its log beside it.
    Storage storage(std::string name);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace symphony::search
