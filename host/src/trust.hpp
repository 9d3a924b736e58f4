// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {
struct Manifest;
}

namespace symphony::host {

/// The libraries that may run in the host's process: those of the distribution's lock and of the user's trust.toml, by
/// plugin id and digest. A manifest cannot claim it.
class Trust {
public:
    /// Files of `[[trusted]]` tables with `plugin` and `sha256`. A file that is not there is no loss; one that cannot be read
    /// trusts nothing and is a warning.
    static Trust load(const std::vector<std::filesystem::path>& files);

    bool trusts(std::string_view plugin, std::string_view sha256) const;
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

private:
    std::set<std::pair<std::string, std::string>, std::less<>> digests_;
    std::vector<std::string> warnings_;
};

/// Where a plugin runs, and the sentence that says why.
struct Placement {
    bool isolated = true;
    std::string why;
    bool demoted = false;  ///< trusted, but not any more after what happened: the person should hear of it
};

/// Who decides where plugins run: the person who types, then what happened, then trust. A manifest may only ask for more
/// isolation.
struct PlacementPolicy {
    Trust trust;
    bool isolate_all = false;
    bool in_process_all = false;
    std::string only_trusted;                       ///< the policy file that lets only trusted plugins run in process; empty: none
    std::set<std::string, std::less<>> isolate;     ///< ids or short names
    std::set<std::string, std::less<>> in_process;  ///< ids or short names

    /// @param sha256   Of the library, as its manifest has it.
    /// @param crashed  When it last took a host process down, for people; empty when it did not.
    /// Policy goes before whoever types: what it does not let in, of all that "all" means, runs isolated.
    Placement decide(const manifests::Manifest& manifest, std::string_view sha256, std::string_view crashed) const;
    /// `refused`, reason "in-process-forbidden": --in-process names a plugin that policy does not let in.
    Status check(const manifests::Manifest& manifest, std::string_view sha256) const;
};

} // namespace symphony::host
