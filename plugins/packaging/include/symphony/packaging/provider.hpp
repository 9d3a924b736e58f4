// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/semver.hpp>
#include <symphony/result.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::packaging {

/// The id that stands for the host in `[dependencies]`; its one version is the ABI the host offers.
inline constexpr std::string_view host_id = "symphony-core";

/// "Needs that package in that range." Optional: only if that package is chosen for another reason.
struct Need {
    std::string_view id;
    const manifests::Range* range = nullptr; ///< equal pointers are equal ranges; unequal ones may be equal too
    bool optional = false;
};

struct Offer {
    std::string_view port; ///< "operator/1"
    bool exclusive = false; ///< nobody else may offer it
};

struct Use {
    std::string_view port;
    std::string_view provider; ///< a plugin's id, or empty for any
};

/// One version of a package.
struct Release {
    manifests::Version version;
    std::span<const Need> needs; ///< `host_id` among them
    std::span<const Offer> offers;
    std::span<const Use> uses; ///< ports that it cannot do without
    /// Why nobody gets it, to follow "id version": "has nothing for aarch64-linux-gnu". Empty: it can be had.
    std::string_view barred;
    bool yanked = false; ///< only who has it in a lock gets it
};

/// All versions of one id.
struct Package {
    std::string_view id;
    std::span<const Release> releases; ///< rising precedence, no two equal
};

/// Where packages come from. One thread at a time; what it gave stays as it is as long as it lives.
class Provider {
public:
    virtual ~Provider() = default;
    /// @return Null when nobody has that id; an error when that cannot be known, which ends the resolving.
    virtual Result<const Package*> find(std::string_view id) = 0;
    /// Ids with a release that offers the port, for proposals; at most a few.
    virtual std::vector<std::string> offering(std::string_view /*port*/) { return {}; }
    /// A known id that looks like this one, for proposals; or empty.
    virtual std::string similar(std::string_view /*id*/) { return {}; }
};

/// Packages in memory, for folders, files and tests.
class PackageTable final : public Provider {
public:
    struct NeedText {
        std::string id, range;
        bool optional = false;
    };
    struct OfferText {
        std::string port;
        bool exclusive = false;
    };
    struct UseText {
        std::string port, provider;
    };
    struct ReleaseText {
        std::string id, version;
        std::vector<NeedText> needs;
        std::vector<OfferText> offers;
        std::vector<UseText> uses;
        std::string barred;
        bool yanked = false;
    };
    /// @return `bad-version`, `bad-range`, or `duplicate-version` when a version of equal precedence is there.
    Status add(const ReleaseText& release);

    Result<const Package*> find(std::string_view id) override;
    std::vector<std::string> offering(std::string_view port) override;
    std::string similar(std::string_view id) override;

private:
    struct Kept {
        std::vector<Need> needs;
        std::vector<Offer> offers;
        std::vector<Use> uses;
    };
    struct Entry {
        Package package;
        std::vector<Release> releases;
    };
    std::string_view text(std::string_view of) { return *texts_.emplace(of).first; }

    std::set<std::string, std::less<>> texts_;
    std::map<std::string, manifests::Range, std::less<>> ranges_;
    std::deque<Kept> kept_;
    std::map<std::string_view, Entry> entries_;
};

} // namespace symphony::packaging
