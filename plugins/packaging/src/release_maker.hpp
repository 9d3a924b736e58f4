// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "package_arena.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// Makes releases for the resolver in an arena, one part after the other, then whole packages of them.
class ReleaseMaker {
public:
    /// @param triples  Platforms that a version must have.
    explicit ReleaseMaker(std::vector<std::string> triples) : triples_(std::move(triples)) {}

    PackageArena& arena() noexcept { return arena_; }
    Status need(std::string_view id, std::string_view range, bool optional) {
        const auto* found = SYMPHONY_TRY(arena_.range(range));
        needs_.push_back({arena_.text(id), found, optional});
        return {};
    }
    void need(std::string_view id, const manifests::Range* range, bool optional) { needs_.push_back({id, range, optional}); }
    void offer(std::string_view port, bool exclusive) { offers_.push_back({arena_.text(port), exclusive}); }
    void use(std::string_view port, std::string_view provider) { uses_.push_back({arena_.text(port), arena_.text(provider)}); }
    void artifact(std::string_view triple) { have_.push_back(triple); }
    /// "1.2": of that major and at least that minor.
    Status abi(std::string_view text) {
        if (text != abi_text_) {
            const auto parsed = SYMPHONY_TRY(manifests::Range::parse((text.starts_with("0.") ? "=" : "^") + std::string(text)));
            abi_range_ = SYMPHONY_TRY(arena_.range(parsed.text()));
            abi_text_ = text;
        }
        needs_.push_back({host_id, abi_range_, false});
        return {};
    }
    /// Ends a release. @param barred  Why nobody gets it; missing platforms are added.
    Status end(std::string_view version, bool yanked, std::string_view barred) {
        auto parsed = SYMPHONY_TRY(manifests::Version::parse(version));
        std::string missing;
        for (const auto& triple : triples_) {
            if (std::find(have_.begin(), have_.end(), triple) == have_.end()) missing += (missing.empty() ? "has nothing for " : ", ") + triple;
        }
        Release release{std::move(parsed), arena_.list(needs_), arena_.list(offers_), arena_.list(uses_), {}, yanked};
        release.barred = !barred.empty() ? arena_.text(barred) : missing.empty() ? std::string_view() : arena_.text(missing);
        have_.clear();
        if (releases_.empty() || precedence(releases_.back().version, release.version) < 0) {
            releases_.push_back(std::move(release));
            return {};
        }
        // Lines come rising, but for later lines of a version, which take the place of the earlier ones.
        const auto at = std::lower_bound(releases_.begin(), releases_.end(), release.version,
                                         [](const Release& one, const manifests::Version& other) { return precedence(one.version, other) < 0; });
        if (at != releases_.end() && precedence(at->version, release.version) == 0) *at = std::move(release);
        else releases_.insert(at, std::move(release));
        return {};
    }
    const Package* package(std::string_view id) { return arena_.package(arena_.text(id), releases_); }

private:
    PackageArena arena_;
    std::vector<std::string> triples_;
    std::string abi_text_;
    const manifests::Range* abi_range_ = nullptr;
    std::vector<Need> needs_;
    std::vector<Offer> offers_;
    std::vector<Use> uses_;
    std::vector<Release> releases_;
    std::vector<std::string_view> have_;
};

} // namespace symphony::packaging
