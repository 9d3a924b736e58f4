// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "candidate.hpp"

#include <symphony/packaging/lock.hpp>
#include <symphony/packaging/registry_files.hpp>

#include <map>
#include <string>
#include <vector>

namespace symphony::packages {

/// What somebody wants from a registry.
struct Ask {
    std::string id;
    std::string range; ///< as typed; empty: any
};
/// "ID" or "ID@RANGE". @return Reason "usage".
Result<Ask> ask_of(const std::string& typed);

struct Question {
    std::vector<Ask> asks;
    std::vector<const Candidate*> files; ///< that come along in the same command
    std::vector<std::string> renewed;    ///< ids whose installed version is not preferred any more
    bool renew_all = false;
    bool offline = false;
    bool minimal = false;                ///< the lowest versions
    const packaging::Lock* lock = nullptr; ///< of a file: its versions are taken where they fit, also before those that are installed
};

struct Answer {
    std::vector<Candidate> candidates;        ///< what is not installed yet, fetched and verified
    std::map<std::string, std::string> asked; ///< ranges of installed packages that are asked for from now on
    std::vector<std::pair<std::string, packaging::Advisory>> advisories; ///< "ID VERSION" of what is chosen, and what is known to be wrong with it
    std::vector<std::string> orphans;         ///< installed for others that are gone or need them no more
    std::vector<std::pair<std::string, std::string>> chosen; ///< id and version of all that comes from registries
    packaging::Lock lock;                     ///< entries of all that comes from registries, and the registries
};

/// Finds versions that fit together with what is installed, and fetches those that are new. One version of an id; installed versions stay where they fit.
/// @return `conflict`, reason "conflict", when nothing fits; the explanation goes to stderr, the best edit is the hint. Errors of registries and packages.
Result<Answer> resolve_from_registries(const CommandLine& line, const packaging::Profile& profile, const packaging::Store& store, const packaging::Publishers& publishers, const Question& question);

} // namespace symphony::packages
