// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <filesystem>
#include <string_view>

namespace symphony::host {

/// The list of a composed distribution's files with their SHA-256, in its prefix; as `sha256sum -c` reads it. It ends in a line with its own digest.
inline constexpr std::string_view seal_name = "SHA256SUMS";

/// Whether the distribution in `prefix` is as it was composed: every file by its digest, and no other one where the host looks for files. A prefix without a
/// seal is none. Files whose size, inode and times are those of the last good check are not read again; libraries are compared with their own digests whenever
/// they are mapped, whatever this says. It finds damage, not an enemy who can write the prefix: he can write the seal.
/// @param cache  Folder for what the last check saw; empty: everything is read each time.
/// @return `refused`: "damaged-distribution", which names the files; `io`.
Status check_seal(const std::filesystem::path& prefix, const std::filesystem::path& cache);

} // namespace symphony::host
