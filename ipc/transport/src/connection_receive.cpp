// SPDX-License-Identifier: Apache-2.0
#include "answers.hpp"

#include <algorithm>

namespace symphony::transport {

/// Reads what is there, until nothing is, or the inbox is full.
void Connection::pump(std::span<std::uint8_t> scratch) {
    likely_empty_ = false;
    for (int round = 0; round < rounds_max && !in_error_; ++round) {
        switch (carrier_->fill(in_, scratch)) {
        case Io::all: break;
        case Io::blocked: likely_empty_ = true; return;
        case Io::full:
            full_ = true;
            if (reading_) carrier_->want_read(reading_ = false);
            return;
        case Io::gone: in_error_ = gone(); break;
        case Io::corrupt:
            in_error_ = Error(Code::data_corrupt, in_.greeting() ? "bad-frame" : "bad-greeting",
                              "connection " + std::to_string(id_) + ": the other side sent " + carrier_->fault());
            break;
        }
    }
}

/// The loop has to read, if it is to be told.
void Connection::read_on() {
    if (seat_ != nullptr || reading_ || in_error_) return;
    reading_ = true;
    if (carrier_->want_read(true)) look_again();
}

/// There is news for which the loop gets no event.
void Connection::look_again() {
    if (std::exchange(looking_, true)) return;
    hub_.loop.post([weak = std::weak_ptr<Connection>(self())] {
        const auto here = weak.lock();
        if (here == nullptr) return;
        {
            const Lock lock(here->in_mutex_);
            here->looking_ = false;
        }
        here->advance();
    });
}

/// On the loop's thread, or before there is anything to be told: whatever came goes to who waits for it.
void Connection::advance() {
    std::optional<Status> outcome;
    Opened opened;
    std::optional<Receiving> receive;
    Batch batch;
    bool lost = false;
    {
        const Lock lock(in_mutex_);
        if (seat_ == nullptr && now_ns() >= lent_until_ns_ && !in_error_) {
            if (reading_ && hub_.loop.on_loop()) {
                pump(hub_.scratch);
                if (!in_error_ && reading_ && carrier_->want_read(true)) look_again();
            }
        } else if (reading_) {
            carrier_->want_read(reading_ = false);
        }
        opened = take_opened(outcome);
        lost = in_error_.has_value();
        if (in_.finished()) finish_came_.store(true);
        if (receiving_call_ && !receiving_call_->call.cancelled()) {
            if (is_ready(receiving_call_->frames_max, receiving_call_->linger_ns, receiving_call_->linger_until_ns)) {
                batch = collect(receiving_call_->frames_max);
                if (std::exchange(full_, false)) read_on();
                receive = std::move(receiving_call_);
                receiving_call_.reset();
            } else if (receiving_call_->linger_until_ns != 0) {
                hub_.loop.schedule(self(), receiving_call_->linger_until_ns);
            }
        }
    }
    if (lost) {
        Answers answers(hub_);
        const Lock lock(out_mutex_);
        out_ends(gone(), answers);
        carrier_->shut();
    }
    over_if_both_finished();
    if (opened) opened(self(), std::move(*outcome));
    if (receive) {
        hub_.waits_no_more(receive->call.id());
        auto result = deliver(receive->call, std::move(batch));
        receive->call.answer(result);
    }
}

Connection::Opened Connection::take_opened(std::optional<Status>& outcome) {
    if (!opened_ || (!in_.greeting() && !in_error_)) return nullptr;
    if (!in_.greeting()) {
        outcome = Status(*in_error_);
    } else if (in_.greeting()->verdict == Greeting::Verdict::full) {
        outcome = Status(Error(Code::busy, "too-many-connections", "who listens there has as many connections as it takes", "try again later, or raise connections_max there"));
    } else {
        frame_bytes_max_.store(std::min(limits_.frame_bytes_max, in_.greeting()->frame_bytes_max));
        outcome = Status();
    }
    greet_until_ns_ = never;
    return std::exchange(opened_, nullptr);
}

bool Connection::is_ready(std::uint32_t frames_max, std::uint64_t linger_ns, std::uint64_t& linger_until_ns) const {
    if (in_.size() >= frames_max || is_over()) return true;
    if (in_.empty()) return false;
    if (full_) return true;
    if (linger_ns == 0) return true;
    if (linger_until_ns == 0) linger_until_ns = now_ns() + linger_ns;
    return now_ns() >= linger_until_ns;
}

Connection::Batch Connection::collect(std::uint32_t frames_max) {
    Batch batch;
    while (!in_.empty() && batch.parts.size() < frames_max) batch.parts.push_back({in_.take(), false});
    if (in_.empty() && in_.finished() && !end_told_ && batch.parts.size() < frames_max) {
        end_told_ = true;
        batch.parts.push_back({Buffer(), true});
    }
    if (batch.parts.empty()) batch.error = in_error_ ? *in_error_ : gone();
    return batch;
}

template <class To>
Result<void> Connection::deliver(To& to, Batch batch) {
    try {
        for (auto& part : batch.parts) to.emit(part);
    } catch (...) {
        batch.error = detail::current_exception_error();
    }
    {
        const Lock lock(in_mutex_);
        receiving_ = false;
    }
    if (batch.error) return *batch.error;
    return {};
}

Result<void> Connection::receive(Call& call, std::uint32_t frames_max, std::uint32_t linger_ms, bool stay) {
    if (frames_max == 0) frames_max = limits_.queue_frames_max;
    const std::uint64_t linger_ns = std::uint64_t{linger_ms} * 1'000'000;
    Lock lock(in_mutex_);
    if (receiving_) return Error(Code::misuse, "already-receiving", "another receive of connection " + std::to_string(id_) + " is open");
    std::uint64_t linger_until_ns = 0;
    if (is_ready(frames_max, linger_ns, linger_until_ns)) {
        receiving_ = true;
        Batch batch = collect(frames_max);
        if (std::exchange(full_, false)) read_on();
        lock.unlock();
        return deliver(call, std::move(batch));
    }
    if (stay) return receive_here(call, lock, frames_max, linger_ns);
    receiving_ = true;
    receiving_call_.emplace(Receiving{call.defer<void>(), frames_max, linger_ns, linger_until_ns});
    hub_.waits(call.id(), self());
    lent_until_ns_ = 0;
    read_on();
    const std::uint64_t deadline = call.deadline_ns();
    if (const std::uint64_t due = std::min(deadline == 0 ? never : deadline, linger_until_ns == 0 ? never : linger_until_ns); due != never) hub_.loop.schedule(self(), due);
    const bool cancelled = receiving_call_->call.cancelled();
    lock.unlock();
    if (cancelled) cancel(call.id());
    return {};
}

/// The calling thread reads, and nobody else does.
Result<void> Connection::receive_here(Call& call, Lock& lock, std::uint32_t frames_max, std::uint64_t linger_ns) {
    auto seat = hub_.seats.take(call.id(), self());
    if (seat == nullptr) return Error(Code::exhausted, "no-descriptor", "no descriptor is left to wait with", "raise the limit on open files, or receive without stay");
    receiving_ = true;
    seat_ = seat;
    if (reading_) carrier_->want_read(reading_ = false);
    const std::uint64_t deadline = call.deadline_ns();
    std::uint64_t linger_until_ns = 0;
    Batch batch;
    for (bool first = true;; first = false) {
        if (!first || !likely_empty_) pump(seat->scratch);
        if (is_ready(frames_max, linger_ns, linger_until_ns)) break;
        if (call.cancelled()) {
            batch.error = Error(Code::cancelled, "cancelled while nothing came");
            break;
        }
        if (deadline != 0 && now_ns() >= deadline) {
            batch.error = Error(Code::deadline, "nothing came in time");
            break;
        }
        const std::uint64_t until = std::min(deadline == 0 ? never : deadline, linger_until_ns == 0 ? never : linger_until_ns);
        lock.unlock();
        carrier_->wait(*seat, until);
        lock.lock();
    }
    seat_.reset();
    if (!batch.error) batch = collect(frames_max);
    full_ = false;
    const std::uint64_t lent_until_ns = lent_until_ns_ = coarse_now_ns() + lend_ns;
    const bool lend = !std::exchange(lending_, true);
    const bool lost = in_error_.has_value();
    if (in_.finished()) finish_came_.store(true);
    lock.unlock();
    hub_.seats.give(std::move(seat));
    if (lend) hub_.loop.schedule(self(), lent_until_ns);
    if (lost) {
        Answers answers(hub_);
        const Lock out_lock(out_mutex_);
        out_ends(gone(), answers);
        carrier_->shut();
    }
    over_if_both_finished();
    return deliver(call, std::move(batch));
}

} // namespace symphony::transport
