// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/package.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// What is wrong with one file of the store.
struct Damage {
    std::string reason; ///< "missing", "altered", "mode" or "foreign": a file that no package brought
    std::string path;   ///< within the package
};

/// Unpacked packages, each in a folder `store/<SHA-256 of its FILES>` that is complete when it has that name and is never written to again.
/// Reading needs no lock; whoever adds or removes holds the WriteLock of the packages' folder. Const methods from any thread.
class Store {
public:
    /// @param folder  The packages' folder, which has `store` in it. Nothing is made before something is added.
    explicit Store(std::filesystem::path folder, Disk disk = {}) : folder_(std::move(folder)), disk_(std::move(disk)) {}

    std::filesystem::path path_of(std::string_view digest) const { return folder_ / "store" / digest; }
    bool contains(std::string_view digest) const;
    /// Sorted. @return `io`.
    Result<std::vector<std::string>> digests() const;
    /// Manifest and list of an entry; its other files are not looked at. @return `not_found` "not-in-store", `data_corrupt` "damaged-entry".
    Result<PackageInfo> read(std::string_view digest) const;
    /// Every file against its digest. Empty: all is as it was packed. @return As `read`, `cancelled`.
    Result<std::vector<Damage>> verify(std::string_view digest, const Progress& progress = {}) const;

    /// Verifies a package and makes its entry; one that is there and sound is left as it is, a damaged one replaced.
    Result<PackageInfo> add(std::string_view package, const Progress& progress = {}) const;
    Status remove(std::string_view digest) const;
    /// Removes what a crash left half made or half removed.
    Status sweep() const;

private:
    Status put(std::string_view package, const std::string& digest, const Progress& progress) const;

    std::filesystem::path folder_;
    Disk disk_;
};

/// Removes what begins with ".new-" or ".gone-" in a folder: nobody ever used it under its right name, or nobody does any more.
Status sweep_folder(const std::filesystem::path& folder, const Disk& disk);
/// Takes a name out of use at once, and then removes what it was. A crash leaves a ".gone-" for `sweep_folder`.
Status retire(const std::filesystem::path& path, const Disk& disk);

} // namespace symphony::packaging
