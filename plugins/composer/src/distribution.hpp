// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/manifests/diagnostic.hpp>
#include <symphony/manifests/extensions.hpp>
#include <symphony/manifests/rights.hpp>
#include <symphony/manifests/semver.hpp>
#include <symphony/packaging/signature.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::composer {

using manifests::Diagnostic;
using manifests::Extensions;
using manifests::Place;

enum class Placement : std::uint8_t { any, in_process, isolated };
enum class Libraries : std::uint8_t { bundled, system };
enum class Format : std::uint8_t { tree, tar_zst, deb, single_file };

std::string_view name_of(Placement placement) noexcept;
std::string_view name_of(Libraries libraries) noexcept;
std::string_view name_of(Format format) noexcept;         ///< "tree", "tar.zst", "deb", "single-file"
std::optional<Format> format_of(std::string_view name) noexcept;

/// A plugin that the distribution has, as its file asks for it.
struct WantedPlugin {
    std::string id;
    manifests::Range range; ///< any, when only a path is given
    std::string path;       ///< a package file, or a folder of a built plugin; as written; empty: a range
    Placement placement = Placement::any;
    Place place;
    friend bool operator==(const WantedPlugin&, const WantedPlugin&) = default;
};

/// What users of the distribution may change, and whom it trusts.
struct Policy {
    bool trust_core = true;                         ///< plugins that the composing symphony came with, by digest, run in process
    bool trust_local = false;                       ///< so do those of folders and files that the file names
    std::vector<packaging::PublicKey> publishers;   ///< and those that these keys signed; sorted
    std::vector<manifests::Right> denied;           ///< to every plugin, for ever; sorted
    std::string minimum_grade;                      ///< "G0" to "G4"; empty: the host's default
    Extensions extensions = Extensions::signed_only; ///< which plugins may be installed later
    bool allow_unsigned = false;                    ///< plugins of the file that nobody signed and that are not the core's
    bool forbid_startup_activation = false;
    bool only_trusted_in_process = false;           ///< whatever a user types
    Place deny_place;
    friend bool operator==(const Policy&, const Policy&) = default;
};

/// A value for a plugin's setting.
struct Preset {
    std::string plugin; ///< id
    std::string key;
    manifests::Data value;
    bool locked = false; ///< users cannot change it
    Place place;
    friend bool operator==(const Preset&, const Preset&) = default;
};

/// distribution.toml as data.
struct Distribution {
    std::string name;        ///< lower-case letters, digits, dashes
    manifests::Version version;
    std::string description, maintainer, license;
    manifests::Range host;   ///< versions of symphony
    std::vector<std::string> triples; ///< sorted; empty: the one of the machine that composes
    std::vector<std::string> workflows; ///< paths as written
    std::vector<WantedPlugin> plugins;  ///< sorted by id
    Policy policy;
    std::vector<Preset> presets;        ///< defaults before locked, each sorted by plugin and key
    std::vector<Format> formats;        ///< as written, each once; default: tree
    Libraries libraries = Libraries::bundled;
    Place host_place, triples_place, workflows_place;

    const WantedPlugin* find(std::string_view id) const noexcept;
    friend bool operator==(const Distribution&, const Distribution&) = default;
};

inline constexpr std::size_t distribution_bytes_max = 1024 * 1024;
inline constexpr std::size_t plugins_max = 2000;

/// A distribution, when no diagnostic is an error; and everything that is wrong, in the order of the file.
struct ReadDistribution {
    std::optional<Distribution> distribution;
    std::vector<Diagnostic> diagnostics;
};

/// Reads a distribution.toml. Unknown keys are errors, with the known one that looks most like it. Never throws; pure. [any]
/// Reasons: "bad-toml", "too-large", "too-deep", "unknown-key", "missing-key", "wrong-type", "bad-value", "bad-version", "bad-range", "bad-right",
///   "bad-public-key", "no-plugins".
/// @param file  How diagnostics call it.
ReadDistribution read_distribution(std::string_view text, const std::string& file);

} // namespace symphony::composer
