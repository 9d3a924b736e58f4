// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/server.hpp>

#include "dialer.hpp"
#include "listener.hpp"

namespace symphony::transport {
namespace {

constexpr std::uint64_t greeting_ms_otherwise = 5000;

Error no_connection(std::uint64_t id) { return {Code::not_found, "no-connection", "there is no connection " + std::to_string(id) + ": it was closed here, or never opened"}; }
Error stopping() { return {Code::cancelled, "stopping", "the transport is stopping"}; }

} // namespace

Error bad_address(const ports::Address& address, std::string_view what) {
    return {Code::invalid_argument, "bad-address", address.scheme + " address \"" + address.path.substr(0, 200) + "\": " + std::string(what)};
}

Status check_options(const ports::Address& address, std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : address.options) {
        if (std::find(known.begin(), known.end(), name) == known.end()) return bad_address(address, "no option \"" + name.substr(0, 100) + "\"");
    }
    return {};
}

TransportServer::TransportServer(Host host, std::unique_ptr<Driver> driver, std::uint32_t connections_max) : host_(host), driver_(std::move(driver)) {
    const Value& config = host_.config();
    const auto number = [&](const char* key, auto otherwise) { return static_cast<decltype(otherwise)>(config[key].as_uint(otherwise)); };
    limits_.frame_bytes_max = number("frame_bytes_max", limits_.frame_bytes_max);
    limits_.queue_frames_max = number("queue_frames_max", limits_.queue_frames_max);
    limits_.queue_bytes_max = std::max(number("queue_bytes_max", limits_.queue_bytes_max), limits_.frame_bytes_max);
    limits_.connections_max = number("connections_max", connections_max);
    limits_.retries = number("retries", limits_.retries);
    limits_.retry_ms = number("retry_ms", limits_.retry_ms);
    limits_.retry_ms_max = number("retry_ms_max", limits_.retry_ms_max);
    greeting_ns_ = number("greeting_ms", greeting_ms_otherwise) * 1'000'000;
    if (config["metrics_enabled"].as_bool(true)) hub_.count = [host](std::string_view name, std::uint64_t add) { host.metrics().count(name, add); };
}

TransportServer::~TransportServer() { static_cast<void>(deactivate()); }

/// What was asked for, within what is configured.
Result<Limits> TransportServer::limits_of(const ports::TransportLimits& asked) const {
    Limits out = limits_;
    std::optional<Error> wrong;
    const auto take = [&](const char* name, auto& to, auto value) {
        if (value > to && !wrong) {
            wrong = Error(Code::invalid_argument, "bad-limits", std::string(name) + " of " + std::to_string(value) + " is more than the " + std::to_string(to) + " that are configured",
                          std::string("raise ") + name + " of the transport plugin");
        }
        if (value != 0) to = value;
    };
    take("frame_bytes_max", out.frame_bytes_max, asked.frame_bytes_max);
    take("queue_frames_max", out.queue_frames_max, asked.queue_frames_max);
    take("queue_bytes_max", out.queue_bytes_max, asked.queue_bytes_max);
    take("connections_max", out.connections_max, asked.connections_max);
    if (wrong) return *wrong;
    if (out.queue_bytes_max < out.frame_bytes_max) {
        return Error(Code::invalid_argument, "bad-limits", "queue_bytes_max of " + std::to_string(out.queue_bytes_max) + " is less than one frame of frame_bytes_max = " + std::to_string(out.frame_bytes_max));
    }
    // How often to try is the caller's affair; the configuration says how often otherwise.
    if (asked.retries != 0) out.retries = asked.retries;
    if (asked.retry_ms != 0) out.retry_ms = asked.retry_ms;
    if (asked.retry_ms_max != 0) out.retry_ms_max = asked.retry_ms_max;
    return out;
}

Status TransportServer::check(const ports::Address& address) const {
    if (address.scheme != driver_->scheme()) {
        return Error(Code::unsupported, "scheme", "this transport speaks \"" + std::string(driver_->scheme()) + "\" and not \"" + to_valid_utf8(address.scheme.substr(0, 100)) + "\"");
    }
    if (const auto about = host_.about(); !about) {
        return Error(Code::unsupported, "isolated", "transport-" + std::string(driver_->scheme()) + " runs in a sandbox, where no connection can be made", about.error().hint());
    }
    return driver_->check(address);
}

Result<std::shared_ptr<Connection>> TransportServer::find(std::uint64_t id) const {
    const std::lock_guard lock(mutex_);
    const auto found = connections_.find(id);
    if (found == connections_.end()) return no_connection(id);
    return found->second;
}

std::shared_ptr<Connection> TransportServer::make(Dialed dialed, const Limits& limits) {
    return std::make_shared<Connection>(hub_, next_id_.fetch_add(1), std::move(dialed.carrier), dialed.peer, limits);
}

void TransportServer::open(const std::shared_ptr<Connection>& connection) {
    {
        const std::lock_guard lock(mutex_);
        if (!stopping_) {
            connections_.emplace(connection->id(), connection);
            return;
        }
    }
    connection->close(stopping());
}

Result<ports::Accepted> TransportServer::connect(Call& call, const ports::Address& address, const ports::TransportLimits& asked) {
    SYMPHONY_TRY(check(address));
    const Limits limits = SYMPHONY_TRY(limits_of(asked));
    SYMPHONY_TRY(hub_.loop.start());
    std::shared_ptr<Dialer> dialer;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return stopping();
        dialer = std::make_shared<Dialer>(*this, address, limits, call.defer<ports::Accepted>());
        dialers_.emplace(call.id(), dialer);
    }
    dialer->begin();
    return ports::Accepted{};
}

Result<void> TransportServer::listen(Call& call, const ports::Address& address, const ports::TransportLimits& asked) {
    SYMPHONY_TRY(check(address));
    const Limits limits = SYMPHONY_TRY(limits_of(asked));
    SYMPHONY_TRY(hub_.loop.start());
    auto acceptor = SYMPHONY_TRY(driver_->listen(address));
    std::shared_ptr<Listener> listener;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return stopping();
        listener = std::make_shared<Listener>(*this, std::move(acceptor), limits, call.defer<void>());
        listeners_.emplace(call.id(), listener);
    }
    listener->begin();
    return {};
}

Result<void> TransportServer::send(Call& call, std::uint64_t connection, const Buffer& content, bool wait) {
    const auto here = SYMPHONY_TRY(find(connection));
    return here->send(call, content, wait);
}

Result<void> TransportServer::receive(Call& call, std::uint64_t connection, std::uint32_t frames_max, std::uint32_t linger_ms, bool stay) {
    const auto here = SYMPHONY_TRY(find(connection));
    return here->receive(call, frames_max, linger_ms, stay);
}

Result<void> TransportServer::close(Call&, std::uint64_t connection) { return drop(connection); }

Status TransportServer::drop(std::uint64_t id) {
    std::shared_ptr<Connection> here;
    {
        const std::lock_guard lock(mutex_);
        const auto found = connections_.find(id);
        if (found == connections_.end()) return {};
        here = std::move(found->second);
        connections_.erase(found);
    }
    here->close(no_connection(id));
    return {};
}

Result<void> TransportServer::finish(Call&, std::uint64_t connection) {
    const auto here = SYMPHONY_TRY(find(connection));
    return here->finish();
}

Result<ports::ConnectionStatus> TransportServer::status(Call&, std::uint64_t connection) {
    const auto here = SYMPHONY_TRY(find(connection));
    return here->status();
}

void TransportServer::on_cancel(std::uint64_t call_id) {
    std::shared_ptr<Dialer> dialer;
    std::shared_ptr<Listener> listener;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = dialers_.find(call_id); found != dialers_.end()) dialer = found->second;
        if (const auto found = listeners_.find(call_id); found != listeners_.end()) listener = found->second;
    }
    if (dialer) return dialer->cancel();
    if (listener) return listener->cancel();
    if (const auto connection = hub_.where(call_id)) return connection->cancel(call_id);
    if (const auto connection = hub_.seats.find(call_id)) std::static_pointer_cast<Connection>(connection)->cancel(call_id);
}

void TransportServer::end_all() {
    std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections;
    std::unordered_map<std::uint64_t, std::shared_ptr<Dialer>> dialers;
    std::unordered_map<std::uint64_t, std::shared_ptr<Listener>> listeners;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        connections.swap(connections_);
        dialers = dialers_;
        listeners = listeners_;
    }
    for (const auto& [call, dialer] : dialers) dialer->cancel();
    for (const auto& [call, listener] : listeners) listener->cancel();
    for (const auto& [id, connection] : connections) connection->close(stopping());
}

Status TransportServer::quiesce(std::uint64_t) {
    end_all();
    return {};
}

Status TransportServer::deactivate() {
    end_all();
    hub_.loop.stop();
    return {};
}

} // namespace symphony::transport
