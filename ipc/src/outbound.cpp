// SPDX-License-Identifier: Apache-2.0
#include "calls.hpp"

#include <bit>
#include <cstring>
#include <stdexcept>

namespace symphony::ipc {
namespace {

// A slot's word: generation << 32 | these.
constexpr std::uint64_t open_bit = 1;
constexpr std::uint64_t request_bit = 2;
constexpr std::uint64_t returned_bit = 4;  // the callee's invoke has returned, as the peer says
constexpr std::uint64_t ended_bit = 8;     // whoever sets it owns the end; no message may follow
constexpr std::uint64_t dropped_bit = 16;  // of a request: nobody waits for the answer any more
constexpr std::uint64_t sent_bit = 32;     // the peer hears of the call before anything that is sent from now on
constexpr std::uint64_t told_bit = 64;     // the host cancelled it; who sets the later one of these two tells the peer

// Who takes messages out of an inbox.
constexpr std::uint32_t nobody = 0, caller = 1, thread = 2;

constexpr std::uint32_t accept_every = parts_window / 4;
constexpr std::uint64_t given_up_ns = 50'000'000;     // a caller whose call was cancelled, or is late, stays inside so much longer
constexpr std::uint64_t cancel_patience_ns = 50'000'000;

constexpr std::uint32_t generation_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32); }

} // namespace

/// What happened to a call while its caller was inside invoke().
struct Outbound::Parts {
    bool over = false, returned = false, threw = false;
    symphony_status status = SYMPHONY_OK;
    symphony_error error{};
};

struct alignas(128) Outbound::Slot {
    std::atomic<std::uint64_t> word{std::uint64_t{1} << 32};
    std::uint32_t index = 0;
    std::atomic<std::uint32_t> drainer{nobody};
    std::atomic<Message*> inbox{nullptr};
    Waiter waiter;
    std::atomic<symphony_handle> caller_id{0};
    const symphony_call_ops* ops = nullptr;
    void* ctx = nullptr;
    Parts* inside = nullptr;     // of the caller; only its own thread uses it
    bool detached = false;
    std::uint32_t taken = 0;     // parts since the last message about them
    std::atomic<std::uint32_t> parts{0};
    std::atomic<std::uint64_t> cancelled_at{0};
    std::atomic<bool> flagged{false};

    /// Sets `bits` while the call of that generation is open and not ended. @return The word before, or 0.
    std::uint64_t mark(std::uint32_t generation, std::uint64_t bits) noexcept {
        std::uint64_t seen = word.load(std::memory_order_acquire);
        do {
            if (generation_of(seen) != generation || (seen & (open_bit | ended_bit)) != open_bit) return 0;
        } while (!word.compare_exchange_weak(seen, seen | bits, std::memory_order_seq_cst, std::memory_order_acquire));
        return seen;
    }
    /// Takes the end of the call. @return False: it has an owner.
    bool take_end() noexcept { return mark(generation_of(word.load(std::memory_order_relaxed)), ended_bit) != 0; }
    std::uint64_t id() const noexcept { return (word.load(std::memory_order_relaxed) & ~std::uint64_t{0xFFFFFFFF}) | index; }
};

Outbound::~Outbound() {
    for (auto& slots : slots_) {
        Slot* all = slots.load();
        if (all == nullptr) continue;
        for (std::uint32_t i = 0; i < chunk; ++i) {
            for (Message* left = all[i].inbox.load(); left != nullptr;) delete std::exchange(left, left->next);
        }
        delete[] all;
    }
}

Outbound::Slot* Outbound::open(bool request) {
    for (std::uint32_t w = 0; w < used_.size(); ++w) {
        std::uint64_t bits = used_[w].load(std::memory_order_relaxed);
        while (~bits != 0) {
            const auto bit = static_cast<std::uint32_t>(std::countr_one(bits));
            if (!used_[w].compare_exchange_weak(bits, bits | std::uint64_t{1} << bit, std::memory_order_seq_cst)) continue;
            Slot* slots = slots_[w].load(std::memory_order_acquire);
            if (slots == nullptr) [[unlikely]] {
                auto* made = new Slot[chunk];
                for (std::uint32_t i = 0; i < chunk; ++i) made[i].index = w * chunk + i;
                if (slots_[w].compare_exchange_strong(slots, made, std::memory_order_acq_rel, std::memory_order_acquire)) slots = made;
                else delete[] made;
            }
            Slot& slot = slots[bit];
            slot.drainer.store(caller, std::memory_order_relaxed);
            slot.ops = nullptr;
            slot.inside = nullptr;
            slot.detached = false;
            slot.taken = 0;
            slot.parts.store(0, std::memory_order_relaxed);
            slot.cancelled_at.store(0, std::memory_order_relaxed);
            slot.flagged.store(false, std::memory_order_relaxed);
            const std::uint64_t word = slot.word.load(std::memory_order_relaxed);
            slot.word.store(word | open_bit | (request ? request_bit : 0), std::memory_order_release);
            return &slot;
        }
    }
    return nullptr;
}

Outbound::Slot* Outbound::find(std::uint64_t call) const noexcept {
    const auto index = static_cast<std::uint32_t>(call);
    if (index >= calls_max) return nullptr;
    Slot* slots = slots_[index / chunk].load(std::memory_order_acquire);
    return slots == nullptr ? nullptr : &slots[index % chunk];
}

void Outbound::close(Slot& slot) noexcept {
    if (slot.detached) detached_.fetch_sub(1, std::memory_order_relaxed);
    for (Message* left = slot.inbox.exchange(nullptr, std::memory_order_acquire); left != nullptr;) link_.give(std::exchange(left, left->next));
    std::uint32_t generation = generation_of(slot.word.load(std::memory_order_relaxed)) + 1;
    if (generation == 0) generation = 1;
    slot.word.store(std::uint64_t{generation} << 32, std::memory_order_release);
    used_[slot.index / chunk].fetch_and(~(std::uint64_t{1} << slot.index % chunk), std::memory_order_release);
}

template <class Do>
void Outbound::for_each_open(Do act) const {
    for (std::uint32_t w = 0; w < used_.size(); ++w) {
        Slot* slots = slots_[w].load(std::memory_order_acquire);
        if (slots == nullptr) continue;
        for (std::uint64_t bits = used_[w].load(std::memory_order_seq_cst); bits != 0; bits &= bits - 1) {
            Slot& slot = slots[std::countr_zero(bits)];
            if ((slot.word.load(std::memory_order_seq_cst) & open_bit) != 0) act(slot);
        }
    }
}

Error Outbound::reason() const {
    const std::lock_guard lock(reason_mutex_);
    return reason_ ? *reason_ : link_.why_closed();
}

// --- messages ----------------------------------------------------------------------------------------------------

void Outbound::push(Slot& slot, Message* message) noexcept {
    Message* head = slot.inbox.load(std::memory_order_relaxed);
    do message->next = head;
    while (!slot.inbox.compare_exchange_weak(head, message, std::memory_order_seq_cst, std::memory_order_relaxed));
}

/// After push(). @return A task when nobody is there to take it out.
Task Outbound::notify(Slot& slot) {
    slot.waiter.signal();
    std::uint32_t who = nobody;
    if (slot.drainer.load(std::memory_order_seq_cst) != nobody || !slot.drainer.compare_exchange_strong(who, thread, std::memory_order_seq_cst)) return {};
    return {[](void* self, void* what) { static_cast<Outbound*>(self)->drain_detached(*static_cast<Slot*>(what)); }, this, &slot};
}

bool Outbound::on_message(Message*& message, Task& task) {
    const Head& head = message->head;
    Slot* slot = find(head.call);
    if (slot == nullptr) return false;
    std::uint64_t word = slot->word.load(std::memory_order_acquire);
    if (generation_of(word) != static_cast<std::uint32_t>(head.call >> 32) || (word & open_bit) == 0) return false;
    if ((word & ended_bit) != 0) return link_.closed();
    if (((word & request_bit) != 0) != (head.kind == Kind::answer)) return false;
    bool ends = true;
    switch (head.kind) {
    case Kind::answer:
    case Kind::complete:
    case Kind::fail: break;
    case Kind::returned:
        word = slot->mark(generation_of(word), returned_bit);
        if ((word & returned_bit) != 0) return false;
        ends = head.status < 0;
        break;
    case Kind::emit:
    case Kind::progress:
        if (slot->parts.fetch_add(1, std::memory_order_relaxed) >= parts_window) return false;
        ends = false;
        break;
    default: return false;
    }
    if (ends) {
        word = slot->mark(static_cast<std::uint32_t>(head.call >> 32), ended_bit);
        if (word == 0) return true; // end_all() was faster
        if ((word & dropped_bit) != 0) {
            close(*slot);
            return true;
        }
    }
    push(*slot, std::exchange(message, nullptr));
    task = notify(*slot);
    return true;
}

/// Delivers what is in the inbox. @return The call is over, and the slot somebody else's.
bool Outbound::drain(Slot& slot) {
    Message* newest = slot.inbox.exchange(nullptr, std::memory_order_acquire);
    if (newest != nullptr && newest->next == nullptr) [[likely]] {
        const bool over = deliver(slot, *newest);
        link_.give(newest);
        return over;
    }
    Message* oldest = nullptr;
    while (newest != nullptr) {
        Message* next = newest->next;
        newest->next = oldest;
        oldest = std::exchange(newest, next);
    }
    bool over = false;
    while (oldest != nullptr) {
        Message* next = oldest->next;
        if (!over) over = deliver(slot, *oldest);
        link_.give(std::exchange(oldest, next));
    }
    return over;
}

void Outbound::drain_detached(Slot& slot) {
    for (;;) {
        if (drain(slot)) return;
        slot.drainer.store(nobody, std::memory_order_seq_cst);
        std::uint32_t who = nobody;
        if (slot.inbox.load(std::memory_order_seq_cst) == nullptr || !slot.drainer.compare_exchange_strong(who, thread, std::memory_order_seq_cst)) return;
    }
}

/// @return The call is over.
bool Outbound::deliver(Slot& slot, Message& message) {
    const Head& head = message.head;
    const symphony_handle id = slot.caller_id.load(std::memory_order_relaxed);
    const symphony_call_ops* ops = slot.ops;
    void* ctx = slot.ctx;
    BodyReader body(message);
    symphony_error error{};
    error.struct_size = sizeof error;
    const bool has_error = (head.flags & flag_error) != 0;
    if (has_error) body.error(error);
    const symphony_buf none{}; // what a callee that gives no buffer gave
    const auto finish = [&](auto deliver_end) {
        ended_.fetch_add(1, std::memory_order_relaxed);
        if (slot.inside != nullptr) slot.inside->over = true;
        close(slot); // first: the caller may begin the next call in its callback
        deliver_end();
        return true;
    };
    const auto fail_with = [&](const Error& why) {
        return finish([&] {
            symphony_error said{};
            to_c(why, &said);
            ops->fail(ctx, id, &said);
        });
    };
    try {
        switch (head.kind) {
        case Kind::complete: {
            if ((head.flags & flag_malformed) != 0) return finish([&] { ops->complete(ctx, id, &none, 1); });
            Received buffers;
            if (!buffers.read(link_, message, body)) break;
            return finish([&] { ops->complete(ctx, id, buffers.data(), buffers.size()); });
        }
        case Kind::fail:
            if (body.failed()) break;
            return finish([&] { ops->fail(ctx, id, has_error ? &error : nullptr); });
        case Kind::emit: {
            Received buffers;
            const bool malformed = (head.flags & flag_malformed) != 0;
            if (!malformed && !buffers.read(link_, message, body)) break;
            if (callable(ops, &symphony_call_ops::emit)) ops->emit(ctx, id, malformed ? &none : buffers.data(), malformed ? 1 : buffers.size());
        }
            [[fallthrough]];
        case Kind::progress: {
            if (head.kind == Kind::progress) {
                const symphony_str note = body.text();
                if (body.failed()) break;
                if (callable(ops, &symphony_call_ops::progress)) ops->progress(ctx, id, static_cast<std::uint32_t>(std::min<std::uint64_t>(head.value, 1000)), note);
            }
            slot.parts.fetch_sub(1, std::memory_order_relaxed);
            if (++slot.taken >= accept_every) {
                Outgoing accepted(link_, Kind::accepted, slot.id());
                accepted.head.value = std::exchange(slot.taken, 0);
                static_cast<void>(link_.send(accepted));
            }
            return false;
        }
        case Kind::returned: {
            if (body.failed()) break;
            const bool threw = (head.flags & flag_threw) != 0;
            if (head.status >= 0) {
                if (slot.inside != nullptr) slot.inside->returned = true;
                return false;
            }
            if (slot.inside == nullptr) { // its invoke was left already, so the caller has to hear it this way
                if (has_error) {
                    error.code = error.code < 0 ? error.code : head.status;
                    return finish([&] { ops->fail(ctx, id, &error); });
                }
                return fail_with(Error(static_cast<Code>(std::max(head.status, SYMPHONY_E_REFUSED)), "call-refused", link_.options().peer + ": refused a call"));
            }
            Parts& inside = *slot.inside;
            return finish([&] {
                inside.status = head.status;
                inside.threw = threw;
                inside.error = error;
            });
        }
        case Kind::bye: return fail_with(reason()); // our own: see end_all()
        default: break;
        }
    } catch (const std::bad_alloc&) {
        if ((slot.word.load(std::memory_order_relaxed) & ended_bit) != 0) return fail_with(Error(Code::exhausted, "out of memory"));
        return false;
    }
    link_.break_off("a message's body is not of its kind");
    return (slot.word.load(std::memory_order_relaxed) & ended_bit) != 0 ? fail_with(reason()) : false;
}

// --- the caller's side -------------------------------------------------------------------------------------------

symphony_status Outbound::invoke(std::uint64_t target, const symphony_call& call, symphony_handle* call_out, symphony_error* error) {
    Slot* const slot = open(false);
    if (slot == nullptr) [[unlikely]] return to_c(Error(Code::exhausted, "too-many-calls", link_.options().peer + ": " + std::to_string(calls_max) + " calls are in flight"), error);
    Parts inside;
    slot->caller_id.store(call.id, std::memory_order_relaxed);
    slot->ops = call.ops;
    slot->ctx = call.ctx;
    slot->inside = &inside;
    const std::uint64_t id = slot->id();
    if (call_out != nullptr) std::atomic_ref(*call_out).store(id, std::memory_order_release); // another thread may cancel by it
    bool has_role = false;
    const bool has_cancelled = callable(call.ops, &symphony_call_ops::cancelled);
    {
        Outgoing message(link_, Kind::invoke, id);
        message.head.method = call.method;
        message.head.deadline_ns = call.deadline_ns;
        message.head.value = target;
        if (has_cancelled && call.ops->cancelled(call.ctx, call.id) != 0) {
            message.head.flags |= flag_cancelled;
            slot->flagged.store(true, std::memory_order_relaxed);
        }
        Status sent;
        try {
            message.put(InvokeHead{call.trace_hi, call.trace_lo});
            message.put_text(from_c(call.port));
            sent = message.put_buffers(call.args, call.arg_count, Patience::some, call.deadline_ns);
            if (sent) sent = link_.send_and_wait(message, has_role);
        } catch (const std::bad_alloc&) {
            sent = Error(Code::exhausted, "out of memory");
        }
        if (!sent) [[unlikely]] {
            link_.wait_not(std::exchange(has_role, false));
            if (slot->take_end()) {
                close(*slot);
                return to_c(link_.closed() ? reason() : sent.error(), error);
            }
        } else if (link_.closed()) [[unlikely]] { // end_all() may have missed us
            link_.wait_not(std::exchange(has_role, false));
            if (slot->take_end()) {
                close(*slot);
                return to_c(reason(), error);
            }
        }
        if ((slot->mark(generation_of(id), sent_bit) & told_bit) != 0) [[unlikely]] {
            link_.wait_not(std::exchange(has_role, false)); // sending may wait
            send_cancel(id, true);
        }
    }
    for (unsigned looks = 0;;) {
        const bool news = link_.wait(slot->waiter, 0, [slot] { return slot->inbox.load(std::memory_order_seq_cst) != nullptr; }, std::exchange(has_role, false));
        if (drain(*slot)) [[likely]] {
            if (inside.status >= 0) return SYMPHONY_OK;
            if (inside.threw) {
                const std::string what(read_bounded(inside.error.message));
                if (what.empty()) throw what;
                throw std::runtime_error(what);
            }
            if (error != nullptr) {
                const std::uint32_t room = error->struct_size != 0 ? error->struct_size : sizeof inside.error;
                if (inside.error.code != 0) std::memcpy(error, &inside.error, std::min<std::size_t>(room, sizeof inside.error));
            }
            return inside.status;
        }
        if (news && !inside.returned && ++looks % 64 != 0) continue;
        if (!inside.returned) {
            poll_cancelled(*slot);
            const std::uint64_t now = now_ns();
            const std::uint64_t cancelled_at = slot->cancelled_at.load(std::memory_order_relaxed);
            const bool late = call.deadline_ns != 0 && now > call.deadline_ns && now - call.deadline_ns > given_up_ns;
            const bool cancelled = cancelled_at != 0 && now > cancelled_at && now - cancelled_at > given_up_ns;
            if (!late && !cancelled) continue;
        }
        // From here on a thread of the link takes its messages out.
        slot->inside = nullptr;
        slot->detached = true;
        detached_.fetch_add(1, std::memory_order_relaxed);
        slot->drainer.store(nobody, std::memory_order_seq_cst);
        std::uint32_t who = nobody;
        if (slot->inbox.load(std::memory_order_seq_cst) != nullptr && slot->drainer.compare_exchange_strong(who, thread, std::memory_order_seq_cst)) {
            link_.post({[](void* self, void* what) { static_cast<Outbound*>(self)->drain_detached(*static_cast<Slot*>(what)); }, this, slot});
        }
        return SYMPHONY_OK;
    }
}

/// For a call whose messages nobody else takes out now.
bool Outbound::poll_cancelled(Slot& slot) {
    if (slot.flagged.load(std::memory_order_relaxed) || !callable(slot.ops, &symphony_call_ops::cancelled)) return false;
    if (slot.ops->cancelled(slot.ctx, slot.caller_id.load(std::memory_order_relaxed)) == 0) return false;
    slot.flagged.store(true, std::memory_order_relaxed);
    send_cancel(slot.id(), false);
    return true;
}

void Outbound::send_cancel(std::uint64_t call, bool told) {
    Outgoing message(link_, Kind::cancel, call);
    message.head.flags = told ? flag_told : 0;
    message.head.deadline_ns = now_ns() + cancel_patience_ns;
    static_cast<void>(link_.send(message)); // a peer that does not read it is overdue soon
}

void Outbound::cancel(symphony_handle call) {
    Slot* slot = find(call);
    if (slot == nullptr) return;
    if ((slot->word.load(std::memory_order_acquire) & request_bit) != 0) return;
    const std::uint64_t before = slot->mark(generation_of(call), told_bit);
    if (before == 0 || (before & told_bit) != 0) return;
    slot->cancelled_at.store(now_ns(), std::memory_order_relaxed);
    if ((before & sent_bit) != 0) send_cancel(call, true); // else invoke() does
}

void Outbound::cancel_by_caller_id(symphony_handle id) {
    for_each_open([&](Slot& slot) {
        const std::uint64_t call = slot.id();
        if (slot.caller_id.load(std::memory_order_relaxed) == id) cancel(call);
    });
}

Result<Message*> Outbound::ask(Outgoing& request, std::uint64_t until_ns) {
    Slot* const slot = open(true);
    if (slot == nullptr) return Error(Code::exhausted, "too-many-calls", link_.options().peer + ": " + std::to_string(calls_max) + " calls are in flight");
    request.head.call = slot->id();
    bool has_role = false;
    const Status sent = link_.send_and_wait(request, has_role);
    if (!sent || link_.closed()) {
        link_.wait_not(std::exchange(has_role, false));
        if (slot->take_end()) {
            close(*slot);
            return link_.closed() ? reason() : sent.error();
        }
    }
    const auto there = [slot] { return slot->inbox.load(std::memory_order_seq_cst) != nullptr; };
    while (has_role || !there()) {
        if (link_.wait(slot->waiter, until_ns == ~std::uint64_t{0} ? 0 : until_ns, there, std::exchange(has_role, false))) break;
        if (now_ns() < until_ns) continue;
        if (slot->mark(generation_of(slot->word.load(std::memory_order_relaxed)), dropped_bit) != 0) {
            return Error(Code::deadline, link_.options().peer + ": its process did not answer in time");
        }
        while (!there()) std::this_thread::yield(); // it is on its way into the inbox
    }
    Message* message = slot->inbox.exchange(nullptr, std::memory_order_acquire);
    close(*slot);
    if (message->head.kind != Kind::bye) return message;
    link_.give(message);
    return reason();
}

// --- the link's side ---------------------------------------------------------------------------------------------

void Outbound::on_tick() {
    for_each_open([this](Slot& slot) {
        std::uint32_t who = nobody; // only a detached call, whose ops are valid while we hold its inbox
        if ((slot.word.load(std::memory_order_relaxed) & request_bit) != 0 || !slot.drainer.compare_exchange_strong(who, thread, std::memory_order_seq_cst)) return;
        if ((slot.word.load(std::memory_order_acquire) & (open_bit | ended_bit)) == open_bit) poll_cancelled(slot);
        drain_detached(slot);
    });
}

void Outbound::remember(const Error& why) {
    const std::lock_guard lock(reason_mutex_);
    if (!reason_) reason_ = why;
}

void Outbound::end_all(const Error& why) {
    remember(why);
    for_each_open([this](Slot& slot) {
        // A bye of our own is the last message; it goes the way of all, so nothing overtakes or doubles.
        Message* message = link_.take_message();
        message->head = {};
        message->head.kind = Kind::bye;
        message->body_size = 0;
        const std::uint64_t word = slot.mark(generation_of(slot.word.load(std::memory_order_relaxed)), ended_bit);
        if (word == 0) {
            link_.give(message);
        } else if ((word & dropped_bit) != 0) {
            close(slot);
            link_.give(message);
        } else {
            push(slot, message);
            if (const Task task = notify(slot)) task.run(task.self, task.what);
        }
    });
}

std::size_t Outbound::in_flight() const noexcept {
    std::size_t count = 0;
    for_each_open([&](const Slot& slot) { count += (slot.word.load(std::memory_order_relaxed) & request_bit) == 0 ? 1 : 0; });
    return count;
}

bool Outbound::overdue(std::uint64_t grace_ns) const noexcept {
    const std::uint64_t now = now_ns();
    bool found = false;
    for_each_open([&](const Slot& slot) {
        const std::uint64_t at = slot.cancelled_at.load(std::memory_order_relaxed);
        if (at != 0 && now > at && now - at > grace_ns && (slot.word.load(std::memory_order_relaxed) & ended_bit) == 0) found = true;
    });
    return found;
}

} // namespace symphony::ipc
