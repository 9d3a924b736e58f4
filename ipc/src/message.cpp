// SPDX-License-Identifier: Apache-2.0
#include "message.hpp"

#include "link.hpp"

#include <algorithm>

namespace symphony::ipc {
namespace {

/// The owner of a received buffer that lies in the peer's slab. Outlives the link; the memory stays mapped as long as it does.
struct View {
    std::atomic<std::uint64_t> references{1};
    std::shared_ptr<Memory> memory;
    std::shared_ptr<Link::Lifeline> lifeline;
    std::uint32_t block;

    static void retain(void* owner) noexcept { static_cast<View*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }
    static void release(void* owner) noexcept {
        auto* view = static_cast<View*>(owner);
        if (view->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        {
            const std::lock_guard lock(view->lifeline->mutex);
            if (view->lifeline->link != nullptr) view->lifeline->link->give_back(view->block);
        }
        delete view;
    }
    static constexpr symphony_buf_ops ops{sizeof(symphony_buf_ops), 0, &retain, &release};
};

/// Rows, texts and errors are read by kind; numbers of theirs that a peer wrote are checked there.
struct ErrorHead {
    std::int32_t code;
    std::uint32_t retry_after_ms, flags;
    std::uint16_t reason, message, hint, zero;
    std::uint32_t zero2;
};
static_assert(sizeof(ErrorHead) == 24);

} // namespace

// --- reading -----------------------------------------------------------------------------------------------------

void BodyReader::error(symphony_error& out) noexcept {
    out = {};
    out.struct_size = sizeof out;
    const auto head = get<ErrorHead>();
    const std::uint64_t size = std::uint64_t{head.reason} + head.message + head.hint;
    if (head.reason >= sizeof out.reason || head.message >= sizeof out.message || head.hint >= sizeof out.hint || !has(size)) {
        failed_ = true;
        return;
    }
    out.code = head.code;
    out.retry_after_ms = head.retry_after_ms;
    out.flags = head.flags;
    std::memcpy(out.reason, at_, head.reason);
    std::memcpy(out.message, at_ + head.reason, head.message);
    std::memcpy(out.hint, at_ + head.reason + head.message, head.hint);
    skip(size);
}

bool Received::read(Link& link, const Message& message, BodyReader& body) {
    const std::uint32_t count = message.head.buffers;
    if (count > std::size(few_)) many_ = std::make_unique<symphony_buf[]>(count);
    const bool host = link.options().host;
    const std::uint64_t slab_bytes = link.memory().slab_bytes();
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto row = body.get<BufferRow>();
        if (body.failed() || row.place > 1) return false;
        symphony_buf& to = all()[i];
        to = {};
        to.struct_size = sizeof to;
        if (row.place == 0) {
            const Bytes bytes = body.bytes(row.offset, row.size);
            if (body.failed()) return false;
            to.data = bytes.data();
            to.size = bytes.size();
        } else {
            if (row.offset > slab_bytes || row.size > slab_bytes - row.offset) return false;
            const std::uint8_t* data = link.memory().peer_slab() + row.offset;
            if (host && i == 0) {
                // The first one is a record, which is parsed: that is done on memory that stays as it is.
                Buffer copy = Buffer::copy(Bytes(data, row.size));
                link.give_back(row.block);
                to = copy.release();
            } else {
                auto* view = new View{{1}, link.shared_memory(), link.lifeline(), row.block};
                to.data = data;
                to.size = row.size;
                to.owner = view;
                to.ops = &View::ops;
                to.flags = SYMPHONY_BUF_COUNTED | (host ? SYMPHONY_BUF_SHARED_UNTRUSTED : 0u);
            }
            counted_ = true;
        }
        count_ = i + 1;
    }
    return true;
}

symphony_buf Received::release_first() {
    if (count_ == 0) return Buffer::make(0).release();
    symphony_buf& first = all()[0];
    if (first.ops == nullptr) return Buffer::copy(Buffer::bytes_of(first)).release();
    symphony_buf out = first;
    first.ops = nullptr;
    return out;
}

void Received::clear() noexcept {
    if (counted_) {
        for (std::uint32_t i = 0; i < count_; ++i) {
            if (all()[i].ops != nullptr) all()[i].ops->release(all()[i].owner);
        }
    }
    many_.reset();
    count_ = 0;
    counted_ = false;
}

// --- writing -----------------------------------------------------------------------------------------------------

Outgoing::~Outgoing() {
    for (const std::uint32_t block : lent_) static_cast<void>(link_.slab().take_back(block));
}

/// Room for `size` bytes more, rounded to 8 with zeros.
std::uint8_t* Outgoing::grow(std::uint64_t size) {
    const auto rounded = static_cast<std::uint32_t>((size + 7) & ~std::uint64_t{7});
    if (size > body_spilled_max || rounded > body_spilled_max - size_) throw std::bad_alloc();
    if (rounded > room_ - size_) [[unlikely]] {
        const std::uint32_t room = std::max(2 * room_, size_ + rounded);
        if (large_.empty()) {
            large_.assign(small_, small_ + size_);
        }
        large_.resize(room);
        data_ = large_.data();
        room_ = room;
    }
    std::uint8_t* at = data_ + size_;
    if (rounded != size) std::memset(at + rounded - 8, 0, 8);
    size_ += rounded;
    return at;
}

void Outgoing::put_text(std::string_view text) {
    put<std::uint64_t>(text.size());
    std::uint8_t* at = grow(text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
}

void Outgoing::put_error(const symphony_error& error) {
    head.flags |= flag_error;
    // Never more than the writer says there is.
    symphony_error copy{};
    std::memcpy(&copy, &error, std::min<std::size_t>(error.struct_size, sizeof copy));
    const std::string_view reason = read_bounded(copy.reason).substr(0, sizeof copy.reason - 1);
    const std::string_view message = read_bounded(copy.message).substr(0, sizeof copy.message - 1);
    const std::string_view hint = read_bounded(copy.hint).substr(0, sizeof copy.hint - 1);
    put(ErrorHead{copy.code, copy.retry_after_ms, copy.flags, static_cast<std::uint16_t>(reason.size()),
                  static_cast<std::uint16_t>(message.size()), static_cast<std::uint16_t>(hint.size()), 0, 0});
    std::uint8_t* at = grow(reason.size() + message.size() + hint.size());
    std::memcpy(at, reason.data(), reason.size());
    std::memcpy(at + reason.size(), message.data(), message.size());
    std::memcpy(at + reason.size() + message.size(), hint.data(), hint.size());
}

Result<std::uint32_t> Outgoing::block_for(std::uint64_t size, Patience patience, std::uint64_t deadline_ns) {
    Slab& slab = link_.slab();
    std::uint64_t until = 0;
    for (;;) {
        if (const std::uint32_t block = slab.allocate(size); block != 0) return block;
        const std::uint64_t now = now_ns();
        if (until == 0) until = deadline_ns != 0 ? deadline_ns : now + Link::patience_ns;
        if (patience == Patience::none || size > slab.capacity() || now >= until || link_.closed()) {
            return Error(Code::exhausted, "channel-memory",
                         link_.options().peer + ": " + std::to_string(size) + " bytes do not fit into the channel's memory, where " +
                             std::to_string(slab.used()) + " of " + std::to_string(slab.capacity()) + " are in use");
        }
        // Blocks come back through the ring, which we read unless somebody else does.
        Waiter waiter;
        link_.wait(waiter, std::min(until, now + 1'000'000), [] { return false; });
    }
}

Status Outgoing::put_buffers(const symphony_buf* buffers, std::uint32_t count, Patience patience, std::uint64_t deadline_ns) {
    if (count > buffers_max) return Error(Code::invalid_argument, "too-many-buffers", std::to_string(count) + " buffers in one message, at most " + std::to_string(buffers_max) + " are allowed");
    head.buffers = count;
    const std::uint32_t table = size_;
    grow(std::uint64_t{count} * sizeof(BufferRow));
    for (std::uint32_t i = 0; i < count; ++i) {
        const symphony_buf& from = buffers[i];
        BufferRow row;
        row.size = from.data == nullptr ? 0 : from.size;
        if (from.ops == &SlabBuffer::ops && static_cast<const SlabBuffer*>(from.owner)->memory == link_.shared_memory()) {
            const auto& owner = *static_cast<const SlabBuffer*>(from.owner);
            row.place = 1;
            row.block = owner.block;
            row.offset = static_cast<std::uint64_t>(from.data - link_.memory().own_slab());
            link_.slab().lend(row.block);
            lent_.push_back(row.block);
        } else if (row.size <= body_inline_max && size_ + row.size <= body_inline_max) {
            row.offset = size_;
            std::uint8_t* at = grow(row.size);
            if (row.size != 0) std::memcpy(at, from.data, row.size);
        } else {
            row.place = 1;
            row.block = SYMPHONY_TRY(block_for(row.size, patience, deadline_ns));
            row.offset = link_.slab().offset(row.block);
            link_.slab().lend(row.block);
            link_.slab().release(row.block); // the loan holds it
            lent_.push_back(row.block);
            std::memcpy(link_.memory().own_slab() + row.offset, from.data, row.size);
        }
        std::memcpy(data_ + table + std::size_t{i} * sizeof row, &row, sizeof row);
    }
    return {};
}

Status Outgoing::spill(Patience patience, std::uint64_t deadline_ns) {
    BufferRow row;
    row.place = 1;
    row.size = size_;
    row.block = SYMPHONY_TRY(block_for(row.size, patience, deadline_ns));
    row.offset = link_.slab().offset(row.block);
    link_.slab().lend(row.block);
    link_.slab().release(row.block);
    lent_.push_back(row.block);
    std::memcpy(link_.memory().own_slab() + row.offset, data_, size_);
    std::memcpy(data_, &row, sizeof row);
    size_ = sizeof row;
    head.flags |= flag_spilled;
    return {};
}

// --- buffers in the own slab -------------------------------------------------------------------------------------

symphony_status SlabBuffer::make(Link& link, std::uint64_t size, symphony_buf& out) {
    const std::uint32_t block = link.slab().allocate(size);
    if (block == 0) return SYMPHONY_E_EXHAUSTED;
    auto* owner = new SlabBuffer{{1}, link.shared_memory(), link.lifeline(), block};
    out = {};
    out.struct_size = sizeof out;
    out.flags = SYMPHONY_BUF_COUNTED;
    out.data = link.slab().data(block);
    out.size = size;
    out.owner = owner;
    out.ops = &ops;
    return SYMPHONY_OK;
}

void SlabBuffer::retain(void* owner) noexcept { static_cast<SlabBuffer*>(owner)->references.fetch_add(1, std::memory_order_relaxed); }

void SlabBuffer::release(void* owner) noexcept {
    auto* it = static_cast<SlabBuffer*>(owner);
    if (it->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    {
        const std::lock_guard lock(it->lifeline->mutex);
        if (it->lifeline->link != nullptr) it->lifeline->link->slab().release(it->block);
    }
    delete it;
}

const symphony_buf_ops SlabBuffer::ops{sizeof(symphony_buf_ops), 0, &SlabBuffer::retain, &SlabBuffer::release};

} // namespace symphony::ipc
