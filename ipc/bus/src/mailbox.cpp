// SPDX-License-Identifier: Apache-2.0
#include "mailbox.hpp"

#include <algorithm>

namespace symphony::bus {

namespace {

/// What a queue that is not empty keeps for the next messages.
constexpr std::uint64_t spare_bytes = 1 << 20;
/// How often who waits for room looks whether other queues have made some.
constexpr std::chrono::milliseconds look_ms{20};

} // namespace

/// Some more than is needed, unless that is more than there is.
bool Mailbox::borrow(std::uint64_t bytes) noexcept {
    const std::uint64_t more = std::max(bytes, Budget::piece_bytes);
    if (limits_.budget == nullptr || limits_.budget->take(more)) {
        credit_ += more;
        return true;
    }
    if (!limits_.budget->take(bytes)) return false;
    credit_ += bytes;
    return true;
}

void Mailbox::give_back(std::uint64_t bytes) noexcept {
    if (limits_.budget != nullptr) limits_.budget->give(bytes);
    credit_ -= bytes;
}

bool Mailbox::claim() noexcept { return !std::exchange(owned_, true); }

bool Mailbox::push(const MessageRef& message, std::size_t bytes) noexcept {
    try {
        queue_.push_back(message);
    } catch (...) { // no memory: as if there were no room
        lose(1);
        return false;
    }
    bytes_ += bytes;
    return true;
}

Offer Mailbox::offer(const MessageRef& message, bool& wake) noexcept {
    const std::size_t bytes = message->bytes();
    const std::lock_guard lock(mutex_);
    wake = false;
    if (closed_) return Offer::closed;
    if (!fits(bytes)) {
        if (limits_.policy == ports::BusPolicy::block && bytes <= limits_.bytes_max) return Offer::blocked;
        if (limits_.policy == ports::BusPolicy::disconnect) {
            lose(1);
            return Offer::too_slow;
        }
        if (limits_.policy == ports::BusPolicy::drop_oldest && bytes <= limits_.bytes_max) {
            while (!queue_.empty() && !fits(bytes)) {
                bytes_ -= queue_.front()->bytes();
                queue_.pop_front();
                lose(1);
            }
        } else {
            lose(1);
            wake = claim(); // the loss itself is news
            return Offer::lost;
        }
    }
    const bool taken = push(message, bytes);
    wake = claim();
    return taken ? Offer::taken : Offer::lost;
}

Offer Mailbox::offer_waiting(const MessageRef& message, std::chrono::steady_clock::time_point deadline, bool& wake) noexcept {
    const std::size_t bytes = message->bytes();
    std::unique_lock lock(mutex_);
    ++waiting_;
    bool room = false;
    do room = room_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() + look_ms), [&] { return closed_ || fits(bytes); });
    while (!room && std::chrono::steady_clock::now() < deadline);
    --waiting_;
    wake = false;
    if (closed_) return Offer::closed;
    bool taken = false;
    if (room) taken = push(message, bytes);
    else lose(1);
    wake = claim();
    return taken ? Offer::taken : Offer::lost;
}

bool Mailbox::take(Batch& to, std::size_t messages_max) {
    to.messages.clear();
    to.messages.reserve(std::min(messages_max, std::size_t{64}));
    const std::lock_guard lock(mutex_);
    to.lost = std::exchange(unreported_, 0);
    while (!queue_.empty() && to.messages.size() < messages_max) {
        bytes_ -= queue_.front()->bytes();
        to.messages.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    delivered_ += to.messages.size();
    if (const std::uint64_t kept = queue_.empty() ? 0 : bytes_ + spare_bytes; credit_ > kept) give_back(credit_ - kept);
    if (waiting_ > 0) room_.notify_all();
    if (!to.messages.empty() || to.lost > 0) return true;
    if (!closed_) owned_ = false;
    return false;
}

bool Mailbox::closed() const noexcept {
    const std::lock_guard lock(mutex_);
    return closed_;
}

bool Mailbox::close() noexcept {
    std::deque<MessageRef> dropped; // freed outside the lock
    const std::lock_guard lock(mutex_);
    closed_ = true;
    lost_ += queue_.size(), unreported_ += queue_.size(); // by its own wish: no loss of the bus
    dropped.swap(queue_);
    bytes_ = 0;
    give_back(credit_);
    room_.notify_all();
    return claim();
}

Receiver::Figures Mailbox::figures() const noexcept {
    const std::lock_guard lock(mutex_);
    return {static_cast<std::uint32_t>(queue_.size()), delivered_, lost_};
}

} // namespace symphony::bus
