// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>
#include <symphony/packaging/file_list.hpp>

#include <string>
#include <vector>

namespace symphony::packaging {

/// A bill of materials in CycloneDX 1.5 (JSON): the plugin, its files with their digests, and the plugins that it depends on by range. Without time and
/// serial number, so that equal packages have equal bytes.
std::string sbom_of(const manifests::Manifest& manifest, const std::vector<FileEntry>& files);

} // namespace symphony::packaging
