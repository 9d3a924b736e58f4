// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "table.hpp"

namespace symphony::bus {

/// What a subscription or an endpoint asks for, checked, with the defaults filled in.
struct SubscriptionSpec {
    Subscription subscription; ///< without its receiver
    MailboxLimits limits;
    std::size_t batch_max;
};
/// @return `invalid_argument` "bad-pattern" or "bad-subscription".
Result<SubscriptionSpec> spec_of(const ports::BusSubscription& from);

struct EndpointSpec {
    EndpointRef endpoint; ///< without its receiver
    MailboxLimits limits;
};
/// @return `invalid_argument` "bad-pattern" or "bad-endpoint".
Result<EndpointSpec> spec_of(const ports::BusEndpoint& from);

/// @return `invalid_argument` "bad-pattern" naming the route.
Result<std::vector<Route>> routes_of(const std::vector<ports::BusRoute>& from);

} // namespace symphony::bus
