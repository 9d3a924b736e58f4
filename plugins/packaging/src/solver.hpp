// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

#include <symphony/packaging/resolver.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace symphony::packaging {

/// Asks the provider for what the engine comes across, and tells it to the engine as clauses. One use.
class Solver {
public:
    using Index = Engine::Index;

    /// What a clause of the engine means.
    struct Fact {
        Conflict::Kind kind = Conflict::Kind::wanted;
        Index package = Engine::none;
        Index other = Engine::none;
        States versions;       ///< of the package
        States other_versions; ///< of the other, for ports
        const manifests::Range* range = nullptr;
        std::string_view note; ///< the port, or why it is barred
        const Wanted* wanted = nullptr;
    };

    Solver(Provider& provider, const ResolveRequest& request);

    /// @return Whether it fits.
    Result<bool> run();
    Solution solution() const;
    /// A port that somebody in the solution uses and nobody offers, or nothing.
    std::optional<Fact> missing_port() const;

    const Engine& engine() const noexcept { return engine_; }
    const ResolveRequest& request() const noexcept { return request_; }
    const Fact& fact(Index number) const { return facts_[number]; }
    std::string_view id(Index package) const { return items_[package].id; }
    std::span<const Release> releases(Index package) const {
        const auto* found = items_[package].package;
        return found != nullptr ? found->releases : std::span<const Release>();
    }

private:
    struct Item {
        std::string_view id;
        const Package* package = nullptr;
        std::vector<std::pair<const manifests::Range*, States>> ranges;
        States told; // releases whose needs the engine knows
    };
    struct Offers { // of a port by a package
        Index package;
        States any, exclusive;
    };

    struct Port {
        std::vector<Offers> all;
        std::vector<Index> alone; // numbers in `all` of those that are exclusive in some release
    };

    Status want();
    Result<Index> known(std::string_view id);
    void bar(Index package);
    void add_offers(Index package);
    void exclude(std::string_view port, const Offers& alone, const Offers& other);
    const States& in_range(Index package, const manifests::Range* range);
    std::uint32_t choose(Index package) const;
    /// Tells the needs of a release. @return Whether its choice is still open.
    Result<bool> tell(Index package, std::uint32_t state);
    Result<Index> tell_need(Index package, const Need& need);
    States with_need(Index package, const Need& need) const;
    Index add(std::initializer_list<Engine::Term> terms, Fact fact);

    Provider& provider_;
    const ResolveRequest& request_;
    Engine engine_;
    std::vector<const Wanted*> wanted_;
    std::vector<Fact> facts_;
    std::vector<Item> items_;
    std::unordered_map<std::string_view, Index> index_;
    std::unordered_map<std::string_view, Port> ports_;
    std::unordered_map<std::string_view, const manifests::Version*> preferred_, kept_;
};

} // namespace symphony::packaging
