// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/package.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::composer {

/// The seal of a distribution: every other file with its SHA-256, as `sha256sum -c` reads it. docs/output.md describes it.
inline constexpr std::string_view seal_name = "SHA256SUMS";

/// All files of a distribution in memory: what is written as a folder or as an archive. Paths as in packages (packaging::check_path).
class Tree {
public:
    struct File {
        std::uint32_t mode = 0644; ///< or 0755
        std::string bytes;
        friend bool operator==(const File&, const File&) = default;
    };

    /// @return `data_corrupt` "bad-path"; `conflict` "duplicate-entry"; `exhausted` "too-many-files", "too-large": as packages are bounded.
    Status add(const std::string& path, std::uint32_t mode, std::string bytes);
    /// Adds the seal, which lists all that is there. Nothing may be added afterwards.
    /// @param title  For people: "acme-symphony 3.1.0".
    Status seal(const std::string& title);

    const std::map<std::string, File>& files() const noexcept { return files_; }
    const File* find(std::string_view path) const noexcept;
    std::uint64_t bytes() const noexcept { return bytes_; }
    /// SHA-256 of the lines of a seal over what is there: the digest of the content.
    std::string digest() const;

    friend bool operator==(const Tree& a, const Tree& b) { return a.files_ == b.files_; }

private:
    std::string lines() const;
    std::map<std::string, File> files_;
    std::uint64_t bytes_ = 0;
};

/// What a seal says: paths and their SHA-256.
/// @return `data_corrupt`, reason "damaged-seal": it is not as it was written; with the line where it is known.
Result<std::map<std::string, std::string>> read_seal(std::string_view text);

/// One file that is not as the seal says.
struct Damage {
    std::string reason; ///< "missing", "altered", "foreign", "mode", "damaged-seal"
    std::string path;
    friend bool operator==(const Damage&, const Damage&) = default;
};
/// Every file of a tree against its seal. Empty: all is as it was composed.
std::vector<Damage> check_seal(const Tree& tree);

/// Reads a folder that was written by write_tree, links and special files left out. @return `io`, `exhausted`, `cancelled`.
Result<Tree> read_tree(const std::filesystem::path& folder, const packaging::Progress& progress = {});

/// Writes the tree as a folder: beside it first, then renamed, whatever the umask; times are those of 1970. An earlier distribution that is there is replaced.
/// @return `conflict`, reason "output-exists", when there is something else; `cancelled`; `io`, `exhausted`. Nothing is left behind then.
Status write_tree(const Tree& tree, const std::filesystem::path& folder, const packaging::Progress& progress = {});
/// Writes a file: beside it first, then renamed.
Status write_output(const std::filesystem::path& file, std::string_view bytes, std::uint32_t mode);

} // namespace symphony::composer
