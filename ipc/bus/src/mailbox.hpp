// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "budget.hpp"
#include "message.hpp"

#include <symphony/ports/bus.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace symphony::bus {

/// What became of one message at one receiver.
enum class Offer : std::uint8_t {
    taken,
    lost,     ///< counted; the receiver learns of it
    blocked,  ///< of policy block: there is no room, the publisher is to wait
    too_slow, ///< of policy disconnect: the receiver is to be ended
    closed,   ///< it is gone
};

/// Where messages go. Called by publishers, several at once.
class Receiver {
public:
    Receiver() = default;
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;
    virtual ~Receiver() = default;

    /// Must not block.
    /// @param woken  Set when the receiver has to be woken: whoever called does so once, with wake(), and soon. [any]
    virtual Offer deliver(const MessageRef& message, bool& woken) noexcept = 0;
    /// After `blocked`: waits for room. @return taken, lost (at the deadline) or closed.
    virtual Offer deliver_waiting(const MessageRef& message, std::chrono::steady_clock::time_point, bool& woken) noexcept { return deliver(message, woken); }
    /// There is something to read, perhaps several messages by now. [any]
    virtual void wake() noexcept {}
    /// The subscription or endpoint has ended, with `reason` or by its own wish; nothing is delivered any more. Called once. [any]
    virtual void end(const Status& reason) noexcept = 0;

    struct Figures {
        std::uint32_t queued = 0;
        std::uint64_t delivered = 0, lost = 0;
    };
    virtual Figures figures() const noexcept = 0;
};

struct MailboxLimits {
    std::uint8_t policy = ports::BusPolicy::drop_oldest;
    std::uint32_t queue_max = 1024;
    std::uint64_t bytes_max = 64u << 20;
    std::shared_ptr<Budget> budget{}; ///< of all queues together, where losses are counted, too; null: none
};

/// A bounded queue between publishers and one reader. Every message that was offered to it is taken by the reader, waits, or is counted as lost. [any]
class Mailbox {
public:
    explicit Mailbox(const MailboxLimits& limits) noexcept : limits_(limits) {}
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;
    ~Mailbox() { give_back(credit_); }

    /// @param wake  Set when nobody reads and nobody was woken to: the caller wakes the reader, who then owns the box until take() says false.
    Offer offer(const MessageRef& message, bool& wake) noexcept;
    Offer offer_waiting(const MessageRef& message, std::chrono::steady_clock::time_point deadline, bool& wake) noexcept;

    struct Batch {
        std::vector<MessageRef> messages;
        std::uint64_t lost = 0; ///< since the last batch
    };
    /// Replaces what is in `to`. @return False when there was nothing; the reader has then given the box back, unless it is closed.
    bool take(Batch& to, std::size_t messages_max);
    /// Drops what waits, counts it as lost, and lets waiting publishers go. @return True when nobody reads: the caller is the reader from here on. Otherwise the reader
    /// finds out with its next take().
    bool close() noexcept;
    bool closed() const noexcept;

    Receiver::Figures figures() const noexcept;

private:
    bool fits(std::size_t bytes) noexcept { return queue_.size() < limits_.queue_max && bytes_ + bytes <= limits_.bytes_max && (bytes_ + bytes <= credit_ || borrow(bytes_ + bytes - credit_)); }
    bool borrow(std::uint64_t bytes) noexcept;
    void give_back(std::uint64_t bytes) noexcept;
    void lose(std::uint64_t count) noexcept {
        lost_ += count, unreported_ += count;
        if (limits_.budget != nullptr) limits_.budget->count_lost(count);
    }
    bool push(const MessageRef& message, std::size_t bytes) noexcept;
    bool claim() noexcept;

    const MailboxLimits limits_;
    mutable std::mutex mutex_;
    std::condition_variable room_;
    std::deque<MessageRef> queue_;
    std::uint64_t credit_ = 0; // taken from the budget; what is queued is within it
    std::uint64_t bytes_ = 0, delivered_ = 0, lost_ = 0, unreported_ = 0;
    std::uint32_t waiting_ = 0;
    bool closed_ = false, owned_ = false;
};

} // namespace symphony::bus
