// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/network.hpp>

#include "relay.hpp"
#include "tls.hpp"

#include <symphony/abi/services/net.h>

#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

namespace symphony::brokers {
namespace {

using Clock = std::chrono::steady_clock;

// As many addresses of one name are tried; more are somebody's mistake.
constexpr std::size_t addresses_max = 16;
constexpr const char* connect_hint = "check host and port, and that this machine's own network works";
constexpr const char* slow_hint = "try again, or give it more time";
// HTTPS and its neighbours: DNS, mail, directory and others over TLS from the first byte on.
constexpr std::uint16_t tls_ports[] = {443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 5671, 6697, 8443, 8883};

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    sa_family_t family = AF_INET;
};

Address address_for(const IpAddress& ip, std::uint16_t port) {
    Address out;
    if (ip.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        std::memcpy(&v4.sin_addr, ip.bytes().data(), 4);
        std::memcpy(&out.storage, &v4, sizeof v4);
        out.size = sizeof v4;
    } else {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        out.family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&v6.sin6_addr, ip.bytes().data(), 16);
        std::memcpy(&out.storage, &v6, sizeof v6);
        out.size = sizeof v6;
    }
    return out;
}

bool is_own_address(const IpAddress& wanted) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return true; // when it cannot be told, it is not let through
    bool found = false;
    for (const ifaddrs* at = list; at != nullptr && !found; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        const Address address = address_for(wanted, 0);
        if (at->ifa_addr->sa_family != address.family) continue;
        if (wanted.is_v4()) {
            sockaddr_in own{};
            std::memcpy(&own, at->ifa_addr, sizeof own);
            found = std::memcmp(&own.sin_addr, wanted.bytes().data(), 4) == 0;
        } else {
            sockaddr_in6 own{};
            std::memcpy(&own, at->ifa_addr, sizeof own);
            found = std::memcmp(&own.sin6_addr, wanted.bytes().data(), 16) == 0;
        }
    }
    ::freeifaddrs(list);
    return found;
}

std::string usually_forbidden(const IpAddress& address) {
    if (const std::string_view range = address.special_range(); !range.empty()) return std::string(range);
    return is_own_address(address) ? "this machine" : std::string();
}

/// To the checked address, and to nothing that its name might mean by now.
Result<Fd> connect_to(const IpAddress& ip, std::uint16_t port, Clock::time_point deadline) {
    const Address address = address_for(ip, port);
    Fd socket(::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.get() < 0) return Error(Code::io, "cannot-connect", std::string("no socket: ") + std::strerror(errno), "close some files, or raise ulimit -n");
    const int on = 1;
    static_cast<void>(::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    int error = 0;
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
        if (errno != EINPROGRESS) return Error(Code::io, "cannot-connect", std::strerror(errno), connect_hint);
        if (!wait_for(socket.get(), POLLOUT, deadline)) return Error(Code::deadline, "connect-slow", "no answer in time", slow_hint);
        socklen_t size = sizeof error;
        if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
    if (error != 0) return Error(Code::io, "cannot-connect", std::strerror(error), connect_hint);
    return socket;
}

} // namespace

struct NetworkBroker::Impl {
    explicit Impl(Options given) : options(std::move(given)), relay(options.chunk_bytes) {
        if (!options.resolver) options.resolver = system_resolver();
        if (!options.forbidden) options.forbidden = &usually_forbidden;
    }

    Result<int> connect(const std::shared_ptr<const NetworkClient>& client, std::string_view host, std::uint32_t port, std::uint32_t flags,
                        Clock::time_point deadline);
    Result<Token> take_place(const std::shared_ptr<const NetworkClient>& client);
    Result<std::vector<IpAddress>> checked_addresses(const NetworkClient& client, const HostName& host, std::uint16_t port, Clock::time_point deadline);
    Result<std::shared_ptr<TlsContext>> tls_context();

    /// How many streams each client has or is about to get. Outlives the broker while a place is held.
    struct Places {
        std::mutex mutex;
        std::map<const NetworkClient*, unsigned> taken;
    };

    Options options;
    std::atomic<std::uint64_t> refused{0};
    const std::shared_ptr<Places> places = std::make_shared<Places>();
    std::mutex tls_mutex;
    std::shared_ptr<TlsContext> tls;  // before the relay: sessions need it
    Relay relay;
};

Result<Token> NetworkBroker::Impl::take_place(const std::shared_ptr<const NetworkClient>& client) {
    const std::lock_guard lock(places->mutex);
    unsigned& taken = places->taken[client.get()];
    if (client->budget.streams_max != 0 && taken >= client->budget.streams_max) {
        return Error(Code::exhausted, "too-many-streams", client->name + ": has " + std::to_string(taken) + " streams open, which is its limit", "close one first");
    }
    ++taken;
    return Token(nullptr, [places = places, key = client.get()](std::nullptr_t) {
        const std::lock_guard guard(places->mutex);
        const auto at = places->taken.find(key);
        if (--at->second == 0) places->taken.erase(at);
    });
}

Result<std::vector<IpAddress>> NetworkBroker::Impl::checked_addresses(const NetworkClient& client, const HostName& host, std::uint16_t port,
                                                                      Clock::time_point deadline) {
    std::vector<IpAddress> addresses;
    if (host.address()) {
        addresses.push_back(*host.address());
    } else {
        addresses = SYMPHONY_TRY(options.resolver->resolve(host, deadline));
    }
    if (addresses.empty()) return Error(Code::not_found, "no-such-host", "host \"" + host.text() + "\": it has no address", "check the name");
    // Every one, also those that would never be tried: a name that leads inside at all is not to be trusted.
    for (const IpAddress& address : addresses) {
        const std::string range = options.forbidden(address);
        if (range.empty()) continue;
        const Right exactly = SYMPHONY_TRY(Right::network(address.text(), port));
        // An address that was asked for by itself is granted already; one that a name leads to needs a grant of its own.
        if (client.names_address && client.names_address(exactly)) {
            if (!host.address() && client.require) static_cast<void>(SYMPHONY_TRY(client.require(exactly)));
            continue;
        }
        return Error(Code::not_granted, "forbidden-address",
                     client.name + ": host \"" + host.text() + "\" leads to " + address.text() + " (" + range + "), which no grant names",
                     "if it is meant, grant exactly this address: symphony permission grant PLUGIN '" + exactly.text() + "'; the manifest has to ask for it, or for what covers it");
    }
    if (addresses.size() > addresses_max) addresses.resize(addresses_max);
    return addresses;
}

Result<std::shared_ptr<TlsContext>> NetworkBroker::Impl::tls_context() {
    const std::lock_guard lock(tls_mutex);
    if (!tls) tls = SYMPHONY_TRY(TlsContext::make(options.ca_file));
    return tls;
}

Result<int> NetworkBroker::Impl::connect(const std::shared_ptr<const NetworkClient>& client, std::string_view text, std::uint32_t number, std::uint32_t flags,
                                         Clock::time_point deadline) {
    if ((flags & ~(SYMPHONY_NET_TLS | SYMPHONY_NET_OWN_TLS)) != 0 || flags == (SYMPHONY_NET_TLS | SYMPHONY_NET_OWN_TLS)) {
        return Error(Code::invalid_argument, "bad-flags", client->name + ": unknown or contradictory flags to connect", "give SYMPHONY_NET_TLS, SYMPHONY_NET_OWN_TLS or 0");
    }
    if (number == 0 || number > 65535) {
        return Error(Code::invalid_argument, "bad-port", client->name + ": " + std::to_string(number) + " is no port", "give a port from 1 to 65535");
    }
    const auto port = static_cast<std::uint16_t>(number);
    auto parsed = HostName::parse(text);
    if (!parsed) return std::move(parsed).error().in(client->name);
    const HostName& host = *parsed;
    const Right right = SYMPHONY_TRY(Right::network(host.text(), port));
    NewStream stream;
    if (client->require) stream.rule = SYMPHONY_TRY(client->require(right));
    stream.token = SYMPHONY_TRY(take_place(client));
    if (deadline == Clock::time_point::max()) deadline = Clock::now() + client->budget.connect_max;

    const std::vector<IpAddress> addresses = SYMPHONY_TRY(checked_addresses(*client, host, port, deadline));
    Error failed(Code::deadline, "connect-slow", "no answer in time", slow_hint);
    for (std::size_t i = 0; i < addresses.size() && stream.remote.get() < 0; ++i) {
        // Each gets its share of the time that is left, so that one that never answers does not use up the others' time.
        const auto now = Clock::now();
        const auto share = (deadline - now) / static_cast<long>(addresses.size() - i);
        auto connected = connect_to(addresses[i], port, now + share);
        stream.address = addresses[i];
        if (connected) {
            stream.remote = *std::move(connected);
        } else {
            failed = std::move(connected).error();
        }
    }
    if (stream.remote.get() < 0) {
        return std::move(failed).in(client->name + ": cannot connect to " + host.text() + ":" + std::to_string(port) + " (" + stream.address.text() + ")");
    }
    if ((flags & SYMPHONY_NET_TLS) != 0) {
        const std::shared_ptr<TlsContext> context = SYMPHONY_TRY(tls_context());
        stream.tls = SYMPHONY_TRY(context->connect(stream.remote.get(), host, deadline));
    }
    int pair[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return Error(Code::exhausted, "too-many-files", client->name + ": no socket pair: " + std::strerror(errno), "close some files, or raise ulimit -n");
    }
    Fd theirs(pair[0]);
    stream.local = Fd(pair[1]);
    const int status = ::fcntl(pair[1], F_GETFL);
    if (status < 0 || ::fcntl(pair[1], F_SETFL, status | O_NONBLOCK) != 0) return Error(Code::io, std::string("cannot set up a stream: ") + std::strerror(errno));
    stream.client = client;
    stream.right = right;
    stream.host = host;
    stream.port = port;
    stream.check_hello = !stream.tls && ((flags & SYMPHONY_NET_OWN_TLS) != 0 || std::find(std::begin(tls_ports), std::end(tls_ports), port) != std::end(tls_ports));
    const std::string rule = stream.rule;
    SYMPHONY_TRY(relay.add(std::move(stream)));
    // Withdrawn while we were connecting: recheck() may have looked before the stream was there.
    if (client->holds && !client->holds(right, rule)) {
        static_cast<void>(relay.cut([&](const NewStream& one) { return one.client == client && one.right == right && one.rule == rule; }, "revoked"));
        return Error(Code::not_granted, "not-granted", client->name + ": the right to " + host.text() + ":" + std::to_string(port) + " was just withdrawn", "symphony permission list shows what is granted");
    }
    return theirs.release();
}

NetworkBroker::NetworkBroker(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
NetworkBroker::~NetworkBroker() = default;

Result<int> NetworkBroker::connect(const std::shared_ptr<const NetworkClient>& client, std::string_view host, std::uint32_t port, std::uint32_t flags,
                                   Clock::time_point deadline) {
    auto connected = impl_->connect(client, host, port, flags, deadline);
    if (connected) return connected;
    impl_->refused.fetch_add(1, std::memory_order_relaxed);
    for (const std::string_view reason : {"bad-host", "numeric-host", "bad-port", "bad-right", "forbidden-address"}) {
        if (client->on_refused && connected.error().reason() == reason) client->on_refused(std::string(host.substr(0, 300)) + ":" + std::to_string(port), connected.error());
    }
    return connected;
}

std::size_t NetworkBroker::recheck() {
    return impl_->relay.cut([](const NewStream& one) { return one.client->holds && !one.client->holds(one.right, one.rule); }, "revoked");
}

std::size_t NetworkBroker::revoke(const NetworkClient& client, const Right* right) {
    return impl_->relay.cut([&](const NewStream& one) { return one.client.get() == &client && (right == nullptr || right->covers(one.right)); }, "revoked");
}

NetworkCounters NetworkBroker::counters() const {
    NetworkCounters out = impl_->relay.counters();
    out.refused = impl_->refused;
    return out;
}

std::size_t NetworkBroker::open_streams(const NetworkClient& client) const { return impl_->relay.count(&client); }

} // namespace symphony::brokers
