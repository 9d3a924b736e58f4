// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mailbox.hpp"
#include "pattern.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace symphony::bus {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};
template <class T>
using ByName = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

/// Who listens.
struct Subscription {
    Pattern pattern;
    std::uint8_t kinds = ports::BusKinds::event;
    std::optional<Pattern> sender{};
    std::string name{};
    bool remote = false;
    std::shared_ptr<Receiver> receiver{};
    std::uint64_t id = 0; ///< given by the core, ascending
};

/// Who answers. What changes is atomic; the rest stays from its registration to its end.
struct Endpoint {
    std::string name;
    std::vector<Pattern> capabilities{};
    std::uint64_t heartbeat_ns = 0; ///< 0: none promised
    bool remote = false;
    std::shared_ptr<Receiver> receiver{};
    std::atomic<std::uint64_t> seen_ns{0};
    std::atomic<bool> healthy{true};
    std::atomic<bool> gone{false};

    bool reachable() const noexcept { return healthy.load(std::memory_order_acquire) && !gone.load(std::memory_order_acquire); }
    bool can(std::string_view type) const noexcept;
};
using EndpointRef = std::shared_ptr<Endpoint>;

struct Route {
    Pattern pattern;
    std::vector<std::string> endpoints{};
    std::string capability{};
    std::int32_t priority = 0;
};

/// A route with the endpoints that it names, as far as they are there.
struct Rule {
    Pattern pattern;
    std::int32_t priority = 0;
    bool explicit_route = false; ///< false: what an endpoint says of itself, for requests alone
    std::vector<EndpointRef> endpoints{};
};

/// Who gets a message of one type. Depends on the type and the table and on nothing else, so that it may be remembered.
struct Resolved {
    /// What a publisher asks of a subscription, side by side in memory.
    struct Taker {
        Receiver* receiver;
        const Subscription* subscription;
        std::uint8_t plain_kinds; ///< it wants these from every sender
        std::uint8_t other_kinds; ///< and these from those that match
    };
    std::vector<Taker> takers;      ///< in the order in which they began
    std::vector<const Rule*> rules;                 ///< the first that has a reachable endpoint decides
};

/// What is registered at one moment: immutable, replaced as a whole. [any]
class Table {
public:
    Table(std::uint64_t version, std::vector<std::shared_ptr<const Subscription>> subscriptions, const std::vector<EndpointRef>& endpoints,
          const std::vector<Route>& routes);

    std::uint64_t version() const noexcept { return version_; }
    Resolved resolve(std::string_view type) const;
    /// @return nullptr when there is none.
    const EndpointRef* endpoint(std::string_view name) const noexcept;

private:
    std::uint64_t version_;
    std::vector<std::shared_ptr<const Subscription>> held_;
    ByName<std::vector<const Subscription*>> exact_;
    std::vector<const Subscription*> wild_;
    std::vector<Rule> rules_; // best first
    ByName<EndpointRef> endpoints_;
};

constexpr std::uint8_t bit_of(ipc::PayloadKind kind) noexcept { return static_cast<std::uint8_t>(1u << (static_cast<unsigned>(kind) - 1)); }

} // namespace symphony::bus
