// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "candidate.hpp"

#include <symphony/packaging/lock.hpp>

#include <optional>
#include <string>
#include <vector>

namespace symphony::packages {

/// Whether that is meant as a lock: a path that ends in ".lock".
bool is_lock(const std::string& typed);
/// Reads it. @return `not_found`, reason "no-such-lock"; as packaging::parse_lock.
Result<packaging::Lock> lock_file_of(const CommandLine& line, const std::string& typed);

/// What a lock asks for: ids with the ranges that persons asked for; where it does not say so, what nothing else in it needs.
std::vector<packaging::Wanted> wanted_of(const packaging::Lock& lock);

/// A package that was installed in a generation which is kept, and is whole in the store: nobody has to fetch it.
/// @param signer  Who has to have signed it; empty: nobody.
std::optional<Candidate> held(const CommandLine& line, const packaging::Store& store, const std::string& digest, const std::string& signer);

/// That a candidate is the package that the lock has under its version: manifest, package file, signer and granted rights.
/// @return `refused`: "digest-changed", "publisher-changed", "rights-not-in-lock"; nothing is compared with an id or version that the lock does not have.
Status check_against(const packaging::Lock& lock, const Candidate& candidate, const std::optional<packaging::PublicKey>& signer, const std::string& triple);

/// With --locked: what would change, as an error. @param lock  Null: there is none. @param after  What would be installed, id and version.
/// @param removed  Ids that would go. @return `refused`: "no-lock", "lock-out-of-date".
Status check_locked(const packaging::Lock* lock, const std::vector<std::pair<std::string, std::string>>& after, const std::vector<std::string>& removed);

/// The entry of a package that came as a file or folder.
packaging::Lock::Package entry_of(const Candidate& candidate, const std::string& triple);
manifests::Data data_of(const packaging::Lock& lock);

} // namespace symphony::packages
