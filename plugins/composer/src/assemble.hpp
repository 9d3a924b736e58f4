// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checks.hpp"
#include "tree.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::composer {

using packaging::Lock;

/// The programs of the symphony that composes, as the lock has them.
struct HostFiles {
    std::map<std::string, std::string> programs;                 ///< "bin/symphony" and "bin/symphony-runner" to their bytes
    std::map<std::string, std::filesystem::path> library_paths;  ///< by name
    std::map<std::string, std::string> base;                     ///< what is needed of glibc and libstdc++ at least
    std::filesystem::path prefix;                                ///< of the symphony that composes
    std::string licence;                                         ///< symphony's own, which lies beside this plugin
    Lock::Host locked;
};

/// Reads the programs and finds the libraries that they and the plugins need.
/// @param known  The host of an older lock, whose libraries' packages are taken over where the bytes are the same; may be null.
/// @return `not_found`: "no-host", "missing-library"; `io`, `data_corrupt`.
Result<HostFiles> host_files(const std::filesystem::path& program, const std::filesystem::path& prefix, const std::string& triple, const std::string& version, const std::vector<const Input*>& inputs,
                             Libraries libraries, const Lock::Host* known);

/// The whole distribution: programs, libraries, plugins, trust, policy, settings, workflows, bills, licences, and its seal over all of it.
/// @param text  distribution.toml, which is in it. @param base  Where the paths of workflows begin.
Result<Tree> assemble(const Composition& all, const HostFiles& host, std::string_view text, const std::filesystem::path& base);

} // namespace symphony::composer
