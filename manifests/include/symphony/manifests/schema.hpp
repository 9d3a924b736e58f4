// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace symphony::manifests {

/// JSON Schema, draft 2020-12, of the manifest format, made from the table of keys that `parse` works by.
/// `manifests/schema/manifest.schema.json` is this text; a test compares them.
std::string manifest_schema();

} // namespace symphony::manifests
