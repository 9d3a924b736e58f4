// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "reporter.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/manifests/parse.hpp>

namespace symphony::manifests {

/// What no single key can tell: duplicates, contradictions, names that the host keeps for itself.
/// Brings the values of `[configuration]` into their inner form on the way.
void validate(Manifest& manifest, Strictness strictness, Reporter& reporter);

} // namespace symphony::manifests
