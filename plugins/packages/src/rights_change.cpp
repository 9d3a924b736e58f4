// SPDX-License-Identifier: Apache-2.0
#include "rights_change.hpp"

#include <algorithm>

namespace symphony::packages {
namespace {

using manifests::Data;
using manifests::Right;
using manifests::RightSet;

std::string sentence(const Right& right) { return in_words(right) + " (" + right.text() + "), " + std::string(name_of(risk_of(right))) + " risk"; }

Data data_of(const std::vector<Right>& rights) {
    Data::List out;
    for (const auto& right : rights) out.push_back(Data(Data::Map{{"right", right.text()}, {"meaning", in_words(right)}, {"risk", name_of(risk_of(right))}}));
    return out;
}

Data data_of(const std::vector<std::pair<Right, Right>>& pairs) {
    Data::List out;
    for (const auto& [from, to] : pairs) out.push_back(Data(Data::Map{{"from", from.text()}, {"right", to.text()}, {"meaning", in_words(to)}, {"risk", name_of(risk_of(to))}}));
    return out;
}

} // namespace

RightsChange RightsChange::of(const manifests::Manifest* from, const manifests::Manifest& to, bool first) {
    RightsChange out;
    out.first = first;
    out.asked = asked_of(to);
    const RightSet before = from == nullptr ? RightSet() : RightSet::requested(*from);
    out.diff = manifests::diff(before, RightSet::requested(to));
    // An update that adds only what it works without is not held back: those rights are asked for when they are used.
    out.widens = !before.covers(RightSet::requested(to, false));
    const auto high = [](const Right& right) { return risk_of(right) == manifests::Risk::high; };
    out.risky = std::any_of(out.diff.added.begin(), out.diff.added.end(), high) ||
                std::any_of(out.diff.broadened.begin(), out.diff.broadened.end(), [&](const auto& pair) { return high(pair.second); });
    return out;
}

std::vector<std::string> RightsChange::lines() const {
    std::vector<std::string> out;
    if (first) {
        if (!asked.empty()) out.emplace_back("  asks for");
        for (const auto& one : asked) {
            std::string line = "    " + sentence(one.right);
            if (one.optional) line += ", works without";
            if (one.written != nullptr && !one.written->reason.empty()) line += ": \"" + one.written->reason + "\", says its author";
            out.push_back(std::move(line));
        }
        return out;
    }
    for (const auto& right : diff.added) out.push_back("  added      " + sentence(right));
    for (const auto& [from, to] : diff.broadened) out.push_back("  broadened  " + sentence(to) + ", was " + from.text());
    for (const auto& [from, to] : diff.narrowed) out.push_back("  narrowed   " + sentence(to) + ", was " + from.text());
    for (const auto& right : diff.removed) out.push_back("  given up   " + sentence(right));
    return out;
}

Data RightsChange::data() const {
    std::vector<Right> all;
    for (const auto& one : asked) all.push_back(one.right);
    return Data::Map{{"asked", data_of(all)}, {"added", data_of(diff.added)}, {"broadened", data_of(diff.broadened)}, {"narrowed", data_of(diff.narrowed)}, {"removed", data_of(diff.removed)}, {"widens", widens}};
}

} // namespace symphony::packages
