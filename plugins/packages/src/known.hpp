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

/// The plugin of that id, or the only one whose id ends in ".NAME". @return Nothing when no registry has it. `conflict`, reason "ambiguous-plugin"; errors of registries.
Result<std::optional<KnownPlugin>> known_as(const CommandLine& line, const Registries& registries, const packaging::Publishers& publishers, const std::string& typed);

} // namespace symphony::packages
