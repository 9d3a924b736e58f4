// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/connection.hpp>

#include <algorithm>

namespace symphony::transport {

void Hub::waits(std::uint64_t call_id, std::weak_ptr<Connection> where) {
    const std::lock_guard lock(mutex_);
    waiting_[call_id] = std::move(where);
}
void Hub::waits_no_more(std::uint64_t call_id) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(call_id);
}
std::shared_ptr<Connection> Hub::where(std::uint64_t call_id) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(call_id);
    return found == waiting_.end() ? nullptr : found->second.lock();
}

class Connection::Answers {
public:
    explicit Answers(Hub& hub) : hub_(hub) {}
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;
    ~Answers() {
        for (auto& [call, status] : list_) {
            hub_.waits_no_more(call.id());
            call.answer(status);
        }
    }
    void add(Completion<void>&& call, Status status) { list_.emplace_back(std::move(call), std::move(status)); }

private:
    Hub& hub_;
    std::vector<std::pair<Completion<void>, Status>> list_;
};

Connection::Connection(Hub& hub, std::uint64_t id, std::unique_ptr<Carrier> carrier, ports::Peer peer, const Limits& limits)
    : hub_(hub), id_(id), carrier_(std::move(carrier)), peer_(peer), limits_(limits), frame_bytes_max_(limits.frame_bytes_max),
      in_(limits.frame_bytes_max, limits.queue_frames_max, limits.queue_bytes_max), out_(limits.queue_frames_max, limits.queue_bytes_max) {}

Connection::~Connection() = default;

Error Connection::gone() const { return {Code::peer_died, "closed", "the other side of connection " + std::to_string(id_) + " is gone"}; }

void Connection::start(std::uint64_t greet_until_ns, Opened opened) {
    {
        const std::lock_guard lock(in_mutex_);
        opened_ = std::move(opened);
        greet_until_ns_ = greet_until_ns;
    }
    if (const Status attached = carrier_->attach(hub_.loop, self()); !attached) {
        const Lock lock(in_mutex_);
        in_error_ = attached.error();
    } else {
        Answers answers(hub_);
        const Lock lock(out_mutex_);
        out_.push(PartKind::greeting, write_greeting({1, Greeting::Verdict::welcome, limits_.frame_bytes_max}));
        flush(answers);
    }
    hub_.loop.schedule(self(), greet_until_ns);
    advance();
}

// --- receiving ---------------------------------------------------------------------------------------------------

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

// --- sending -----------------------------------------------------------------------------------------------------

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

// --- both --------------------------------------------------------------------------------------------------------

void Connection::on_events(std::uint32_t tag, std::uint32_t events) {
    const auto news = carrier_->on_events(tag, events);
    if (news.writable) send_on();
    if (news.gone) {
        Answers answers(hub_);
        const Lock lock(out_mutex_);
        out_ends(gone(), answers);
    }
    if (news.gone || news.readable) {
        {
            const Lock lock(in_mutex_);
            if (seat_ != nullptr) carrier_->interrupt(*seat_);
            else if (news.gone) {
                lent_until_ns_ = 0;
                read_on();
            }
        }
        advance();
    }
    over_if_both_finished();
}

std::uint64_t Connection::on_time(std::uint64_t now) {
    std::uint64_t next = never;
    std::optional<Receiving> late;
    bool look = false;
    {
        Lock lock(in_mutex_);
        if (opened_ && now >= greet_until_ns_ && !in_error_) in_error_ = Error(Code::deadline, "no-greeting", "the other side did not greet in time");
        if (opened_) next = std::min(next, greet_until_ns_);
        look = in_error_.has_value() && opened_;
        if (receiving_call_) {
            const std::uint64_t deadline = receiving_call_->call.deadline_ns(), linger = receiving_call_->linger_until_ns;
            if (linger != 0 && now >= linger) look = true;
            else if (linger != 0) next = std::min(next, linger);
            if (deadline != 0 && now >= deadline && !look) {
                late = std::move(receiving_call_);
                receiving_call_.reset();
                receiving_ = false;
            } else if (deadline != 0) {
                next = std::min(next, deadline);
            }
        }
        if (lending_ && (seat_ != nullptr || now >= lent_until_ns_)) { // who sits there now will say so again
            lending_ = false;
            read_on();
        } else if (lending_) {
            next = std::min(next, lent_until_ns_);
        }
    }
    if (late) {
        hub_.waits_no_more(late->call.id());
        late->call.fail(Error(Code::deadline, "nothing came in time"));
    }
    if (look) advance();
    Answers answers(hub_);
    const Lock lock(out_mutex_);
    for (auto it = sending_.begin(); it != sending_.end();) {
        const std::uint64_t deadline = it->call.deadline_ns();
        if (deadline == 0 || now < deadline) {
            if (deadline != 0) next = std::min(next, deadline);
            ++it;
            continue;
        }
        answers.add(std::move(it->call), Error(Code::deadline, "the queue of connection " + std::to_string(id_) + " stayed full: the other side reads too slowly"));
        it = sending_.erase(it);
    }
    admit(answers);
    return next;
}

void Connection::cancel(std::uint64_t call_id) {
    Answers answers(hub_);
    {
        const Lock lock(in_mutex_);
        if (seat_ != nullptr && seat_->call_id == call_id) carrier_->interrupt(*seat_);
        if (receiving_call_ && receiving_call_->call.id() == call_id) {
            answers.add(std::move(receiving_call_->call), Error(Code::cancelled, "cancelled while nothing came"));
            receiving_call_.reset();
            receiving_ = false;
        }
    }
    const Lock lock(out_mutex_);
    for (auto it = sending_.begin(); it != sending_.end(); ++it) {
        if (it->call.id() != call_id) continue;
        answers.add(std::move(it->call), Error(Code::cancelled, "cancelled while the queue was full"));
        sending_.erase(it);
        break;
    }
    admit(answers);
}

void Connection::close(const Error& why) {
    Answers answers(hub_);
    Opened opened;
    {
        const Lock lock(in_mutex_);
        in_error_ = why;
        while (!in_.empty()) static_cast<void>(in_.take());
        if (seat_ != nullptr) carrier_->interrupt(*seat_);
        if (receiving_call_) {
            answers.add(std::move(receiving_call_->call), why);
            receiving_call_.reset();
            receiving_ = false;
        }
        opened = std::exchange(opened_, nullptr);
    }
    {
        const Lock lock(out_mutex_);
        out_ends(why, answers);
    }
    carrier_->shut();
    if (opened) opened(self(), why);
}

ports::ConnectionStatus Connection::status() const {
    ports::ConnectionStatus out;
    out.peer = peer_;
    out.finished_there = finish_came_.load();
    out.finished_here = finish_sent_.load();
    out.broken = broken_.load() && !(out.finished_here && out.finished_there);
    {
        const Lock lock(in_mutex_);
        out.received_frames = in_.received_frames();
        out.received_bytes = in_.received_bytes();
        out.receive_queue_frames = static_cast<std::uint32_t>(in_.size());
    }
    const Lock lock(out_mutex_);
    out.sent_frames = out_.sent_frames();
    out.sent_bytes = out_.sent_bytes();
    out.send_queue_frames = out_.frames();
    out.dropped_frames = out_.dropped_frames();
    if (finishing_) out.finished_here = true;
    return out;
}

} // namespace symphony::transport
