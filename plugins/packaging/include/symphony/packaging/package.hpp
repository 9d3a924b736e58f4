// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>
#include <symphony/packaging/disk.hpp>
#include <symphony/packaging/file_list.hpp>
#include <symphony/packaging/signature.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

// The package of a plugin: a tar in zstd, described in docs/package.md. Free of state. [any]

/// What a package is, after everything in it was compared with what it says of itself.
struct PackageInfo {
    std::string manifest_text;
    manifests::Manifest manifest;
    FileList files;
    std::string digest;               ///< of FILES
    std::vector<std::string> triples; ///< platforms whose library is in it; at least one

    const std::string& id() const noexcept { return manifest.extension.id; }
    std::string version() const { return manifest.extension.version.text(); }
    PackageClaim claim() const { return {id(), version(), digest}; }
    /// "org.example.greet-1.2.0-x86_64-linux-gnu.sympkg".
    std::string file_name() const;
};

/// Told what was done of how much, in bytes; false stops the work, which then ends with `cancelled`.
using Progress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

/// Receives a package's files while it is read. What came before an error was not verified as a whole and has to be thrown away.
class PackageSink {
public:
    virtual ~PackageSink() = default;
    /// First of all, with the manifest and the list of files that are to come.
    virtual Status begin(const PackageInfo& info) = 0;
    /// A file begins; it is in the list.
    virtual Status file(const FileEntry& entry) = 0;
    virtual Status write(std::string_view bytes) = 0;
    /// The file ends; its bytes were the ones that the list names.
    virtual Status file_end() = 0;
};

/// Reads a package and verifies every file against FILES, and the libraries against the manifest. libarchive, restricted to tar and zstd.
/// @param sink  May be null: then it is only verified.
/// @return `data_corrupt`: "not-a-package", "damaged-package", "bad-path", "bad-entry", "bad-file-list", "bad-manifest", "file-mismatch", "library-mismatch";
///   `exhausted`: "too-many-files", "too-large", "too-compressed"; `cancelled`; or what the sink returned.
Result<PackageInfo> read_package(std::string_view bytes, PackageSink* sink = nullptr, const Progress& progress = {});

enum class Access : std::uint8_t {
    as_listed, ///< modes as FILES has them
    read_only, ///< nobody may write to files and folders
};

/// Unpacks into a folder that is there and empty, with FILES. Everything is synced but the folder's own name; after an error the folder is to be removed.
Result<PackageInfo> unpack(std::string_view bytes, const std::filesystem::path& folder, Access access = Access::as_listed, const Disk& disk = {},
                           const Progress& progress = {});

struct Packed {
    std::string bytes;
    PackageInfo info;
    std::vector<std::string> left_out; ///< names beside the manifest that nothing asked for
    std::vector<std::string> notes;    ///< what is missing and should not be, for people
};

/// Packs a plugin's folder: manifest, libraries, README, LICENSE, workflows/, what `[package] include` names, and an SBOM (the folder's own
/// sbom.cdx.json, else one that is made). The same files give the same bytes, whatever their times, owners, folder and umask.
/// @param triple  The platform whose library is packed; empty: the only one that is there.
/// @return `invalid_argument`: "bad-manifest", "no-library", "several-libraries", "link-in-package", "path-too-long", "library-mismatch"; `io`; as `read_package`.
Result<Packed> pack(const std::filesystem::path& folder, std::string_view triple = {});

} // namespace symphony::packaging
