// SPDX-License-Identifier: Apache-2.0
#include "calls.hpp"

#include <chrono>
#include <exception>
#include <thread>

namespace symphony::ipc {
namespace {

// A call's word: generation << 32 | pins and these. A call can be used again when nothing of it is held.
constexpr std::uint64_t pin_one = 1;
constexpr std::uint64_t pins = 0xFFFF;             // parts and news on their way; an end waits for them
constexpr std::uint64_t open_bit = 1u << 16;       // the callee owes an end
constexpr std::uint64_t inside_bit = 1u << 17;     // the callee's invoke runs, or will
constexpr std::uint64_t ending_bit = 1u << 18;     // the end is being sent
constexpr std::uint64_t telling_bit = 1u << 19;    // the callee's cancel function runs, or will
constexpr std::uint64_t told_bit = 1u << 20;       // history
constexpr std::uint64_t held = pins | open_bit | inside_bit | ending_bit | telling_bit;

constexpr std::uint32_t generation_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 32); }

bool well_formed(const symphony_buf* buffers, std::uint32_t count) noexcept {
    if (count != 0 && buffers == nullptr) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (buffers[i].struct_size < sizeof(symphony_buf) || (buffers[i].data == nullptr && buffers[i].size != 0)) return false;
    }
    return true;
}

/// The call whose invoke this thread is in, innermost.
thread_local const void* inside_call = nullptr;

struct Inside {
    const void* outer;
    explicit Inside(const void* call) : outer(std::exchange(inside_call, call)) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { inside_call = outer; }
};

} // namespace

struct alignas(128) Inbound::Call {
    std::atomic<std::uint64_t> word{std::uint64_t{1} << 32};
    std::uint32_t index = 0;
    std::atomic<std::uint64_t> peer_id{0};
    std::atomic<std::uint64_t> deadline_ns{0};
    std::atomic<std::uint32_t> cancelled{0};
    std::atomic<std::uint32_t> credits{0};
    std::atomic<symphony_handle> call_out{0};
    Waiter waiter;
    Message* message = nullptr;
    Received args;

    symphony_handle id() const noexcept { return (word.load(std::memory_order_relaxed) & ~std::uint64_t{0xFFFFFFFF}) | index; }
};

const symphony_call_ops Inbound::ops{sizeof(symphony_call_ops), 0, &on_complete, &on_fail, &on_emit, &on_progress, &on_cancelled};

Inbound::~Inbound() {
    for (auto& calls : calls_) {
        Call* all = calls.load();
        for (std::uint32_t i = 0; all != nullptr && i < chunk; ++i) delete all[i].message;
        delete[] all;
    }
}

Inbound::Call* Inbound::take() {
    const std::lock_guard lock(free_lock_);
    if (free_.empty()) {
        if (made_ == calls_max) return nullptr;
        auto* made = new Call[chunk];
        calls_[made_ / chunk].store(made, std::memory_order_release);
        free_.reserve(calls_max);
        for (std::uint32_t i = chunk; i-- > 0;) {
            made[i].index = made_ + i;
            free_.push_back(made_ + i);
        }
        made_ += chunk;
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return &calls_[index / chunk].load(std::memory_order_relaxed)[index % chunk];
}

Inbound::Call* Inbound::find(symphony_handle id) const noexcept {
    const auto index = static_cast<std::uint32_t>(id);
    if (index >= calls_max) return nullptr;
    Call* calls = calls_[index / chunk].load(std::memory_order_acquire);
    return calls == nullptr ? nullptr : &calls[index % chunk];
}

/// After something was taken away from the word.
void Inbound::settle(Call& call, std::uint64_t word) noexcept {
    if ((word & held) != 0) return;
    std::uint32_t generation = generation_of(word) + 1;
    if (generation == 0) generation = 1;
    call.word.store(std::uint64_t{generation} << 32, std::memory_order_release);
    const std::lock_guard lock(free_lock_);
    free_.push_back(call.index);
}

bool Inbound::pin(Call& call, symphony_handle id) noexcept {
    std::uint64_t word = call.word.load(std::memory_order_acquire);
    do {
        if (generation_of(word) != static_cast<std::uint32_t>(id >> 32) || (word & open_bit) == 0 || (word & pins) == pins) return false;
    } while (!call.word.compare_exchange_weak(word, word + pin_one, std::memory_order_acq_rel, std::memory_order_acquire));
    return true;
}

void Inbound::unpin(Call& call) noexcept { settle(call, call.word.fetch_sub(pin_one, std::memory_order_acq_rel) - pin_one); }

/// Takes the end, and waits for parts that are on their way. @return False: there is none to take.
bool Inbound::begin_end(Call& call, symphony_handle id) noexcept {
    std::uint64_t word = call.word.load(std::memory_order_acquire);
    do {
        if (generation_of(word) != static_cast<std::uint32_t>(id >> 32) || (word & open_bit) == 0) return false;
    } while (!call.word.compare_exchange_weak(word, (word & ~open_bit) | ending_bit, std::memory_order_acq_rel, std::memory_order_acquire));
    while ((call.word.load(std::memory_order_acquire) & pins) != 0) {
        call.waiter.signal();
        std::this_thread::yield();
    }
    return true;
}

/// After begin_end().
void Inbound::send_end(Call& call, Outgoing& end) noexcept {
    // Its place is free before the peer hears of the end and uses it again.
    known_[static_cast<std::uint32_t>(call.peer_id.load(std::memory_order_relaxed))].store(nullptr, std::memory_order_release);
    if (inside_call == &call) link_.about_to_answer();
    if (const Status sent = link_.send(end); !sent && !link_.closed()) link_.break_off("it does not read what it is sent");
    settle(call, call.word.fetch_and(~ending_bit, std::memory_order_acq_rel) & ~ending_bit);
}

// --- what the peer sends -----------------------------------------------------------------------------------------

bool Inbound::on_message(Message*& message, Task& task) {
    const Head& head = message->head;
    const auto index = static_cast<std::uint32_t>(head.call);
    const auto generation = static_cast<std::uint32_t>(head.call >> 32);
    if (index >= calls_max || generation == 0) return false;
    Call* known = known_[index].load(std::memory_order_seq_cst);
    switch (head.kind) {
    case Kind::invoke: {
        if (known != nullptr || generation == generation_[index]) return false;
        Call* call = take();
        if (call == nullptr) return false; // ends free their places before they are told
        generation_[index] = generation;
        call->peer_id.store(head.call, std::memory_order_relaxed);
        call->deadline_ns.store(head.deadline_ns, std::memory_order_relaxed);
        call->cancelled.store((head.flags & flag_cancelled) != 0 ? 1 : 0, std::memory_order_relaxed);
        call->credits.store(parts_window, std::memory_order_relaxed);
        call->call_out.store(0, std::memory_order_relaxed);
        call->message = std::exchange(message, nullptr);
        const std::uint64_t word = call->word.load(std::memory_order_relaxed);
        call->word.store((word & ~std::uint64_t{0xFFFFFFFF}) | open_bit | inside_bit, std::memory_order_release);
        known_[index].store(call, std::memory_order_release);
        task = {[](void* self, void* what) {
            auto& inbound = *static_cast<Inbound*>(self);
            if (inbound.callee_.is_serial()) inbound.run_serially(*static_cast<Call*>(what));
            else inbound.run(*static_cast<Call*>(what));
        }, this, call};
        return true;
    }
    case Kind::cancel: {
        if (known == nullptr || known->peer_id.load(std::memory_order_relaxed) != head.call) return true; // it has just ended
        known->cancelled.store(1, std::memory_order_release);
        if ((head.flags & flag_told) == 0) return true;
        std::uint64_t word = known->word.load(std::memory_order_acquire);
        do {
            if ((word & open_bit) == 0 || (word & told_bit) != 0) return true;
        } while (!known->word.compare_exchange_weak(word, word | telling_bit | told_bit, std::memory_order_acq_rel, std::memory_order_acquire));
        task = {[](void* self, void* what) {
            static_cast<Inbound*>(self)->tell(*static_cast<Call*>(what));
        }, this, known};
        visits_.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
    case Kind::accepted:
        if (known == nullptr || known->peer_id.load(std::memory_order_relaxed) != head.call) return true;
        if (head.value == 0 || head.value > parts_window) return false;
        if (known->credits.fetch_add(static_cast<std::uint32_t>(head.value), std::memory_order_seq_cst) + head.value > parts_window) return false;
        known->waiter.signal();
        return true;
    default: return false;
    }
}

/// One at a time; those that come meanwhile wait without a thread.
void Inbound::run_serially(Call& first) {
    {
        const std::lock_guard lock(turn_mutex_);
        if (running_) {
            turn_.push_back(&first);
            return;
        }
        running_ = true;
    }
    for (Call* call = &first;;) {
        run(*call);
        const std::lock_guard lock(turn_mutex_);
        if (turn_.empty()) {
            running_ = false;
            return;
        }
        call = turn_.front();
        turn_.pop_front();
    }
}

void Inbound::run(Call& call) {
    const symphony_handle id = call.id();
    Message& message = *call.message;
    BodyReader body(message);
    const auto start = body.get<InvokeHead>();
    symphony_call out{};
    out.struct_size = sizeof out;
    out.method = message.head.method;
    out.id = id;
    out.deadline_ns = message.head.deadline_ns;
    out.trace_hi = start.trace_hi;
    out.trace_lo = start.trace_lo;
    out.ctx = this;
    out.ops = &ops;
    out.port = body.text();
    symphony_status status = SYMPHONY_E_DATA_CORRUPT;
    symphony_error error{};
    error.struct_size = sizeof error;
    std::uint16_t threw = 0;
    visits_.fetch_add(1, std::memory_order_relaxed);
    try {
        if (body.failed() || !call.args.read(link_, message, body)) {
            link_.break_off("a call's body is not one");
        } else {
            out.args = call.args.data();
            out.arg_count = call.args.size();
            static_assert(sizeof(std::atomic<symphony_handle>) == sizeof(symphony_handle));
            const Inside inside(&call);
            status = callee_.enter(message.head.value, out, reinterpret_cast<symphony_handle*>(&call.call_out), error);
        }
    } catch (const std::exception& thrown) {
        threw = flag_threw;
        status = SYMPHONY_E_PLUGIN_FAILED;
        copy_cut(error.message, thrown.what());
        error.code = status;
    } catch (...) {
        threw = flag_threw;
        status = SYMPHONY_E_PLUGIN_FAILED;
        error.message[0] = '\0';
        error.code = status;
    }
    visits_.fetch_sub(1, std::memory_order_release);
    call.args.clear();
    link_.give(std::exchange(call.message, nullptr));
    if (status >= 0) {
        if (pin(call, id)) { // not ended yet: the peer's caller may go on
            Outgoing returned(link_, Kind::returned, call.peer_id.load(std::memory_order_relaxed));
            if (const Status sent = link_.send(returned); !sent && !link_.closed()) link_.break_off("it does not read what it is sent");
            unpin(call);
        }
    } else if (begin_end(call, id)) {
        Outgoing returned(link_, Kind::returned, call.peer_id.load(std::memory_order_relaxed));
        returned.head.status = status;
        returned.head.flags = threw;
        if (error.code != 0) returned.put_error(error);
        send_end(call, returned);
    } else if (threw != 0) {
        callee_.misuse("plugin-threw", read_bounded(error.message));
    } else {
        callee_.misuse("ended-and-refused", "ended a call and then returned an error from invoke");
    }
    settle(call, call.word.fetch_and(~inside_bit, std::memory_order_acq_rel) & ~inside_bit);
}

void Inbound::cancel_all() {
    for (auto& known : known_) {
        Call* call = known.load(std::memory_order_acquire);
        if (call == nullptr) continue;
        call->cancelled.store(1, std::memory_order_release);
        call->waiter.signal();
        std::uint64_t word = call->word.load(std::memory_order_acquire);
        bool mine = false;
        while ((word & open_bit) != 0 && (word & told_bit) == 0 && !mine) {
            mine = call->word.compare_exchange_weak(word, word | telling_bit | told_bit, std::memory_order_acq_rel, std::memory_order_acquire);
        }
        if (!mine) continue;
        visits_.fetch_add(1, std::memory_order_relaxed);
        link_.post({[](void* self, void* what) { static_cast<Inbound*>(self)->tell(*static_cast<Call*>(what)); }, this, call});
    }
}

void Inbound::tell(Call& call) {
    callee_.cancel(call.id(), call.call_out);
    settle(call, call.word.fetch_and(~telling_bit, std::memory_order_acq_rel) & ~telling_bit);
    visits_.fetch_sub(1, std::memory_order_release);
}

bool Inbound::wait_left(std::uint64_t until_ns) const noexcept {
    for (unsigned tries = 0; visits_.load(std::memory_order_acquire) != 0; ++tries) {
        if (now_ns() >= until_ns) return false;
        if (tries < 100) std::this_thread::yield();
        else std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return true;
}

// --- what the callee calls ---------------------------------------------------------------------------------------

void Inbound::end(symphony_handle id, const symphony_buf* out, std::uint32_t count, const symphony_error* error) noexcept {
    Call* call = find(id);
    if (call == nullptr || !begin_end(*call, id)) {
        callee_.misuse("double-completion", "ended a call that it does not owe: ended twice, or after invoke returned an error");
        return;
    }
    const std::uint64_t peer_id = call->peer_id.load(std::memory_order_relaxed);
    symphony_error problem{};
    if (out != nullptr || error == nullptr) {
        Outgoing message(link_, Kind::complete, peer_id);
        try {
            if (!well_formed(out, count)) message.head.flags |= flag_malformed;
            else if (const Status put = message.put_buffers(out, count, Patience::some, call->deadline_ns.load(std::memory_order_relaxed)); !put) to_c(put.error(), &problem);
        } catch (const std::bad_alloc&) {
            to_c(Error(Code::exhausted, "out of memory"), &problem);
        }
        if (problem.code == 0) return send_end(*call, message);
        error = &problem;
    }
    Outgoing message(link_, Kind::fail, peer_id);
    message.put_error(*error);
    send_end(*call, message);
}

void Inbound::on_complete(void* ctx, symphony_handle id, const symphony_buf* out, std::uint32_t count) {
    static constexpr symphony_buf nothing{};
    static_cast<Inbound*>(ctx)->end(id, out == nullptr && count == 0 ? &nothing : out, count, nullptr);
}

void Inbound::on_fail(void* ctx, symphony_handle id, const symphony_error* error) {
    auto& self = *static_cast<Inbound*>(ctx);
    if (error != nullptr) return self.end(id, nullptr, 0, error);
    Call* call = self.find(id);
    if (call == nullptr || !self.begin_end(*call, id)) return self.end(id, nullptr, 0, nullptr); // says that it is misuse
    Outgoing message(self.link_, Kind::fail, call->peer_id.load(std::memory_order_relaxed));
    self.send_end(*call, message);
}

/// Waits until the caller has taken enough of the earlier parts. @return False: the call ends, and the part is late.
bool Inbound::take_credit(Call& call) noexcept {
    for (;;) {
        std::uint32_t credits = call.credits.load(std::memory_order_acquire);
        while (credits != 0) {
            if (call.credits.compare_exchange_weak(credits, credits - 1, std::memory_order_acq_rel, std::memory_order_acquire)) return true;
        }
        link_.wait(call.waiter, 0, [&] { return call.credits.load(std::memory_order_seq_cst) != 0 || (call.word.load(std::memory_order_seq_cst) & open_bit) == 0 || link_.closed(); });
        if ((call.word.load(std::memory_order_seq_cst) & open_bit) == 0 || link_.closed()) return false;
    }
}

void Inbound::on_emit(void* ctx, symphony_handle id, const symphony_buf* part, std::uint32_t count) {
    auto& self = *static_cast<Inbound*>(ctx);
    Call* call = self.find(id);
    if (call == nullptr || !self.pin(*call, id)) return self.callee_.misuse("emit-after-end", "emitted a part of a call that it had ended");
    if (self.take_credit(*call)) {
        try {
            Outgoing message(self.link_, Kind::emit, call->peer_id.load(std::memory_order_relaxed));
            Status put;
            if (!well_formed(part, count)) message.head.flags |= flag_malformed;
            else put = message.put_buffers(part, count, Patience::some, call->deadline_ns.load(std::memory_order_relaxed));
            // A part that finds no memory is lost like one that the callee's own memory had no room for: it is said, not hidden.
            if (!put || !self.link_.send(message)) self.callee_.misuse("part-lost", put ? "a part could not be sent" : put.error().message());
        } catch (const std::bad_alloc&) {
            self.callee_.misuse("part-lost", "out of memory");
        }
    }
    self.unpin(*call);
}

void Inbound::on_progress(void* ctx, symphony_handle id, std::uint32_t permille, symphony_str note) {
    auto& self = *static_cast<Inbound*>(ctx);
    Call* call = self.find(id);
    if (call == nullptr || !self.pin(*call, id)) return; // late progress harms nobody
    if (self.take_credit(*call)) {
        Outgoing message(self.link_, Kind::progress, call->peer_id.load(std::memory_order_relaxed));
        message.head.value = std::min(permille, 1000u);
        message.put_text(from_c(note).substr(0, 1024));
        static_cast<void>(self.link_.send(message));
    }
    self.unpin(*call);
}

std::uint32_t Inbound::on_cancelled(void* ctx, symphony_handle id) {
    auto& self = *static_cast<Inbound*>(ctx);
    Call* call = self.find(id);
    if (call == nullptr) return 1;
    const std::uint32_t cancelled = call->cancelled.load(std::memory_order_acquire);
    const std::uint64_t deadline = call->deadline_ns.load(std::memory_order_relaxed);
    const std::uint64_t word = call->word.load(std::memory_order_acquire);
    if (generation_of(word) != static_cast<std::uint32_t>(id >> 32) || (word & open_bit) == 0 || cancelled != 0 || self.link_.closed()) return 1;
    return deadline != 0 && now_ns() >= deadline ? 1 : 0;
}

} // namespace symphony::ipc
