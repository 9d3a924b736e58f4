// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/provider.hpp>

#include <symphony/nearest.hpp>

#include <algorithm>

namespace symphony::packaging {

Status PackageTable::add(const ReleaseText& release) {
    Release made;
    made.version = SYMPHONY_TRY(manifests::Version::parse(release.version));
    const auto id = text(release.id);
    auto& entry = entries_[id];
    entry.package.id = id;
    const auto at = std::lower_bound(entry.releases.begin(), entry.releases.end(), made.version,
                                     [](const Release& one, const manifests::Version& version) { return precedence(one.version, version) < 0; });
    if (at != entry.releases.end() && precedence(at->version, made.version) == 0) {
        return Error(Code::conflict, "duplicate-version",
                     release.id + " " + release.version + " is there already as " + at->version.text() + "; build metadata does not tell versions apart");
    }
    auto& kept = kept_.emplace_back();
    for (const auto& need : release.needs) {
        auto range = ranges_.find(need.range);
        if (range == ranges_.end()) range = ranges_.emplace(need.range, SYMPHONY_TRY(manifests::Range::parse(need.range))).first;
        kept.needs.push_back({text(need.id), &range->second, need.optional});
    }
    for (const auto& offer : release.offers) kept.offers.push_back({text(offer.port), offer.exclusive});
    for (const auto& use : release.uses) kept.uses.push_back({text(use.port), text(use.provider)});
    made.needs = kept.needs;
    made.offers = kept.offers;
    made.uses = kept.uses;
    made.barred = text(release.barred);
    made.yanked = release.yanked;
    entry.releases.insert(at, std::move(made));
    entry.package.releases = entry.releases;
    return {};
}

Result<const Package*> PackageTable::find(std::string_view id) {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second.package;
}

std::vector<std::string> PackageTable::offering(std::string_view port) {
    constexpr std::size_t ids_max = 8;
    std::vector<std::string> ids;
    for (const auto& [id, entry] : entries_) {
        const bool offers = std::any_of(entry.releases.begin(), entry.releases.end(), [&](const Release& release) {
            return std::any_of(release.offers.begin(), release.offers.end(), [&](const Offer& offer) { return offer.port == port; });
        });
        if (offers && ids.size() < ids_max) ids.emplace_back(id);
    }
    return ids;
}

std::string PackageTable::similar(std::string_view id) {
    Nearest nearest(id);
    for (const auto& [other, entry] : entries_) {
        if (other != id) nearest.look_at(other);
    }
    return std::string(nearest.best());
}

} // namespace symphony::packaging
