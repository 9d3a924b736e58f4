// SPDX-License-Identifier: Apache-2.0
#include "solver.hpp"

#include <algorithm>
#include <tuple>

namespace symphony::packaging {
namespace {

constexpr std::size_t releases_max = 4'000; // of one id
const manifests::Range any_release;

Engine::Limits limits_of(const ResolveRequest& request) {
    Engine::Limits limits;
    limits.steps_max = request.steps_max;
    limits.cancelled = request.cancelled;
    return limits;
}

Status check(Engine::Outcome outcome, std::uint64_t steps) {
    if (outcome == Engine::Outcome::cancelled) return Error(Code::cancelled, "cancelled", "the search for versions that fit was cancelled");
    if (outcome == Engine::Outcome::too_long) {
        return Error(Code::exhausted, "too-hard", "no answer after " + std::to_string(steps) + " steps of looking for versions that fit",
                     "ask for narrower ranges, or for exact versions of what matters most");
    }
    return {};
}

} // namespace

Solver::Solver(Provider& provider, const ResolveRequest& request) : provider_(provider), request_(request), engine_(limits_of(request)) {
    for (const auto& one : request.prefer) preferred_.emplace(one.id, &one.version);
    for (const auto& one : request.keep) kept_.emplace(one.id, &one.version);
    for (const auto& one : request.wanted) wanted_.push_back(&one);
    // Any order that is always the same: the engine's numbers, and so its choices, follow it.
    std::stable_sort(wanted_.begin(), wanted_.end(), [](const Wanted* left, const Wanted* right) {
        return std::make_tuple(std::string_view(left->id), left->range.text(), std::string_view(left->place)) <
               std::make_tuple(std::string_view(right->id), right->range.text(), std::string_view(right->place));
    });
}

Result<bool> Solver::run() {
    SYMPHONY_TRY(want());
    for (;;) {
        const auto outcome = engine_.propagate();
        if (outcome == Engine::Outcome::impossible) return false;
        SYMPHONY_TRY(check(outcome, engine_.steps()));
        const auto package = engine_.next_open();
        if (package == Engine::none) return true;
        const auto state = choose(package);
        if (SYMPHONY_TRY(tell(package, state))) engine_.decide(package, state);
    }
}

Status Solver::want() {
    for (const auto* one : wanted_) {
        if (one->id == host_id) {
            return Error(Code::invalid_argument, "host-is-no-package", std::string(host_id) + " is the host and no package",
                         "its range belongs to [dependencies] of a manifest or to the host of a distribution");
        }
        const auto package = SYMPHONY_TRY(known(one->id));
        const auto& inside = in_range(package, &one->range);
        Fact fact{Conflict::Kind::wanted, package, Engine::none, {}, {}, &one->range, {}, one};
        add({{package, ~inside}}, std::move(fact));
    }
    return {};
}

Result<Solver::Index> Solver::known(std::string_view id) {
    if (const auto found = index_.find(id); found != index_.end()) return found->second;
    if (items_.size() >= request_.packages_max) {
        return Error(Code::exhausted, "too-many-packages", "more than " + std::to_string(request_.packages_max) + " packages are involved");
    }
    const auto* package = SYMPHONY_TRY(provider_.find(id));
    const auto count = package != nullptr ? package->releases.size() : 0;
    if (count > releases_max) {
        return Error(Code::exhausted, "too-many-versions", std::string(id) + " has " + std::to_string(count) + " versions, at most " +
                                                               std::to_string(releases_max) + " are looked at");
    }
    const auto index = engine_.add_package(static_cast<std::uint32_t>(count));
    items_.push_back({package != nullptr ? package->id : id, package, {}, States(static_cast<std::uint32_t>(count) + 1)});
    index_.emplace(items_.back().id, index);
    bar(index);
    add_offers(index);
    return index;
}

Solver::Index Solver::add(std::initializer_list<Engine::Term> terms, Fact fact) {
    const auto clause = engine_.add_clause({terms.begin(), terms.size()}, static_cast<Index>(facts_.size()));
    if (clause != Engine::none) facts_.push_back(std::move(fact));
    return clause;
}

/// What nobody gets, whoever needs it.
void Solver::bar(Index package) {
    const auto all = releases(package);
    const auto here = [&](const auto& versions, const manifests::Version& version) {
        const auto found = versions.find(id(package));
        return found != versions.end() && precedence(*found->second, version) == 0;
    };
    std::vector<std::pair<std::string_view, States>> reasons;
    States yanked(static_cast<std::uint32_t>(all.size()) + 1);
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        if (!all[i].barred.empty()) {
            auto at = std::find_if(reasons.begin(), reasons.end(), [&](const auto& one) { return one.first == all[i].barred; });
            if (at == reasons.end()) at = reasons.insert(at, {all[i].barred, States(yanked.size())});
            at->second.add(i + 1);
        } else if (all[i].yanked && !here(preferred_, all[i].version) && !here(kept_, all[i].version)) {
            yanked.add(i + 1);
        }
    }
    for (const auto& [reason, states] : reasons) {
        add({{package, states}}, {Conflict::Kind::barred, package, Engine::none, states, {}, nullptr, reason, nullptr});
    }
    if (!yanked.empty()) add({{package, yanked}}, {Conflict::Kind::yanked, package, Engine::none, yanked, {}, nullptr, {}, nullptr});
}

void Solver::add_offers(Index package) {
    const auto all = releases(package);
    const auto size = static_cast<std::uint32_t>(all.size()) + 1;
    std::vector<std::pair<std::string_view, Offers>> mine;
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        for (const auto& offer : all[i].offers) {
            auto at = std::find_if(mine.begin(), mine.end(), [&](const auto& one) { return one.first == offer.port; });
            if (at == mine.end()) at = mine.insert(at, {offer.port, {package, States(size), States(size)}});
            at->second.any.add(i + 1);
            if (offer.exclusive) at->second.exclusive.add(i + 1);
        }
    }
    for (auto& [port, offers] : mine) {
        auto& others = ports_[port];
        // Most ports are for everybody: only who wants one alone is compared with all.
        for (const auto number : others.alone) exclude(port, others.all[number], offers);
        if (!offers.exclusive.empty()) {
            for (const auto& other : others.all) {
                if (other.exclusive != other.any) exclude(port, offers, other); // else that was said
            }
            others.alone.push_back(static_cast<Index>(others.all.size()));
        }
        others.all.push_back(std::move(offers));
    }
}

/// Who has a port for itself does not go with anybody else who offers it.
void Solver::exclude(std::string_view port, const Offers& alone, const Offers& other) {
    add({{alone.package, alone.exclusive}, {other.package, other.any}},
        {Conflict::Kind::exclusive_port, alone.package, other.package, alone.exclusive, other.any, nullptr, port, nullptr});
}

const States& Solver::in_range(Index package, const manifests::Range* range) {
    auto& item = items_[package];
    for (const auto& [known_range, states] : item.ranges) {
        if (known_range == range) return states;
    }
    const auto all = releases(package);
    States states(static_cast<std::uint32_t>(all.size()) + 1);
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        if (range->contains(all[i].version)) states.add(i + 1);
    }
    return item.ranges.emplace_back(range, std::move(states)).second;
}

std::uint32_t Solver::choose(Index package) const {
    const auto all = releases(package);
    const auto preferred = preferred_.find(id(package));
    std::uint32_t first = 0, last = 0, wanted = 0, yanked = 0;
    engine_.states(package).each([&](std::uint32_t state) {
        if (state == 0) return; // that there is none of it
        if (preferred != preferred_.end() && precedence(all[state - 1].version, *preferred->second) == 0) wanted = state;
        if (all[state - 1].yanked) {
            yanked = state; // nobody's but who has it, and not as long as there is a newer one
            return;
        }
        if (first == 0) first = state;
        last = state;
    });
    if (wanted != 0) return wanted;
    if (last < yanked) return yanked;
    return request_.minimal ? first : last;
}

Result<bool> Solver::tell(Index package, std::uint32_t state) {
    if (items_[package].told.has(state)) return true;
    bool open = true;
    const auto& release = releases(package)[state - 1];
    const auto tell_one = [&](const Need& need) -> Status {
        const auto clause = SYMPHONY_TRY(tell_need(package, need));
        if (clause != Engine::none && engine_.forbids(clause, package, state)) open = false;
        return {};
    };
    for (const auto& need : release.needs) SYMPHONY_TRY(tell_one(need));
    for (const auto& use : release.uses) {
        if (!use.provider.empty()) SYMPHONY_TRY(tell_one({use.provider, &any_release, false}));
    }
    items_[package].told.add(state);
    return open;
}

/// One clause for all releases of the package that have the same need: "every version of a needs b ^2".
Result<Solver::Index> Solver::tell_need(Index package, const Need& need) {
    auto versions = with_need(package, need);
    if (versions.meets(items_[package].told)) return Engine::none;
    if (need.id == host_id) {
        if (need.range->contains(request_.host)) return Engine::none;
        return add({{package, versions}}, {Conflict::Kind::host, package, Engine::none, versions, {}, need.range, {}, nullptr});
    }
    const auto other = SYMPHONY_TRY(known(need.id));
    auto outside = ~in_range(other, need.range);
    if (need.optional) outside.drop(0);
    const auto kind = need.optional ? Conflict::Kind::allows : Conflict::Kind::needs;
    return add({{package, versions}, {other, std::move(outside)}}, {kind, package, other, versions, {}, need.range, {}, nullptr});
}

States Solver::with_need(Index package, const Need& need) const {
    const auto all = releases(package);
    States states(static_cast<std::uint32_t>(all.size()) + 1);
    for (std::uint32_t i = 0; i < all.size(); ++i) {
        const bool has = std::any_of(all[i].needs.begin(), all[i].needs.end(), [&](const Need& one) {
            return one.range == need.range && one.optional == need.optional && one.id == need.id;
        });
        const bool uses = need.range == &any_release && std::any_of(all[i].uses.begin(), all[i].uses.end(),
                                                                    [&](const Use& use) { return use.provider == need.id; });
        if (has || uses) states.add(i + 1);
    }
    return states;
}

Solution Solver::solution() const {
    Solution out;
    for (Index i = 0; i < items_.size(); ++i) {
        const auto& states = engine_.states(i);
        if (states.has(0)) continue;
        states.each([&](std::uint32_t state) { out.chosen.push_back({std::string(id(i)), releases(i)[state - 1].version}); });
    }
    std::sort(out.chosen.begin(), out.chosen.end(), [](const Chosen& left, const Chosen& right) { return left.id < right.id; });
    out.steps = engine_.steps();
    return out;
}

std::optional<Solver::Fact> Solver::missing_port() const {
    std::vector<std::string_view> offered(request_.ports.begin(), request_.ports.end());
    std::vector<std::pair<Index, std::uint32_t>> chosen;
    for (Index i = 0; i < items_.size(); ++i) {
        if (engine_.states(i).has(0)) continue;
        engine_.states(i).each([&](std::uint32_t state) { chosen.emplace_back(i, state); });
        for (const auto& offer : releases(i)[chosen.back().second - 1].offers) offered.push_back(offer.port);
    }
    std::sort(offered.begin(), offered.end());
    for (const auto& [package, state] : chosen) {
        for (const auto& use : releases(package)[state - 1].uses) {
            if (use.port.empty() || std::binary_search(offered.begin(), offered.end(), use.port)) continue;
            return Fact{Conflict::Kind::missing_port, package, Engine::none, States::only(engine_.states(package).size(), state), {}, nullptr, use.port, nullptr};
        }
    }
    return std::nullopt;
}

} // namespace symphony::packaging
