// SPDX-License-Identifier: Apache-2.0
// A ring full of anything: the reader must stay inside it, copy what it believes, and stop at the first fault.
#include "message.hpp"
#include "ring.hpp"

#include <cstdlib>
#include <vector>

using namespace symphony;
using namespace symphony::ipc;

namespace {
constexpr std::uint64_t ring_bytes = 16 * 1024;

void expect(bool holds) {
    if (!holds) std::abort();
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 9) return 0;
    auto own = std::make_unique<RingPage>();
    auto peer = std::make_unique<RingPage>();
    const std::vector<std::uint8_t> zeros(ring_bytes);
    auto ring = std::make_unique<std::uint8_t[]>(ring_bytes); // its own block, so that a sanitizer sees its ends
    const bool repair = (data[0] & 1) != 0; // makes heads believable, so that what lies behind them is reached
    std::uint64_t tail;
    std::memcpy(&tail, data + 1, sizeof tail);
    std::memcpy(ring.get(), zeros.data(), ring_bytes);
    std::memcpy(ring.get(), data + 9, std::min<std::size_t>(size - 9, ring_bytes));
    if (repair) {
        tail = 0;
        for (std::uint64_t sequence = 1; tail + sizeof(Head) <= std::min<std::uint64_t>(size - 9, ring_bytes); ++sequence) {
            Head head;
            std::memcpy(&head, ring.get() + tail, sizeof head);
            head.magic = head_magic;
            head.sequence = sequence;
            head.zero = 0;
            head.flags &= flags_known;
            head.kind = static_cast<Kind>(static_cast<std::uint16_t>(head.kind) % kinds + 1);
            head.body_size %= body_inline_max + 1;
            head.buffers %= 64;
            head.checksum = checksum_of(head);
            if (tail + extent_of(head.body_size) > ring_bytes) break;
            std::memcpy(ring.get() + tail, &head, sizeof head);
            tail += extent_of(head.body_size);
        }
    }
    peer->tail.store(tail);
    RingReader reader(*own, *peer, ring.get(), ring_bytes);
    Message message;
    const char* fault = nullptr;
    std::uint64_t read = 0;
    while (reader.peek(message.head, fault)) {
        reader.take(message.head, message.room.data());
        read += extent_of(message.head.body_size);
        expect(read <= ring_bytes && reader.position() == read && own->head.load() == read);
        message.body = message.room.data();
        message.body_size = message.head.body_size;
        BodyReader body(message);
        symphony_error error{};
        if ((message.head.flags & flag_error) != 0) body.error(error);
        expect(error.reason[sizeof error.reason - 1] == 0 && error.message[sizeof error.message - 1] == 0 && error.hint[sizeof error.hint - 1] == 0);
        std::uint64_t sum = 0;
        for (int i = 0; i < 3; ++i) {
            for (const char c : from_c(body.text())) sum += static_cast<std::uint8_t>(c);
        }
        for (std::uint32_t i = 0; i < message.head.buffers && !body.failed(); ++i) {
            const auto row = body.get<BufferRow>();
            for (const std::uint8_t byte : body.bytes(row.offset, row.size)) sum += byte;
        }
        asm volatile("" : : "r"(sum));
    }
    expect(repair ? fault == nullptr && read == tail : fault != nullptr || read == tail);
    return 0;
}
