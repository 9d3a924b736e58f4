// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/brokers/resolver.hpp>
#include <symphony/manifests/rights.hpp>
#include <symphony/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace symphony::brokers {

using manifests::Right;

/// How a stream came to its end.
struct StreamEnd {
    std::string host;            ///< canonical, as connected to
    std::uint16_t port = 0;
    std::string address;         ///< that was connected to
    /// "finished" (both sides), "plugin-gone", "peer-gone", "revoked", "tls-name-mismatch", "bytes-spent", "time-spent",
    /// "idle", "tls-failed", "host-stops".
    std::string_view reason;
    std::string text;            ///< one sentence, for the audit log and the host's log
    std::uint64_t bytes_sent = 0, bytes_received = 0;  ///< by the plugin
    std::chrono::milliseconds lasted{0};
    /// The plugin did something that it may not: belongs in the audit log as a violation.
    bool violation() const noexcept { return reason == "tls-name-mismatch"; }
};

/// What one plugin may use up. 0 = no limit.
struct NetworkBudget {
    std::uint64_t bytes_sent_max = 0, bytes_received_max = 0;  ///< of one stream
    std::chrono::milliseconds time_max{0};                     ///< of one stream
    std::chrono::milliseconds idle_max{std::chrono::minutes(5)};
    std::chrono::milliseconds hello_max{std::chrono::seconds(10)};    ///< until a client hello is there, where one must come
    std::chrono::milliseconds connect_max{std::chrono::seconds(30)};  ///< when the plugin names no deadline
    unsigned streams_max = 64;                                 ///< at once
};

/// A plugin as the broker knows it. Functions are called on any thread, except where noted, without a lock held.
struct NetworkClient {
    std::string name;  ///< for messages: "plugin \"fetch\""
    NetworkBudget budget;
    /// The current grant, recorded in the audit log; may ask a person. Before anything is resolved. Gives what decided.
    std::function<Result<std::string>(const Right& to)> require;
    /// Whether what was allowed by that rule still is, without a trace: whether a stream may live on.
    std::function<bool(const Right& to, const std::string& rule)> holds;
    /// Whether the manifest, or a person's grant, names exactly this address (with no pattern that happens to cover it): only then, and granted,
    /// may it be one of the machine itself or of its private neighbourhood.
    std::function<bool(const Right& address)> names_address;
    /// A host that is none, or one that leads where no grant does; "name:port" as it was asked for. May be empty.
    std::function<void(std::string_view place, const Error& why)> on_refused;
    /// Once for each stream; on the relay's thread, or on the one that closed it. May be empty.
    std::function<void(const StreamEnd&)> on_end;
};

struct NetworkCounters {
    std::uint64_t connected = 0, refused = 0, ended = 0, open = 0, bytes_sent = 0, bytes_received = 0;
};

/// Lets plugins talk to granted hosts without ever giving them an internet socket: resolves, checks every address, connects
/// to a checked one, and relays between it and a socket pair, whose other end is the plugin's. One thread with epoll serves
/// all streams. [any]
class NetworkBroker {
public:
    struct Options {
        std::unique_ptr<Resolver> resolver;  ///< null: system_resolver()
        /// Why an address is never connected to unless a grant names it; empty text: it may be. Empty function: the special
        /// ranges of IpAddress, and the addresses of this machine's own interfaces.
        std::function<std::string(const IpAddress&)> forbidden;
        std::filesystem::path ca_file;       ///< certificates that SYMPHONY_NET_TLS trusts; empty: the system's, or what SSL_CERT_FILE and SSL_CERT_DIR name
        std::size_t chunk_bytes = 64 * 1024; ///< that one read moves, and a stream holds at most when its receiver is slow
    };
    explicit NetworkBroker(Options options);
    NetworkBroker(const NetworkBroker&) = delete;
    NetworkBroker& operator=(const NetworkBroker&) = delete;
    /// Ends every stream. Nobody may be inside connect().
    ~NetworkBroker();

    /// One end of a connected AF_UNIX stream pair, blocking and close-on-exec, owned by the caller: for the plugin, in this
    /// process or sent to another one.
    /// @param flags    SYMPHONY_NET_*.
    /// @param deadline max() = the budget's connect_max.
    /// @return As services/net.h says; what a closed stream was closed for comes through on_end.
    Result<int> connect(const std::shared_ptr<const NetworkClient>& client, std::string_view host, std::uint32_t port, std::uint32_t flags,
                        std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max());

    /// Asks `holds` of every open stream again and closes what is not allowed any more. When it returns, no byte flows in
    /// those. For the callback of changed grants.
    /// @return How many were closed.
    std::size_t recheck();
    /// Closes a client's streams that `right` covers; null: all of it. When it returns, no byte flows in those.
    std::size_t revoke(const NetworkClient& client, const Right* right = nullptr);

    NetworkCounters counters() const;
    /// Streams of one client that are open now.
    std::size_t open_streams(const NetworkClient& client) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace symphony::brokers
