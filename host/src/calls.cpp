// SPDX-License-Identifier: Apache-2.0
#include "calls.hpp"

#include "guarded.hpp"
#include "log.hpp"

#include <symphony/bytes.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>

namespace symphony::host {
namespace {

constexpr std::uint64_t pin_one = 1;
constexpr std::uint64_t pins = 0xFFFF;
constexpr std::uint64_t open_bit = 1u << 16;       // the caller waits for its end
constexpr std::uint64_t orphan_bit = 1u << 17;     // ended by the host, the callee still owes
constexpr std::uint64_t in_invoke_bit = 1u << 18;  // a thread is in, or before, the callee's invoke
constexpr std::uint64_t kept_bit = 1u << 19;       // the end is stored in the slot, the last pin delivers it
constexpr std::uint64_t entered_bit = 1u << 20;    // the callee knows the id
constexpr std::uint64_t cancelled_bit = 1u << 21;  // history from here on
constexpr std::uint64_t deadline_bit = 1u << 22;
constexpr std::uint64_t held = pins | open_bit | orphan_bit | in_invoke_bit | kept_bit;

constexpr std::uint32_t generation_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
constexpr std::uint32_t index_of(symphony_handle id) { return static_cast<std::uint32_t>(id); }
constexpr symphony_handle handle(std::uint32_t generation, std::uint32_t index) { return std::uint64_t{generation} << 32 | index; }

/// An error from a plugin with every text ended, every number known, and a reason that is one.
symphony_error cleaned(const symphony_error* from) noexcept {
    symphony_error out{};
    if (from == nullptr) {
        out.code = SYMPHONY_E_PLUGIN_FAILED;
        copy_cut(out.message, "failed without saying why");
    } else {
        std::memcpy(&out, from, std::min<std::size_t>(from->struct_size, sizeof out));
        if (out.code > SYMPHONY_E_INVALID_ARGUMENT || out.code < SYMPHONY_E_REFUSED) out.code = SYMPHONY_E_PLUGIN_FAILED;
    }
    out.struct_size = sizeof out;
    out.reason[sizeof out.reason - 1] = out.message[sizeof out.message - 1] = out.hint[sizeof out.hint - 1] = '\0';
    if (!is_reason(read_bounded(out.reason))) std::memset(out.reason, 0, sizeof out.reason);
    return out;
}

bool well_formed(const symphony_buf* buffers, std::uint32_t count) noexcept {
    if (count != 0 && buffers == nullptr) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
        const symphony_buf& b = buffers[i];
        if (b.struct_size < sizeof(symphony_buf) || (b.data == nullptr && b.size != 0)) return false;
    }
    return true;
}

std::string describe(const symphony_call& call) {
    return "method " + std::to_string(call.method) + " of " + std::string(from_c(call.port));
}

} // namespace

struct CallTable::Answer {
    const symphony_buf* out = nullptr;
    std::uint32_t count = 0;
    const symphony_error* error = nullptr; // set: a failure
};

/// An end that could not be delivered when it came.
struct CallTable::Deferred {
    std::vector<Buffer> buffers;
    std::vector<symphony_buf> out;
    symphony_error error{};
    bool failed = false;

    explicit Deferred(const Answer& answer) : failed(answer.error != nullptr) {
        if (failed) error = *answer.error;
        for (std::uint32_t i = 0; i < answer.count; ++i) buffers.push_back(Buffer::keep(answer.out[i]));
        for (const Buffer& buffer : buffers) out.push_back(buffer.to_c());
    }
    Answer answer() const {
        if (failed) return {nullptr, 0, &error};
        return {out.data(), static_cast<std::uint32_t>(out.size()), nullptr};
    }
};

/// The fields but `word` are written by who takes the slot and read by who holds it; relaxed atomics because a stale
/// reader may look before it finds out that the generation is gone.
struct alignas(128) CallTable::Slot {
    std::atomic<std::uint64_t> word{std::uint64_t{1} << 32};
    std::atomic<Target*> callee{nullptr};
    std::atomic<Target*> caller{nullptr};
    std::atomic<const symphony_call_ops*> ops{nullptr};
    std::atomic<void*> ctx{nullptr};
    std::atomic<symphony_handle> caller_id{0};
    std::atomic<std::uint64_t> deadline_ns{0};
    std::uint32_t index = 0;
    std::unique_ptr<Deferred> kept;
};

/// Free slots. Threads take and give in handfuls; shared so that a thread may outlive the table.
struct CallTable::Pool {
    static constexpr std::uint32_t handful = 32;
    std::mutex mutex;
    std::vector<std::uint32_t> free;

    /// One thread's hand.
    struct Hand {
        std::shared_ptr<Pool> pool;
        std::uint32_t count = 0;
        std::array<std::uint32_t, 2 * handful> index{};

        Hand() = default;
        Hand(const Hand&) = delete;
        Hand& operator=(const Hand&) = delete;
        ~Hand() { give(count); }
        void bind(const std::shared_ptr<Pool>& to) {
            give(count);
            pool = to;
        }
        void give(std::uint32_t n) noexcept {
            if (n == 0) return;
            const std::lock_guard lock(pool->mutex);
            pool->free.insert(pool->free.end(), index.begin() + (count - n), index.begin() + count);
            count -= n;
        }
        void fill() {
            const std::lock_guard lock(pool->mutex);
            while (count < handful && !pool->free.empty()) {
                index[count++] = pool->free.back();
                pool->free.pop_back();
            }
        }
    };
    static Hand& hand() {
        thread_local Hand mine;
        return mine;
    }
};

const symphony_call_ops CallTable::ops{sizeof(symphony_call_ops), 0, &on_complete, &on_fail, &on_emit, &on_progress, &on_cancelled};

CallTable::CallTable(CallObserver& observer, CallTableOptions options)
    : observer_(observer), options_(std::move(options)), pool_(std::make_shared<Pool>()) {}

CallTable::~CallTable() {
    monitor_thread_ = {};
    courier_thread_ = {};
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
}

CallTable::Slot* CallTable::find(symphony_handle id) const noexcept {
    const std::uint32_t index = index_of(id);
    if (index >= slots_.load(std::memory_order_acquire)) return nullptr;
    return &chunks_[index / chunk_slots].load(std::memory_order_acquire)[index % chunk_slots];
}

CallTable::Slot* CallTable::take(symphony_handle& id) noexcept {
    Pool::Hand& hand = Pool::hand();
    if (hand.pool != pool_) hand.bind(pool_);
    if (hand.count == 0) hand.fill();
    if (hand.count == 0) {
        const std::lock_guard lock(grow_);
        const std::uint32_t first = slots_.load(std::memory_order_relaxed);
        if (first == chunk_slots * chunks_max) return nullptr;
        auto* chunk = new (std::nothrow) Slot[chunk_slots];
        if (chunk == nullptr) return nullptr;
        for (std::uint32_t i = 0; i < chunk_slots; ++i) chunk[i].index = first + i;
        chunks_[first / chunk_slots].store(chunk, std::memory_order_release);
        slots_.store(first + chunk_slots, std::memory_order_release);
        const std::lock_guard pool_lock(pool_->mutex);
        pool_->free.reserve(first + chunk_slots); // so that give() never allocates
        for (std::uint32_t i = chunk_slots; i-- > 0;) {
            if (i < Pool::handful) hand.index[hand.count++] = first + i;
            else pool_->free.push_back(first + i);
        }
    }
    const std::uint32_t index = hand.index[--hand.count];
    Slot* slot = &chunks_[index / chunk_slots].load(std::memory_order_acquire)[index % chunk_slots];
    id = handle(generation_of(slot->word.load(std::memory_order_relaxed)), index);
    return slot;
}

/// Nobody holds the slot any more. `word` is its last word.
void CallTable::recycle(Slot& slot, std::uint64_t word) noexcept {
    std::uint32_t generation = generation_of(word) + 1;
    if (generation == 0) generation = 1;
    slot.word.store(std::uint64_t{generation} << 32, std::memory_order_release);
    Pool::Hand& hand = Pool::hand();
    if (hand.pool != pool_) hand.bind(pool_);
    if (hand.count == hand.index.size()) hand.give(Pool::handful);
    hand.index[hand.count++] = slot.index;
}

/// After a step that took something away from the word: frees the slot and leaves the gate when that was the last.
void CallTable::settle(Slot& slot, std::uint64_t word) noexcept {
    if ((word & held) != 0) return;
    Target* callee = slot.callee.load(std::memory_order_relaxed);
    const bool entered = (word & entered_bit) != 0;
    recycle(slot, word);
    if (entered) callee->gate.leave_call();
}

void CallTable::deliver(const Slot& slot, const Answer& answer) noexcept {
    const symphony_call_ops* to = slot.ops.load(std::memory_order_relaxed);
    void* ctx = slot.ctx.load(std::memory_order_relaxed);
    const symphony_handle id = slot.caller_id.load(std::memory_order_relaxed);
    const Target* caller = slot.caller.load(std::memory_order_relaxed);
    const FrameScope frame(caller != nullptr ? &caller->label : nullptr, "a call's answer");
    if (answer.error != nullptr) to->fail(ctx, id, answer.error);
    else to->complete(ctx, id, answer.out, answer.count);
}

/// Holds an open call so that its end cannot be delivered before unpin().
bool CallTable::pin(Slot& slot, std::uint64_t& word, std::uint32_t generation) noexcept {
    word = slot.word.load(std::memory_order_acquire);
    do {
        if (generation_of(word) != generation || (word & open_bit) == 0 || (word & pins) == pins) return false;
    } while (!slot.word.compare_exchange_weak(word, word + pin_one, std::memory_order_acq_rel, std::memory_order_acquire));
    word += pin_one;
    return true;
}

void CallTable::unpin(Slot& slot) noexcept {
    std::uint64_t word = slot.word.fetch_sub(pin_one, std::memory_order_acq_rel) - pin_one;
    if ((word & pins) != 0) return;
    if ((word & kept_bit) != 0) {
        // The last one out. No new pins come, because the call is not open.
        const std::unique_ptr<Deferred> kept = std::move(slot.kept);
        deliver(slot, kept->answer());
        word = slot.word.fetch_and(~kept_bit, std::memory_order_acq_rel) & ~kept_bit;
    }
    settle(slot, word);
}

/// The callee ends a call, the one way or the other.
void CallTable::end(Target& callee, symphony_handle id, const Answer& answer) noexcept {
    Slot* slot = find(id);
    std::uint64_t word = slot != nullptr ? slot->word.load(std::memory_order_acquire) : 0;
    const bool in_own_invoke = current_frame != nullptr && current_frame->call == id && current_frame->label == &callee.label;
    for (;;) {
        const bool known = slot != nullptr && generation_of(word) == static_cast<std::uint32_t>(id >> 32) &&
                           (word & (open_bit | orphan_bit)) != 0 && (word & entered_bit) != 0 &&
                           slot->callee.load(std::memory_order_relaxed) == &callee;
        if (!known) {
            observer_.on_misuse(callee, "double-completion", "ended a call that it does not owe: ended twice, or after invoke returned an error");
            return;
        }
        if ((word & orphan_bit) != 0) { // the host ended it at its deadline; this is what the callee still owed
            if (!slot->word.compare_exchange_weak(word, word & ~orphan_bit, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
            callee.late.fetch_add(1, std::memory_order_relaxed);
            settle(*slot, word & ~orphan_bit);
            return;
        }
        // The usual way: ended inside invoke, nothing else going on. in_invoke_bit keeps the slot while we deliver.
        const bool direct = in_own_invoke && (word & pins) == 0;
        const std::uint64_t next = (word & ~open_bit) + (direct ? 0 : pin_one);
        if (!slot->word.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
        if (direct) {
            deliver(*slot, answer);
        } else if ((word & pins) == 0) {
            deliver(*slot, answer);
            unpin(*slot);
        } else {
            slot->kept = std::make_unique<Deferred>(answer);
            slot->word.fetch_or(kept_bit, std::memory_order_acq_rel);
            unpin(*slot);
        }
        return;
    }
}

/// Takes the end away from the callee. @param word  What was seen; false when the call went on meanwhile.
bool CallTable::end_by_host(Slot& slot, std::uint64_t word, const Answer& answer) noexcept {
    std::uint64_t next = ((word & ~open_bit) | cancelled_bit) + pin_one;
    if ((word & entered_bit) != 0) next |= orphan_bit;
    if (!slot.word.compare_exchange_strong(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) return false;
    if ((word & pins) == 0) {
        deliver(slot, answer);
    } else {
        slot.kept = std::make_unique<Deferred>(answer);
        slot.word.fetch_or(kept_bit, std::memory_order_acq_rel);
    }
    unpin(slot);
    return true;
}

// --- what the callee calls --------------------------------------------------------------------------------------

void CallTable::on_complete(void* ctx, symphony_handle id, const symphony_buf* out, std::uint32_t count) {
    auto& callee = *static_cast<Target*>(ctx);
    if (well_formed(out, count)) [[likely]] {
        callee.table->end(callee, id, {out, count, nullptr});
        return;
    }
    callee.table->observer_.on_misuse(callee, "bad-buffer", "completed a call with a malformed buffer");
    symphony_error error{};
    to_c(Error(Code::plugin_failed, "bad-buffer", "plugin \"" + std::string(callee.label.name) + "\": answered with a malformed buffer"), &error);
    callee.failures.fetch_add(1, std::memory_order_relaxed);
    callee.table->end(callee, id, {nullptr, 0, &error});
}

void CallTable::on_fail(void* ctx, symphony_handle id, const symphony_error* error) {
    auto& callee = *static_cast<Target*>(ctx);
    const symphony_error clean = cleaned(error);
    callee.failures.fetch_add(1, std::memory_order_relaxed);
    callee.table->end(callee, id, {nullptr, 0, &clean});
}

void CallTable::on_emit(void* ctx, symphony_handle id, const symphony_buf* part, std::uint32_t count) {
    auto& callee = *static_cast<Target*>(ctx);
    CallTable& table = *callee.table;
    Slot* slot = table.find(id);
    std::uint64_t word = 0;
    if (!well_formed(part, count)) return table.observer_.on_misuse(callee, "bad-buffer", "emitted a malformed buffer");
    if (slot == nullptr || !table.pin(*slot, word, static_cast<std::uint32_t>(id >> 32))) {
        const bool late = slot != nullptr && generation_of(word) == static_cast<std::uint32_t>(id >> 32) && (word & orphan_bit) != 0;
        if (!late) table.observer_.on_misuse(callee, "emit-after-end", "emitted a part of a call that it had ended");
        return;
    }
    if (slot->callee.load(std::memory_order_relaxed) == &callee) {
        const symphony_call_ops* to = slot->ops.load(std::memory_order_relaxed);
        const Target* caller = slot->caller.load(std::memory_order_relaxed);
        const FrameScope frame(caller != nullptr ? &caller->label : nullptr, "a call's part");
        if (callable(to, &symphony_call_ops::emit)) {
            to->emit(slot->ctx.load(std::memory_order_relaxed), slot->caller_id.load(std::memory_order_relaxed), part, count);
        }
    }
    table.unpin(*slot);
}

void CallTable::on_progress(void* ctx, symphony_handle id, std::uint32_t permille, symphony_str note) {
    auto& callee = *static_cast<Target*>(ctx);
    CallTable& table = *callee.table;
    Slot* slot = table.find(id);
    std::uint64_t word = 0;
    // Late progress harms nobody and races with the end by nature: dropped without a word.
    if (slot == nullptr || !table.pin(*slot, word, static_cast<std::uint32_t>(id >> 32))) return;
    if (slot->callee.load(std::memory_order_relaxed) == &callee) {
        const symphony_call_ops* to = slot->ops.load(std::memory_order_relaxed);
        const Target* caller = slot->caller.load(std::memory_order_relaxed);
        const FrameScope frame(caller != nullptr ? &caller->label : nullptr, "a call's progress");
        if (callable(to, &symphony_call_ops::progress)) {
            to->progress(slot->ctx.load(std::memory_order_relaxed), slot->caller_id.load(std::memory_order_relaxed),
                         std::min(permille, 1000u), note);
        }
    }
    table.unpin(*slot);
}

std::uint32_t CallTable::on_cancelled(void* ctx, symphony_handle id) {
    CallTable& table = *static_cast<Target*>(ctx)->table;
    Slot* slot = table.find(id);
    if (slot == nullptr) return 1;
    std::uint64_t word = slot->word.load(std::memory_order_acquire);
    if (generation_of(word) != static_cast<std::uint32_t>(id >> 32) || (word & open_bit) == 0 || (word & cancelled_bit) != 0) return 1;
    // The caller may know of a cancel that we were not told: of its own token, or of the call that it answers itself.
    if (!table.pin(*slot, word, static_cast<std::uint32_t>(id >> 32))) return (word & open_bit) == 0 ? 1 : 0;
    const symphony_call_ops* to = slot->ops.load(std::memory_order_relaxed);
    const bool asked = callable(to, &symphony_call_ops::cancelled) &&
                       to->cancelled(slot->ctx.load(std::memory_order_relaxed), slot->caller_id.load(std::memory_order_relaxed)) != 0;
    table.unpin(*slot);
    return asked ? 1 : 0;
}

// --- what the caller calls --------------------------------------------------------------------------------------

symphony_status CallTable::invoke(Target& callee, Target* caller, const symphony_call& call, symphony_handle* call_out,
                                  symphony_error* error) noexcept {
    const auto entered = callee.gate.try_enter(callee.serial);
    if (entered == Gate::Entered::closed) [[unlikely]] {
        return to_c(Error(Code::plugin_failed, "not-active", "plugin \"" + std::string(callee.label.name) + "\" is not active any more"), error);
    }
    symphony_handle id = 0;
    Slot* slot = take(id);
    if (slot == nullptr) [[unlikely]] {
        if (entered == Gate::Entered::yes) callee.gate.leave_invoke(callee.serial, true);
        return to_c(Error(Code::exhausted, "too-many-calls", "a million calls are in flight"), error);
    }
    std::uint64_t deadline = call.deadline_ns;
    if (callee.timeout_ns != 0) [[unlikely]] {
        const std::uint64_t own = options_.now_ns() + callee.timeout_ns;
        deadline = deadline == 0 ? own : std::min(deadline, own);
    }
    slot->callee.store(&callee, std::memory_order_relaxed);
    slot->caller.store(caller, std::memory_order_relaxed);
    slot->ops.store(call.ops, std::memory_order_relaxed);
    slot->ctx.store(call.ctx, std::memory_order_relaxed);
    slot->caller_id.store(call.id, std::memory_order_relaxed);
    slot->deadline_ns.store(deadline, std::memory_order_relaxed);
    const std::uint64_t fresh = (id & ~std::uint64_t{0xFFFFFFFF}) | open_bit | in_invoke_bit | (deadline != 0 ? deadline_bit : 0);
    const std::uint64_t first = entered == Gate::Entered::yes ? fresh | entered_bit : fresh;
    if (deadline == 0) slot->word.store(first, std::memory_order_release);
    else slot->word.store(first, std::memory_order_seq_cst); // before arm_monitor() reads its flag
    if (call_out != nullptr) std::atomic_ref(*call_out).store(id, std::memory_order_release); // another thread may cancel by it
    if (deadline != 0) arm_monitor();
    if (entered == Gate::Entered::busy) [[unlikely]] {
        const symphony_status status = wait_for_turn(callee, caller, *slot, error);
        if (status != 1) return status;
    }

    symphony_call inner{};
    inner.struct_size = sizeof inner;
    inner.method = call.method;
    inner.arg_count = call.arg_count;
    inner.id = id;
    inner.deadline_ns = deadline;
    inner.trace_hi = call.trace_hi;
    inner.trace_lo = call.trace_lo;
    inner.args = call.args;
    inner.ctx = &callee;
    inner.ops = &ops;
    inner.port = call.port;
    if (callee.serial) callee.calls.store(callee.calls.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    else callee.calls.fetch_add(1, std::memory_order_relaxed);

    symphony_status status = SYMPHONY_OK;
    bool threw = false;
    std::string what;
    try {
        if (options_.paranoid) [[unlikely]] {
            const GuardedArguments guarded(call.args, call.arg_count);
            inner.args = guarded.args();
            const FrameScope frame(&callee.label, "invoke", call.port, call.method, id, guarded.begin(), guarded.end());
            status = callee.invoke(callee.instance, &inner);
        } else {
            const FrameScope frame(&callee.label, "invoke", call.port, call.method, id);
            status = callee.invoke(callee.instance, &inner);
        }
    } catch (const std::exception& thrown) {
        threw = true;
        what = thrown.what();
    } catch (...) {
        threw = true;
        what = "something that is no std::exception";
    }

    if (status >= 0 && !threw) [[likely]] {
        std::uint64_t word = slot->word.load(std::memory_order_acquire);
        if ((word & held) == in_invoke_bit) [[likely]] { // ended, and nobody else can touch the word any more
            recycle(*slot, word);
            callee.gate.leave_invoke(callee.serial, true);
            return SYMPHONY_OK;
        }
        word = slot->word.fetch_and(~in_invoke_bit, std::memory_order_acq_rel) & ~in_invoke_bit;
        const bool ended = (word & held) == 0;
        if (ended) recycle(*slot, word);
        callee.gate.leave_invoke(callee.serial, ended);
        return SYMPHONY_OK;
    }
    callee.failures.fetch_add(1, std::memory_order_relaxed);
    const std::string plugin = "plugin \"" + std::string(callee.label.name) + "\" " + callee.label.version;
    const auto code = static_cast<Code>(status < SYMPHONY_E_REFUSED ? SYMPHONY_E_PLUGIN_FAILED : status);
    const symphony_status answer = withdraw(
        *slot, callee,
        threw ? Error(Code::plugin_failed, "plugin-threw", plugin + ": " + describe(call) + " threw: " + what, "report it to the plugin's author")
              : Error(code, "call-refused", plugin + ": refused " + describe(call) + " (" + std::string(name_of(code)) + ")"),
        error);
    if (threw) observer_.on_throw(callee, describe(call) + " threw: " + what);
    return answer;
}

/// The callee is serial and busy. @return 1 when it is our turn; else the call is over and this is its status.
symphony_status CallTable::wait_for_turn(Target& callee, const Target* caller, Slot& slot, symphony_error* error) noexcept {
    // A plugin that waits, in its own invoke, for a call into itself would wait for ever. The frames of an isolated one are
    // in its own process, so whoever calls himself while he is busy is taken for it.
    bool inside = caller == &callee;
    for (const Frame* frame = current_frame; frame != nullptr; frame = frame->outer) inside = inside || (frame->label == &callee.label && frame->call != 0);
    if (inside) {
        return withdraw(slot, callee, Error(Code::conflict, "re-entered", "plugin \"" + std::string(callee.label.name) +
                        "\" is serial and is already in a call that waits for this one", "make it concurrent, or break the circle of calls"), error);
    }
    for (;;) {
        const std::uint64_t word = slot.word.load(std::memory_order_acquire);
        if ((word & open_bit) == 0) { // ended by the monitor; its caller knows
            settle(slot, slot.word.fetch_and(~in_invoke_bit, std::memory_order_acq_rel) & ~in_invoke_bit);
            return SYMPHONY_OK;
        }
        if ((word & cancelled_bit) != 0) {
            return withdraw(slot, callee, Error(Code::cancelled, "the call was cancelled while it waited for its turn"), error);
        }
        switch (callee.gate.try_enter(true)) {
        case Gate::Entered::closed:
            return withdraw(slot, callee, Error(Code::plugin_failed, "not-active", "plugin \"" + std::string(callee.label.name) + "\" is not active any more"), error);
        case Gate::Entered::busy:
            callee.gate.wait([&] { return !callee.gate.running() || callee.gate.closed(); }, options_.scan_period);
            continue;
        case Gate::Entered::yes: break;
        }
        std::uint64_t seen = slot.word.load(std::memory_order_acquire);
        while ((seen & open_bit) != 0 && (seen & cancelled_bit) == 0) {
            if (slot.word.compare_exchange_weak(seen, seen | entered_bit, std::memory_order_acq_rel, std::memory_order_acquire)) return 1;
        }
        callee.gate.leave_invoke(true, true);
    }
}

/// The callee owes nothing (more): takes the call back, from inside invoke().
symphony_status CallTable::withdraw(Slot& slot, Target& callee, const Error& why, symphony_error* error) noexcept {
    std::uint64_t word = slot.word.load(std::memory_order_acquire);
    for (;;) {
        const std::uint64_t next = word & ~(open_bit | orphan_bit);
        if (!slot.word.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
        break;
    }
    const bool ours = (word & open_bit) != 0;
    const bool entered = (word & entered_bit) != 0;
    if (entered && (word & (open_bit | orphan_bit)) == 0 && why.reason() != "plugin-threw") {
        observer_.on_misuse(callee, "ended-and-refused", "ended a call and then returned an error from invoke");
    }
    // A part on its way must be through before the caller hears that nothing follows.
    while (ours && (slot.word.load(std::memory_order_acquire) & pins) != 0) std::this_thread::yield();
    word = slot.word.fetch_and(~in_invoke_bit, std::memory_order_acq_rel) & ~in_invoke_bit;
    const bool ended = (word & held) == 0;
    if (ended) recycle(slot, word);
    if (entered) callee.gate.leave_invoke(callee.serial, ended);
    return ours ? to_c(why, error) : SYMPHONY_OK;
}

/// For an open call that is pinned. @return The word as it was before.
std::uint64_t CallTable::mark_cancelled(Slot& slot) noexcept {
    const std::uint64_t own = slot.callee.load(std::memory_order_relaxed)->cancel_grace_ns.load(std::memory_order_relaxed);
    const std::uint64_t limit = options_.now_ns() + (own != 0 ? own : static_cast<std::uint64_t>(options_.cancel_grace.count()));
    const std::uint64_t old = slot.deadline_ns.load(std::memory_order_relaxed);
    if (old == 0 || limit < old) slot.deadline_ns.store(limit, std::memory_order_relaxed);
    return slot.word.fetch_or(cancelled_bit | deadline_bit, std::memory_order_seq_cst);
}

void CallTable::cancel(symphony_handle call, const Target* caller) noexcept {
    Slot* slot = find(call);
    std::uint64_t word = 0;
    if (slot == nullptr || !pin(*slot, word, static_cast<std::uint32_t>(call >> 32))) return;
    if (slot->caller.load(std::memory_order_relaxed) != caller) return unpin(*slot);
    word = mark_cancelled(*slot);
    Target& callee = *slot->callee.load(std::memory_order_relaxed);
    const bool tell_it = (word & entered_bit) != 0 && (word & cancelled_bit) == 0 && callee.cancel != nullptr;
    if (tell_it) callee.gate.visit(); // our pin holds a call inside, so the instance is alive until we leave
    unpin(*slot);
    arm_monitor();
    callee.gate.wake();
    if (!tell_it) return;
    {
        const FrameScope frame(&callee.label, "cancel");
        callee.cancel(callee.instance, call);
    }
    callee.gate.leave_call();
}

void CallTable::cancel_from_host(symphony_handle call) noexcept {
    Slot* slot = find(call);
    std::uint64_t word = 0;
    if (slot == nullptr || !pin(*slot, word, static_cast<std::uint32_t>(call >> 32))) return;
    Target& callee = *slot->callee.load(std::memory_order_relaxed);
    word = mark_cancelled(*slot);
    if ((word & entered_bit) != 0 && (word & cancelled_bit) == 0) tell(callee, call);
    unpin(*slot);
    arm_monitor();
    callee.gate.wake();
}

template <class Do>
void CallTable::for_each(Do act) noexcept {
    const std::uint32_t count = slots_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < count; ++i) act(chunks_[i / chunk_slots].load(std::memory_order_acquire)[i % chunk_slots]);
}

void CallTable::cancel_all(const Target* callee) noexcept {
    for_each([&](Slot& slot) {
        const std::uint64_t word = slot.word.load(std::memory_order_acquire);
        if ((word & open_bit) == 0 || (callee != nullptr && callee != slot.callee.load(std::memory_order_relaxed))) return;
        cancel_from_host(handle(generation_of(word), slot.index));
    });
}

void CallTable::fail_all(const Target& callee, const Error& error) noexcept {
    symphony_error c_error{};
    to_c(error, &c_error);
    for_each([&](Slot& slot) {
        std::uint64_t word = slot.word.load(std::memory_order_acquire);
        while ((word & open_bit) != 0 && slot.callee.load(std::memory_order_relaxed) == &callee &&
               !end_by_host(slot, word, {nullptr, 0, &c_error})) {
            word = slot.word.load(std::memory_order_acquire);
        }
    });
}

void CallTable::detach(const Target& caller) noexcept {
    static constexpr symphony_call_ops nobody{
        sizeof(symphony_call_ops), 0, [](void*, symphony_handle, const symphony_buf*, std::uint32_t) {},
        [](void*, symphony_handle, const symphony_error*) {}, nullptr, nullptr, nullptr};
    for_each([&](Slot& slot) {
        std::uint64_t word = slot.word.load(std::memory_order_acquire);
        if ((word & held) == 0 || slot.caller.load(std::memory_order_relaxed) != &caller) return;
        const std::uint32_t generation = generation_of(word);
        if (pin(slot, word, generation)) { // still open: its answer will go nowhere
            slot.ops.store(&nobody, std::memory_order_relaxed);
            unpin(slot);
        }
        // What is being delivered right now uses the old ops and holds a pin, or is in invoke.
        const auto on_its_way = [&] {
            word = slot.word.load(std::memory_order_acquire);
            const bool here = (word & (pins | kept_bit)) != 0 || ((word & in_invoke_bit) != 0 && (word & open_bit) == 0);
            return generation_of(word) == generation && here;
        };
        for (int ms = 0; ms < 1000 && on_its_way(); ++ms) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
}

std::uint32_t CallTable::in_flight() const noexcept {
    std::uint32_t n = 0;
    const_cast<CallTable*>(this)->for_each([&](Slot& slot) { n += (slot.word.load(std::memory_order_relaxed) & open_bit) != 0 ? 1u : 0u; });
    return n;
}

std::uint32_t CallTable::entered(const Target& callee) const noexcept {
    std::uint32_t n = 0;
    const_cast<CallTable*>(this)->for_each([&](Slot& slot) {
        const std::uint64_t word = slot.word.load(std::memory_order_acquire);
        const bool inside = (word & (in_invoke_bit | entered_bit)) == (in_invoke_bit | entered_bit);
        if (inside && slot.callee.load(std::memory_order_relaxed) == &callee) ++n;
    });
    return n;
}

std::uint32_t CallTable::at_the_door(const Target& callee) const noexcept {
    std::uint32_t n = 0;
    const_cast<CallTable*>(this)->for_each([&](Slot& slot) {
        const bool waits = (slot.word.load(std::memory_order_acquire) & (in_invoke_bit | entered_bit)) == in_invoke_bit;
        if (waits && slot.callee.load(std::memory_order_relaxed) == &callee) ++n;
    });
    return n;
}

std::uint32_t CallTable::owed(const Target& callee) const noexcept {
    std::uint32_t n = 0;
    const_cast<CallTable*>(this)->for_each([&](Slot& slot) {
        const std::uint64_t word = slot.word.load(std::memory_order_acquire);
        const bool owes = (word & entered_bit) != 0 && (word & (open_bit | orphan_bit)) != 0 && (word & (pins | in_invoke_bit)) == 0;
        if (owes && slot.callee.load(std::memory_order_relaxed) == &callee) ++n;
    });
    return n;
}

std::vector<std::string> CallTable::chain_of(const Target& callee) const {
    constexpr std::size_t links_max = 32;
    std::vector<std::string> chain;
    const Target* at = &callee;
    while (at != nullptr && chain.size() < links_max) {
        bool called = false, several = false;
        const Target* caller = nullptr;
        const_cast<CallTable*>(this)->for_each([&](Slot& slot) {
            const std::uint64_t word = slot.word.load(std::memory_order_acquire);
            if ((word & open_bit) == 0 || slot.callee.load(std::memory_order_relaxed) != at) return;
            const Target* const one = slot.caller.load(std::memory_order_relaxed);
            // Otherwise it may be another call's by now.
            if (generation_of(slot.word.load(std::memory_order_acquire)) != generation_of(word)) return;
            several = several || (called && one != caller);
            called = true;
            caller = one;
        });
        if (several) chain.emplace_back("*");
        else if (caller != nullptr) chain.emplace_back(caller->label.name);
        at = several ? nullptr : caller;
    }
    std::reverse(chain.begin(), chain.end());
    return chain;
}

// --- deadlines --------------------------------------------------------------------------------------------------

/// We write our slot and then read the flag; monitor() writes the flag and then reads the slots: one sees the other.
void CallTable::arm_monitor() noexcept {
    if (monitoring_.load(std::memory_order_seq_cst)) return;
    const std::lock_guard lock(monitor_mutex_);
    if (!monitor_thread_.joinable()) monitor_thread_ = std::jthread([this](std::stop_token stop) { monitor(stop); });
    monitoring_.store(true, std::memory_order_relaxed);
    monitor_wake_.notify_all();
}

void CallTable::monitor(std::stop_token stop) {
    while (!stop.stop_requested()) {
        if (scan()) {
            std::unique_lock lock(monitor_mutex_);
            monitor_wake_.wait_for(lock, stop, options_.scan_period, [] { return false; });
            continue;
        }
        monitoring_.store(false, std::memory_order_seq_cst);
        if (scan()) { // one came between the scan and the flag
            monitoring_.store(true, std::memory_order_relaxed);
            continue;
        }
        std::unique_lock lock(monitor_mutex_);
        monitor_wake_.wait(lock, stop, [this] { return monitoring_.load(std::memory_order_relaxed); });
    }
}

/// Ends what is over its time. @return Whether any open call has a deadline.
bool CallTable::scan() noexcept {
    const std::uint64_t now = options_.now_ns();
    bool any = false;
    for_each([&](Slot& slot) {
        const std::uint64_t word = slot.word.load(std::memory_order_seq_cst);
        if ((word & (open_bit | deadline_bit)) != (open_bit | deadline_bit)) return;
        any = true;
        if (slot.deadline_ns.load(std::memory_order_relaxed) > now) return;
        Target& callee = *slot.callee.load(std::memory_order_relaxed);
        const std::string plugin = "plugin \"" + std::string(callee.label.name) + "\"";
        symphony_error error{};
        if ((word & cancelled_bit) != 0) to_c(Error(Code::cancelled, plugin + ": the call was cancelled and did not end by itself"), &error);
        else to_c(Error(Code::deadline, plugin + ": did not answer in time").with_hint("give it more time: --set " + std::string(callee.label.name) + ".timeout=60s"), &error);
        // `word` still is the slot's word, so `now`, `deadline_ns` and `callee` were this call's.
        if (!end_by_host(slot, word, {nullptr, 0, &error})) return;
        callee.failures.fetch_add(1, std::memory_order_relaxed);
        callee.gate.wake();
        if ((word & entered_bit) != 0 && (word & cancelled_bit) == 0) tell(callee, handle(generation_of(word), slot.index));
    });
    return any;
}

/// Plugins' cancel functions run on a thread of their own: one that hangs holds no deadline up.
void CallTable::tell(Target& callee, symphony_handle id) noexcept {
    if (callee.cancel == nullptr) return;
    const std::lock_guard lock(monitor_mutex_);
    to_tell_.emplace_back(&callee, id);
    if (!courier_thread_.joinable()) courier_thread_ = std::jthread([this](std::stop_token stop) { courier(stop); });
    courier_wake_.notify_all();
}

void CallTable::courier(std::stop_token stop) {
    for (;;) {
        std::pair<Target*, symphony_handle> next;
        {
            std::unique_lock lock(monitor_mutex_);
            if (!courier_wake_.wait(lock, stop, [this] { return !to_tell_.empty(); })) return;
            next = to_tell_.back();
            to_tell_.pop_back();
        }
        Target& callee = *next.first;
        // The gate keeps the instance alive while its cancel runs, and the call, still owed, kept it until now.
        callee.gate.visit();
        const std::uint64_t word = find(next.second)->word.load(std::memory_order_acquire);
        if (generation_of(word) == static_cast<std::uint32_t>(next.second >> 32) && (word & (open_bit | orphan_bit)) != 0) {
            telling_.store(true, std::memory_order_release);
            const FrameScope frame(&callee.label, "cancel");
            callee.cancel(callee.instance, next.second);
            telling_.store(false, std::memory_order_release);
        }
        callee.gate.leave_call();
    }
}

} // namespace symphony::host
