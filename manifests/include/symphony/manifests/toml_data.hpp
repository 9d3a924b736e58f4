// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/manifests/toml.hpp>

namespace symphony::manifests {

/// A value as somebody wrote it, for settings, which no date is: dates, and numbers that are not finite, are null. As deep as the file, which toml++ bounds. For .cpp
/// files only, as toml.hpp. [any]
Data to_data(const toml::node& node);

} // namespace symphony::manifests
