// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/packaging/resolver.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging::test {

/// A made-up world of packages, plain enough to be judged by looking at everything.
struct Universe {
    struct Need {
        std::string id, range;
        bool optional = false;
    };
    struct Release {
        std::string version;
        std::vector<Need> needs;
        std::string offer; ///< a port, or empty
        bool exclusive = false;
        bool barred = false;
        bool yanked = false;
    };
    struct Package {
        std::string id;
        std::vector<Release> releases; ///< rising
    };
    std::vector<Package> packages;
    std::vector<Need> wanted;

    const Package* find(std::string_view id) const;
};

struct Shape {
    std::size_t packages = 4;
    std::size_t releases_max = 3;
    std::size_t needs_max = 2;
    std::size_t wanted_max = 2;
    unsigned pre_percent = 15, optional_percent = 10, barred_percent = 5, yanked_percent = 5, offer_percent = 15, unknown_percent = 2;
};

Universe make_universe(std::uint64_t seed, const Shape& shape);
PackageTable table_of(const Universe& universe);
ResolveRequest request_of(const Universe& universe);
std::string text_of(const Universe& universe);

bool in_range(std::string_view range, std::string_view version);

/// For each package the number of a release, or nothing.
using Choice = std::vector<std::optional<std::size_t>>;
/// Whether all that is wanted and needed is there. Says nothing about what is there for no reason.
bool holds(const Universe& universe, const Choice& choice);
/// Tries every choice of a tiny universe.
bool fits_by_trying(const Universe& universe);
/// Calls `visit` with every choice until it returns true. @return Whether it did.
template <class Visit>
bool any_choice(const Universe& universe, Visit&& visit) {
    Choice choice(universe.packages.size());
    for (;;) {
        if (visit(static_cast<const Choice&>(choice))) return true;
        std::size_t at = 0;
        for (; at < choice.size(); ++at) {
            const auto next = choice[at] ? *choice[at] + 1 : 0;
            if (next < universe.packages[at].releases.size()) {
                choice[at] = next;
                break;
            }
            choice[at].reset();
        }
        if (at == choice.size()) return false;
    }
}

/// What libsolv says, fed with the same comparisons of versions. Only where SYMPHONY_HAS_LIBSOLV.
bool fits_by_libsolv(const Universe& universe);

} // namespace symphony::packaging::test
