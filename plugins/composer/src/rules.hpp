// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checks.hpp"

#include <string>

namespace symphony::composer {

/// The files by which a distribution steers its host, in the formats of an administrator's policy and of a user's settings. Canonical: equal policies have equal texts.
struct Rules {
    std::string policy;   ///< etc/symphony/policy.toml
    std::string defaults; ///< etc/symphony/config.toml: weaker than what users say
    std::string locked;   ///< etc/symphony/locked.toml: stronger
    std::string placement; ///< no file: whose plugins run where, which plugins.lock says by digest
    /// SHA-256 of all of them: what the lock has as `policy`.
    std::string digest() const;
};
Rules rules_of(const Distribution& distribution);

/// The text of plugins.lock: which libraries run in the host's process, which of them isolated all the same, and who signed which.
std::string trust_of(const Composition& all);

} // namespace symphony::composer
