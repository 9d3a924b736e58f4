// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "paths.hpp"

#include <symphony/manifests/config.hpp>
#include <symphony/manifests/diagnostic.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::host {

/// Settings from everywhere a person may write them, and which one counts.
///
/// From strongest to weakest: `--set PLUGIN.KEY=VALUE`; `SYMPHONY_SET__PLUGIN__KEY` in the environment (the plugin's id or
/// name and the key in capitals, every other character a `_`); `.symphony/config.toml` in the workspace or the nearest
/// folder above it; `config.toml` in the user's configuration folder; the distribution's `config.toml`; the manifest's default. Before all of them
/// comes the distribution's `locked.toml`: what it has, nobody changes. The files hold one table `[plugins.NAME]` for each plugin. PLUGIN and NAME are an
/// id or a short name.
class Config {
public:
    struct Sources {
        std::vector<std::string> flags;  // as typed after --set
        std::string flag_plugin;         // whom a flag without a plugin means; may be empty
        Environment environment;
        std::filesystem::path workspace; // where the search for the project's file begins; empty: none
        std::filesystem::path user_dir;  // folder of the user's file; empty: none
        std::filesystem::path distribution_dir; // folder of the distribution's files; empty: none
    };

    /// Never fails: what is wrong is in diagnostics().
    static Config load(const Sources& sources);

    /// The effective configuration of a plugin, checked; all diagnostics at once, secrets never in them.
    manifests::EffectiveConfig effective(const manifests::Manifest& manifest) const;
    /// Whether somebody wrote `enabled = false` for the plugin; cheap, needs no manifest.
    bool disabled(std::string_view id, std::string_view name) const;

    /// Errors in flags and files that concern no single plugin.
    const std::vector<manifests::Diagnostic>& diagnostics() const noexcept { return diagnostics_; }
    /// Plugins that --set names, in order; whoever knows the catalog checks them.
    std::vector<std::string> flagged_plugins() const;
    const std::filesystem::path& project_file() const noexcept { return project_file_; }
    const std::filesystem::path& user_file() const noexcept { return user_file_; }

private:
    struct Written {
        std::string plugin; // id or name as written; empty for environment variables
        manifests::Setting setting;
    };
    void read_file(const std::filesystem::path& file, std::vector<Written>& to);
    void tell_locked(const manifests::Manifest& manifest, manifests::EffectiveConfig& effective, const std::vector<manifests::Setting>& settings) const;
    void find_project(std::filesystem::path folder);
    std::vector<manifests::Setting> settings_of(std::string_view id, std::string_view name,
                                                const std::vector<manifests::ConfigKey>& keys) const;

    std::vector<Written> files_;       // weakest first
    std::vector<Written> locked_;
    std::vector<Written> environment_; // key = the variable's name after the prefix
    std::vector<Written> flags_;
    std::vector<manifests::Diagnostic> diagnostics_;
    std::filesystem::path project_file_;
    std::filesystem::path user_file_;
};

/// One MessagePack map of the values, secrets left out: what the plugin receives.
std::string encode_for_plugin(const manifests::EffectiveConfig& config);

} // namespace symphony::host
