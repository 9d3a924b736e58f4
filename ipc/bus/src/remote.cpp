// SPDX-License-Identifier: Apache-2.0
#include "remote.hpp"

#include "specs.hpp"

#include <symphony/envelope/greeting.hpp>

#include <algorithm>
#include <thread>

namespace symphony::bus {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t answers_max = 4096, open_requests_max = 1024;
constexpr std::size_t channels_of_connection_max = 1024, messages_at_a_time = 64;
constexpr std::uint64_t ns_per_ms = 1'000'000, request_ms_otherwise = 30'000;
constexpr int attempts_max = 3;
constexpr std::uint32_t queue_frames_max = 32;

ipc::Greeting own_greeting() {
    ipc::Greeting out;
    out.name = "symphony-bus";
    out.codecs = WireCodec::names();
    return out;
}

/// Takes as long for every wrong token.
bool same(std::string_view a, std::string_view b) noexcept {
    unsigned different = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < a.size(); ++i) different |= static_cast<unsigned>(a[i] ^ (b.empty() ? '\0' : b[i % b.size()]));
    return different == 0 && !b.empty();
}

Value nothing() { return ValueBuilder().map().end().build(); }

} // namespace

void RemoteChannel::wake() noexcept {
    const auto connection = connection_.lock();
    if (connection == nullptr) return;
    try {
        connection->ready(shared_from_this());
    } catch (...) {
        connection->close(Error(Code::exhausted, "out-of-memory", "out of memory"));
    }
}

void RemoteChannel::end(const Status& reason) noexcept {
    {
        const std::lock_guard lock(mutex_);
        reason_ = reason;
    }
    if (box_.close()) wake();
}

Status RemoteChannel::reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
}

/// A message that waits for room at its receivers, with what was read behind it.
class Connection::Waiting final : public Job {
public:
    Waiting(std::shared_ptr<Connection> connection, MessageRef message, Publisher::Outcome& from) : connection_(std::move(connection)), message_(std::move(message)) {
        outcome_.blocked.swap(from.blocked);
    }
    bool work() override {
        connection_->publisher_.finish(message_, outcome_, std::chrono::steady_clock::now() + 1s);
        if (connection_->go_on()) connection_->link_->resume();
        return false;
    }

private:
    const std::shared_ptr<Connection> connection_;
    const MessageRef message_;
    Publisher::Outcome outcome_;
};

Connection::Connection(std::shared_ptr<Shared> shared, std::shared_ptr<Link> link, const ports::Peer& peer)
    : held_(std::move(shared)), shared_(*held_), link_(std::move(link)), authenticated_(peer.known && !shared_.token_always), publisher_(shared_.core) {}

void Connection::start() {
    answers_ = std::make_shared<RemoteChannel>(weak_from_this(), channel_answers, MailboxLimits{ports::BusPolicy::drop_newest, answers_max, 64u << 20, shared_.core.budget()});
    link_->start(shared_from_this());
}

bool Connection::greet(const Buffer& frame) {
    const auto theirs = ipc::read_greeting(frame.bytes());
    const auto agreed = theirs ? ipc::agree(*theirs, own_greeting()) : Result<ipc::Agreement>(theirs.error());
    if (!agreed) {
        shared_.host.log(Level::info, "a connection was refused: " + agreed.error().message());
        close(agreed.error());
        return false;
    }
    in_ = std::make_unique<WireCodec>(agreed->codec);
    greeted_.store(true, std::memory_order_release);
    const std::lock_guard lock(mutex_);
    out_ = std::make_unique<WireCodec>(agreed->codec);
    return true;
}

bool Connection::on_frame(const Buffer& frame) {
    if (in_ == nullptr) return greet(frame);
    next_ = 0;
    if (auto status = read_frame(frame, items_); !status) {
        close(status.error());
        return false;
    }
    return go_on();
}

Result<MessageRef> Connection::read(const Item& item) {
    if (in_->compact()) return read_message(item.envelope);
    ipc::EnvelopeView view;
    SYMPHONY_TRY(in_->read(item.envelope, view));
    return MessageRef(std::make_shared<const Message>(ipc::own(view)));
}

bool Connection::go_on() {
    Publisher::Outcome outcome; // wakes receivers once for the whole frame
    while (next_ < items_.size()) {
        const auto message = read(items_[next_]);
        ++next_;
        if (!message) {
            close(message.error());
            return false;
        }
        if (!take(*message, outcome)) return false;
    }
    items_.clear();
    return true;
}

bool Connection::take(const MessageRef& message, Publisher::Outcome& outcome) {
    const ipc::EnvelopeView& view = message->view();
    auto status = check(view);
    if (status && view.recipient == bus_name) {
        auto result = control(view);
        if (!result) refuse(view, result.error());
        else if (message->kind() == ipc::PayloadKind::request) {
            auto out = from_bus({});
            out.correlation = view.id;
            out.payload = ipc::Response{*std::move(result)};
            answer(std::make_shared<const Message>(std::move(out)));
        }
        return attempts_ < attempts_max;
    }
    if (status && !authenticated_) status = Error(Code::not_granted, "not-authenticated", "this connection has not given its token", "send bus.authenticate first");
    if (status) status = check_sender(view);
    if (!status) {
        shared_.core.count(Count::refused);
        refuse(view, status.error());
        return true;
    }
    if (message->kind() == ipc::PayloadKind::request) {
        ask(message, outcome);
        return true;
    }
    status = publisher_.publish(message, outcome);
    if (!status) refuse(view, status.error());
    if (outcome.blocked.empty()) return true;
    outcome.wake();
    shared_.dispatcher.post(std::make_shared<Waiting>(shared_from_this(), message, outcome));
    return false;
}

Status Connection::check_sender(const ipc::EnvelopeView& view) {
    const std::uint64_t version = shared_.core.version();
    if (version == checked_version_ && checked_sender_ == view.sender) return {};
    const auto table = shared_.core.table();
    const EndpointRef* named = view.sender == bus_name ? nullptr : table->endpoint(view.sender);
    bool own = false;
    if (named != nullptr) {
        const std::lock_guard lock(mutex_);
        const auto found = endpoints_.find(view.sender);
        own = found != endpoints_.end() && found->second == *named;
    }
    if (view.sender == bus_name || (named != nullptr && !own)) {
        return Error(Code::not_granted, "not-the-sender", "endpoint \"" + std::string(view.sender) + "\" is not of this connection", "send under a name of your own, or none");
    }
    checked_sender_ = view.sender;
    checked_version_ = version;
    return {};
}

void Connection::ask(const MessageRef& message, Publisher::Outcome& outcome) {
    const ipc::EnvelopeView& view = message->view();
    if (open_requests_.load(std::memory_order_relaxed) >= open_requests_max) {
        return refuse(view, Error(Code::busy, "queue-full", std::to_string(open_requests_max) + " requests of this connection are open", "wait for answers"));
    }
    const auto timeout_ms = std::get<ipc::RequestView>(view.payload).timeout_ms;
    const std::uint64_t deadline = shared_.core.now_ns() + (timeout_ms != 0 ? timeout_ms : request_ms_otherwise) * ns_per_ms;
    ++open_requests_;
    publisher_.request(message, deadline, [weak = weak_from_this(), message](Result<MessageRef> got) {
        const auto self = weak.lock();
        if (self == nullptr) return;
        --self->open_requests_;
        if (got) self->answer(*std::move(got));
        else self->refuse(message->view(), got.error());
    }, outcome);
    shared_.dispatcher.poke();
}

ipc::Envelope Connection::from_bus(std::string_view type) const {
    ipc::Envelope out;
    out.id = shared_.ids.next();
    out.unix_us = ipc::UuidSource::system_clock_ns() / 1000;
    out.type = type;
    out.sender = bus_name;
    return out;
}

void Connection::answer(MessageRef message) {
    bool woken = false;
    static_cast<void>(answers_->deliver(message, woken)); // what is lost is counted there
    if (woken) answers_->wake();
}

void Connection::refuse(const ipc::EnvelopeView& view, const Error& error) {
    auto out = from_bus({});
    if (!view.id.is_nil()) out.correlation = view.id;
    out.payload = ipc::failure_of(error);
    answer(std::make_shared<const Message>(std::move(out)));
}

void Connection::ready(std::shared_ptr<RemoteChannel> channel) {
    {
        const std::lock_guard lock(mutex_);
        if (over_) return;
        ready_.push_back(std::move(channel));
    }
    link_->wake();
}

void Connection::append_event(ipc::OutBuffer& frame, std::uint32_t channel, std::string_view type, Value content) {
    auto event = from_bus(type);
    event.payload = ipc::Event{std::move(content)};
    static_cast<void>(append_item(frame, channel, ipc::view_of(event), *out_));
}

void Connection::append(ipc::OutBuffer& frame, RemoteChannel& channel, const Message& message) {
    if (out_->compact() && !message.encoded().empty()) return append_item(frame, channel.number(), message.encoded().bytes());
    const auto status = append_item(frame, channel.number(), message.view(), *out_);
    if (status) return;
    shared_.core.count(Count::lost); // it cannot be said in this codec: the other side hears of that instead
    if (channel.number() != channel_answers) return append_event(frame, channel.number(), "bus.lost", ValueBuilder().map().add("lost", 1u).add("reason", status.error().reason()).end().build());
    auto out = from_bus({});
    out.correlation = message.view().correlation;
    out.payload = ipc::failure_of(status.error());
    static_cast<void>(append_item(frame, channel.number(), ipc::view_of(out), *out_));
}

bool Connection::drain(ipc::OutBuffer& frame, RemoteChannel& channel) {
    if (channel.box().take(batch_, messages_at_a_time)) {
        if (batch_.lost > 0) append_event(frame, channel.number(), "bus.lost", ValueBuilder().map().add("lost", batch_.lost).end().build());
        for (const auto& message : batch_.messages) append(frame, channel, *message);
        batch_.messages.clear();
        return true;
    }
    if (channel.box().closed()) {
        const auto reason = channel.reason();
        ValueBuilder content;
        content.map().add("reason", reason ? "ended" : reason.error().reason()).add("message", reason ? std::string_view() : std::string_view(reason.error().message())).end();
        append_event(frame, channel.number(), "bus.ended", content.build());
    }
    return false;
}

void Connection::fill(ipc::OutBuffer& frame) {
    bool greeted = false;
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(greeting_sent_, true)) {
            static_cast<void>(ipc::write(frame, own_greeting()));
            return;
        }
        greeted = out_ != nullptr;
    }
    while (greeted && frame.size() < frame_bytes_target) {
        std::shared_ptr<RemoteChannel> channel;
        {
            const std::lock_guard lock(mutex_);
            if (ready_.empty()) return;
            channel = std::move(ready_.front());
            ready_.pop_front();
        }
        if (!drain(frame, *channel)) continue;
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::move(channel));
    }
}

void Connection::on_end(const Error& why) {
    std::map<std::uint32_t, std::uint64_t> subscriptions;
    std::map<std::string, EndpointRef, std::less<>> endpoints;
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
        ready_.clear();
        subscriptions.swap(subscriptions_);
        endpoints.swap(endpoints_);
    }
    for (const auto& [name, endpoint] : endpoints) shared_.core.remove(endpoint, why);
    for (const auto& [channel, id] : subscriptions) shared_.core.unsubscribe(id, why);
    static_cast<void>(answers_->box().close());
    shared_.gone(this);
}

Result<Value> Connection::control(const ipc::EnvelopeView& view) {
    const ValueView content(ipc::content_of(view));
    if (view.kind() != ipc::PayloadKind::request && view.type != "bus.heartbeat") return Error(Code::misuse, "not-a-request", "the bus itself takes requests", "send a request");
    if (view.type == "bus.authenticate") return authenticate(content);
    if (!authenticated_) return Error(Code::not_granted, "not-authenticated", "this connection has not given its token", "send bus.authenticate first");
    if (view.type == "bus.subscribe") return subscribe(content);
    if (view.type == "bus.register") return add_endpoint(content);
    if (view.type == "bus.unsubscribe") {
        const auto number = SYMPHONY_TRY(channel_of(content));
        std::uint64_t id = 0;
        {
            const std::lock_guard lock(mutex_);
            const auto found = subscriptions_.find(number);
            if (found != subscriptions_.end()) id = subscriptions_.extract(found).mapped();
        }
        shared_.core.unsubscribe(id, {});
        return nothing();
    }
    if (view.type == "bus.unregister" || view.type == "bus.heartbeat") {
        EndpointRef endpoint;
        {
            const std::lock_guard lock(mutex_);
            const auto found = endpoints_.find(content["name"].as_text());
            if (found == endpoints_.end()) return Error(Code::not_found, "no-endpoint", "this connection has no endpoint \"" + std::string(content["name"].as_text()) + "\"");
            endpoint = found->second;
            if (view.type == "bus.unregister") endpoints_.erase(found);
        }
        if (view.type == "bus.unregister") shared_.core.remove(endpoint, {});
        else Core::heartbeat(*endpoint, shared_.core.now_ns());
        return nothing();
    }
    if (view.type == "bus.endpoints") return content_of(shared_.core.endpoints(content["type"].as_text()));
    if (view.type == "bus.stats") return content_of(shared_.core.stats());
    if (view.type == "bus.set_routes") {
        SYMPHONY_TRY(shared_.core.set_routes(SYMPHONY_TRY(routes_of(bus_routes_of(content)))));
        return nothing();
    }
    if (view.type == "bus.routes") {
        std::vector<ports::BusRoute> out;
        for (const auto& route : shared_.core.routes()) out.push_back({route.pattern.text(), route.endpoints, route.capability, route.priority});
        return content_of(out);
    }
    return Error(Code::not_found, "unknown-request-type", "the bus takes no request of type \"" + std::string(view.type) + "\"");
}

Result<Value> Connection::authenticate(ValueView content) {
    if (authenticated_) return nothing();
    if (same(content["token"].as_text(), shared_.token)) {
        authenticated_ = true;
        return nothing();
    }
    shared_.core.count(Count::refused_connections);
    if (++attempts_ >= attempts_max) close(Error(Code::not_granted, "bad-token", "three wrong tokens"));
    return Error(Code::not_granted, "bad-token", "the token is not that of this bus");
}

Result<std::uint32_t> Connection::channel_of(ValueView content) const {
    const auto number = content["channel"].as_uint();
    if (number == channel_answers || number > channels_max) return Error(Code::invalid_argument, "bad-channel", "\"channel\" is no number from 1 to " + std::to_string(channels_max));
    return static_cast<std::uint32_t>(number);
}

Result<Value> Connection::subscribe(ValueView content) {
    const auto number = SYMPHONY_TRY(channel_of(content));
    auto spec = SYMPHONY_TRY(spec_of(subscription_of(content)));
    spec.limits.budget = shared_.core.budget();
    spec.subscription.remote = true;
    spec.subscription.receiver = std::make_shared<RemoteChannel>(weak_from_this(), number, spec.limits);
    const std::lock_guard lock(mutex_);
    if (over_) return Error(Code::peer_died, "closed", "the connection is over");
    if (subscriptions_.contains(number)) return Error(Code::conflict, "channel-taken", "channel " + std::to_string(number) + " is taken", "choose another number");
    if (subscriptions_.size() >= channels_of_connection_max) return Error(Code::exhausted, "too-many-channels", "a connection has at most " + std::to_string(channels_of_connection_max) + " subscriptions");
    subscriptions_.emplace(number, SYMPHONY_TRY(shared_.core.subscribe(std::move(spec.subscription))));
    return nothing();
}

Result<Value> Connection::add_endpoint(ValueView content) {
    const auto number = SYMPHONY_TRY(channel_of(content));
    auto spec = SYMPHONY_TRY(spec_of(endpoint_of(content)));
    spec.limits.budget = shared_.core.budget();
    if (spec.endpoint->name == bus_name) return Error(Code::conflict, "endpoint-exists", "endpoint \"bus\" is the bus itself", "choose another name");
    spec.endpoint->remote = true;
    spec.endpoint->receiver = std::make_shared<RemoteChannel>(weak_from_this(), number, spec.limits);
    const std::lock_guard lock(mutex_);
    if (over_) return Error(Code::peer_died, "closed", "the connection is over");
    if (endpoints_.size() >= channels_of_connection_max) return Error(Code::exhausted, "too-many-channels", "a connection has at most " + std::to_string(channels_of_connection_max) + " endpoints");
    SYMPHONY_TRY(shared_.core.add(spec.endpoint));
    endpoints_.emplace(spec.endpoint->name, spec.endpoint);
    if (spec.endpoint->heartbeat_ns != 0) shared_.dispatcher.poke();
    return nothing();
}

Listeners::Listeners(Shared shared) : held_(std::make_shared<Shared>(std::move(shared))), shared_(*held_) {
    shared_.gone = [this](const Connection* which) { gone(which); };
    shared_.idle = [bell = bell_] { bell->ring(); };
}

bool Listeners::tick() {
    const std::uint64_t now = shared_.core.now_ns();
    std::vector<std::shared_ptr<Connection>> late;
    bool more = false;
    {
        const std::lock_guard lock(mutex_);
        while (!entering_.empty()) {
            auto connection = entering_.front().second.lock();
            const bool out = connection != nullptr && !connection->entered();
            if (out && entering_.front().first > now) break;
            if (out) late.push_back(std::move(connection));
            entering_.pop_front();
        }
        more = !entering_.empty();
    }
    for (const auto& connection : late) {
        shared_.core.count(Count::refused_connections);
        connection->close(Error(Code::deadline, "not-entered", "a program connected and did not greet, or did not say its token, in time"));
    }
    return more;
}

void Listeners::starter_left() {
    std::function<void()> tell;
    {
        const std::lock_guard lock(mutex_);
        tell.swap(starter_gone_);
        starter_ = nullptr;
    }
    if (tell) tell();
}

void Listeners::gone(const Connection* which) {
    std::shared_ptr<Connection> held; // let go outside the lock
    bool starter = false;
    {
        const std::lock_guard lock(mutex_);
        starter = starter_ == which;
    }
    if (starter) starter_left(); // before it is taken out: stop() waits for that
    const auto bell = bell_;
    {
        const std::lock_guard lock(mutex_);
        const auto found = connections_.find(which);
        if (found == connections_.end()) return;
        held = std::move(found->second);
        connections_.erase(found);
        changed_.notify_all();
    }
    bell->ring();
}

Status Listeners::listen(std::string_view text) {
    const auto address = SYMPHONY_TRY(parse_address(text));
    const auto transport = SYMPHONY_TRY(ports::TransportClient::acquire(shared_.host, "transport-" + address.scheme));
    CallOptions<ports::Accepted> options;
    options.cancel = cancel_.token();
    options.on_part = [this, transport, starter = address.scheme == "stdio"](const ports::Accepted& accepted) { accept(transport, accepted, starter); };
    {
        const std::lock_guard lock(mutex_);
        ++open_;
    }
    // What is wrong with the address is told before the call returns; a listen that goes on has begun.
    struct Begin {
        const std::thread::id caller = std::this_thread::get_id();
        std::mutex mutex;
        bool returned = false;
        std::optional<Error> error;
    };
    const auto begin = std::make_shared<Begin>();
    ports::TransportLimits limits;
    limits.queue_frames_max = queue_frames_max; // what waits is to wait in the queues of the bus, where it is bounded and counted
    transport.listen_async(address, limits, [this, begin, starter = address.scheme == "stdio"](const Result<void>& result) {
        const auto code = result ? Code::cancelled : result.error().code();
        if (starter && code != Code::cancelled && std::this_thread::get_id() != begin->caller) {
            starter_left(); // before it has said a word
        } else if (!result) {
            const std::lock_guard lock(begin->mutex);
            if (!begin->returned) begin->error = result.error();
            else if (code != Code::cancelled) shared_.host.warn("listening has ended: " + result.error().message());
        }
        const std::lock_guard lock(mutex_);
        --open_;
        changed_.notify_all();
    }, std::move(options));
    const std::lock_guard lock(begin->mutex);
    begin->returned = true;
    if (begin->error) return *begin->error;
    return {};
}

void Listeners::accept(const ports::TransportClient& transport, const ports::Accepted& accepted, bool starter) {
    const auto link = std::make_shared<Link>(transport, accepted.connection);
    const auto connection = std::make_shared<Connection>(held_, link, accepted.peer);
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return transport.close_async(accepted.connection, [](const Result<void>&) {});
        connections_.emplace(connection.get(), connection);
        if (starter) starter_ = connection.get();
        entering_.emplace_back(shared_.core.now_ns() + shared_.enter_ns, connection);
    }
    shared_.dispatcher.poke();
    shared_.core.count(Count::connections);
    connection->start();
}

std::size_t Listeners::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_.size();
}

bool Listeners::stop(std::chrono::milliseconds longest) {
    const auto deadline = std::chrono::steady_clock::now() + longest;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    cancel_.cancel();
    const auto done = [this] {
        const std::lock_guard lock(mutex_);
        return shared_.core.tracker().empty() && std::all_of(connections_.begin(), connections_.end(), [](const auto& one) { return one.second->idle(); });
    };
    bell_->wanted.store(true);
    shared_.core.tracker().on_empty([bell = bell_] { bell->ring(); });
    bool in_time = false;
    {
        std::unique_lock lock(bell_->mutex);
        in_time = bell_->rung.wait_until(lock, deadline, done);
    }
    std::vector<std::shared_ptr<Connection>> all;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, connection] : connections_) all.push_back(connection);
    }
    for (const auto& connection : all) connection->close(Error(Code::cancelled, "stopping", "the bus is ended"));
    all.clear();
    std::unique_lock lock(mutex_);
    // on_end() of connections may still be under way on threads of the transport, which use this object.
    changed_.wait(lock, [this] { return connections_.empty() && open_ == 0; });
    return in_time;
}

} // namespace symphony::bus
