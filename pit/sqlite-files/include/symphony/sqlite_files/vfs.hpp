// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "folder.hpp"

#include <string>
#include <string_view>

namespace symphony::sqlite_files {

/// Lets SQLite reach its files through a Folder: `sqlite3_open_v2(path, &db, flags, name.c_str())` opens `path` beneath it.
///
/// Complete for rollback journals and WAL. Where File::fd() is a descriptor, locks are the kernel's, of the open file
/// (F_OFD_SETLK, at the bytes that SQLite's own VFS uses, so that the `sqlite3` program can look at a live database), and the
/// shared memory of WAL is the mapped file `path-shm`: many processes may read and write. Where it is -1, locks and shared
/// memory are this process's alone, per path. A sync is File::sync(), and the first one of a file that was made, and a
/// removal that SQLite wants on the disk, are followed by sync_folder(). Paths cannot leave the folder: absolute ones, "." and
/// ".." are SQLITE_CANTOPEN. Temporary files are made in the folder and removed at once. Memory mapping of the database
/// itself is not offered.
///
/// @param folder  Outlives the mount.
/// @return The VFS's name, unique in the process; or `exhausted`.
/// [any thread]; each connection as SQLite says.
Result<std::string> mount_vfs(Folder& folder);

/// @return `busy` / "vfs-in-use" while a connection is open, which then stays usable; `not_found` when it is not mounted.
Status unmount_vfs(std::string_view name);

/// What the Folder said last on behalf of SQLite, such as which file the disk is full for: SQLite's own codes do not tell.
/// Empty when nothing failed yet, or when the name is not mounted.
std::string last_vfs_error(std::string_view name);

} // namespace symphony::sqlite_files
