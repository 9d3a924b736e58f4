// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "elf_needs.hpp"

#include <symphony/packaging/lock.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::composer {

using packaging::Lock;

/// Whether every Debian system has it: glibc's libraries, libgcc_s and libstdc++, which apt itself needs.
bool is_base_library(std::string_view name) noexcept;

/// The packages that brought libraries of this system, from dpkg's own files; of a system without dpkg nothing is known.
class DebianPackages {
public:
    explicit DebianPackages(std::filesystem::path folder = "/var/lib/dpkg") : folder_(std::move(folder)) {}
    /// Fills package and version of each library of `found`, whose paths are given. What is not known stays empty.
    void identify(std::vector<Lock::Host::Library>& found, const std::map<std::string, std::filesystem::path>& paths) const;

private:
    std::filesystem::path folder_;
};

struct SystemLibraries {
    std::vector<Lock::Host::Library> all;                  ///< sorted by name
    std::map<std::string, std::filesystem::path> paths;    ///< where each is
    std::map<std::string, std::string> missing;            ///< name to who needs it
    std::map<std::string, std::string> newest;             ///< "GLIBC" to "2.36", "GLIBCXX" to "3.4.30": what is needed of the base
};

/// What programs and plugins need besides what every Debian has, found as the dynamic linker finds it without its cache.
class LibraryFinder {
public:
    /// @param folders  In the order in which they are looked into.
    explicit LibraryFinder(std::vector<std::filesystem::path> folders) : folders_(std::move(folders)) {}
    /// The folders of a Debian machine, after those of `prefix`.
    static std::vector<std::filesystem::path> folders_of(const std::filesystem::path& prefix, const std::string& triple);

    /// @param who  For messages.
    Status add(const std::string& who, std::string_view elf);
    /// @param with_theirs  Also what the libraries themselves need. @return What was found; `io`, `data_corrupt`.
    Result<SystemLibraries> find(bool with_theirs);

private:
    void note(const std::string& who, const ElfNeeds& needs);
    std::filesystem::path path_of(const std::string& name) const;

    std::vector<std::filesystem::path> folders_;
    std::vector<std::pair<std::string, std::string>> wanted_; // name, who
    SystemLibraries out_;
};

/// "2.36" is newer than "2.9".
bool is_newer(std::string_view version, std::string_view than) noexcept;

} // namespace symphony::composer
