// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "layout.hpp"

#include <symphony/abi/base.h>
#include <symphony/bytes.hpp>
#include <symphony/result.hpp>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace symphony::ipc {

class Link;

/// A message that was received, in private memory.
struct Message {
    Head head;
    Message* next = nullptr;               ///< in an inbox
    const std::uint8_t* body = nullptr;
    std::uint32_t body_size = 0;           ///< also of a spilled body, unlike the head's
    std::unique_ptr<std::uint8_t[]> spilled;
    alignas(16) std::array<std::uint8_t, body_inline_max> room;
};

/// Reads a body from its begin. What does not fit reads as zero and sticks in failed().
class BodyReader {
public:
    explicit BodyReader(const Message& message) noexcept
        : start_(message.body), at_(message.body), end_(message.body + message.body_size) {}

    template <class T>
    T get() noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        if (!has(sizeof(T))) return value;
        std::memcpy(&value, at_, sizeof(T));
        skip(sizeof(T));
        return value;
    }
    /// Borrowed from the message.
    symphony_str text() noexcept {
        const auto size = get<std::uint64_t>();
        if (!has(size)) return {nullptr, 0};
        const symphony_str text{reinterpret_cast<const char*>(at_), size};
        skip(size);
        return text;
    }
    void error(symphony_error& out) noexcept;
    Bytes bytes(std::uint64_t offset, std::uint64_t size) noexcept {
        const auto all = static_cast<std::uint64_t>(end_ - start_);
        if (offset > all || size > all - offset) {
            failed_ = true;
            return {};
        }
        return {start_ + offset, static_cast<std::size_t>(size)};
    }
    bool failed() const noexcept { return failed_; }

private:
    bool has(std::uint64_t size) noexcept {
        if (failed_ || size > static_cast<std::uint64_t>(end_ - at_)) failed_ = true;
        return !failed_;
    }
    void skip(std::uint64_t size) noexcept {
        const auto left = static_cast<std::uint64_t>(end_ - at_);
        at_ += std::min(left, (size + 7) & ~std::uint64_t{7});
    }
    const std::uint8_t* start_;
    const std::uint8_t* at_;
    const std::uint8_t* end_;
    bool failed_ = false;
};

/// What a sender does when memory or the ring is full.
enum class Patience : std::uint8_t {
    none,   ///< gives up at once
    some,   ///< waits until the message's deadline, else for some seconds
};

/// A message to be sent. Everything is put in the order in which it is read; each piece begins at a multiple of 8.
class Outgoing {
public:
    Outgoing(Link& link, Kind kind, std::uint64_t call = 0) noexcept : link_(link) {
        head.kind = kind;
        head.call = call;
    }
    Outgoing(const Outgoing&) = delete;
    Outgoing& operator=(const Outgoing&) = delete;
    ~Outgoing();

    Head head;

    /// Comes first, if at all.
    void put_error(const symphony_error& error);
    template <class T>
    void put(const T& value) {
        static_assert(std::is_trivially_copyable_v<T>);
        std::memcpy(grow(sizeof(T)), &value, sizeof(T));
    }
    void put_text(std::string_view text);
    /// Comes last. Small ones go into the body, others into the slab; those that lie in the slab are lent as they are.
    /// @return `exhausted`, with reason `channel-memory`; or `invalid_argument`.
    Status put_buffers(const symphony_buf* buffers, std::uint32_t count, Patience patience, std::uint64_t deadline_ns);

    std::uint8_t* body() noexcept { return data_; }
    std::uint32_t size() const noexcept { return size_; }

    /// For the link: a body that is too large for the ring moves to the slab.
    Status spill(Patience patience, std::uint64_t deadline_ns);
    /// For the link: it is in the ring, and the blocks are the peer's to give back.
    void sent() noexcept { lent_.clear(); }

private:
    std::uint8_t* grow(std::uint64_t size);
    Result<std::uint32_t> block_for(std::uint64_t size, Patience patience, std::uint64_t deadline_ns);

    Link& link_;
    std::uint32_t size_ = 0, room_ = body_inline_max;
    std::uint8_t* data_ = small_;
    std::vector<std::uint8_t> large_;
    std::vector<std::uint32_t> lent_;
    alignas(16) std::uint8_t small_[body_inline_max];
};

/// The buffers of a received message as the C structs that a plugin or the host is given. They are valid while this and the
/// message are; those in the peer's slab are counted, and on the host's side marked as memory that another process changes.
class Received {
public:
    Received() noexcept = default;
    Received(const Received&) = delete;
    Received& operator=(const Received&) = delete;
    ~Received() { clear(); }

    /// @return False: a row names what is not there.
    bool read(Link& link, const Message& message, BodyReader& body);
    const symphony_buf* data() const noexcept { return many_ ? many_.get() : few_; }
    std::uint32_t size() const noexcept { return count_; }
    /// The first one's reference, or an empty buffer.
    symphony_buf release_first();
    void clear() noexcept;

private:
    symphony_buf* all() noexcept { return many_ ? many_.get() : few_; }
    symphony_buf few_[4];
    std::unique_ptr<symphony_buf[]> many_;
    std::uint32_t count_ = 0;
    bool counted_ = false; // some have a reference
};

} // namespace symphony::ipc
