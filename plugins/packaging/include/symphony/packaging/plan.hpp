// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/lock.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace symphony::packaging {

/// Registries, files and folders as one: versions for the resolver, details for the lock.
class Source : public Provider {
public:
    virtual std::vector<Lock::Registry> registries() const = 0;
    /// Everything about one version that find() told of, but its dependencies: the artefacts of all platforms, and all the rights it asks for.
    virtual Result<Lock::Package> describe(std::string_view id, const manifests::Version& version) = 0;
};

/// How a lock is used.
struct LockMode {
    bool locked = false;  ///< the lock must answer to the profile as it is: nothing new is looked for
    bool offline = false; ///< nothing is fetched: for whoever makes the Source, and so that a lock that answers is not checked against it
    bool minimal = false; ///< lowest versions, whatever the lock has; to try whether declared bounds are true
    bool update = false;  ///< look for newer versions of everything, or of `update_ids` alone if there are any
    std::vector<std::string> update_ids;

    static LockMode frozen() {
        LockMode mode;
        mode.locked = mode.offline = true;
        return mode;
    }
};

struct PlanChange {
    enum class Kind : std::uint8_t { added, removed, upgraded, downgraded, rebuilt } kind = Kind::added;
    std::string id;
    std::string from, to; ///< versions
    manifests::RightsDiff rights;
    friend bool operator==(const PlanChange& a, const PlanChange& b) { return a.kind == b.kind && a.id == b.id && a.from == b.from && a.to == b.to; }
};

struct Plan {
    Lock lock;                   ///< to write, if `changed`
    bool changed = false;
    std::vector<PlanChange> changes; ///< beside the lock that was given; sorted by id
};
using Planned = std::variant<Plan, Conflict>;

/// From what is wanted to exact packages. A lock whose inputs are the profile's is the answer, and nothing is resolved; else its versions are
/// kept wherever they still fit.
/// @param lock  May be null: there is none yet.
/// @return `refused`: "no-lock" or "lock-out-of-date" (`locked`, and the lock does not answer), "digest-changed" (the source has other bytes under a
///   locked version), "locked-version-barred" (it was revoked), "locked-version-gone"; or what `resolve` and the source return.
Result<Planned> make_plan(Source& source, const LockInputs& asked, const Lock* lock, const LockMode& mode, std::function<bool()> cancelled = {});

/// What is different in `to`.
std::vector<PlanChange> changes_between(const Lock* from, const Lock& to);

} // namespace symphony::packaging
