// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layout.hpp"

#include <algorithm>

namespace symphony::ipc {

/// What a message occupies in a ring.
constexpr std::uint64_t extent_of(std::uint32_t body_size) noexcept {
    return (sizeof(Head) + body_size + message_align - 1) & ~std::uint64_t{message_align - 1};
}

/// Keeps the compiler from reading shared memory a second time instead of using the copy.
inline void copied() noexcept { asm volatile("" ::: "memory"); }

/// Writes messages into the ring that this side owns. One thread at a time. Positions are kept here; the peer's is checked.
class RingWriter {
public:
    RingWriter(RingPage& own, const RingPage& peer, std::uint8_t* data, std::uint64_t bytes) noexcept
        : own_(own), peer_(peer), data_(data), mask_(bytes - 1) {}

    /// @return False: not now; look at corrupt().
    bool has_room(std::uint64_t extent) noexcept {
        if (tail_ + extent - head_ <= mask_ + 1) [[likely]] return true;
        const std::uint64_t head = peer_.head.load(std::memory_order_acquire);
        if (head - head_ > tail_ - head_ || head % message_align != 0) { // went back, or ahead of what was written
            corrupt_ = true;
            return false;
        }
        head_ = head;
        return tail_ + extent - head_ <= mask_ + 1;
    }
    std::uint64_t position() const noexcept { return tail_; }
    /// The peer's position cannot be.
    bool corrupt() const noexcept { return corrupt_; }
    /// Whether more than a quarter of the ring waits to be read, as far as we know.
    bool is_filling() const noexcept { return tail_ - head_ > (mask_ + 1) / 4; }

    /// After has_room(). Fills in what every head has, and publishes.
    void write(Head& head, const std::uint8_t* body) noexcept {
        head.magic = head_magic;
        head.sequence = ++sequence_;
        head.checksum = checksum_of(head);
        std::memcpy(data_ + (tail_ & mask_), &head, sizeof head);
        if (head.body_size != 0) {
            const std::uint64_t at = (tail_ + sizeof head) & mask_;
            const std::uint64_t first = std::min<std::uint64_t>(head.body_size, mask_ + 1 - at);
            std::memcpy(data_ + at, body, first);
            if (first != head.body_size) [[unlikely]] std::memcpy(data_, body + first, head.body_size - first);
        }
        tail_ += extent_of(head.body_size);
        own_.tail.store(tail_, std::memory_order_seq_cst); // before the peer's `sleeper` is read
    }

private:
    RingPage& own_;
    const RingPage& peer_;
    std::uint8_t* const data_;
    const std::uint64_t mask_;
    std::uint64_t tail_ = 0, head_ = 0, sequence_ = 0;
    bool corrupt_ = false;
};

/// Reads the peer's ring. One thread at a time. Copies before it looks, and believes nothing.
class RingReader {
public:
    /// @param body_max  Longer bodies are a fault.
    RingReader(RingPage& own, const RingPage& peer, const std::uint8_t* data, std::uint64_t bytes, std::uint32_t body_max = body_inline_max) noexcept
        : own_(own), peer_(peer), data_(data), mask_(bytes - 1), body_max_(body_max) {}

    std::uint64_t position() const noexcept { return head_; }
    bool is_empty() const noexcept { return peer_.tail.load(std::memory_order_acquire) == head_; }

    /// The next message's head. @return False: nothing there, or `fault` says what is wrong with it.
    bool peek(Head& head, const char*& fault) noexcept {
        const std::uint64_t tail = peer_.tail.load(std::memory_order_acquire);
        const std::uint64_t there = tail - head_;
        if (there == 0) return false;
        if (there > mask_ + 1 || tail % message_align != 0) {
            fault = "its ring's position is impossible";
            return false;
        }
        std::memcpy(&head, data_ + (head_ & mask_), sizeof head);
        copied();
        if (head.magic != head_magic || head.checksum != checksum_of(head)) fault = "a message's head is damaged";
        else if (head.sequence != sequence_ + 1) fault = "a message is missing or came twice";
        else if (head.kind < Kind::request || static_cast<std::uint16_t>(head.kind) > kinds || (head.flags & ~flags_known) != 0 || head.zero != 0) fault = "a message's kind is not known";
        else if (head.body_size > body_max_ || head.buffers > buffers_max) fault = "a message is too large";
        else if (extent_of(head.body_size) > there) fault = "a message is longer than what was written";
        return fault == nullptr;
    }

    /// Copies the body of the message that peek() gave, and gives its place back.
    void take(const Head& head, std::uint8_t* body) noexcept {
        if (head.body_size != 0) {
            const std::uint64_t at = (head_ + sizeof head) & mask_;
            const std::uint64_t first = std::min<std::uint64_t>(head.body_size, mask_ + 1 - at);
            std::memcpy(body, data_ + at, first);
            if (first != head.body_size) [[unlikely]] std::memcpy(body + first, data_, head.body_size - first);
            copied();
        }
        ++sequence_;
        head_ += extent_of(head.body_size);
        own_.head.store(head_, std::memory_order_release);
    }

private:
    RingPage& own_;
    const RingPage& peer_;
    const std::uint8_t* const data_;
    const std::uint64_t mask_;
    const std::uint32_t body_max_;
    std::uint64_t head_ = 0, sequence_ = 0;
};

} // namespace symphony::ipc
