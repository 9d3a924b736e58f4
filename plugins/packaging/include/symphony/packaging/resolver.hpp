// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/conflict.hpp>
#include <symphony/packaging/provider.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace symphony::packaging {

/// What somebody asks for.
struct Wanted {
    std::string id;
    manifests::Range range;
    std::string place; ///< for messages: "profile.toml:4"; may be empty
    friend bool operator==(const Wanted&, const Wanted&) = default;
};

struct Chosen {
    std::string id;
    manifests::Version version;
    friend bool operator==(const Chosen&, const Chosen&) = default;
};

struct ResolveRequest {
    std::vector<Wanted> wanted; ///< in any order; the answer does not depend on it
    manifests::Version host{1, 0, 0, {}, {}}; ///< the ABI that the host offers, major.minor.0
    std::vector<Chosen> prefer; ///< of a lock: taken wherever they fit, also when yanked
    std::vector<Chosen> keep;   ///< what there is, to be renewed: taken although yanked where nothing newer fits
    bool minimal = false; ///< the lowest versions instead of the highest
    std::vector<std::string> ports; ///< offered by who is there anyway, such as the distribution
    std::uint64_t steps_max = 100'000'000;
    std::size_t packages_max = 200'000;
    std::function<bool()> cancelled; ///< asked every few thousand steps; empty: never
};

struct Solution {
    std::vector<Chosen> chosen; ///< sorted by id, the host not among them
    std::uint64_t steps = 0;    ///< how much work it was
};

using Resolution = std::variant<Solution, Conflict>;

/// One version of each package that is wanted or needed, such that all needs are met; or why there is none. PubGrub (Weizenbaum 2018).
///
/// One version of an id at a time. Ranges as Cargo reads them: a pre-release only where a range names one of the same numbers. A version that a
/// lock prefers before the highest; yanked ones for locks, and for who has them, only. Two packages that offer a port which one of them has for itself do not go
/// together. Used ports are looked for in the answer: a missing one is a conflict too.
/// Equal packages and equal requests, in whatever order, give equal answers.
/// @return What fits or does not; or the provider's error, `too-many-packages`, `too-many-versions`, `too-hard` (`steps_max`), `cancelled`.
Result<Resolution> resolve(Provider& provider, const ResolveRequest& request);

} // namespace symphony::packaging
