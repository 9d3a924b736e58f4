// SPDX-License-Identifier: Apache-2.0
#include "answers.hpp"

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
