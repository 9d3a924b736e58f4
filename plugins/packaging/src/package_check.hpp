// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/package.hpp>

namespace symphony::packaging {

/// What manifest and list of files say together, for reader and packer.
Result<manifests::Manifest> parsed_manifest(const std::string& text);
/// The platforms whose libraries are there, each of which is the one that the manifest means.
Result<std::vector<std::string>> checked_libraries(const manifests::Manifest& manifest, const FileList& files);

} // namespace symphony::packaging
