// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command_line.hpp"

#include <functional>
#include <optional>

namespace symphony::packages {

/// A plugin that nobody installed as a package: the distribution's, or one that lies in the user's folder.
struct Present {
    std::string id;
    manifests::Version version;
    std::vector<std::string> ports; ///< that it provides
};
std::vector<Present> present_anyway(const About& about);

/// One plugin that another one needs and that is not there in a version that fits.
struct Unmet {
    std::string plugin; ///< who needs it
    std::string needs;
    std::string range;
    std::string found;  ///< the version that is there; empty: none
};

/// The manifest of a package of the profile; nothing when it cannot be read, which is verify's business.
using ManifestOf = std::function<std::optional<manifests::Manifest>(const packaging::Installed&)>;
ManifestOf from_store(const packaging::Store& store);

/// Dependencies of the profile's packages that neither it nor the distribution's and the user's own folders meet. Optional ones do not count.
std::vector<Unmet> unmet_in(const CommandLine& line, const packaging::Profile& profile, const ManifestOf& manifest_of);
/// Packages that nobody asked for and that none of the others needs, not even one that is kept for another: what came along for something that is gone.
std::vector<std::string> orphans_in(const packaging::Profile& profile, const ManifestOf& manifest_of);
/// The first of them as an error. @return `conflict`, reason "unmet-dependency".
Status check_dependencies(const CommandLine& line, const packaging::Profile& profile, const ManifestOf& manifest_of);

} // namespace symphony::packages
