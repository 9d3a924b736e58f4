// SPDX-License-Identifier: Apache-2.0
#include <symphony/bus/client.hpp>

#include <symphony/envelope/greeting.hpp>

namespace symphony::bus {
namespace {

using namespace std::chrono_literals;
constexpr std::uint32_t control_ms = 10'000;

std::string key_of(const ipc::Uuid& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

ipc::Envelope make(ipc::UuidSource& ids, std::string_view type) {
    ipc::Envelope out;
    out.id = ids.next();
    out.unix_us = ipc::UuidSource::system_clock_ns() / 1000;
    out.type = type;
    return out;
}

} // namespace

/// Keeps the client from being its own owner: it goes when its user lets it go.
class Client::Ears final : public Link::Owner {
public:
    explicit Ears(std::weak_ptr<Client> client) : client_(std::move(client)) {}
    bool on_frame(const Buffer& frame) override {
        const auto client = client_.lock();
        return client == nullptr || client->on_frame(frame);
    }
    void fill(ipc::OutBuffer& frame) override {
        if (const auto client = client_.lock()) client->fill(frame);
    }
    void on_end(const Error& why) override {
        if (const auto client = client_.lock()) client->on_end(why);
    }

private:
    const std::weak_ptr<Client> client_;
};

Result<std::shared_ptr<Client>> Client::connect(const Host& host, std::string_view text, const Options& options) {
    return connect(host, SYMPHONY_TRY(parse_address(text)), options);
}

Result<std::shared_ptr<Client>> Client::connect(const Host& host, const ports::Address& address, const Options& options) {
    const auto transport = SYMPHONY_TRY(ports::TransportClient::acquire(host, "transport-" + address.scheme));
    CallOptions<> call;
    call.deadline_ns = host.deadline_in(options.connect_ms_max);
    const auto accepted = SYMPHONY_TRY(transport.connect(address, {}, call));
    // Whoever still handles a frame holds `inner`; what the user holds closes the connection on the user's thread, while there is a host.
    const std::shared_ptr<Client> inner(new Client(options));
    const std::shared_ptr<Client> client(inner.get(), [inner](Client* mine) { mine->close(); });
    client->link_ = std::make_shared<Link>(transport, accepted.connection);
    ipc::Greeting greeting;
    greeting.name = options.name;
    greeting.codecs = {"compact-binary"};
    SYMPHONY_TRY(ipc::write(client->pending_, greeting));
    client->link_->start(std::make_shared<Ears>(inner));
    SYMPHONY_TRY(client->greet());
    if (!options.token.empty()) SYMPHONY_TRY(client->ask("bus.authenticate", ValueBuilder().map().add("token", options.token).end().build()));
    return client;
}

Client::~Client() = default;

Status Client::greet() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, options_.connect_ms_max, [&] { return greeted_ || ended_; })) return Error(Code::deadline, "no-greeting", "who listens there did not greet in time");
    if (ended_) return *ended_;
    return {};
}

void Client::fill(ipc::OutBuffer& frame) {
    const std::lock_guard lock(mutex_);
    std::swap(frame, pending_);
    changed_.notify_all();
}

Status Client::queue(const ipc::EnvelopeView& message, bool may_wait) {
    {
        std::unique_lock lock(mutex_);
        const auto room = [&] { return ended_ || pending_.size() < options_.pending_bytes_max; };
        if (!room() && (!may_wait || handling_.load() == std::this_thread::get_id() || !changed_.wait_for(lock, options_.publish_ms_max, room))) {
            return Error(Code::busy, "queue-full", "the bus takes messages too slowly");
        }
        if (ended_) return *ended_;
        SYMPHONY_TRY(append_item(pending_, channel_answers, message, codec_));
    }
    link_->wake();
    return {};
}

void Client::request_async(ipc::Envelope request, Answer answer) {
    const std::string key = key_of(request.id);
    {
        const std::lock_guard lock(mutex_);
        answers_[key] = std::move(answer);
    }
    if (auto status = queue(ipc::view_of(request), true); !status) {
        Answer own;
        {
            const std::lock_guard lock(mutex_);
            if (const auto found = answers_.find(key); found != answers_.end()) own = std::move(answers_.extract(found).mapped());
        }
        if (own) own(std::move(status).error());
    }
}

Result<ipc::Envelope> Client::request(std::string_view type, Value content, std::string_view recipient, std::uint32_t timeout_ms) {
    struct Wait {
        std::mutex mutex;
        std::condition_variable changed;
        std::optional<Result<ipc::Envelope>> result;
    };
    const auto wait = std::make_shared<Wait>();
    auto envelope = make(ids_, type);
    envelope.recipient = recipient;
    envelope.payload = ipc::Request{timeout_ms, std::move(content)};
    const std::string key = key_of(envelope.id);
    request_async(std::move(envelope), [wait](Result<ipc::Envelope> got) {
        const std::lock_guard lock(wait->mutex);
        wait->result = std::move(got);
        wait->changed.notify_all();
    });
    std::unique_lock lock(wait->mutex);
    // The bus ends it at its time; a bus that does not is noticed a second later.
    if (!wait->changed.wait_for(lock, std::chrono::milliseconds(timeout_ms) + 1s, [&] { return wait->result.has_value(); })) {
        const std::lock_guard own(mutex_);
        answers_.erase(key);
        return Error(Code::deadline, "no-answer", "the bus has not answered in time");
    }
    return std::move(*wait->result);
}

Result<Value> Client::ask(std::string_view type, Value content) {
    const auto answer = SYMPHONY_TRY(request(type, std::move(content), bus_name, control_ms));
    const auto* response = std::get_if<ipc::Response>(&answer.payload);
    return response == nullptr ? Value() : response->content;
}

Status Client::publish(const ipc::EnvelopeView& message) { return queue(message, true); }

Status Client::publish(std::string_view type, const Value& content, std::string_view sender) {
    auto envelope = make(ids_, type);
    envelope.sender = sender;
    envelope.payload = ipc::Event{content};
    return queue(ipc::view_of(envelope), true);
}

Status Client::respond(const ipc::EnvelopeView& request, Value content) {
    auto envelope = make(ids_, {});
    {
        const std::lock_guard lock(mutex_);
        if (endpoint_) envelope.sender = *endpoint_;
    }
    envelope.recipient = request.sender;
    envelope.correlation = request.id;
    envelope.payload = ipc::Response{std::move(content)};
    return queue(ipc::view_of(envelope), true);
}

Result<std::uint32_t> Client::subscribe(const ports::BusSubscription& subscription, Handler handler, LossHandler lost) {
    std::uint32_t channel = 0;
    {
        const std::lock_guard lock(mutex_);
        if (next_channel_ > channels_max) return Error(Code::exhausted, "too-many-channels", "this connection has had all its channels", "connect anew");
        channel = next_channel_++;
        channels_.emplace(channel, std::make_shared<const Channel>(Channel{std::move(handler), std::move(lost)}));
    }
    if (auto answer = ask("bus.subscribe", content_of(subscription, channel)); !answer) {
        const std::lock_guard lock(mutex_);
        channels_.erase(channel);
        return std::move(answer).error();
    }
    return channel;
}

Status Client::unsubscribe(std::uint32_t channel) {
    SYMPHONY_TRY(ask("bus.unsubscribe", ValueBuilder().map().add("channel", channel).end().build()));
    const std::lock_guard lock(mutex_);
    channels_.erase(channel);
    return {};
}

Status Client::serve(const ports::BusEndpoint& endpoint, Handler handler) {
    std::uint32_t channel = 0;
    {
        const std::lock_guard lock(mutex_);
        if (next_channel_ > channels_max) return Error(Code::exhausted, "too-many-channels", "this connection has had all its channels", "connect anew");
        channel = next_channel_++;
        channels_.emplace(channel, std::make_shared<const Channel>(Channel{std::move(handler), {}}));
        if (!endpoint_) endpoint_ = endpoint.name; // a request may come before the answer to this
    }
    if (auto answer = ask("bus.register", content_of(endpoint, channel)); !answer) {
        const std::lock_guard lock(mutex_);
        channels_.erase(channel);
        if (endpoint_ == endpoint.name) endpoint_.reset();
        return std::move(answer).error();
    }
    return {};
}

Status Client::heartbeat(std::string_view endpoint) {
    auto envelope = make(ids_, "bus.heartbeat");
    envelope.recipient = bus_name;
    envelope.payload = ipc::Event{ValueBuilder().map().add("name", endpoint).end().build()};
    return queue(ipc::view_of(envelope), true);
}

Result<std::vector<ports::BusEndpointInfo>> Client::endpoints(std::string_view type) {
    return endpoints_of(SYMPHONY_TRY(ask("bus.endpoints", ValueBuilder().map().add("type", type).end().build())));
}

Result<ports::BusStats> Client::stats() { return stats_of(SYMPHONY_TRY(ask("bus.stats", Value()))); }

void Client::close() {
    if (link_ != nullptr) link_->close(Error(Code::cancelled, "closed", "the client was closed"));
}

std::optional<Error> Client::wait_closed(std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest, [&] { return ended_.has_value(); });
    return ended_;
}

bool Client::on_frame(const Buffer& frame) {
    if (!greeted_) {
        const auto theirs = ipc::read_greeting(frame.bytes());
        ipc::Greeting own;
        own.codecs = {"compact-binary"};
        const auto agreed = theirs ? ipc::agree(own, *theirs) : Result<ipc::Agreement>(theirs.error());
        if (!agreed) {
            link_->close(agreed.error());
            return false;
        }
        const std::lock_guard lock(mutex_);
        greeted_ = true;
        changed_.notify_all();
        return true;
    }
    handling_ = std::this_thread::get_id();
    std::vector<Item> items;
    if (auto status = read_frame(frame, items); !status) {
        link_->close(status.error());
        return false;
    }
    for (const auto& item : items) on_item(item);
    handling_ = std::thread::id();
    return true;
}

void Client::on_item(const Item& item) {
    ipc::EnvelopeView view;
    if (auto status = codec_.read(item.envelope, view); !status) return link_->close(status.error());
    if (item.channel == channel_answers) {
        Answer answer;
        {
            const std::lock_guard lock(mutex_);
            const auto found = view.correlation ? answers_.find(key_of(*view.correlation)) : answers_.end();
            if (found == answers_.end()) return; // of an event that the bus did not take, or too late
            answer = std::move(answers_.extract(found).mapped());
        }
        const ipc::Envelope own = ipc::own(view, item.envelope);
        if (const auto* failure = std::get_if<ipc::Failure>(&own.payload)) return answer(ipc::error_of(*failure));
        return answer(own);
    }
    std::shared_ptr<const Channel> channel;
    {
        const std::lock_guard lock(mutex_);
        const auto found = channels_.find(item.channel);
        if (found == channels_.end()) return;
        channel = found->second;
        if (view.sender == bus_name && view.type == "bus.ended") channels_.erase(found);
    }
    if (view.sender == bus_name && view.type == "bus.lost") {
        if (channel->lost) channel->lost(ValueView(ipc::content_of(view))["lost"].as_uint());
    } else if (view.sender != bus_name || view.type != "bus.ended") {
        channel->handler({view, item.envelope});
    }
}

void Client::on_end(const Error& why) {
    std::unordered_map<std::string, Answer> answers;
    {
        const std::lock_guard lock(mutex_);
        ended_ = why;
        answers.swap(answers_);
        changed_.notify_all();
    }
    for (const auto& [id, answer] : answers) answer(why);
}

} // namespace symphony::bus
