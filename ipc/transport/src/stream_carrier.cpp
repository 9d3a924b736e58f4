// SPDX-License-Identifier: Apache-2.0
#include <symphony/transport/stream_carrier.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace symphony::transport {
namespace {

constexpr std::size_t parts_at_a_time = 64;
constexpr std::size_t bytes_at_a_time = 1 << 20;

/// What a sendmsg() is given: the outbox from where it stands.
struct Gathered {
    std::array<std::array<std::uint8_t, part_header_bytes>, parts_at_a_time> headers;
    std::array<iovec, 2 * parts_at_a_time> pieces;
    std::size_t piece_count = 0, header_count = 0, bytes = 0;

    bool full() const noexcept { return header_count == parts_at_a_time || bytes >= bytes_at_a_time; }
    void piece(const std::uint8_t* from, std::size_t size) noexcept {
        if (size == 0) return;
        pieces[piece_count++] = {const_cast<std::uint8_t*>(from), size};
        bytes += size;
    }
    /// The part that begins at `offset` of the content, without its first `skip` bytes.
    void part(const Outbox::Entry& entry, std::size_t offset, std::size_t skip) noexcept {
        const std::size_t size = std::min<std::size_t>(stream_part_bytes_max, entry.content.size() - offset);
        auto& header = headers[header_count++];
        write_header(header.data(), {entry.kind, static_cast<std::uint32_t>(size), entry.content.size()});
        const std::size_t skip_header = std::min(skip, part_header_bytes), skip_content = skip - skip_header;
        piece(header.data() + skip_header, part_header_bytes - skip_header);
        piece(entry.content.data() + offset + skip_content, size - skip_content);
    }
};

void gather(std::deque<Outbox::Entry>& entries, Gathered& out) noexcept {
    constexpr std::uint64_t whole = stream_part_bytes_max + part_header_bytes;
    for (const auto& entry : entries) {
        const std::uint64_t end = stream_bytes(entry);
        for (std::uint64_t at = entry.progress; at < end && !out.full(); at = (at / whole + 1) * whole) {
            out.part(entry, static_cast<std::size_t>(at / whole * stream_part_bytes_max), static_cast<std::size_t>(at % whole));
        }
        if (out.full()) return;
    }
}

/// A pipe without a reader sends SIGPIPE, which a library must neither let through nor turn off for all.
ssize_t write_pipe(int fd, const iovec* pieces, int count) noexcept {
    constexpr int without_signal = 0x100; // RWF_NOSIGNAL of Linux 6.18, not in Debian 12's headers
    if (const ssize_t wrote = ::pwritev2(fd, pieces, count, -1, without_signal); wrote >= 0 || errno != EOPNOTSUPP) return wrote;
    sigset_t pipe, before, pending;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::sigpending(&pending);
    const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const ssize_t wrote = ::writev(fd, pieces, count);
    const int error = errno;
    if (wrote < 0 && error == EPIPE && !was_pending) {
        const timespec none{};
        while (::sigtimedwait(&pipe, nullptr, &none) < 0 && errno == EINTR) {}
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return wrote;
}

} // namespace

StreamCarrier::StreamCarrier(Fd in, Fd out) : in_(std::move(in)), out_(std::move(out)), socket_(!out_) {
    // Every call on a socket says itself whether it may wait.
    if (socket_) ::fcntl(in_.get(), F_SETFL, ::fcntl(in_.get(), F_GETFL) & ~O_NONBLOCK);
}

StreamCarrier::~StreamCarrier() { unwatch(true, true); }

Status StreamCarrier::attach(Loop& loop, const std::shared_ptr<Loop::Client>& client) {
    const std::lock_guard lock(watch_mutex_);
    loop_ = &loop;
    events_ = EPOLLIN;
    place_in_ = SYMPHONY_TRY(loop.add(in_.get(), EPOLLIN, client, tag_in));
    if (!socket_) place_out_ = SYMPHONY_TRY(loop.add(out_.get(), 0, client, tag_out));
    return {};
}

Io StreamCarrier::flush(Outbox& from) {
    while (!from.empty()) {
        if (shut_.load(std::memory_order_acquire)) return Io::gone;
        Gathered gathered;
        gather(from.entries(), gathered);
        msghdr message{};
        message.msg_iov = gathered.pieces.data();
        message.msg_iovlen = gathered.piece_count;
        const ssize_t sent = socket_ ? ::sendmsg(in_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) : send_to_pipe(gathered.pieces.data(), static_cast<int>(gathered.piece_count));
        if (sent < 0) {
            if (errno == EINTR) continue;
            return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? Io::blocked : Io::gone;
        }
        stream_advance(from, static_cast<std::size_t>(sent));
    }
    return Io::all;
}

ssize_t StreamCarrier::send_to_pipe(const iovec* pieces, int count) noexcept {
    const std::lock_guard lock(out_mutex_);
    errno = EPIPE;
    return out_ ? write_pipe(out_.get(), pieces, count) : -1;
}

Io StreamCarrier::fill(Inbox& to, std::span<std::uint8_t> scratch) {
    Bytes rest(rest_.data() + rest_at_, rest_.size() - rest_at_);
    if (has_rest_.load(std::memory_order_relaxed)) {
        const auto fed = decoder_.feed(rest, to);
        rest_at_ = rest_.size() - rest.size();
        if (fed == StreamDecoder::Result::corrupt) return Io::corrupt;
        if (fed == StreamDecoder::Result::full) return Io::full;
        rest_.clear();
        rest_.shrink_to_fit();
        rest_at_ = 0;
        has_rest_.store(false, std::memory_order_relaxed);
        return Io::all;
    }
    if (const std::size_t waited = std::exchange(waited_bytes_, 0); waited != 0) return take(waited, 0, scratch.size(), scratch, to);
    if (shut_.load(std::memory_order_acquire)) return Io::gone;
    const auto place = decoder_.place(to);
    std::array<iovec, 2> pieces{iovec{place.data(), place.size()}, iovec{scratch.data(), scratch.size()}};
    msghdr message{};
    message.msg_iov = place.empty() ? &pieces[1] : pieces.data();
    message.msg_iovlen = place.empty() ? 1 : 2;
    ssize_t got;
    do got = socket_ ? ::recvmsg(in_.get(), &message, MSG_DONTWAIT) : ::readv(in_.get(), message.msg_iov, static_cast<int>(message.msg_iovlen));
    while (got < 0 && errno == EINTR);
    if (got < 0) return errno == EAGAIN ? Io::blocked : Io::gone;
    if (got == 0) return Io::gone;
    const auto size = static_cast<std::size_t>(got);
    return take(size, std::min(size, place.size()), place.size() + scratch.size(), scratch, to);
}

/// @param direct  How much of `size` lies where it belongs already. @param room  Where less came than this, nothing more is there.
Io StreamCarrier::take(std::size_t size, std::size_t direct, std::size_t room, std::span<std::uint8_t> scratch, Inbox& to) {
    if (direct != 0 && decoder_.wrote(direct, to) == StreamDecoder::Result::corrupt) return Io::corrupt;
    Bytes bytes(scratch.data(), size - direct);
    const auto fed = decoder_.feed(bytes, to);
    if (fed == StreamDecoder::Result::corrupt) return Io::corrupt;
    if (fed == StreamDecoder::Result::full) {
        rest_.assign(bytes.begin(), bytes.end());
        rest_at_ = 0;
        has_rest_.store(true, std::memory_order_relaxed);
        return Io::full;
    }
    return size < room ? Io::blocked : Io::all;
}

/// Events of the one descriptor of a socket, or of both pipes.
void StreamCarrier::watch(std::uint32_t add, std::uint32_t drop) noexcept {
    const std::lock_guard lock(watch_mutex_);
    const std::uint32_t wanted = (events_ & ~drop) | add;
    if (wanted == events_) return;
    const std::uint32_t changed = wanted ^ events_;
    events_ = wanted;
    if (socket_) {
        if (place_in_ != 0) loop_->modify(place_in_, in_.get(), wanted);
        return;
    }
    if ((changed & EPOLLIN) != 0 && place_in_ != 0) loop_->modify(place_in_, in_.get(), wanted & EPOLLIN);
    if ((changed & EPOLLOUT) != 0 && place_out_ != 0) loop_->modify(place_out_, out_.get(), wanted & EPOLLOUT);
}

bool StreamCarrier::want_read(bool on) {
    watch(on ? EPOLLIN : 0u, on ? 0u : EPOLLIN);
    return on && (has_rest_.load(std::memory_order_relaxed) || hung_.load(std::memory_order_acquire) || shut_.load(std::memory_order_acquire));
}

bool StreamCarrier::want_write(bool on) {
    watch(on ? EPOLLOUT : 0u, on ? 0u : EPOLLOUT);
    return on && shut_.load(std::memory_order_acquire);
}

Carrier::News StreamCarrier::on_events(std::uint32_t tag, std::uint32_t events) {
    News news;
    news.readable = tag == tag_in && (events & EPOLLIN) != 0;
    news.writable = (events & EPOLLOUT) != 0;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        news.gone = true;
        news.readable = tag == tag_in;
        if (tag == tag_in) hung_.store(true, std::memory_order_release);
        unwatch(tag == tag_in, tag == tag_out); // these two come for ever
    }
    return news;
}

void StreamCarrier::unwatch(bool in, bool out) noexcept {
    const std::lock_guard lock(watch_mutex_);
    if (in && place_in_ != 0) loop_->remove(std::exchange(place_in_, 0), in_.get());
    if (out && place_out_ != 0) loop_->remove(std::exchange(place_out_, 0), out_.get());
}

/// One system call instead of two: what came is in the seat's scratch, for the fill() that follows. Nothing but the end of the connection
/// interrupts it, so it looks up from time to time. @return False: not now.
bool StreamCarrier::wait_in_recv(Seat& seat, std::uint64_t until_ns) {
    if (!socket_ || decoder_.is_within_part() || (until_ns != never && until_ns < now_ns() + slice_ns)) return false;
    if (!std::exchange(has_timeout_, true)) {
        const timeval slice{0, static_cast<suseconds_t>(slice_ns / 1000)};
        if (::setsockopt(in_.get(), SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice) != 0) return false;
    }
    const ssize_t got = ::recv(in_.get(), seat.scratch.data(), seat.scratch.size(), 0);
    if (got > 0) waited_bytes_ = static_cast<std::size_t>(got);
    return true;
}

void StreamCarrier::wait(Seat& seat, std::uint64_t until_ns) {
    if (shut_.load(std::memory_order_acquire) || wait_in_recv(seat, until_ns)) return;
    std::array<pollfd, 2> fds{pollfd{in_.get(), POLLIN, 0}, pollfd{seat.event.get(), POLLIN, 0}};
    const std::uint64_t now = now_ns();
    if (until_ns <= now) return;
    const timespec longest{static_cast<time_t>((until_ns - now) / 1'000'000'000), static_cast<long>((until_ns - now) % 1'000'000'000)};
    if (::ppoll(fds.data(), fds.size(), &longest, nullptr) <= 0 || fds[1].revents == 0) return;
    std::uint64_t count;
    while (::read(seat.event.get(), &count, sizeof count) < 0 && errno == EINTR) {}
}

void StreamCarrier::interrupt(Seat& seat) noexcept {
    const std::uint64_t one = 1;
    while (::write(seat.event.get(), &one, sizeof one) < 0 && errno == EINTR) {}
}

void StreamCarrier::shut() noexcept {
    if (shut_.exchange(true, std::memory_order_acq_rel)) return;
    if (socket_) ::shutdown(in_.get(), SHUT_RDWR);
    unwatch(true, true);
    const std::lock_guard lock(out_mutex_);
    out_.reset();
}

} // namespace symphony::transport
