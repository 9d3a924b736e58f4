// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/host_name.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace symphony::brokers {

using manifests::HostName;
using manifests::IpAddress;

/// Where addresses of names come from. [any, may block]
class Resolver {
public:
    Resolver() = default;
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    virtual ~Resolver() = default;
    /// All addresses of a name, in the order in which they are to be tried; at least one.
    /// @return `not_found` ("no-such-host"), `deadline` ("resolver-slow"), `busy` ("resolver-busy"), `io` ("resolver-failed").
    virtual Result<std::vector<IpAddress>> resolve(const HostName& name, std::chrono::steady_clock::time_point deadline) = 0;
};

/// The machine's own: getaddrinfo on a thread of its own, which is left behind when it does not come back in time.
/// @param lookups_max  So many at once; more are `busy`.
std::unique_ptr<Resolver> system_resolver(unsigned lookups_max = 16);

} // namespace symphony::brokers
