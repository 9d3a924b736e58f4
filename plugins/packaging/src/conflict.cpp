// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/conflict.hpp>

#include <algorithm>

namespace symphony::packaging {
namespace {

using Kind = Conflict::Kind;
using manifests::Data;

std::string subject(std::string_view id, std::string_view versions) {
    if (versions.empty()) return std::string(id);
    if (versions == "every version") return "every version of " + std::string(id);
    return std::string(id) + " " + std::string(versions);
}

std::string placed(const std::string& place) { return place.empty() ? std::string() : " (" + place + ")"; }
std::string noted(const std::string& note) { return note.empty() ? std::string() : ", " + note; }

std::string claims_text(const std::vector<Conflict::Claim>& claims) {
    if (claims.empty()) return "that cannot be";
    std::string out;
    for (const auto& claim : claims) {
        if (!out.empty()) out += ", or ";
        const auto who = subject(claim.id, claim.versions);
        out += claim.must ? (claim.versions == "every version" ? claim.id : who) + " is needed" : who + " cannot be used";
    }
    return out;
}

Data::List numbers(const std::vector<std::uint32_t>& list) {
    Data::List out;
    for (const auto number : list) out.emplace_back(static_cast<std::int64_t>(number));
    return out;
}

/// Leaves out what is empty.
Data map_of(std::initializer_list<std::pair<std::string_view, Data>> entries) {
    Data::Map out;
    for (const auto& [key, value] : entries) {
        if (const auto* text = value.as<std::string>(); text != nullptr && text->empty()) continue;
        out.emplace_back(std::string(key), value);
    }
    return out;
}

} // namespace

std::string_view name_of(Kind kind) noexcept {
    switch (kind) {
    case Kind::wanted: return "wanted";
    case Kind::needs: return "needs";
    case Kind::allows: return "allows";
    case Kind::host: return "host";
    case Kind::barred: return "barred";
    case Kind::yanked: return "yanked";
    case Kind::exclusive_port: return "exclusive-port";
    case Kind::missing_port: return "missing-port";
    }
    return "";
}

std::string_view name_of(Conflict::Proposal::Kind kind) noexcept {
    switch (kind) {
    case Conflict::Proposal::Kind::change_range: return "change-range";
    case Conflict::Proposal::Kind::leave_out: return "leave-out";
    case Conflict::Proposal::Kind::update_host: return "update-host";
    case Conflict::Proposal::Kind::add: return "add";
    case Conflict::Proposal::Kind::spelling: return "spelling";
    }
    return "";
}

std::string to_text(const Conflict::Fact& fact) {
    const auto who = subject(fact.id, fact.versions);
    switch (fact.kind) {
    case Kind::wanted: return "you want " + fact.id + " " + fact.range + placed(fact.place) + noted(fact.note);
    case Kind::needs: return who + " needs " + fact.other + " " + fact.range + noted(fact.note);
    case Kind::allows: return who + " goes with " + fact.other + " " + fact.range + " only";
    case Kind::host: return who + " needs symphony-core " + fact.range + ", and this host offers " + fact.other_versions;
    case Kind::barred: return who + " " + fact.note;
    case Kind::yanked: return who + " was withdrawn by its publisher (yanked)";
    case Kind::exclusive_port:
        return who + " and " + subject(fact.other, fact.other_versions) + " both provide " + fact.note + ", which one of them wants for itself";
    case Kind::missing_port: return who + " uses " + fact.note + ", which nothing here provides";
    }
    return {};
}

std::string to_text(const Conflict::Proposal& proposal) {
    using Edit = Conflict::Proposal::Kind;
    std::string out;
    switch (proposal.kind) {
    case Edit::change_range:
        out = "change " + proposal.id + " = \"" + proposal.from + "\" to \"" + proposal.to + "\"" + placed(proposal.place) + ": gives " + proposal.outcome;
        break;
    case Edit::leave_out: out = "leave out " + proposal.id + " \"" + proposal.from + "\"" + placed(proposal.place); break;
    case Edit::update_host: out = "update the host from ABI " + proposal.from + " to " + proposal.to; break;
    case Edit::add: out = "add " + proposal.id + " = \"" + proposal.to + "\": gives " + proposal.outcome; break;
    case Edit::spelling: out = "write " + proposal.to + " instead of " + proposal.from + placed(proposal.place) + ": gives " + proposal.outcome; break;
    }
    if (proposal.others_remain) out += "; something else does not fit either";
    return out;
}

std::string to_text(const Conflict& conflict) {
    std::string out;
    for (std::size_t i = 0; i < conflict.steps.size(); ++i) {
        const auto& step = conflict.steps[i];
        const bool last = i + 1 == conflict.steps.size();
        for (const auto fact : step.facts) out += "  " + to_text(conflict.facts[fact]) + "\n";
        for (const auto earlier : step.steps) {
            if (earlier + 1 != i || !step.facts.empty()) out += "  (" + std::to_string(earlier + 1) + ") " + claims_text(conflict.steps[earlier].claims) + "\n";
        }
        if (!last) out += "so (" + std::to_string(i + 1) + ") " + claims_text(step.claims) + "\n";
    }
    if (!conflict.minimal) out += "  (there may be a shorter explanation)\n";
    return out;
}

std::string hint_of(const Conflict& conflict) {
    if (!conflict.proposals.empty()) return to_text(conflict.proposals.front());
    for (const auto& fact : conflict.facts) {
        if (fact.kind == Kind::missing_port) return "install a plugin that provides " + fact.note;
    }
    return "no single edit of a range makes it fit; ask for fewer plugins at once to see which of them go together";
}

manifests::Data to_data(const Conflict& conflict) {
    Data::List facts, steps, proposals;
    for (const auto& fact : conflict.facts) {
        facts.push_back(map_of({{"kind", name_of(fact.kind)}, {"id", fact.id}, {"versions", fact.versions}, {"other", fact.other},
                                {"other_versions", fact.other_versions}, {"range", fact.range}, {"note", fact.note}, {"place", fact.place},
                                {"text", to_text(fact)}}));
    }
    for (const auto& step : conflict.steps) {
        Data::List claims;
        for (const auto& claim : step.claims) claims.push_back(map_of({{"id", claim.id}, {"versions", claim.versions}, {"must", claim.must}}));
        steps.push_back(map_of({{"facts", numbers(step.facts)}, {"steps", numbers(step.steps)}, {"claims", std::move(claims)}}));
    }
    for (const auto& one : conflict.proposals) {
        proposals.push_back(map_of({{"kind", name_of(one.kind)}, {"id", one.id}, {"from", one.from}, {"to", one.to}, {"place", one.place},
                                    {"outcome", one.outcome}, {"others_remain", one.others_remain}, {"text", to_text(one)}}));
    }
    return map_of({{"facts", std::move(facts)}, {"steps", std::move(steps)}, {"proposals", std::move(proposals)}, {"minimal", conflict.minimal}});
}

} // namespace symphony::packaging
