// SPDX-License-Identifier: Apache-2.0
#include "bus_plugin.hpp"

#include "port_receiver.hpp"
#include "specs.hpp"

#include <symphony/envelope/codec_server.hpp>

namespace symphony::bus {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t ns_per_ms = 1'000'000;
constexpr std::uint64_t request_ms_otherwise = 30'000;
constexpr std::chrono::milliseconds block_otherwise = 1s;
constexpr std::uint64_t export_every_ns = 1'000'000'000;
constexpr std::size_t publishers_kept_max = 64;

CoreLimits limits_of(const Value& config) {
    CoreLimits out;
    const auto number = [&](std::string_view key, std::size_t& to) { to = static_cast<std::size_t>(config[key].as_uint(to)); };
    number("endpoints_max", out.endpoints_max);
    number("subscriptions_max", out.subscriptions_max);
    number("routes_max", out.routes_max);
    number("open_requests_max", out.open_requests_max);
    out.remembered_max = out.open_requests_max;
    out.queued_bytes_max = config["queued_bytes_max"].as_uint(out.queued_bytes_max);
    return out;
}

Error stopping() { return {Code::cancelled, "stopping", "the bus is ended"}; }
Error cancelled() { return {Code::cancelled, "cancelled", "the call was cancelled"}; }

} // namespace

Publishers::Lease Publishers::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
            auto publisher = std::move(free_.back());
            free_.pop_back();
            return {*this, std::move(publisher)};
        }
    }
    return {*this, std::make_unique<Publisher>(core_)};
}

void Publishers::give_back(std::unique_ptr<Publisher> publisher) noexcept {
    const std::lock_guard lock(mutex_);
    if (free_.size() >= publishers_kept_max) return;
    try {
        free_.push_back(std::move(publisher));
    } catch (...) { // then the next call makes a new one
    }
}

BusPlugin::BusPlugin(Host host) : host_(host), kept_(std::make_shared<Core>(limits_of(host.config()), [host] { return host.now_ns(); })), core_(*kept_), publishers_(core_) {}

BusPlugin::~BusPlugin() = default;

Status BusPlugin::activate() {
    Dispatcher::Options options;
    options.threads = static_cast<std::size_t>(host_.config()["dispatch_threads"].as_uint(options.threads));
    dispatcher_ = std::make_unique<Dispatcher>(options, [this] { return tick(); });
    Shared shared{kept_, core_, ids_, *dispatcher_, host_};
    shared.token_always = host_.config()["token_always"].as_bool();
    shared.enter_ns = host_.config()["enter_ms"].as_uint(shared.enter_ns / ns_per_ms) * ns_per_ms;
    if (const auto secrets = host_.secrets()) {
        if (const auto token = secrets->get("token")) shared.token = token->text();
    }
    listeners_ = std::make_unique<Listeners>(std::move(shared));
    return {};
}

Status BusPlugin::quiesce(std::uint64_t) {
    listeners_->stop(0ms); // who has served has drained them before
    std::unordered_map<std::uint64_t, Open> open;
    {
        const std::lock_guard lock(mutex_);
        open.swap(open_);
    }
    for (const bool requests : {true, false}) { // who asked is told that the bus ends, and not that one endpoint went
        for (const auto& [id, what] : open) {
            if (std::holds_alternative<ipc::Uuid>(what) == requests) end(what, stopping());
        }
    }
    return {};
}

Status BusPlugin::deactivate() {
    dispatcher_->stop();
    listeners_.reset();
    return {};
}

bool BusPlugin::alive(std::chrono::milliseconds longest) {
    struct Sign final : Job {
        std::mutex mutex;
        std::condition_variable changed;
        bool seen = false;
        bool work() override {
            const std::lock_guard lock(mutex);
            seen = true;
            changed.notify_all();
            return false;
        }
    };
    const auto sign = std::make_shared<Sign>();
    dispatcher_->post(sign);
    std::unique_lock lock(sign->mutex);
    return sign->changed.wait_for(lock, longest, [&] { return sign->seen; }) && (static_cast<void>(core_.table()), true);
}

void BusPlugin::end(const Open& what, const Error& why) {
    if (const auto* subscription = std::get_if<std::uint64_t>(&what)) core_.unsubscribe(*subscription, why);
    else if (const auto* endpoint = std::get_if<EndpointRef>(&what)) core_.remove(*endpoint, why);
    else core_.tracker().fail(std::get<ipc::Uuid>(what), why);
}

void BusPlugin::on_cancel(std::uint64_t call_id) {
    std::optional<Open> what;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = open_.find(call_id); found != open_.end()) what = std::move(open_.extract(found).mapped());
    }
    if (what) end(*what, cancelled());
    else cancelled_call(call_id);
}

void BusPlugin::remember(std::uint64_t call_id, Open what, const Call& call) {
    {
        const std::lock_guard lock(mutex_);
        open_.emplace(call_id, std::move(what));
    }
    if (call.cancelled()) on_cancel(call_id); // while it was being opened: nobody comes to say it again
}

void BusPlugin::forget(std::uint64_t call_id) {
    const std::lock_guard lock(mutex_);
    open_.erase(call_id);
}

bool BusPlugin::tick() {
    const bool waits = listeners_ != nullptr && listeners_->tick();
    const bool more = core_.tick() || waits;
    const std::uint64_t now = host_.now_ns();
    if (now - exported_ns_ >= export_every_ns) {
        exported_ns_ = now;
        const auto metrics = host_.metrics();
        const auto stats = core_.stats();
        for (const auto& [name, value] : stats.counters) metrics.gauge(name, static_cast<double>(value));
        metrics.gauge("endpoints", static_cast<double>(stats.endpoints.size()));
        metrics.gauge("subscriptions", static_cast<double>(stats.subscriptions.size()));
    }
    return more;
}

Result<MessageRef> BusPlugin::message_of(const ports::EnvelopeRecord& record) {
    ports::EnvelopeRecord filled = record;
    if (filled.id.empty()) filled.id = ids_.next().text();
    if (filled.unix_us == 0) filled.unix_us = ipc::UuidSource::system_clock_ns() / 1000;
    auto message = std::make_shared<const Message>(SYMPHONY_TRY(ipc::envelope_of(filled)));
    SYMPHONY_TRY(check(message->view()));
    return MessageRef(std::move(message));
}

Result<std::uint64_t> BusPlugin::publish(Call& call, const std::vector<ports::EnvelopeRecord>& messages) {
    const auto publisher = publishers_.take();
    std::uint64_t receivers = 0;
    Publisher::Outcome outcome;
    std::size_t done = 0;
    for (const auto& record : messages) {
        const auto message = message_of(record);
        auto status = message ? publisher->publish(*message, outcome) : Status(message.error());
        if (!status) return std::move(status).error().in("message " + std::to_string(done + 1) + " of " + std::to_string(messages.size()));
        if (!outcome.blocked.empty()) {
            const std::uint64_t now = host_.now_ns(), deadline = call.deadline_ns();
            const auto wait = deadline == 0 ? std::chrono::nanoseconds(block_otherwise) : std::chrono::nanoseconds(deadline > now ? deadline - now : 0);
            publisher->finish(*message, outcome, std::chrono::steady_clock::now() + wait);
        }
        receivers += outcome.receivers;
        ++done;
    }
    return receivers;
}

Result<ports::EnvelopeRecord> BusPlugin::request(Call& call, const ports::EnvelopeRecord& record) {
    const MessageRef message = SYMPHONY_TRY(message_of(record));
    if (message->kind() != ipc::PayloadKind::request) return Error(Code::invalid_argument, "bad-envelope", "envelope: \"kind\" is not that of a request, 1");
    const auto timeout_ms = std::get<ipc::RequestView>(message->view().payload).timeout_ms;
    const std::uint64_t now = host_.now_ns();
    std::uint64_t deadline = now + (timeout_ms != 0 ? timeout_ms : request_ms_otherwise) * ns_per_ms;
    if (call.deadline_ns() != 0) deadline = timeout_ms != 0 ? std::min(deadline, call.deadline_ns()) : call.deadline_ns();
    const std::uint64_t call_id = call.id();
    const ipc::Uuid id = message->view().id;
    struct Asked {
        std::mutex mutex;
        std::optional<Completion<ports::EnvelopeRecord>> call; // nothing: it is being answered
    };
    const auto asked = std::make_shared<Asked>();
    asked->call.emplace(call.defer<ports::EnvelopeRecord>());
    remember(call_id, id, call);
    Publisher::Outcome outcome;
    publishers_.take()->request(message, deadline, [this, asked, call_id](Result<MessageRef> got) {
        forget(call_id);
        std::optional<Completion<ports::EnvelopeRecord>> answer;
        {
            const std::lock_guard lock(asked->mutex);
            answer.emplace(*std::move(asked->call));
            asked->call.reset();
        }
        if (!got) return answer->fail(std::move(got).error());
        const ipc::Envelope envelope = (*got)->envelope();
        if (const auto* failure = std::get_if<ipc::Failure>(&envelope.payload)) return answer->fail(ipc::error_of(*failure));
        answer->answer(ipc::record_of(envelope));
    }, outcome);
    outcome.wake();
    dispatcher_->poke();
    bool too_early = false; // cancelled before there was a request to end
    {
        const std::lock_guard lock(asked->mutex);
        too_early = asked->call && asked->call->cancelled();
    }
    if (too_early) core_.tracker().fail(id, cancelled());
    return ports::EnvelopeRecord(); // ignored: the call is deferred
}

Result<void> BusPlugin::subscribe(Call& call, const ports::BusSubscription& from) {
    auto spec = SYMPHONY_TRY(spec_of(from));
    spec.limits.budget = core_.budget();
    const std::uint64_t call_id = call.id();
    // Taken before the call is deferred, so that a refusal is an answer; what comes before the receiver is there goes to nobody.
    auto receiver = std::make_shared<PortReceiver>(spec.limits, spec.batch_max, *dispatcher_, call.defer<void>());
    spec.subscription.receiver = receiver;
    const auto id = core_.subscribe(std::move(spec.subscription));
    if (!id) {
        receiver->end(id.error());
        return {};
    }
    remember(call_id, *id, call);
    return {};
}

Result<void> BusPlugin::serve(Call& call, const ports::BusEndpoint& from) {
    auto spec = SYMPHONY_TRY(spec_of(from));
    spec.limits.budget = core_.budget();
    const std::uint64_t call_id = call.id();
    constexpr std::size_t batch_max = 64;
    auto receiver = std::make_shared<PortReceiver>(spec.limits, batch_max, *dispatcher_, call.defer<void>());
    spec.endpoint->receiver = receiver;
    if (auto status = core_.add(spec.endpoint); !status) {
        receiver->end(status);
        return {};
    }
    remember(call_id, spec.endpoint, call);
    if (spec.endpoint->heartbeat_ns != 0) dispatcher_->poke();
    return {};
}

Result<void> BusPlugin::heartbeat(Call&, std::string_view endpoint) { return core_.heartbeat(endpoint); }

Result<std::vector<ports::BusEndpointInfo>> BusPlugin::endpoints(Call&, std::string_view type) { return core_.endpoints(type); }

Result<void> BusPlugin::set_routes(Call&, const std::vector<ports::BusRoute>& routes) { return core_.set_routes(SYMPHONY_TRY(routes_of(routes))); }

Result<std::vector<ports::BusRoute>> BusPlugin::routes(Call&) {
    std::vector<ports::BusRoute> out;
    for (const auto& route : core_.routes()) out.push_back({route.pattern.text(), route.endpoints, route.capability, route.priority});
    return out;
}

Result<ports::BusStats> BusPlugin::stats(Call&) { return core_.stats(); }

} // namespace symphony::bus
