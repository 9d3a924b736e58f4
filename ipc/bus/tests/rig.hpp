// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace symphony::bus::testing {

/// A receiver that a test reads when it wants to.
class Reader final : public Receiver {
public:
    explicit Reader(const MailboxLimits& limits = {}) : box_(limits) {}

    Offer deliver(const MessageRef& message, bool& woken) noexcept override { return box_.offer(message, woken); }
    Offer deliver_waiting(const MessageRef& message, std::chrono::steady_clock::time_point deadline, bool& woken) noexcept override {
        return box_.offer_waiting(message, deadline, woken);
    }
    void end(const Status& reason) noexcept override {
        static_cast<void>(box_.close());
        ended_.emplace_back(reason ? "done" : reason.error().reason());
    }
    Figures figures() const noexcept override { return box_.figures(); }

    /// Types of what waits; losses add up in lost().
    std::vector<std::string> read() {
        std::vector<std::string> types;
        for (const auto& message : messages()) types.emplace_back(message->view().type);
        return types;
    }
    std::vector<MessageRef> messages() {
        std::vector<MessageRef> out;
        Mailbox::Batch batch;
        while (box_.take(batch, 1000)) {
            out.insert(out.end(), batch.messages.begin(), batch.messages.end());
            lost_ += batch.lost;
        }
        return out;
    }
    std::uint64_t lost() const noexcept { return lost_; }
    const std::vector<std::string>& ended() const noexcept { return ended_; }

private:
    Mailbox box_;
    std::uint64_t lost_ = 0;
    std::vector<std::string> ended_;
};

/// A core with a clock of its own and words for what tests do with it.
class Rig {
public:
    explicit Rig(const CoreLimits& limits = {}) : core(limits, [this] { return now_ns.load(); }), publisher(core) {}

    std::shared_ptr<Reader> listen(std::string_view pattern, std::uint8_t kinds = ports::BusKinds::event, MailboxLimits limits = {}) {
        limits.budget = core.budget();
        auto reader = std::make_shared<Reader>(limits);
        Subscription subscription{*Pattern::parse(pattern)};
        subscription.kinds = kinds;
        subscription.receiver = reader;
        last_id = *core.subscribe(std::move(subscription));
        return reader;
    }
    EndpointRef join(std::string name, const std::vector<std::string>& capabilities = {}, std::uint32_t heartbeat_ms = 0, MailboxLimits limits = {ports::BusPolicy::drop_newest, 16, 1u << 20}) {
        limits.budget = core.budget();
        auto endpoint = std::make_shared<Endpoint>();
        endpoint->name = std::move(name);
        for (const auto& one : capabilities) endpoint->capabilities.push_back(*Pattern::parse(one));
        endpoint->heartbeat_ns = std::uint64_t{heartbeat_ms} * 1'000'000;
        endpoint->receiver = std::make_shared<Reader>(limits);
        const auto status = core.add(endpoint);
        EXPECT_TRUE(status) << status.error().message();
        return endpoint;
    }
    static Reader& reader(const EndpointRef& endpoint) { return static_cast<Reader&>(*endpoint->receiver); }

    ipc::Envelope envelope(std::string_view type, std::string_view sender = "tester", std::string_view recipient = {}) {
        ipc::Envelope out;
        out.id = ids.next();
        out.unix_us = 1;
        out.type = type;
        out.sender = sender;
        out.recipient = recipient;
        return out;
    }
    MessageRef event(std::string_view type, Value content = {}, std::string_view sender = "tester", std::string_view recipient = {}) {
        auto out = envelope(type, sender, recipient);
        out.payload = ipc::Event{std::move(content)};
        return std::make_shared<const Message>(std::move(out));
    }
    /// @return Receivers, or the reason why not.
    std::string publish(const MessageRef& message) {
        Publisher::Outcome outcome;
        const auto status = publisher.publish(message, outcome);
        publisher.finish(message, outcome, std::chrono::steady_clock::time_point());
        return status ? std::to_string(outcome.receivers) : std::string(status.error().reason());
    }
    std::string publish(std::string_view type) { return publish(event(type)); }

    struct Asked {
        ipc::Uuid id;
        std::shared_ptr<std::vector<std::string>> answers; ///< "" for a response, else the reason
    };
    Asked ask(std::string_view type, std::string_view recipient = {}, std::uint64_t timeout_ms = 1000) {
        auto out = envelope(type, "asker", recipient);
        out.payload = ipc::Request{};
        Publisher::Outcome outcome;
        Asked asked{out.id, std::make_shared<std::vector<std::string>>()};
        publisher.request(std::make_shared<const Message>(std::move(out)), now_ns + timeout_ms * 1'000'000,
                          [answers = asked.answers](Result<MessageRef> got) { answers->emplace_back(got ? "" : got.error().reason()); }, outcome);
        return asked;
    }
    std::string answer(const ipc::Uuid& request, std::string_view sender) {
        auto out = envelope("", sender);
        out.correlation = request;
        out.payload = ipc::Response{};
        return publish(std::make_shared<const Message>(std::move(out)));
    }
    /// The one endpoint of `endpoints` that a request of this type goes to.
    std::string taker(std::string_view type, const std::vector<EndpointRef>& endpoints) {
        const auto asked = ask(type);
        std::string found = asked.answers->empty() ? "" : asked.answers->front();
        for (const auto& one : endpoints) {
            if (!reader(one).messages().empty()) found += one->name;
        }
        core.tracker().fail(asked.id, Error(Code::cancelled, "enough"));
        return found;
    }
    std::uint64_t counted(const std::string& name) const { return core.stats().counters.at(name); }

    std::atomic<std::uint64_t> now_ns{1'000'000'000};
    ipc::UuidSource ids;
    Core core;
    Publisher publisher;
    std::uint64_t last_id = 0;
};

} // namespace symphony::bus::testing
