// SPDX-License-Identifier: Apache-2.0
#include "propose.hpp"

#include "solver.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace symphony::packaging {
namespace {

using manifests::Range;
using manifests::Version;
using Proposal = Conflict::Proposal;

constexpr std::uint64_t attempt_steps_max = 5'000'000;
constexpr int attempts_max = 12;

/// How far an edit goes: numbers of major versions, then of minor ones, then of patches.
using Distance = std::tuple<int, std::uint64_t, std::uint64_t, std::uint64_t>;

std::uint64_t apart(std::uint64_t a, std::uint64_t b) noexcept { return a > b ? a - b : b - a; }

Distance distance(const Range& from, const Version& to) {
    Distance least{1, UINT64_MAX, 0, 0};
    for (const auto& one : from.comparators()) {
        least = std::min(least, Distance{1, apart(one.major, to.major), apart(one.minor.value_or(0), to.minor), apart(one.patch.value_or(0), to.patch)});
    }
    return least;
}

/// The shortest caret range that begins with the version: "^2.4".
std::string range_from(const Version& version) {
    auto text = "^" + std::to_string(version.major) + "." + std::to_string(version.minor);
    if (version.patch != 0) text += "." + std::to_string(version.patch);
    return text;
}

class Attempts {
public:
    Attempts(Provider& provider, const ResolveRequest& request) : provider_(provider), request_(request) {
        request_.steps_max = std::min(request_.steps_max, attempt_steps_max);
    }

    ResolveRequest& request() { return request_; }
    /// Whether it fits with the edit; what is too hard or no longer allowed does not.
    /// @param id  The package whose version is told.
    Result<std::optional<Version>> fits(const ResolveRequest& edited, std::string_view id) {
        if (++count_ > attempts_max) return std::optional<Version>();
        Solver solver(provider_, edited);
        const auto fit = solver.run();
        if (!fit && fit.error().code() == Code::exhausted) return std::optional<Version>();
        if (!fit) return fit.error();
        if (!*fit || solver.missing_port()) return std::optional<Version>();
        for (const auto& one : solver.solution().chosen) {
            if (one.id == id) return std::optional(one.version);
        }
        return std::optional(Version());
    }

private:
    Provider& provider_;
    ResolveRequest request_;
    int count_ = 0;
};

struct Ranked {
    Distance distance;
    Proposal proposal;
};

/// Another range, another spelling, or none of it.
Status try_wanted(Attempts& attempts, Provider& provider, std::size_t at, const Conflict::Fact& fact, std::vector<Ranked>& found) {
    const auto& base = attempts.request();
    const auto wanted = base.wanted[at];
    auto edited = base;
    if (const auto other = fact.note == "which nobody has" ? provider.similar(wanted.id) : std::string(); !other.empty()) {
        edited.wanted[at].id = other;
        if (const auto version = SYMPHONY_TRY(attempts.fits(edited, other))) {
            found.push_back({{0, 0, 0, 0}, {Proposal::Kind::spelling, wanted.id, wanted.id, other, wanted.place, version->text()}});
            return {};
        }
        edited = base;
    }
    edited.wanted[at].range = Range();
    if (const auto open = SYMPHONY_TRY(attempts.fits(edited, wanted.id))) {
        const auto text = range_from(*open);
        edited.wanted[at].range = SYMPHONY_TRY(Range::parse(text));
        if (const auto version = SYMPHONY_TRY(attempts.fits(edited, wanted.id))) {
            found.push_back({distance(wanted.range, *open),
                             {Proposal::Kind::change_range, wanted.id, wanted.range.text(), text, wanted.place, version->text()}});
            return {};
        }
    }
    edited.wanted.erase(edited.wanted.begin() + static_cast<std::ptrdiff_t>(at));
    if (SYMPHONY_TRY(attempts.fits(edited, {}))) {
        found.push_back({{2, 0, 0, 0}, {Proposal::Kind::leave_out, wanted.id, wanted.range.text(), {}, wanted.place, {}}});
    }
    return {};
}

Status try_host(Attempts& attempts, const Conflict& conflict, std::vector<Ranked>& found) {
    auto edited = attempts.request();
    auto highest = edited.host;
    for (const auto& fact : conflict.facts) {
        if (fact.kind != Conflict::Kind::host) continue;
        const auto range = SYMPHONY_TRY(Range::parse(fact.range));
        for (const auto& one : range.comparators()) {
            const Version least{one.major, one.minor.value_or(0), one.patch.value_or(0), {}, {}};
            if (range.contains(least) && precedence(least, highest) > 0) highest = least;
        }
    }
    if (precedence(highest, edited.host) == 0) return {};
    const auto text_of = [](const Version& version) { return std::to_string(version.major) + "." + std::to_string(version.minor); };
    const auto before = text_of(edited.host);
    edited.host = highest;
    if (SYMPHONY_TRY(attempts.fits(edited, {}))) {
        found.push_back({{1, UINT64_MAX, 0, 0}, {Proposal::Kind::update_host, std::string(host_id), before, text_of(highest), {}, {}}});
    }
    return {};
}

std::vector<Proposal> by_distance(std::vector<Ranked> found) {
    std::stable_sort(found.begin(), found.end(), [](const Ranked& left, const Ranked& right) { return left.distance < right.distance; });
    std::vector<Proposal> out;
    for (auto& one : found) out.push_back(std::move(one.proposal));
    return out;
}

Result<std::vector<Proposal>> try_all(Attempts& attempts, Provider& provider, const Conflict& conflict) {
    std::vector<Ranked> found;
    for (const auto& fact : conflict.facts) {
        if (fact.kind != Conflict::Kind::wanted) continue;
        const auto& wanted = attempts.request().wanted;
        const auto at = std::find_if(wanted.begin(), wanted.end(), [&](const Wanted& one) {
            return one.id == fact.id && one.place == fact.place && one.range.text() == fact.range;
        });
        if (at == wanted.end()) continue;
        SYMPHONY_TRY(try_wanted(attempts, provider, static_cast<std::size_t>(at - wanted.begin()), fact, found));
    }
    SYMPHONY_TRY(try_host(attempts, conflict, found));
    return by_distance(std::move(found));
}

} // namespace

Result<std::vector<Proposal>> proposals_for(Provider& provider, const ResolveRequest& request, const Conflict& conflict) {
    Attempts attempts(provider, request);
    auto found = SYMPHONY_TRY(try_all(attempts, provider, conflict));
    if (!found.empty()) return found;
    // No single edit helps: there may be other conflicts. What would resolve this one, seen alone?
    auto alone = request;
    std::erase_if(alone.wanted, [&](const Wanted& one) {
        return std::none_of(conflict.facts.begin(), conflict.facts.end(), [&](const Conflict::Fact& fact) {
            return fact.kind == Conflict::Kind::wanted && fact.id == one.id && fact.place == one.place && fact.range == one.range.text();
        });
    });
    if (alone.wanted.size() == request.wanted.size()) return found;
    Attempts fewer(provider, alone);
    found = SYMPHONY_TRY(try_all(fewer, provider, conflict));
    for (auto& one : found) one.others_remain = true;
    return found;
}

Result<std::vector<Proposal>> providers_for(Provider& provider, const ResolveRequest& request, const Conflict::Fact& missing) {
    Attempts attempts(provider, request);
    std::vector<Proposal> found;
    for (const auto& id : provider.offering(missing.note)) {
        auto edited = attempts.request();
        edited.wanted.push_back({id, {}, {}});
        const auto version = SYMPHONY_TRY(attempts.fits(edited, id));
        if (version) found.push_back({Proposal::Kind::add, id, {}, range_from(*version), {}, version->text()});
    }
    return found;
}

} // namespace symphony::packaging
