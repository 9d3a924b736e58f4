// SPDX-License-Identifier: Apache-2.0
#include "specs.hpp"

namespace symphony::bus {
namespace {

constexpr std::uint32_t queue_max_most = 1u << 20, queue_max_otherwise = 1024;
constexpr std::uint64_t queue_bytes_otherwise = 64u << 20, queue_bytes_most = 4ull << 30;
constexpr std::uint32_t batch_max_otherwise = 64, batch_max_most = 4096;
constexpr std::uint32_t heartbeat_ms_least = 50, heartbeat_ms_most = 60'000;
constexpr std::size_t capabilities_max = 256, route_endpoints_max = 256, label_bytes_max = 255;
constexpr std::uint8_t kinds_all = 15;

Error bad(std::string_view reason, std::string_view field, std::string_view what) {
    return {Code::invalid_argument, reason, "\"" + std::string(field) + "\" " + std::string(what)};
}

} // namespace

Result<SubscriptionSpec> spec_of(const ports::BusSubscription& from) {
    SubscriptionSpec out{{SYMPHONY_TRY(Pattern::parse(from.pattern))}, {}, 0};
    const auto refuse = [](std::string_view field, std::string_view what) { return bad("bad-subscription", field, what); };
    if (from.kinds > kinds_all) return refuse("kinds", "is more than the sum of all kinds, 15");
    if (from.policy > ports::BusPolicy::disconnect) return refuse("policy", "is none of 1 block, 2 drop_oldest, 3 drop_newest, 4 disconnect");
    if (from.queue_max > queue_max_most) return refuse("queue_max", "is more than " + std::to_string(queue_max_most));
    if (from.queue_bytes_max > queue_bytes_most) return refuse("queue_bytes_max", "is more than " + std::to_string(queue_bytes_most));
    if (from.batch_max > batch_max_most) return refuse("batch_max", "is more than " + std::to_string(batch_max_most));
    if (from.name.size() > label_bytes_max) return refuse("name", "is longer than " + std::to_string(label_bytes_max) + " bytes");
    if (from.kinds != 0) out.subscription.kinds = from.kinds;
    if (!from.sender.empty()) out.subscription.sender = SYMPHONY_TRY(Pattern::parse(from.sender));
    out.subscription.name = from.name;
    out.limits.policy = from.policy != 0 ? from.policy : ports::BusPolicy::drop_oldest;
    out.limits.queue_max = from.queue_max != 0 ? from.queue_max : queue_max_otherwise;
    out.limits.bytes_max = from.queue_bytes_max != 0 ? from.queue_bytes_max : queue_bytes_otherwise;
    out.batch_max = from.batch_max != 0 ? from.batch_max : batch_max_otherwise;
    return out;
}

Result<EndpointSpec> spec_of(const ports::BusEndpoint& from) {
    EndpointSpec out{std::make_shared<Endpoint>(), {}};
    const auto refuse = [](std::string_view field, std::string_view what) { return bad("bad-endpoint", field, what); };
    if (auto status = check_name(from.name); !status) return refuse("name", "is no name: " + status.error().message());
    if (from.heartbeat_ms != 0 && (from.heartbeat_ms < heartbeat_ms_least || from.heartbeat_ms > heartbeat_ms_most)) {
        return refuse("heartbeat_ms", "is neither 0 nor from " + std::to_string(heartbeat_ms_least) + " to " + std::to_string(heartbeat_ms_most));
    }
    if (from.queue_max > queue_max_most) return refuse("queue_max", "is more than " + std::to_string(queue_max_most));
    if (from.capabilities.size() > capabilities_max) return refuse("capabilities", "has more than " + std::to_string(capabilities_max));
    out.endpoint->name = from.name;
    out.endpoint->heartbeat_ns = std::uint64_t{from.heartbeat_ms} * 1'000'000;
    for (const auto& capability : from.capabilities) out.endpoint->capabilities.push_back(SYMPHONY_TRY(Pattern::parse(capability)));
    out.limits = {ports::BusPolicy::drop_newest, from.queue_max != 0 ? from.queue_max : queue_max_otherwise, queue_bytes_otherwise};
    return out;
}

Result<std::vector<Route>> routes_of(const std::vector<ports::BusRoute>& from) {
    std::vector<Route> out;
    for (const auto& route : from) {
        auto pattern = Pattern::parse(route.pattern);
        if (!pattern) return std::move(pattern).error().in("route " + std::to_string(out.size() + 1));
        if (route.endpoints.size() > route_endpoints_max) return bad("bad-pattern", "endpoints", "of route " + std::to_string(out.size() + 1) + " has too many");
        if (!route.capability.empty()) {
            if (auto status = check_name(route.capability); !status) {
                return Error(Code::invalid_argument, "bad-pattern", "route " + std::to_string(out.size() + 1) + ": its capability: " + status.error().message());
            }
        }
        out.push_back({*std::move(pattern), route.endpoints, route.capability, route.priority});
    }
    return out;
}

} // namespace symphony::bus
