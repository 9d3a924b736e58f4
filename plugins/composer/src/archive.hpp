// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "distribution.hpp"
#include "tree.hpp"

#include <symphony/packaging/lock.hpp>

#include <string>
#include <string_view>

namespace symphony::composer {

/// What of a tree its archives need to know; read from the files in it.
struct TreeFacts {
    Distribution distribution;
    packaging::Lock lock;
    std::string triple; ///< whose programs are in it
    /// "acme-symphony-3.1.0".
    std::string title() const { return distribution.name + "-" + distribution.version.text(); }
};
/// @return `data_corrupt`, reason "not-a-distribution".
Result<TreeFacts> facts_of(const Tree& tree);

/// The name of the file for a format: "acme-symphony-3.1.0-x86_64-linux-gnu.tar.zst", "acme-symphony_3.1.0_amd64.deb", "acme-symphony-3.1.0-x86_64-linux-gnu.run".
std::string file_name_of(const TreeFacts& facts, Format format);

/// The tree as one file. The same tree gives the same bytes, of one version of zstd and zlib: no times, no owners, files in order.
/// - tar.zst: all in one folder of the title's name
/// - deb: beneath /opt/NAME, with a link /usr/bin/NAME; it depends on what its programs and libraries need, and lists its files for `dpkg --verify`
/// - single-file: a shell script with the tree as tar in gzip behind it, which unpacks itself once into the cache and starts (decision 0040)
/// @return `exhausted`, `internal`, `unsupported` "no-md5"; `invalid_argument` "path-too-long".
Result<std::string> archive_of(const Tree& tree, const TreeFacts& facts, Format format);

/// The tree in an archive of any of these formats, whatever it says of itself. @return `data_corrupt` "not-a-distribution", "damaged-archive"; `exhausted`.
struct ReadArchive {
    Format format = Format::tar_zst;
    Tree tree;
};
Result<ReadArchive> read_archive(std::string_view bytes);

} // namespace symphony::composer
