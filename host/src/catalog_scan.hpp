// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog_index.hpp"

#include <string>
#include <vector>

namespace symphony::host {

/// Folders beneath `root_fd` that may hold a plugin, sorted by their bytes, and ".". Hidden ones are left out.
/// @return `io` when the folder cannot be read.
Result<std::vector<std::string>> plugin_folders(int root_fd);

/// The bytes of a folder's manifest, one more than allowed when it is too large.
/// @return `io` with reason `unreadable`.
Result<std::string> read_manifest(int root_fd, const std::string& folder);

/// The stamp of what `fd` is open on.
Stamp stamp_of(int fd);

/// The stamp of a folder's manifest; all zero when there is none.
Stamp manifest_stamp(int root_fd, const std::string& folder);

/// A file that changed this recently may change again without its times telling, so its stamp is not to be kept.
bool settled(const Stamp& stamp);

/// Reads and parses one manifest and adds what it says, or what is wrong with it, to the builder. Never fails.
void scan_manifest(int root_fd, const std::string& folder, const Stamp& stamp, CatalogIndexBuilder& builder);

} // namespace symphony::host
