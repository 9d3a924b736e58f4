// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>

#include <string>

namespace symphony::manifests {

/// Canonical TOML: one order, defaults left out, so that equal manifests have equal bytes.
/// `parse(print(m)) == m` for every manifest that `parse` made.
std::string print(const Manifest& manifest);

/// The same content as `Data`, with the manifest's own names and written units; `to_json` of it is `show --json`.
Data to_data(const Manifest& manifest);

} // namespace symphony::manifests
