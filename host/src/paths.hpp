// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalog.hpp"

#include <symphony/result.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace symphony::host {

/// The environment as data, so that tests bring their own.
class Environment {
public:
    static Environment of_process();
    Environment() = default;
    using Items = std::vector<std::pair<std::string, std::string>>;
    explicit Environment(Items items) : items_(std::move(items)) {}

    /// Empty when unset.
    std::string get(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& items() const noexcept { return items_; }

private:
    std::vector<std::pair<std::string, std::string>> items_;
};

/// The folders that the host works with, by the XDG base directory specification. Empty: there is none.
struct Paths {
    std::filesystem::path executable_dir;
    std::filesystem::path prefix; // above the program's folder
    std::filesystem::path config; // .../symphony
    std::filesystem::path state;
    std::filesystem::path cache;
    std::filesystem::path data;
    std::vector<std::string> warnings; // at most one

    /// Of a composed distribution: policy.toml, config.toml (defaults) and locked.toml.
    std::filesystem::path distribution() const { return prefix / "etc/symphony"; }

    static Paths find(const Environment& environment, const std::filesystem::path& executable);
};

/// Beneath the user's data folder: the link to what is installed now, switched at once from one set of packages to the next.
/// In it are `plugins/`, a link for each, and `plugins.lock`.
inline constexpr std::string_view packages_current = "packages/current";

/// Plugin folders in search order: each --plugins, SYMPHONY_PLUGIN_PATH, the distribution's, the prefix's, the installed
/// packages, the user's.
/// @param shipped_only  Only the distribution's and the prefix's: safe mode, or a policy that lets nothing else be used.
/// @return `not_found` for a --plugins folder that is not there.
Result<std::vector<Root>> plugin_roots(const Paths& paths, const std::vector<std::string>& flags,
                                       const Environment& environment, bool shipped_only);

/// Names of the workflows that are beside the program, sorted.
std::vector<std::string> shipped_workflows(const Paths& paths);

/// A workflow as typed: a file, else a shipped workflow's name. Empty when there is neither.
std::filesystem::path find_workflow(const Paths& paths, const std::string& typed);

/// Makes the folder when missing and tells whether files can be made in it; the reason when not.
Status make_writable(const std::filesystem::path& folder);

} // namespace symphony::host
