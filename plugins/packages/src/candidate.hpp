// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"
#include "rights_change.hpp"

#include <optional>

namespace symphony::packages {

/// A package that somebody wants installed: verified in itself, and not yet judged.
struct Candidate {
    std::string typed;  ///< for people
    std::string source;   ///< the file or folder, for the profile
    std::string registry; ///< or the registry that it came from
    std::string asked;    ///< the range that was asked for; of a file, its version or compatible ones; empty: others need it
    std::string bytes;
    std::optional<packaging::Signature> signature;
    std::optional<packaging::PublicKey> offered; ///< the signer as the registry has him, whom the user need not name
    packaging::PackageInfo info;
    bool succeeds = false; ///< the registry's root says that `offered` took the place of the key that the plugin is pinned to
    bool held = false;     ///< it is in the store, as `offered` signed it, and has no bytes here
};

/// Whether that is meant as a file or folder, and not as the id of a plugin.
bool is_path(const CommandLine& line, const std::string& typed);

/// What was typed: a package file, with its signature beside it, or the folder of a built plugin, which is packed. @return As read_package and pack, with what was typed in
/// front; `not_found`, reason "no-such-package".
Result<Candidate> candidate_of(const CommandLine& line, const std::string& typed);

/// Whether this symphony takes other plugins at all. @return `refused`, reason "extensions-forbidden".
Status check_open(const CommandLine& line);
/// Whether it takes this one, as its host will when it loads it. @param signer  Empty: nobody. @return `refused`: as manifests::ExtensionRule::check.
Status check_welcome(const CommandLine& line, const packaging::PackageInfo& info, const std::string& signer);

/// Whether this host can run it. @return `abi_mismatch`: "abi-mismatch", "wrong-host"; `refused`: "wrong-platform".
Status check_fits(const CommandLine& line, const packaging::PackageInfo& info);

/// The key that signed it, judged by what the user trusts; nothing when nobody signed it and that is fine.
/// @param offered  The key that the user names now. @return `refused`: "unsigned", "publisher-changed" and what Publishers::key_for, verify and PackageClaim say.
Result<std::optional<packaging::PublicKey>> signer_of(const Candidate& candidate, const packaging::Publishers& publishers, const std::optional<packaging::PublicKey>& offered,
                                                      bool allow_unsigned);

} // namespace symphony::packages
