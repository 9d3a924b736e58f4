// SPDX-License-Identifier: Apache-2.0
#include "pipe_carrier.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace symphony::transport::windows {
namespace {

/// As many parts as fit, from where the outbox stands.
std::size_t gather(std::deque<Outbox::Entry>& entries, std::span<std::uint8_t> to) noexcept {
    constexpr std::uint64_t whole = stream_part_bytes_max + part_header_bytes;
    std::size_t size = 0;
    const auto put = [&](const std::uint8_t* from, std::size_t count) {
        const std::size_t fits = std::min(count, to.size() - size);
        if (fits != 0) std::memcpy(to.data() + size, from, fits);
        size += fits;
    };
    for (const auto& entry : entries) {
        const std::uint64_t content = entry.content.size(), end = stream_bytes(entry);
        for (std::uint64_t at = entry.progress; at < end && size < to.size(); at = (at / whole + 1) * whole) {
            const std::uint64_t offset = at / whole * stream_part_bytes_max, skip = at % whole;
            const std::uint64_t bytes = std::min<std::uint64_t>(stream_part_bytes_max, content - offset);
            std::array<std::uint8_t, part_header_bytes> header;
            write_header(header.data(), {entry.kind, static_cast<std::uint32_t>(bytes), content});
            const std::uint64_t of_header = std::min<std::uint64_t>(skip, part_header_bytes), of_content = skip - of_header;
            put(header.data() + of_header, part_header_bytes - of_header);
            put(entry.content.data() + offset + of_content, bytes - of_content);
        }
        if (size == to.size()) break;
    }
    return size;
}

} // namespace

void Operation::begun(BOOL at_once) noexcept {
    error_ = at_once != 0 ? ERROR_SUCCESS : ::GetLastError();
    state_ = error_ == ERROR_SUCCESS || error_ == ERROR_IO_PENDING ? State::under_way : State::failed;
}

Operation::State Operation::take(HANDLE pipe, std::size_t& bytes) noexcept {
    if (state_ == State::under_way) {
        DWORD moved = 0;
        if (::GetOverlappedResult(pipe, &overlapped_, &moved, FALSE) != 0) state_ = State::done;
        else if (const DWORD error = ::GetLastError(); error != ERROR_IO_INCOMPLETE) state_ = State::failed, error_ = error;
        bytes = moved;
    }
    return state_ == State::under_way ? State::under_way : std::exchange(state_, State::idle);
}

void Operation::cancel(HANDLE pipe) noexcept {
    if (state_ != State::under_way) return;
    ::CancelIoEx(pipe, &overlapped_);
    DWORD moved = 0;
    ::GetOverlappedResult(pipe, &overlapped_, &moved, TRUE);
    state_ = State::idle;
}

PipeCarrier::PipeCarrier(Fd pipe) : pipe_(std::move(pipe)), in_buffer_(buffer_bytes), out_buffer_(buffer_bytes) {}

PipeCarrier::~PipeCarrier() { shut(); }

Status PipeCarrier::attach(Loop& loop, const std::shared_ptr<Loop::Client>& client) {
    const std::lock_guard lock(watch_mutex_);
    loop_ = &loop;
    place_ = SYMPHONY_TRY(loop.add(pipe_.get(), Loop::completions, client, 0));
    // The first read is begun by who is told.
    loop.post([weak = std::weak_ptr(client)] {
        if (const auto here = weak.lock()) here->on_events(0, Loop::readable);
    });
    return {};
}

Io PipeCarrier::flush(Outbox& from) {
    const std::lock_guard lock(out_mutex_);
    for (;;) {
        if (!pipe_ || shut_.load(std::memory_order_acquire)) return Io::gone;
        std::size_t wrote = 0;
        switch (out_.take(pipe_.get(), wrote)) {
        case Operation::State::under_way: return Io::blocked;
        case Operation::State::failed: return Io::gone;
        case Operation::State::done: stream_advance(from, wrote); break;
        case Operation::State::idle: break;
        }
        if (from.empty()) return Io::all;
        out_.write(pipe_.get(), out_buffer_.data(), gather(from.entries(), out_buffer_));
    }
}

Io PipeCarrier::fill(Inbox& to, std::span<std::uint8_t>) {
    const std::lock_guard lock(in_mutex_);
    if (in_at_ == in_size_) {
        if (!pipe_ || shut_.load(std::memory_order_acquire)) return Io::gone;
        std::size_t got = 0;
        auto state = in_.take(pipe_.get(), got);
        // Wine ends what a thread has begun with the thread, Windows does not where there is a completion port.
        if (state == Operation::State::idle || (state == Operation::State::failed && in_.aborted())) {
            in_.read(pipe_.get(), in_buffer_.data(), in_buffer_.size());
            state = in_.take(pipe_.get(), got);
        }
        if (state == Operation::State::under_way) return Io::blocked;
        if (state == Operation::State::failed) return Io::gone;
        in_at_ = 0;
        in_size_ = got;
    }
    Bytes bytes(in_buffer_.data() + in_at_, in_size_ - in_at_);
    const auto fed = decoder_.feed(bytes, to);
    in_at_ = in_size_ - bytes.size();
    if (fed == StreamDecoder::Result::corrupt) return Io::corrupt;
    if (fed == StreamDecoder::Result::full) return Io::full;
    return Io::all;
}

/// There is something for which the loop will not be told anything, or not any more.
bool PipeCarrier::has_news() {
    const std::lock_guard lock(in_mutex_);
    return in_at_ != in_size_ || !in_.waits();
}

bool PipeCarrier::want_read(bool on) { return on && has_news(); }

bool PipeCarrier::want_write(bool on) { return on && shut_.load(std::memory_order_acquire); }

/// Which of both operations is over, who looks finds out.
Carrier::News PipeCarrier::on_events(std::uint32_t, std::uint32_t) {
    News news;
    news.readable = news.writable = true;
    return news;
}

void PipeCarrier::wait(Seat& seat, std::uint64_t until_ns) {
    const std::uint64_t now = now_ns();
    if (until_ns <= now || shut_.load(std::memory_order_acquire) || has_news()) return;
    ::WaitForSingleObject(seat.event.get(), until_ns == never ? INFINITE : static_cast<DWORD>(std::min<std::uint64_t>((until_ns - now) / 1'000'000 + 1, 60'000)));
}

void PipeCarrier::interrupt(Seat& seat) noexcept { ::SetEvent(seat.event.get()); }

void PipeCarrier::unwatch() noexcept {
    std::uint64_t place = 0;
    {
        const std::lock_guard lock(watch_mutex_);
        place = std::exchange(place_, 0);
    }
    if (place != 0) loop_->remove(place, no_descriptor);
}

void PipeCarrier::shut() noexcept {
    if (shut_.exchange(true, std::memory_order_acq_rel)) return;
    {
        const std::scoped_lock lock(in_mutex_, out_mutex_);
        in_.cancel(pipe_.get());
        out_.cancel(pipe_.get());
        pipe_.reset();
    }
    unwatch();
}

} // namespace symphony::transport::windows
