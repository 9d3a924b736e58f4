// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/result.hpp>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {
struct Manifest;
}
namespace symphony::permissions {
struct Subject;
}

namespace symphony::host {

/// What is known of libraries beside their manifests, which cannot claim it: by plugin id and digest, which ones may run in the
/// host's process, and who signed them. Copies share what is known. [any]
class Trust {
public:
    struct File {
        std::filesystem::path path;
        bool may_trust = true; ///< false: it only says who signed
    };
    /// Files of `[[trusted]]` tables with `plugin` and `sha256`, and `[[signed]]` tables with `publisher` (a public key as its owner
    /// gives it out) as well. A file that is not there is no loss; one that cannot be read trusts nothing and is a warning.
    static Trust load(std::vector<File> files);
    /// Reads the files again; every copy knows it.
    void reload() const;

    bool trusts(std::string_view plugin, std::string_view sha256) const;
    /// Whether who vouches for it wants it isolated all the same: `isolated = true`. It then has the grants of a trusted plugin.
    bool isolates(std::string_view plugin, std::string_view sha256) const;
    /// Fills `publisher` and `trusted` of a subject whose `plugin` and `digest` are known.
    void identify(permissions::Subject& subject) const;
    std::vector<std::string> warnings() const;

private:
    struct Known;
    struct Shared;
    std::shared_ptr<Shared> shared_; // null: nothing is known
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
