// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "inputs.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace symphony::composer {

/// A distribution with its plugins: what is checked, and what a tree is made of.
struct Composition {
    const Distribution& distribution;
    std::string file;                    ///< of the distribution, for messages
    std::string triple;
    manifests::Version host;             ///< of symphony
    std::pair<std::uint32_t, std::uint32_t> abi{1, 0};
    const packaging::Lock& lock;
    std::vector<const Input*> inputs;    ///< of the lock's packages, in its order

    const Input* find(std::string_view id) const noexcept;
};

/// Whose plugins run in the host's process.
bool is_trusted(const Composition& all, const Input& input);
/// "in-process" or "isolated": where it will run as long as the user says nothing.
std::string_view place_of(const Composition& all, const Input& input);
/// What a plugin asks for and policy does not deny, by right. A right of which a part is denied is denied.
struct Granted {
    std::vector<manifests::Asked> allowed, denied; ///< point into the input's manifest
};
Granted rights_of(const Composition& all, const Input& input);

/// Everything for which these plugins make no distribution, each with the place in the file and what to do.
/// Reasons: "wrong-host", "missing-platform", "abi-mismatch", "unmet-port", "exclusive-port", "denied-right", "unsigned", "not-trusted", "startup-activation",
///   "secret-setting", "unknown-plugin" (settings of one that is not there), and those of settings (manifests::check_config).
std::vector<Diagnostic> check(const Composition& all);

} // namespace symphony::composer
