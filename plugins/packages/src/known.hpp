// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "registries.hpp"

#include <symphony/packaging/index_line.hpp>
#include <symphony/packaging/publishers.hpp>

#include <optional>
#include <string>
#include <vector>

namespace symphony::packages {

/// One version as a registry has it, judged.
struct KnownVersion {
    packaging::IndexLine line;
    manifests::Version version;
    std::string barred; ///< why nobody gets it, to follow "it"; empty: it can be had
    bool runs_here = false; ///< there is a package for this machine
    bool usable() const noexcept { return barred.empty() && runs_here && !line.yanked; }
};

/// A plugin as a registry has it: its versions, the newest first.
struct KnownPlugin {
    std::string id, registry;
    std::vector<KnownVersion> versions;

    /// The newest that can be had and lies in the range; else null.
    const KnownVersion* newest(const manifests::Range& range) const;
    const KnownVersion* find(std::string_view version) const;
};

/// What is known to be wrong with a version. Of what cannot be read there is the id alone.
std::vector<packaging::Advisory> advisories_of(packaging::Registry& registry, const packaging::IndexLine& line);
/// In one line, for people: "SYM-2026-0001, high: reads too far (https://example.org/1)".
std::string in_words(const packaging::Advisory& advisory);

/// The plugin of that id, or the only one whose id ends in ".NAME". @return Nothing when no registry has it. `conflict`, reason "ambiguous-plugin"; errors of registries.
Result<std::optional<KnownPlugin>> known_as(const CommandLine& line, const Registries& registries, const packaging::Publishers& publishers, const std::string& typed);

} // namespace symphony::packages
