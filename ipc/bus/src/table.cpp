// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <algorithm>

namespace symphony::bus {

bool Endpoint::can(std::string_view type) const noexcept {
    return std::any_of(capabilities.begin(), capabilities.end(), [&](const Pattern& one) { return one.matches(type); });
}

Table::Table(std::uint64_t version, std::vector<std::shared_ptr<const Subscription>> subscriptions, const std::vector<EndpointRef>& endpoints,
             const std::vector<Route>& routes)
    : version_(version), held_(std::move(subscriptions)) {
    for (const auto& one : held_) {
        if (one->pattern.exact()) exact_[one->pattern.text()].push_back(one.get());
        else wild_.push_back(one.get());
    }
    std::vector<EndpointRef> by_name = endpoints;
    std::sort(by_name.begin(), by_name.end(), [](const EndpointRef& a, const EndpointRef& b) { return a->name < b->name; });
    for (const auto& one : by_name) endpoints_.emplace(one->name, one);
    for (const auto& route : routes) {
        Rule rule{route.pattern, route.priority, true};
        for (const auto& name : route.endpoints) {
            if (const auto found = endpoints_.find(name); found != endpoints_.end()) rule.endpoints.push_back(found->second);
        }
        for (const auto& one : by_name) {
            if (!route.capability.empty() && one->can(route.capability) && std::find(rule.endpoints.begin(), rule.endpoints.end(), one) == rule.endpoints.end()) {
                rule.endpoints.push_back(one);
            }
        }
        rules_.push_back(std::move(rule));
    }
    for (const auto& one : by_name) {
        for (const auto& capability : one->capabilities) rules_.push_back(Rule{capability, 0, false, {one}});
    }
    // Stable: of two equal ones the route before the capability, the earlier route, the smaller name.
    std::stable_sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) {
        return a.priority != b.priority ? a.priority > b.priority : Pattern::compare(a.pattern, b.pattern) < 0;
    });
}

Resolved Table::resolve(std::string_view type) const {
    std::vector<const Subscription*> found;
    if (const auto exact = exact_.find(type); exact != exact_.end()) found = exact->second;
    const auto exact_count = static_cast<std::ptrdiff_t>(found.size());
    for (const auto* one : wild_) {
        if (one->pattern.matches(type)) found.push_back(one);
    }
    std::inplace_merge(found.begin(), found.begin() + exact_count, found.end(), [](const Subscription* a, const Subscription* b) { return a->id < b->id; });
    Resolved out;
    out.takers.reserve(found.size());
    for (const auto* one : found) {
        const std::uint8_t plain = one->sender ? 0 : one->kinds;
        out.takers.push_back({one->receiver.get(), one, plain, static_cast<std::uint8_t>(one->kinds & ~plain)});
    }
    for (const auto& rule : rules_) {
        if (rule.pattern.matches(type)) out.rules.push_back(&rule);
    }
    return out;
}

const EndpointRef* Table::endpoint(std::string_view name) const noexcept {
    const auto found = endpoints_.find(name);
    return found == endpoints_.end() ? nullptr : &found->second;
}

} // namespace symphony::bus
