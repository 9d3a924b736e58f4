// SPDX-License-Identifier: Apache-2.0
#include <symphony/bus/link.hpp>

namespace symphony::bus {
namespace {

constexpr std::uint32_t frames_at_a_time = 64;
// One stop of the host may meet a call and those that take its place.
constexpr int vain_max = 100;

/// Meets the answer of a call that may come before the call returns, so that a loop goes on in one place and no answer nests in another.
struct Meeting {
    std::atomic<bool> met{false};
    /// Called by both sides. @return True for the second one, who goes on.
    bool second() noexcept { return met.exchange(true, std::memory_order_acq_rel); }
};

} // namespace

void Link::start(std::shared_ptr<Owner> owner) {
    {
        const std::lock_guard lock(mutex_);
        owner_ = std::move(owner);
    }
    wake();
    receive();
}

void Link::receive() {
    for (;;) {
        if (ended_.load(std::memory_order_acquire)) return;
        const auto meeting = std::make_shared<Meeting>();
        CallOptions<ports::Frame> options;
        options.on_part = [this](const ports::Frame& frame) {
            const std::lock_guard lock(mutex_);
            if (frame.end) over_there_ = true;
            else frames_.push_back(frame.content);
        };
        transport_.receive_async(connection_, frames_at_a_time, 0, false, [self = shared_from_this(), meeting](Result<void> result) {
            self->received_ = std::move(result);
            if (meeting->second() && self->handle()) self->receive();
        }, std::move(options));
        if (!meeting->second() || !handle()) return; // the answer goes on from here
    }
}

bool Link::handle() {
    for (;;) {
        std::shared_ptr<Owner> owner;
        Buffer frame;
        {
            const std::lock_guard lock(mutex_);
            owner = owner_;
            if (owner == nullptr) return false;
            if (frames_.empty()) break;
            frame = std::move(frames_.front());
            frames_.pop_front();
            vain_ = 0;
        }
        if (!owner->on_frame(frame)) return false; // resume() goes on
    }
    if (over_there_) close(Error(Code::peer_died, "closed", "the other side has finished"));
    else if (!received_ && (received_.error().code() != Code::cancelled || ++vain_ > vain_max)) close(received_.error());
    return !ended_.load(std::memory_order_acquire);
}

void Link::resume() {
    if (handle()) receive();
}

void Link::wake() {
    if (wanted_.fetch_add(1, std::memory_order_acq_rel) == 0) send(); // else who sends sees it
}

void Link::send() {
    for (;;) {
        std::shared_ptr<Owner> owner;
        {
            const std::lock_guard lock(mutex_);
            owner = owner_;
        }
        if (owner == nullptr) return;
        if (unsent_.empty()) {
            std::uint64_t seen = wanted_.load(std::memory_order_acquire);
            ipc::OutBuffer frame;
            owner->fill(frame);
            if (frame.size() == 0) {
                if (wanted_.compare_exchange_strong(seen, 0, std::memory_order_acq_rel)) return owner->on_idle();
                continue;
            }
            unsent_ = frame.take();
        }
        const auto meeting = std::make_shared<Meeting>();
        transport_.send_async(connection_, unsent_, true, [self = shared_from_this(), meeting](Result<void> answer) {
            self->sent_ = std::move(answer);
            if (meeting->second() && self->sent()) self->send();
        });
        if (!meeting->second() || !sent()) return; // the answer goes on from here
    }
}

bool Link::sent() {
    if (sent_) {
        unsent_ = Buffer();
        sends_in_vain_ = 0;
        return true;
    }
    // The host cancels what waits when the program is to end; the frame was not taken, and there may be time for it yet.
    if (sent_.error().code() == Code::cancelled && ++sends_in_vain_ <= vain_max) return true;
    close(sent_.error());
    return false;
}

void Link::close(const Error& why) {
    if (ended_.exchange(true, std::memory_order_acq_rel)) return;
    std::shared_ptr<Owner> owner;
    {
        const std::lock_guard lock(mutex_);
        owner = std::move(owner_);
        owner_ = nullptr;
        frames_.clear();
    }
    transport_.close_async(connection_, [self = shared_from_this()](const Result<void>&) {});
    if (owner != nullptr) owner->on_end(why);
}

} // namespace symphony::bus
