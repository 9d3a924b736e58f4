// SPDX-License-Identifier: Apache-2.0
#include "core.hpp"

namespace symphony::bus {

Core::Core(const CoreLimits& limits, Clock now_ns)
    : limits_(limits), clock_(std::move(now_ns)), tracker_(limits.open_requests_max, limits.remembered_max), budget_(std::make_shared<Budget>(limits.queued_bytes_max)),
      table_(std::make_shared<const Table>(1, std::vector<std::shared_ptr<const Subscription>>(), std::vector<EndpointRef>(), std::vector<Route>())) {}

Core::~Core() = default;

Result<std::uint64_t> Core::subscribe(Subscription subscription) {
    const std::lock_guard lock(mutex_);
    if (subscriptions_.size() >= limits_.subscriptions_max) {
        return Error(Code::exhausted, "too-many-subscriptions", std::to_string(limits_.subscriptions_max) + " subscriptions are there, more are not taken",
                     "raise subscriptions_max of the bus plugin");
    }
    subscription.id = next_id_++;
    const std::uint64_t id = subscription.id;
    subscriptions_.emplace(id, std::make_shared<const Subscription>(std::move(subscription)));
    changed();
    return id;
}

void Core::unsubscribe(std::uint64_t id, const Status& reason) {
    std::shared_ptr<const Subscription> ended;
    {
        const std::lock_guard lock(mutex_);
        const auto found = subscriptions_.find(id);
        if (found == subscriptions_.end()) return;
        ended = std::move(found->second);
        subscriptions_.erase(found);
        changed();
    }
    ended->receiver->end(reason);
}

Status Core::add(EndpointRef endpoint) {
    const std::lock_guard lock(mutex_);
    if (const auto found = endpoints_.find(endpoint->name); found != endpoints_.end()) {
        return Error(Code::conflict, "endpoint-exists", "endpoint \"" + endpoint->name + "\" is there already", "choose another name, or end the other one");
    }
    if (endpoints_.size() >= limits_.endpoints_max) {
        return Error(Code::exhausted, "too-many-endpoints", std::to_string(limits_.endpoints_max) + " endpoints are there, more are not taken",
                     "raise endpoints_max of the bus plugin");
    }
    endpoint->seen_ns.store(clock_(), std::memory_order_relaxed);
    endpoints_.emplace(endpoint->name, std::move(endpoint));
    changed();
    return {};
}

void Core::remove(const EndpointRef& endpoint, const Status& reason) {
    endpoint->gone.store(true, std::memory_order_release); // before its requests are failed: none is opened after
    {
        const std::lock_guard lock(mutex_);
        const auto found = endpoints_.find(endpoint->name);
        if (found == endpoints_.end() || found->second != endpoint) return;
        endpoints_.erase(found);
        changed();
    }
    const std::size_t failed = tracker_.fail_all(*endpoint, Error(Code::peer_died, "endpoint-gone", "endpoint \"" + endpoint->name + "\" went away before it answered"));
    count(Count::failed, failed);
    endpoint->receiver->end(reason);
}

void Core::heartbeat(Endpoint& endpoint, std::uint64_t now_ns) noexcept {
    endpoint.seen_ns.store(now_ns, std::memory_order_relaxed);
    endpoint.healthy.store(true, std::memory_order_release);
}

Status Core::heartbeat(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = endpoints_.find(name);
    if (found == endpoints_.end()) return Error(Code::not_found, "no-endpoint", "there is no endpoint \"" + std::string(name) + "\"", "register it anew");
    heartbeat(*found->second, clock_());
    return {};
}

Status Core::set_routes(std::vector<Route> routes) {
    const std::lock_guard lock(mutex_);
    if (routes.size() > limits_.routes_max) {
        return Error(Code::exhausted, "too-many-routes", std::to_string(routes.size()) + " routes, more than the " + std::to_string(limits_.routes_max) + " that are taken",
                     "raise routes_max of the bus plugin");
    }
    routes_ = std::move(routes);
    changed();
    return {};
}

std::vector<Route> Core::routes() const {
    const std::lock_guard lock(mutex_);
    return routes_;
}

std::vector<EndpointRef> Core::all_endpoints() const {
    const std::lock_guard lock(mutex_);
    std::vector<EndpointRef> out;
    for (const auto& [name, endpoint] : endpoints_) out.push_back(endpoint);
    return out;
}

std::shared_ptr<const Table> Core::table() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    if (table_->version() != version) {
        std::vector<std::shared_ptr<const Subscription>> subscriptions;
        subscriptions.reserve(subscriptions_.size());
        for (const auto& [id, one] : subscriptions_) subscriptions.push_back(one);
        std::vector<EndpointRef> endpoints;
        for (const auto& [name, one] : endpoints_) endpoints.push_back(one);
        table_ = std::make_shared<const Table>(version, std::move(subscriptions), endpoints, routes_);
    }
    return table_;
}

bool Core::tick() {
    const std::uint64_t now = clock_();
    count(Count::timed_out, tracker_.expire(now));
    bool more = !tracker_.empty();
    for (const auto& endpoint : all_endpoints()) {
        if (endpoint->heartbeat_ns == 0) continue;
        more = true;
        if (now - endpoint->seen_ns.load(std::memory_order_relaxed) < 3 * endpoint->heartbeat_ns || !endpoint->healthy.exchange(false, std::memory_order_acq_rel)) continue;
        count(Count::failed, tracker_.fail_all(*endpoint, Error(Code::peer_died, "endpoint-hung", "endpoint \"" + endpoint->name + "\" gives no sign of life")));
    }
    return more;
}

ports::BusEndpointInfo Core::info_of(const Endpoint& endpoint) const {
    ports::BusEndpointInfo out;
    out.name = endpoint.name;
    for (const auto& capability : endpoint.capabilities) out.capabilities.push_back(capability.text());
    out.healthy = endpoint.reachable();
    out.remote = endpoint.remote;
    const auto figures = endpoint.receiver->figures();
    out.queued = figures.queued;
    out.open_requests = tracker_.open_of(endpoint);
    out.delivered = figures.delivered;
    out.lost = figures.lost;
    return out;
}

std::vector<ports::BusEndpointInfo> Core::endpoints(std::string_view type) const {
    std::vector<ports::BusEndpointInfo> out;
    for (const auto& endpoint : all_endpoints()) {
        if (type.empty() || endpoint->can(type)) out.push_back(info_of(*endpoint));
    }
    return out;
}

ports::BusStats Core::stats() const {
    ports::BusStats out;
    out.endpoints = endpoints({});
    out.counters["queued_bytes"] = budget_->used();
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count_names.size(); ++i) out.counters[std::string(count_names[i])] = counters_[i].load(std::memory_order_relaxed);
    out.counters["lost"] += budget_->lost();
    for (const Publisher* publisher : publishers_) {
        out.counters["published"] += publisher->own_[Publisher::published].load(std::memory_order_relaxed);
        out.counters["delivered"] += publisher->own_[Publisher::delivered].load(std::memory_order_relaxed);
    }
    for (const auto& [id, one] : subscriptions_) {
        const auto figures = one->receiver->figures();
        out.subscriptions.push_back({one->name, one->pattern.text(), one->remote, figures.queued, figures.delivered, figures.lost});
    }
    return out;
}

} // namespace symphony::bus
