// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>
#include <symphony/value.hpp>

#include <cstdint>
#include <random>
#include <string>

namespace symphony::checker {

using Random = std::mt19937_64;

/// How inputs are made.
enum class Style : std::uint8_t {
    plain,    ///< of the declared types, short, friendly
    declared, ///< of the declared types, any content and size
    hostile,  ///< anything: other kinds, missing, unknown, deep, huge
};

/// A map with the operation's inputs. Equal seeds give equal bytes.
Value make_input(const manifests::Operation& operation, Style style, Random& random);

/// A value that the key allows, and the same for everybody.
manifests::Data plain_setting(const manifests::ConfigKey& key);
/// One that the key allows, near its limits often.
manifests::Data allowed_setting(const manifests::ConfigKey& key, Random& random);
/// A map of settings that breaks what the keys ask for in one or more ways, or no map at all.
Value forbidden_settings(const manifests::Manifest& manifest, Random& random);

/// Whether the value is of the type.
bool fits(manifests::Type type, ValueView value);

} // namespace symphony::checker
