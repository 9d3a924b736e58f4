// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dispatcher.hpp"
#include "mailbox.hpp"

namespace symphony::bus {

/// A call of `subscribe` or `serve`: what is delivered to it goes into its queue, and from there as parts to who called, on a thread of the bus.
class PortReceiver final : public Receiver, public Job, public std::enable_shared_from_this<PortReceiver> {
public:
    PortReceiver(const MailboxLimits& limits, std::size_t batch_max, Dispatcher& dispatcher, Completion<void> call)
        : box_(limits), batch_max_(batch_max), dispatcher_(dispatcher), call_(std::move(call)) {}

    Offer deliver(const MessageRef& message, bool& woken) noexcept override { return box_.offer(message, woken); }
    Offer deliver_waiting(const MessageRef& message, std::chrono::steady_clock::time_point deadline, bool& woken) noexcept override {
        return box_.offer_waiting(message, deadline, woken);
    }
    void wake() noexcept override;
    void end(const Status& reason) noexcept override;
    Figures figures() const noexcept override { return box_.figures(); }
    bool work() override;

private:
    bool emit();

    Mailbox box_;
    const std::size_t batch_max_;
    Dispatcher& dispatcher_;
    std::mutex mutex_; // of reason_
    Status reason_;
    Completion<void> call_;  // used by who reads the box, and by nobody else
    Mailbox::Batch batch_;
};

} // namespace symphony::bus
