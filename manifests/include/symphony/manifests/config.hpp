// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

using ConfigValue = Data;

/// A value that somebody gave to a key.
struct Setting {
    std::string key;
    /// Durations ("5s") and sizes ("2GB") as text, or as integers of milliseconds and bytes.
    ConfigValue value;
    /// Who gave it, for people: "--set", "SYMPHONY_TEXT_TIMEOUT", "project file". Becomes Diagnostic::file.
    std::string origin;
    Place place;
    /// The value is text as a person typed it (flag, environment): it is read as the key's type asks.
    bool typed = false;
};

/// One key with the value that counts.
struct EffectiveSetting {
    std::string key;
    ConfigValue value; ///< durations in milliseconds, sizes in bytes; null when not given and without default
    std::string origin; ///< "default" when nobody gave it
    bool secret = false;
    friend bool operator==(const EffectiveSetting&, const EffectiveSetting&) = default;
};

struct EffectiveConfig {
    std::vector<EffectiveSetting> settings; ///< sorted by key; complete, when nothing is wrong
    std::vector<Diagnostic> diagnostics;    ///< never contain the value of a secret

    bool ok() const noexcept { return !has_errors(diagnostics); }
    const EffectiveSetting* find(std::string_view key) const noexcept;
    /// The values without the nulls, as the plugin receives them.
    ConfigValue values() const;
    /// The same for people: secrets read "(secret)".
    ConfigValue redacted() const;
};

/// What every plugin understands: enabled (true), timeout (0s, none), retry (0), metrics_enabled (true).
const std::vector<ConfigKey>& common_config_keys();

/// The manifest's own keys and the common ones, sorted by name. A manifest may give a common key another default.
std::vector<ConfigKey> config_keys(const Manifest& manifest);

/// Applies settings in order, later ones win, and checks every value. All diagnostics at once.
EffectiveConfig check_config(const std::vector<ConfigKey>& keys, const std::vector<Setting>& settings);

/// Reads what a person typed as the key's type asks: "0.5", "true", "5s", `["a", "b"]` or `a,b` for a list, `{ a = 1 }` for a map.
Result<ConfigValue> read_typed(const ConfigKey& key, std::string_view text);

/// JSON Schema, draft 2020-12, of the configuration; pretty-printed, deterministic.
std::string config_schema(const std::vector<ConfigKey>& keys, std::string_view title);

} // namespace symphony::manifests
