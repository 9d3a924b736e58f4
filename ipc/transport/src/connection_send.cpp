// SPDX-License-Identifier: Apache-2.0
#include "answers.hpp"

namespace symphony::transport {

Result<void> Connection::send(Call& call, const Buffer& content, bool wait) {
    const std::uint64_t most = frame_bytes_max_.load(std::memory_order_relaxed);
    if (content.size() > most) {
        return Error(Code::invalid_argument, "frame-too-large", "a frame of " + std::to_string(content.size()) + " bytes; connection " + std::to_string(id_) + " takes " + std::to_string(most),
                     "raise frame_bytes_max on both sides");
    }
    Answers answers(hub_);
    Lock lock(out_mutex_);
    if (out_error_) return *out_error_;
    if (finishing_) return Error(Code::misuse, "finished", "connection " + std::to_string(id_) + " has finished in this direction");
    if (sending_.empty() && out_.has_room(content.size())) {
        out_.push(PartKind::content, content);
        if (!blocked_) flush(answers);
        return {};
    }
    if (!wait) {
        return Error(Code::busy, "queue-full", "connection " + std::to_string(id_) + " has " + std::to_string(out_.frames()) + " frames in its queue: the other side reads too slowly");
    }
    sending_.push_back({call.defer<void>(), content});
    hub_.waits(call.id(), self());
    if (call.deadline_ns() != 0) hub_.loop.schedule(self(), call.deadline_ns());
    const bool cancelled = sending_.back().call.cancelled();
    lock.unlock();
    if (cancelled) cancel(call.id());
    return {};
}

/// As much as goes now. Afterwards an event comes when more goes.
void Connection::flush(Answers& answers) {
    for (;;) {
        const Io io = carrier_->flush(out_);
        if (io == Io::all) {
            if (std::exchange(blocked_, false)) carrier_->want_write(false);
            if (out_.finish_sent()) finish_sent_.store(true);
            return;
        }
        if (io != Io::blocked) return out_ends(gone(), answers);
        blocked_ = true;
        if (!carrier_->want_write(true)) return;
    }
}

/// Calls that waited for room, in their order.
void Connection::admit(Answers& answers) {
    while (!sending_.empty() && out_.has_room(sending_.front().content.size())) {
        out_.push(PartKind::content, std::move(sending_.front().content));
        answers.add(std::move(sending_.front().call), {});
        sending_.pop_front();
    }
    if (sending_.empty() && finishing_ && !std::exchange(finish_queued_, true)) out_.push(PartKind::finish, Buffer());
}

void Connection::send_on() {
    Answers answers(hub_);
    const Lock lock(out_mutex_);
    if (out_error_) return;
    do {
        flush(answers);
        if (out_error_) return;
        admit(answers);
    } while (!blocked_ && !out_.empty());
}

void Connection::out_ends(const Error& why, Answers& answers) {
    if (out_error_) return;
    out_error_ = why;
    broken_.store(true);
    out_.drop();
    for (auto& waiting : sending_) answers.add(std::move(waiting.call), why);
    sending_.clear();
}

Status Connection::finish() {
    {
        Answers answers(hub_);
        const Lock lock(out_mutex_);
        if (out_error_ || finishing_) return {};
        finishing_ = true;
        admit(answers);
        if (!blocked_) flush(answers);
    }
    over_if_both_finished();
    return {};
}

void Connection::over_if_both_finished() {
    if (!finish_sent_.load() || !finish_came_.load()) return;
    {
        Answers answers(hub_);
        const Lock lock(out_mutex_);
        out_ends(gone(), answers);
    }
    carrier_->shut();
}

} // namespace symphony::transport
