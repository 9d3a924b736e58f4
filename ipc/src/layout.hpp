// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

/// What lies in the shared memory, byte for byte; docs/channel.md is its written form and a test holds both together.
namespace symphony::ipc {

static_assert(std::endian::native == std::endian::little, "both ends run on one machine; nothing here swaps bytes");

inline constexpr std::uint32_t layout_version = 1;

/// The first page of a ring file. Its owner writes it, the peer only reads it. Fields that change at different times lie on
/// different pairs of cache lines.
struct RingPage {
    alignas(128) std::atomic<std::uint64_t> tail;    ///< end of what the owner has written; its low half is a futex word
    alignas(128) std::atomic<std::uint64_t> head;    ///< end of what the owner has read of the peer's ring
    alignas(128) std::atomic<std::uint32_t> sleeper; ///< turn << 3 | who sleeps: see below
    alignas(128) std::atomic<std::uint32_t> cpu;     ///< where the owner's reader last ran, plus 1; 0 = not known
    alignas(128) std::atomic<std::uint64_t> pong;    ///< the last ping that the owner's reader has seen
};
static_assert(sizeof(RingPage) == 640 && std::is_standard_layout_v<RingPage>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
inline constexpr std::uint64_t ring_data_offset = 4096;

/// `sleeper`: whom a writer has to wake, also the bit mask of the futex wake. The turn changes each time.
inline constexpr std::uint32_t sleeper_none = 0;    ///< somebody is reading
inline constexpr std::uint32_t sleeper_reader = 1;  ///< the thread in the reader's role
inline constexpr std::uint32_t sleeper_parked = 2;  ///< the thread that waits for the role
inline constexpr std::uint32_t sleeper_mask = 3;
inline constexpr std::uint32_t sleeper_returns = 4;  ///< besides, a thread that has just answered looks again at once: what can wait a moment need not wake
inline constexpr std::uint32_t sleeper_turn = 8;

enum class Kind : std::uint16_t {
    request = 1,    ///< run `method` and answer: an instance operation, or a function of a host service
    answer = 2,     ///< to a request; `call` is the request's
    note = 3,       ///< run `method`; nobody waits
    invoke = 4,     ///< begin a call; `call` is the caller's id for it
    returned = 5,   ///< the callee's invoke came back: < 0 ends the call
    emit = 6,       ///< one streamed part
    progress = 7,
    complete = 8,   ///< ends the call with a result
    fail = 9,       ///< ends the call with an error
    accepted = 10,  ///< `value` parts and progresses of the call were taken by the caller
    cancel = 11,    ///< the caller does not want the call any more
    release = 12,   ///< `value` is a slab block of the receiver's that is no longer read
    ping = 13,      ///< answered by storing `value` in the reader's page
    bye = 14,       ///< nothing follows
};
inline constexpr std::uint16_t kinds = 14;

inline constexpr std::uint16_t flag_spilled = 1;    ///< the body is a slab block: block, offset, size
inline constexpr std::uint16_t flag_error = 2;      ///< the body begins with an error
inline constexpr std::uint16_t flag_threw = 4;      ///< status is that of an exception; the error's message is its text
inline constexpr std::uint16_t flag_descriptor = 8; ///< a descriptor for this request waits in the control socket
inline constexpr std::uint16_t flag_cancelled = 16; ///< of invoke: the caller had cancelled it before
inline constexpr std::uint16_t flag_told = 32;      ///< of cancel: the callee's cancel function is to be called
inline constexpr std::uint16_t flag_malformed = 64; ///< of complete and emit: the callee gave a buffer that is none
inline constexpr std::uint16_t flags_known = 127;

/// Every message begins with one, at a multiple of 64 bytes of the ring.
struct Head {
    std::uint32_t magic = 0;
    Kind kind = Kind::note;
    std::uint16_t flags = 0;
    std::uint32_t method = 0;
    std::int32_t status = 0;
    std::uint64_t call = 0;
    std::uint64_t deadline_ns = 0;
    std::uint64_t value = 0;
    std::uint64_t sequence = 0;  ///< 1, 2, 3 ... for a direction
    std::uint32_t body_size = 0; ///< bytes that follow
    std::uint32_t buffers = 0;   ///< in the body's table
    std::uint32_t zero = 0;
    std::uint32_t checksum = 0;  ///< of the other 60 bytes
};
static_assert(sizeof(Head) == 64 && std::is_trivially_copyable_v<Head> && offsetof(Head, checksum) == 60);

inline constexpr std::uint32_t head_magic = 0x314D5953; ///< S Y M 1
inline constexpr std::uint32_t body_inline_max = 4096;
inline constexpr std::uint32_t body_spilled_max = 1u << 20;
inline constexpr std::uint32_t message_align = 64;

/// Finds a ring that went out of step and a writer of another version; against a hostile writer there are the checks of
/// every field. Seven independent multiplications: as fast as reading the head.
inline std::uint32_t checksum_of(const Head& head) noexcept {
    std::array<std::uint64_t, 8> word;
    std::memcpy(word.data(), &head, sizeof head);
    word[7] &= 0xFFFFFFFFu; // not the checksum itself
    constexpr std::array<std::uint64_t, 8> odd{
        0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93,
        0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3};
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < word.size(); ++i) sum += (word[i] ^ (word[i] >> 32)) * odd[i];
    return static_cast<std::uint32_t>(sum >> 32) ^ static_cast<std::uint32_t>(sum);
}

/// One row of the body's table of buffers.
struct BufferRow {
    std::uint32_t place = 0;   ///< 0: in the body, 1: in the sender's slab
    std::uint32_t block = 0;   ///< of the slab, to be released
    std::uint64_t offset = 0;  ///< from the start of the body, or of the slab
    std::uint64_t size = 0;
};
static_assert(sizeof(BufferRow) == 24 && std::is_trivially_copyable_v<BufferRow>);
inline constexpr std::uint32_t buffers_max = 4096;

inline constexpr std::uint32_t calls_max = 4096;   ///< in flight, of a direction
inline constexpr std::uint32_t parts_window = 64;  ///< parts and progresses that the caller has not accepted yet

} // namespace symphony::ipc
