// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>

namespace symphony::manifests {

/// A value in the form its key has inside: durations in milliseconds, sizes in bytes, integers of a float key as numbers.
/// The message says what was expected; it never holds the value of a secret.
Result<Data> normalise(const ConfigKey& key, const Data& given);
/// The bound of a key in the same form: as `normalise` for numbers, a length for strings, lists and maps.
Result<Data> normalise_bound(const ConfigKey& key, const Data& given);
/// Checks a normalised value against min, max and choices.
Status check_limits(const ConfigKey& key, const Data& value);
/// The opposite of `normalise`: durations and sizes as text.
Data presented(const ConfigKey& key, const Data& value);
/// "a duration such as \"5s\"".
std::string_view expected_of(ConfigType type) noexcept;
/// Whether min and max of this type are lengths.
bool bounds_length(ConfigType type) noexcept;

/// Reads one TOML value. Implemented beside the parser. @return null when it is none.
Data read_toml_value(std::string_view text) noexcept;

} // namespace symphony::manifests
