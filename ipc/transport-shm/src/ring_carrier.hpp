// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/transport/carrier.hpp>

#include "memory.hpp"
#include "ring.hpp"

#include <optional>

namespace symphony::transport {

/// In the first page of a ring file, behind what the channel has there: whoever writes the ring says here that it waits for room.
struct RoomWord {
    alignas(128) std::atomic<std::uint32_t> waits;  ///< another number each time; 0: does not
};
inline constexpr std::size_t room_word_offset = 1024;

/// Parts through two rings in sealed memory, as those of the channel (ipc/docs/channel.md), without its slabs. A socket beside them carries
/// the memory first, then single bytes as a doorbell for who sleeps in epoll; its end is the other side's death. A thread that waits in
/// receive sleeps on the ring's futex word instead, after looking a while if the other side runs on another CPU.
class RingCarrier final : public Carrier {
public:
    /// The longest part; the ring holds four of the longest that it gets.
    static constexpr std::uint32_t part_bytes_max = 32 * 1024;

    /// @param memory  Null: it comes over the socket.
    RingCarrier(Fd socket, std::shared_ptr<ipc::Memory> memory);
    ~RingCarrier() override;
    Status attach(Loop& loop, const std::shared_ptr<Loop::Client>& client) override;
    Io flush(Outbox& from) override;
    Io fill(Inbox& to, std::span<std::uint8_t> scratch) override;
    bool want_read(bool on) override;
    bool want_write(bool on) override;
    News on_events(std::uint32_t tag, std::uint32_t events) override;
    void wait(Seat& seat, std::uint64_t until_ns) override;
    void interrupt(Seat& seat) noexcept override;
    void shut() noexcept override;
    const char* fault() const noexcept override { return fault_; }

private:
    static constexpr std::size_t fill_bytes_max = 256 * 1024;  // at a time
    static constexpr std::uint64_t spin_ns_max = 50'000, spin_ns_min = 1'500, spin_worth_ns = 4 * spin_ns_max;
    static constexpr std::uint64_t slice_ns = 100'000'000;  // an interrupt() just before a sleep is noticed so much later

    void map(std::shared_ptr<ipc::Memory> memory);
    bool is_mapped() const noexcept { return mapped_.load(std::memory_order_acquire); }
    bool is_dead() const noexcept { return hung_.load(std::memory_order_acquire) || shut_.load(std::memory_order_acquire); }
    const char* take(const ipc::Head& head, Inbox& to, std::span<std::uint8_t> scratch);
    void wake_reader() noexcept;
    void tell_of_room() noexcept;
    void ring_bell() noexcept;
    void wake_own() noexcept;
    void unwatch() noexcept;
    bool glance(const Seat& seat) noexcept;
    bool spin(const Seat& seat, std::uint64_t until_ns) noexcept;
    void sleep(Seat& seat, std::uint64_t until_ns) noexcept;
    const void* tail_word() const noexcept { return &memory_->peer_page().tail; }

    const Fd socket_;
    std::shared_ptr<ipc::Memory> memory_;
    std::atomic<bool> mapped_{false}, hung_{false}, shut_{false};
    std::atomic<const char*> fault_{nullptr};

    // Writing.
    std::optional<ipc::RingWriter> writer_;
    std::uint32_t part_bytes_ = part_bytes_max;
    std::uint64_t wanted_extent_ = 0;
    std::uint32_t woken_ = 0, room_turn_ = 0;

    // Reading.
    std::optional<ipc::RingReader> reader_;
    std::uint32_t turn_ = 0, room_told_ = 0;
    std::uint64_t spin_ns_ = spin_ns_max;

    std::mutex watch_mutex_;
    Loop* loop_ = nullptr;
    std::uint64_t place_ = 0;  // 0: not watched
};

} // namespace symphony::transport
