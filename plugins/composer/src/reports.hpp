// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checks.hpp"

#include <string>

namespace symphony::composer {

/// What the distribution can reach: each plugin with its rights, and all of them together.
manifests::Data capabilities_data(const Composition& all);
/// The same for people.
std::string capabilities_text(const Composition& all);

/// A bill of materials in CycloneDX 1.5 (JSON): host, libraries of the system, plugins, with digests and licences. Without time and serial number.
std::string sbom_of(const Composition& all);

/// How it was made: an in-toto statement v1 with SLSA's provenance v1 as predicate, without time.
/// @param content  Tree::digest() of everything else. @param distribution  The bytes of distribution.toml.
std::string provenance_of(const Composition& all, const std::string& content, std::string_view distribution);

} // namespace symphony::composer
