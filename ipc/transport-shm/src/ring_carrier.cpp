// SPDX-License-Identifier: Apache-2.0
#include "ring_carrier.hpp"

#include "futex.hpp"
#include "tsan.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace symphony::transport {
namespace {

constexpr int bells_at_a_time = 16;

std::uint32_t cpu_now() noexcept { return static_cast<std::uint32_t>(::sched_getcpu()) + 1; }

/// Nothing after it is read before what was stored before it is visible.
void full_fence() noexcept {
#if defined(__SANITIZE_THREAD__)
    std::atomic<int> here{0}; // the sanitizer knows no fences; on the machines that it runs on this is one
    here.fetch_add(1, std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

RoomWord& own_room(ipc::Memory& memory) noexcept { return *reinterpret_cast<RoomWord*>(reinterpret_cast<std::uint8_t*>(&memory.own_page()) + room_word_offset); }
const RoomWord& peer_room(const ipc::Memory& memory) noexcept {
    return *reinterpret_cast<const RoomWord*>(reinterpret_cast<const std::uint8_t*>(&memory.peer_page()) + room_word_offset);
}
static_assert(sizeof(ipc::RingPage) <= room_word_offset && room_word_offset + sizeof(RoomWord) <= ipc::ring_data_offset);

} // namespace

RingCarrier::RingCarrier(Fd socket, std::shared_ptr<ipc::Memory> memory) : socket_(std::move(socket)) {
    if (memory != nullptr) map(std::move(memory));
}

RingCarrier::~RingCarrier() { unwatch(); }

void RingCarrier::map(std::shared_ptr<ipc::Memory> memory) {
    memory_ = std::move(memory);
    const std::uint64_t bytes = memory_->ring_bytes();
    writer_.emplace(memory_->own_page(), memory_->peer_page(), memory_->own_ring(), bytes);
    reader_.emplace(memory_->own_page(), memory_->peer_page(), memory_->peer_ring(), bytes, part_bytes_max);
    part_bytes_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(part_bytes_max, bytes / 4 - sizeof(ipc::Head)));
    memory_->own_page().sleeper.store(++turn_ * ipc::sleeper_turn | ipc::sleeper_parked, std::memory_order_seq_cst);
    mapped_.store(true, std::memory_order_release);
}

Status RingCarrier::attach(Loop& loop, const std::shared_ptr<Loop::Client>& client) {
    const std::lock_guard lock(watch_mutex_);
    loop_ = &loop;
    place_ = SYMPHONY_TRY(loop.add(socket_.get(), EPOLLIN, client, 0));
    return {};
}

// --- writing -----------------------------------------------------------------------------------------------------

Io RingCarrier::flush(Outbox& from) {
    if (is_dead()) return Io::gone;
    if (!is_mapped()) return Io::blocked;
    bool wrote = false;
    Io result = Io::all;
    while (!from.empty()) {
        auto& entry = from.entries().front();
        const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(part_bytes_, entry.content.size() - entry.progress));
        wanted_extent_ = ipc::extent_of(size);
        if (!writer_->has_room(wanted_extent_)) {
            result = writer_->corrupt() ? Io::corrupt : Io::blocked;
            if (result == Io::corrupt) fault_.store("an impossible reading position");
            break;
        }
        ipc::Head head;
        head.method = static_cast<std::uint32_t>(entry.kind);
        head.value = entry.content.size();
        head.body_size = size;
        ipc::left_for_the_peer(this);
        writer_->write(head, entry.content.data() + entry.progress);
        wrote = true;
        entry.progress += size;
        if (entry.progress == entry.content.size()) from.pop();
        if (size == part_bytes_ && memory_->peer_page().cpu.load(std::memory_order_relaxed) != cpu_now()) wake_reader(); // it reads while we write the rest
    }
    if (wrote || result == Io::blocked) wake_reader();
    return result;
}

/// After a write: the tail was stored before `sleeper` is read, the sleeper looks at the tail after it has set it.
void RingCarrier::wake_reader() noexcept {
    const std::uint32_t sleeper = memory_->peer_page().sleeper.load(std::memory_order_seq_cst);
    if ((sleeper & ipc::sleeper_mask) == 0 || woken_ == sleeper) return;
    woken_ = sleeper; // one wake for each time that it goes to sleep
    if ((sleeper & ipc::sleeper_reader) != 0) ipc::futex_wake(&memory_->own_page().tail, 1, ipc::sleeper_reader, ipc::FutexScope::shared);
    else ring_bell();
}

bool RingCarrier::want_write(bool on) {
    if (!is_mapped()) return is_dead();
    auto& room = own_room(*memory_).waits;
    if (!on) {
        room.store(0, std::memory_order_relaxed);
        return false;
    }
    if (++room_turn_ == 0) ++room_turn_;
    room.store(room_turn_, std::memory_order_seq_cst);
    full_fence(); // the other side stores its position, then reads the word
    return is_dead() || writer_->has_room(wanted_extent_) || writer_->corrupt();
}

// --- reading -----------------------------------------------------------------------------------------------------

Io RingCarrier::fill(Inbox& to, std::span<std::uint8_t> scratch) {
    if (shut_.load(std::memory_order_acquire)) return Io::gone;
    if (!is_mapped()) return hung_.load(std::memory_order_acquire) ? (fault_.load() != nullptr ? Io::corrupt : Io::gone) : Io::blocked;
    const bool was_hung = hung_.load(std::memory_order_acquire); // before the look at the ring: what it wrote before its end is there
    Io result = Io::all;
    std::size_t taken = 0;
    while (taken < fill_bytes_max) {
        ipc::Head head;
        const char* fault = nullptr;
        if (!reader_->peek(head, fault)) {
            result = fault != nullptr ? Io::corrupt : was_hung ? Io::gone : Io::blocked;
        } else {
            const PartHeader part{static_cast<PartKind>(head.method), head.body_size, head.value};
            if (head.kind != ipc::Kind::note || head.flags != 0 || head.method < 1 || head.method > 3) fault = "a part of unknown kind";
            else if (!to.has_room(part)) result = Io::full;
            else if (fault = to.begin(part); fault == nullptr) fault = take(head, to, scratch);
            if (fault != nullptr) result = Io::corrupt;
        }
        if (fault != nullptr) fault_.store(fault);
        if (result != Io::all) break;
        taken += sizeof head + head.body_size;
    }
    if (taken != 0) tell_of_room();
    return result;
}

const char* RingCarrier::take(const ipc::Head& head, Inbox& to, std::span<std::uint8_t> scratch) {
    std::span<std::uint8_t> room = to.room();
    const bool direct = room.size() >= head.body_size;
    reader_->take(head, direct ? room.data() : scratch.data());
    ipc::came_from_the_peer(this);
    if (head.body_size == 0) return nullptr;
    if (direct) return to.filled(head.body_size);
    for (std::size_t at = 0; at < head.body_size;) {
        room = to.room();
        const std::size_t size = std::min<std::size_t>(room.size(), head.body_size - at);
        std::memcpy(room.data(), scratch.data() + at, size);
        at += size;
        if (const char* const fault = to.filled(size)) return fault;
    }
    return nullptr;
}

void RingCarrier::tell_of_room() noexcept {
    full_fence();
    const std::uint32_t waits = peer_room(*memory_).waits.load(std::memory_order_seq_cst);
    if (waits == 0 || waits == room_told_) return;
    room_told_ = waits;
    ring_bell();
}

void RingCarrier::ring_bell() noexcept {
    const char bell = 0;
    // Where no more bells fit, there are enough.
    while (::send(socket_.get(), &bell, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR) {}
}

bool RingCarrier::want_read(bool on) {
    if (!is_mapped()) return on && is_dead();
    memory_->own_page().sleeper.store(++turn_ * ipc::sleeper_turn | (on ? ipc::sleeper_parked : ipc::sleeper_none), std::memory_order_seq_cst);
    full_fence();
    return on && (is_dead() || !reader_->is_empty());
}

Carrier::News RingCarrier::on_events(std::uint32_t, std::uint32_t events) {
    News news;
    char bell[8];
    if (!is_mapped() && (events & EPOLLIN) != 0) {
        if (::recv(socket_.get(), bell, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
            auto memory = ipc::Memory::receive(socket_.get());
            if (memory) map(*std::move(memory));
            else if (memory.error().reason() != "no-memory-map") fault_.store("a greeting of another protocol or version");
        }
        news.readable = news.writable = true;
        news.gone = !is_mapped();
    }
    for (int i = 0; i < bells_at_a_time && !news.gone && (events & EPOLLIN) != 0; ++i) {
        const ssize_t got = ::recv(socket_.get(), bell, sizeof bell, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got <= 0) news.gone = true;
        else news.readable = news.writable = true;
    }
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) news.gone = true;
    if (news.gone) {
        hung_.store(true, std::memory_order_release);
        news.readable = true;
        unwatch();
        wake_own();
    }
    return news;
}

/// Looks for news without sleeping, and at first without the clock, which costs as much as a message. @return Whether there is some.
bool RingCarrier::glance(const Seat& seat) noexcept {
    for (int i = 0; i < 64; ++i) {
        if (!reader_->is_empty() || seat.interrupted.load(std::memory_order_relaxed) != 0) return true;
        ipc::relax();
    }
    return false;
}

bool RingCarrier::spin(const Seat& seat, std::uint64_t until_ns) noexcept {
    do {
        if (glance(seat)) return true;
    } while (now_ns() < until_ns);
    return false;
}

void RingCarrier::sleep(Seat& seat, std::uint64_t until_ns) noexcept {
    auto& sleeper = memory_->own_page().sleeper;
    sleeper.store(++turn_ * ipc::sleeper_turn | ipc::sleeper_reader, std::memory_order_seq_cst);
    full_fence();
    if (reader_->is_empty() && !is_dead() && seat.interrupted.load(std::memory_order_seq_cst) == 0) {
        ipc::futex_wait(tail_word(), static_cast<std::uint32_t>(reader_->position()), ipc::sleeper_reader, std::min(until_ns, coarse_now_ns() + slice_ns), ipc::FutexScope::shared);
    }
    sleeper.store(++turn_ * ipc::sleeper_turn | ipc::sleeper_none, std::memory_order_relaxed);
}

void RingCarrier::wait(Seat& seat, std::uint64_t until_ns) {
    if (!is_mapped()) return; // before the other side's greeting nobody receives
    const std::uint32_t cpu = cpu_now(), theirs = memory_->peer_page().cpu.load(std::memory_order_relaxed);
    if (memory_->own_page().cpu.load(std::memory_order_relaxed) != cpu) memory_->own_page().cpu.store(cpu, std::memory_order_relaxed);
    if (theirs == 0 || theirs == cpu) { // to look would only keep it from running
        sleep(seat, until_ns);
    } else if (!glance(seat)) {
        const std::uint64_t began = now_ns();
        if (!spin(seat, began + spin_ns_)) {
            sleep(seat, until_ns);
            // A short sleep would have been better spent looking, a long one not.
            spin_ns_ = now_ns() - began < spin_worth_ns ? std::min(spin_ns_max, spin_ns_ * 4) : std::max(spin_ns_min, spin_ns_ / 2);
        }
    }
    seat.interrupted.store(0, std::memory_order_relaxed);
}

void RingCarrier::interrupt(Seat& seat) noexcept {
    seat.interrupted.store(1, std::memory_order_seq_cst);
    wake_own();
}

void RingCarrier::wake_own() noexcept {
    if (is_mapped()) ipc::futex_wake(tail_word(), INT_MAX, ipc::futex_any, ipc::FutexScope::shared);
}

void RingCarrier::unwatch() noexcept {
    const std::lock_guard lock(watch_mutex_);
    if (place_ != 0) loop_->remove(std::exchange(place_, 0), socket_.get());
}

void RingCarrier::shut() noexcept {
    if (shut_.exchange(true, std::memory_order_acq_rel)) return;
    ::shutdown(socket_.get(), SHUT_RDWR);
    unwatch();
    wake_own();
}

} // namespace symphony::transport
