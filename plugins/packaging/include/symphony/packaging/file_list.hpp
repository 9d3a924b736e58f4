// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

// What a package may have at most. A reader stops where one is passed.
inline constexpr std::size_t entries_max = 10'000;
inline constexpr std::uint64_t payload_bytes_max = 1024ull * 1024 * 1024;
inline constexpr std::uint64_t package_bytes_max = 256ull * 1024 * 1024; ///< of the file as it is fetched
inline constexpr std::uint64_t file_list_bytes_max = 4ull * 1024 * 1024;
inline constexpr std::uint64_t ratio_max = 200;                          ///< payload to package, above `ratio_free_bytes`
inline constexpr std::uint64_t ratio_free_bytes = 1024ull * 1024;
inline constexpr std::size_t path_bytes_max = 240;

struct FileEntry {
    std::uint32_t mode = 0644; ///< or 0755; nothing else
    std::uint64_t size_bytes = 0;
    std::string sha256;
    std::string path;
    friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

/// The file FILES of a package: every other file with its mode, size and SHA-256, sorted by path. One list has one text.
class FileList {
public:
    /// Reads the one canonical text. @return `data_corrupt`, reason "bad-file-list", "bad-path", "too-many-files" or "too-large", with the line.
    static Result<FileList> parse(std::string_view text);
    /// Of entries in any order. @return The same, where they make no list.
    static Result<FileList> of(std::vector<FileEntry> files);

    /// `MODE SIZE SHA256 PATH` on each line.
    std::string text() const;
    /// SHA-256 of text(): by this a package is known in the store.
    std::string digest() const;
    const std::vector<FileEntry>& files() const noexcept { return files_; }
    const FileEntry* find(std::string_view path) const noexcept;
    std::uint64_t payload_bytes() const noexcept;

private:
    std::vector<FileEntry> files_;
};

/// Whether a path may be in a package: relative, UTF-8 without control characters and backslashes, no empty, "." or ".." part, at most
/// `path_bytes_max`. @return `data_corrupt`, reason "bad-path".
Status check_path(std::string_view path);

} // namespace symphony::packaging
