// SPDX-License-Identifier: Apache-2.0
#include "universe.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>

namespace symphony::packaging::test {
namespace {

class Maker {
public:
    explicit Maker(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
    bool percent(unsigned chance) { return random_() % 100 < chance; }
    std::string version(unsigned pre_percent) {
        auto text = std::to_string(below(3)) + "." + std::to_string(below(3)) + "." + std::to_string(below(2));
        if (percent(pre_percent)) text += below(2) == 0 ? "-rc.1" : "-rc.2";
        return text;
    }
    /// Around a version that may exist.
    std::string range(const std::string& near) {
        const auto version = *manifests::Version::parse(near);
        const auto major = std::to_string(version.major), minor = std::to_string(version.minor);
        switch (below(8)) {
        case 0: return "*";
        case 1: return "^" + major + "." + minor;
        case 2: return "~" + major + "." + minor;
        case 3: return ">=" + near;
        case 4: return "<=" + near;
        case 5: return "=" + near;
        case 6: return ">=" + major + "." + minor + ", <" + std::to_string(version.major + 1);
        default: return "^" + near;
        }
    }

private:
    std::mt19937_64 random_;
};

Universe::Release make_release(Maker& maker, const Shape& shape, std::string version) {
    Universe::Release release;
    release.version = std::move(version);
    if (maker.percent(shape.offer_percent)) {
        release.offer = maker.below(2) == 0 ? "pool/1" : "store/1";
        release.exclusive = maker.percent(40);
    }
    release.barred = maker.percent(shape.barred_percent);
    release.yanked = maker.percent(shape.yanked_percent);
    return release;
}

Universe::Need make_need(Maker& maker, const Universe& universe, const Shape& shape) {
    const auto& package = universe.packages[maker.below(universe.packages.size())];
    Universe::Need need;
    need.id = maker.percent(shape.unknown_percent) ? "nobody" : package.id;
    need.range = maker.range(package.releases[maker.below(package.releases.size())].version);
    return need;
}

} // namespace

const Universe::Package* Universe::find(std::string_view id) const {
    const auto found = std::find_if(packages.begin(), packages.end(), [&](const Package& one) { return one.id == id; });
    return found == packages.end() ? nullptr : &*found;
}

Universe make_universe(std::uint64_t seed, const Shape& shape) {
    Maker maker(seed);
    Universe universe;
    for (std::size_t i = 0; i < shape.packages; ++i) {
        std::set<manifests::Version> versions;
        const auto count = 1 + maker.below(shape.releases_max);
        while (versions.size() < count) versions.insert(*manifests::Version::parse(maker.version(shape.pre_percent)));
        Universe::Package package{"p" + std::to_string(i), {}};
        for (const auto& version : versions) package.releases.push_back(make_release(maker, shape, version.text()));
        universe.packages.push_back(std::move(package));
    }
    for (auto& package : universe.packages) {
        for (auto& release : package.releases) {
            for (auto count = maker.below(shape.needs_max + 1); count > 0; --count) {
                auto need = make_need(maker, universe, shape);
                // Not of itself: there libsolv looks away.
                need.optional = maker.percent(shape.optional_percent) && need.id != package.id;
                release.needs.push_back(std::move(need));
            }
            std::stable_sort(release.needs.begin(), release.needs.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
        }
    }
    for (auto count = 1 + maker.below(shape.wanted_max); count > 0; --count) universe.wanted.push_back(make_need(maker, universe, shape));
    return universe;
}

PackageTable table_of(const Universe& universe) {
    PackageTable table;
    for (const auto& package : universe.packages) {
        for (const auto& release : package.releases) {
            PackageTable::ReleaseText text{package.id, release.version, {}, {}, {}, release.barred ? "was revoked" : "", release.yanked};
            for (const auto& need : release.needs) text.needs.push_back({need.id, need.range, need.optional});
            if (!release.offer.empty()) text.offers.push_back({release.offer, release.exclusive});
            EXPECT_TRUE(table.add(text));
        }
    }
    return table;
}

ResolveRequest request_of(const Universe& universe) {
    ResolveRequest request;
    for (const auto& need : universe.wanted) request.wanted.push_back({need.id, *manifests::Range::parse(need.range), {}});
    return request;
}

std::string text_of(const Universe& universe) {
    std::ostringstream out;
    for (const auto& package : universe.packages) {
        for (const auto& release : package.releases) {
            out << package.id << " " << release.version << (release.barred ? " barred" : "") << (release.yanked ? " yanked" : "");
            if (!release.offer.empty()) out << " offers " << release.offer << (release.exclusive ? " alone" : "");
            for (const auto& need : release.needs) out << (need.optional ? "; allows " : "; needs ") << need.id << " " << need.range;
            out << "\n";
        }
    }
    for (const auto& need : universe.wanted) out << "want " << need.id << " " << need.range << "\n";
    return out.str();
}

bool in_range(std::string_view range, std::string_view version) {
    return manifests::Range::parse(range)->contains(*manifests::Version::parse(version));
}

bool holds(const Universe& universe, const Choice& choice) {
    const auto chosen = [&](std::string_view id) -> const Universe::Release* {
        for (std::size_t i = 0; i < choice.size(); ++i) {
            if (universe.packages[i].id == id && choice[i]) return &universe.packages[i].releases[*choice[i]];
        }
        return nullptr;
    };
    const auto met = [&](const Universe::Need& need) {
        const auto* release = chosen(need.id);
        return release != nullptr ? in_range(need.range, release->version) : need.optional;
    };
    if (!std::all_of(universe.wanted.begin(), universe.wanted.end(), met)) return false;
    for (std::size_t i = 0; i < choice.size(); ++i) {
        if (!choice[i]) continue;
        const auto& release = universe.packages[i].releases[*choice[i]];
        if (release.barred || release.yanked || !std::all_of(release.needs.begin(), release.needs.end(), met)) return false;
        for (std::size_t j = 0; j < i; ++j) {
            if (!choice[j]) continue;
            const auto& other = universe.packages[j].releases[*choice[j]];
            if (!release.offer.empty() && release.offer == other.offer && (release.exclusive || other.exclusive)) return false;
        }
    }
    return true;
}

bool fits_by_trying(const Universe& universe) {
    return any_choice(universe, [&](const Choice& choice) { return holds(universe, choice); });
}

} // namespace symphony::packaging::test
