// SPDX-License-Identifier: Apache-2.0
#include "core.hpp"

#include <algorithm>
#include <cstring>

namespace symphony::bus {
namespace {

/// Types that one publisher remembers the receivers of. What is forgotten is looked up again, with the same result.
constexpr std::size_t known_types_max = 1024;

/// As ==, without a call for the lengths that types have: the last and the first eight bytes of each half, which may overlap.
[[gnu::always_inline]] inline bool same(std::string_view a, std::string_view b) noexcept {
    const std::size_t size = a.size();
    if (size != b.size()) return false;
    if (size < 8 || size > 32) [[unlikely]] return a == b;
    const auto differ = [&](std::size_t at) {
        std::uint64_t x, y;
        std::memcpy(&x, a.data() + at, sizeof x);
        std::memcpy(&y, b.data() + at, sizeof y);
        return x ^ y;
    };
    std::uint64_t difference = differ(0) | differ(size - 8);
    if (size > 16) difference |= differ(8) | differ(size - 16);
    return difference == 0;
}

} // namespace

Publisher::Publisher(Core& core) : core_(core), table_(core.table()) {
    const std::lock_guard lock(core_.mutex_);
    core_.publishers_.push_back(this);
}

Publisher::~Publisher() {
    const std::lock_guard lock(core_.mutex_); // so that stats() finds each figure in one place
    core_.count(Count::published, own_[published]);
    core_.count(Count::delivered, own_[delivered]);
    core_.publishers_.remove(this);
}

[[gnu::noinline]] const Resolved& Publisher::resolve_anew(std::string_view type) {
    if (core_.version() != table_->version()) {
        last_ = nullptr;
        known_.clear(); // looks into the old table
        table_ = core_.table();
    }
    auto found = known_.find(type);
    if (found == known_.end()) {
        if (known_.size() >= known_types_max) {
            last_ = nullptr;
            known_.clear();
        }
        found = known_.emplace(std::string(type), table_->resolve(type)).first;
    }
    last_ = &found->second;
    last_type_ = type;
    return *last_;
}

[[gnu::always_inline]] inline const Resolved& Publisher::resolve(std::string_view type) {
    if (last_ != nullptr && core_.version() == table_->version() && same(last_type_, type)) [[likely]] return *last_;
    return resolve_anew(type);
}

void Publisher::deliver(const std::shared_ptr<Receiver>& receiver, const MessageRef& message, Outcome& outcome) {
    bool woken = false;
    const Offer what = receiver->deliver(message, woken);
    settle(what, woken, receiver, 0, outcome);
}

void Publisher::settle(Offer what, bool woken, const std::shared_ptr<Receiver>& receiver, std::uint64_t subscription, Outcome& outcome) {
    if (woken) outcome.woken.push_back(receiver);
    switch (what) {
    case Offer::taken: ++outcome.receivers; break;
    case Offer::lost: break; // counted where it was lost
    case Offer::blocked: outcome.blocked.push_back(receiver); break;
    case Offer::closed: break;
    case Offer::too_slow:
        core_.unsubscribe(subscription, Error(Code::exhausted, "too-slow", "the queue of the subscription was full", "read faster, or choose another policy"));
        break;
    }
}

[[gnu::always_inline]] inline const Resolved& Publisher::spread_now(const MessageRef& message, Outcome& outcome) {
    const std::uint64_t before = outcome.receivers;
    const ipc::EnvelopeView& view = message->view();
    const std::uint8_t kind = bit_of(message->kind());
    const Resolved& known = resolve(view.type);
    std::uint64_t taken = 0;
    bool woken = false;
    for (const Resolved::Taker& taker : known.takers) {
        if ((taker.plain_kinds & kind) == 0 && ((taker.other_kinds & kind) == 0 || !taker.subscription->sender->matches(view.sender))) [[unlikely]] continue;
        const Offer what = taker.receiver->deliver(message, woken);
        if (what == Offer::taken && !woken) [[likely]] {
            ++taken;
        } else {
            settle(what, woken, taker.subscription->receiver, taker.subscription->id, outcome);
            woken = false;
        }
    }
    outcome.receivers += taken;
    own(published);
    own(delivered, outcome.receivers - before);
    return known;
}

const Resolved& Publisher::spread(const MessageRef& message, Outcome& outcome) { return spread_now(message, outcome); }

void Publisher::Outcome::wake() noexcept {
    for (const auto& receiver : woken) receiver->wake();
    woken.clear();
}

Status Publisher::publish(const MessageRef& message, Outcome& outcome) {
    outcome.receivers = 0;
    outcome.blocked.clear();
    const ipc::EnvelopeView& view = message->view();
    switch (message->kind()) {
    case ipc::PayloadKind::request:
        return Error(Code::misuse, "request-published", "message " + view.id.text() + " is a request", "send it with request, which gives its answer");
    case ipc::PayloadKind::response: return answer(message, outcome);
    case ipc::PayloadKind::error:
        if (view.correlation) return answer(message, outcome);
        break;
    case ipc::PayloadKind::event: break;
    }
    if (!view.recipient.empty()) return to_recipient(message, outcome);
    if (const Resolved& known = spread_now(message, outcome); !known.rules.empty()) [[unlikely]] to_routes(known, message, outcome);
    return {};
}

Status Publisher::answer(const MessageRef& message, Outcome& outcome) {
    auto status = core_.tracker().answer(message, core_.now_ns());
    if (status) {
        core_.count(Count::answered);
        spread(message, outcome);
        ++outcome.receivers;
        return status;
    }
    const auto reason = status.error().reason();
    core_.count(reason == "duplicate-reply" ? Count::duplicate_replies : reason == "late-reply" ? Count::late_replies : reason == "unknown-request" ? Count::unknown_replies : Count::refused);
    return status;
}

Status Publisher::to_recipient(const MessageRef& message, Outcome& outcome) {
    const ipc::EnvelopeView& view = message->view();
    const Resolved& known = resolve(view.type); // also brings the table up to date
    static_cast<void>(known);
    const EndpointRef* endpoint = table_->endpoint(view.recipient);
    if (endpoint == nullptr || !(*endpoint)->reachable()) {
        core_.count(Count::undeliverable);
        return Error(Code::not_found, "no-endpoint",
                     "there is no endpoint \"" + std::string(view.recipient) + "\"" + (endpoint == nullptr ? "" : " that gives a sign of life"), "symphony bus endpoints lists who is there");
    }
    const EndpointRef held = *endpoint;
    spread(message, outcome);
    const std::uint64_t before = outcome.receivers;
    deliver(held->receiver, message, outcome);
    own(delivered, outcome.receivers - before);
    return {};
}

/// To all reachable endpoints of the first explicit route that has one.
void Publisher::to_routes(const Resolved& known, const MessageRef& message, Outcome& outcome) {
    for (const Rule* rule : known.rules) {
        if (!rule->explicit_route) continue;
        bool any = false;
        const std::uint64_t before = outcome.receivers;
        for (const auto& endpoint : rule->endpoints) {
            if (!endpoint->reachable()) continue;
            any = true;
            deliver(endpoint->receiver, message, outcome);
        }
        own(delivered, outcome.receivers - before);
        if (any) return;
    }
}

void Publisher::finish(const MessageRef& message, Outcome& outcome, std::chrono::steady_clock::time_point deadline) {
    if (!outcome.blocked.empty()) outcome.wake(); // they make room
    for (const auto& receiver : outcome.blocked) {
        bool woken = false;
        const Offer what = receiver->deliver_waiting(message, deadline, woken);
        if (woken) receiver->wake();
        if (what == Offer::taken) ++outcome.receivers, own(delivered);
    }
    outcome.blocked.clear();
}

Result<EndpointRef> Publisher::choose(const ipc::EnvelopeView& view) {
    const Resolved& known = resolve(view.type);
    if (!view.recipient.empty()) {
        const EndpointRef* endpoint = table_->endpoint(view.recipient);
        if (endpoint != nullptr && (*endpoint)->reachable()) return *endpoint;
        if (endpoint != nullptr) return Error(Code::peer_died, "endpoint-hung", "endpoint \"" + std::string(view.recipient) + "\" gives no sign of life");
        return Error(Code::not_found, "no-endpoint", "there is no endpoint \"" + std::string(view.recipient) + "\"", "symphony bus endpoints lists who is there");
    }
    for (const Rule* rule : known.rules) {
        for (const auto& endpoint : rule->endpoints) {
            if (endpoint->reachable()) return endpoint;
        }
    }
    return Error(Code::not_found, "no-route", "nobody " + std::string(known.rules.empty() ? "takes" : "who lives takes") + " requests of type \"" + std::string(view.type) + "\"",
                 "symphony bus endpoints lists who is there and what they take");
}

void Publisher::request(const MessageRef& message, std::uint64_t deadline_ns, Asker asker, Outcome& outcome) {
    const ipc::EnvelopeView& view = message->view();
    core_.count(Count::requests);
    const auto endpoint = choose(view);
    if (!endpoint) {
        core_.count(Count::undeliverable);
        return asker(endpoint.error());
    }
    const auto shared = std::make_shared<Asker>(std::move(asker)); // needed again when it cannot be opened
    if (auto status = core_.tracker().open(view.id, *endpoint, deadline_ns, [shared](Result<MessageRef> answer) { (*shared)(std::move(answer)); }); !status) {
        core_.count(Count::refused);
        return (*shared)(std::move(status).error());
    }
    outcome.receivers = 0;
    spread(message, outcome);
    finish(message, outcome, std::chrono::steady_clock::time_point()); // a subscription without room loses the copy: a request waits for its receiver alone
    bool woken = false;
    const Offer what = (*endpoint)->receiver->deliver(message, woken);
    if (woken) outcome.woken.push_back((*endpoint)->receiver);
    if (what == Offer::taken) own(delivered);
    const auto fail = [&](const Error& error) {
        if (core_.tracker().fail(view.id, error)) core_.count(Count::failed);
    };
    if ((*endpoint)->gone.load(std::memory_order_acquire) || what == Offer::closed) {
        fail(Error(Code::peer_died, "endpoint-gone", "endpoint \"" + (*endpoint)->name + "\" went away before it answered"));
    } else if (what != Offer::taken) {
        fail(Error(Code::busy, "queue-full", "too many messages wait for endpoint \"" + (*endpoint)->name + "\"", "try again later"));
    }
}

} // namespace symphony::bus
