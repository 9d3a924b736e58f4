// SPDX-License-Identifier: Apache-2.0
#include "link.hpp"

#include "tsan.hpp"

#include <algorithm>
#include <climits>
#include <sched.h>

namespace symphony::ipc {
namespace {

constexpr std::size_t messages_kept = 64;
constexpr int extra_reads_max = 64;  // messages that a thread on its way out reads for others

} // namespace

Link::Link(std::shared_ptr<Memory> memory, int control, Receiver& receiver, Options options)
    : memory_(std::move(memory)), control_(control), receiver_(receiver), options_(std::move(options)),
      slab_(memory_->own_slab(), memory_->slab_bytes()), lifeline_(std::make_shared<Lifeline>()),
      writer_(memory_->own_page(), memory_->peer_page(), memory_->own_ring(), memory_->ring_bytes()),
      reader_(memory_->own_page(), memory_->peer_page(), memory_->peer_ring(), memory_->ring_bytes()) {
    lifeline_->link = this;
    sleeping_.reserve(16);
}

Link::~Link() {
    stop_and_join();
    {
        const std::lock_guard lock(lifeline_->mutex);
        lifeline_->link = nullptr;
    }
    delete current_;
    for (Message* message : messages_) delete message;
}

// --- threads of the link -----------------------------------------------------------------------------------------

void Link::start() {
    const std::lock_guard lock(pool_mutex_);
    static_cast<void>(spawn(true));
}

void Link::run() {
    {
        const std::lock_guard lock(pool_mutex_);
        ++threads_;
    }
    readers_.fetch_add(1);
    alive_.fetch_add(1);
    live(true);
}

/// Under pool_mutex_.
bool Link::spawn(bool as_reader) noexcept {
    if (stopping_.load()) return false;
    try {
        joinable_.reserve(joinable_.size() + 1);
        if (as_reader) readers_.fetch_add(1);
        alive_.fetch_add(1);
        joinable_.emplace_back([this, as_reader] {
            if (options_.on_thread) options_.on_thread();
            live(as_reader);
        });
        ++threads_;
        return true;
    } catch (...) {
        if (as_reader) readers_.fetch_sub(1);
        alive_.fetch_sub(1);
        return false;
    }
}

void Link::live(bool as_reader) {
    std::uint64_t next_tick = now_ns() + idle_ns;
    while (!stopping_.load(std::memory_order_relaxed)) {
        if (!as_reader) {
            if (const Task task = next_task()) {
                task.run(task.self, task.what);
                continue;
            }
            if (readers_.fetch_add(1) + 1 <= readers_wanted) {
                as_reader = true;
            } else {
                readers_.fetch_sub(1);
                as_reader = wait_for_work();
                continue;
            }
        }
        if (tasks_waiting_.load(std::memory_order_relaxed) != 0 && begin_work()) {
            as_reader = false;
            continue;
        }
        auto seen = static_cast<std::uint32_t>(memory_->peer_page().tail.load(std::memory_order_seq_cst));
        if (take_role()) {
            const Task task = read_all();
            if (task && begin_work()) {
                leave_role();
                task.run(task.self, task.what);
                as_reader = role_.load(std::memory_order_relaxed) == role_left;
                if (as_reader) readers_.fetch_add(1);
                continue;
            }
            if (task) post(task);
            seen = static_cast<std::uint32_t>(reader_.position());
            leave_role();
            if (task) continue;
        }
        // Whoever has the role looks at the ring again after giving it up, so nothing that came until `seen` is forgotten.
        const std::uint64_t until = std::min(next_tick, now_ns() + (receiver_.wants_ticks() ? slice_ns : idle_ns));
        const std::uint64_t began = now_ns();
        if (!stopping_.load()) futex_wait(tail_word(), seen, sleeper_parked, until, FutexScope::shared);
        if (options_.parked_spins) learn(began);
        if (const std::uint64_t now = now_ns(); now >= until) {
            next_tick = now + idle_ns;
            if (begin_work()) { // what ticks do may wait, too
                receiver_.on_tick();
                as_reader = false;
            }
        }
    }
    if (as_reader) readers_.fetch_sub(1);
    alive_.fetch_sub(1);
}

/// A reader is about to run foreign code. @return False: it has to go on reading, because nobody else would.
bool Link::begin_work() {
    if (readers_.fetch_sub(1) > 1) [[likely]] return true;
    const std::lock_guard lock(pool_mutex_);
    if (idle_ > promoted_) {
        ++promoted_;
        readers_.fetch_add(1);
        pool_changed_.notify_one();
        return true;
    }
    if (threads_ <= options_.threads_max && spawn(true)) return true;
    if (threads_ == 1) return true; // no second thread to be had: the work comes first
    readers_.fetch_add(1);
    return false;
}

Task Link::next_task() {
    if (tasks_waiting_.load() == 0) return {};
    const std::lock_guard lock(pool_mutex_);
    if (tasks_.empty()) return {};
    const Task task = tasks_.front();
    tasks_.pop_front();
    tasks_waiting_.store(tasks_.size());
    return task;
}

/// @return Whether to become a reader.
bool Link::wait_for_work() {
    std::unique_lock lock(pool_mutex_);
    ++idle_;
    pool_changed_.wait(lock, [this] { return !tasks_.empty() || promoted_ > 0 || stopping_.load(); });
    --idle_;
    if (promoted_ == 0) return false;
    --promoted_; // counted as a reader by who promoted us
    return true;
}

void Link::post(Task task) {
    const std::lock_guard lock(pool_mutex_);
    tasks_.push_back(task);
    tasks_waiting_.store(tasks_.size());
    if (idle_ >= tasks_.size() + promoted_) pool_changed_.notify_one();
    else if (threads_ <= options_.threads_max) static_cast<void>(spawn(false));
}

void Link::stop() noexcept {
    stopping_.store(true);
    {
        const std::lock_guard lock(pool_mutex_);
        pool_changed_.notify_all();
    }
    futex_wake(tail_word(), INT_MAX, futex_any, FutexScope::shared);
}

void Link::stop_and_join() {
    stop();
    // A thread may be just about to sleep.
    while (alive_.load() != 0) {
        futex_wake(tail_word(), INT_MAX, futex_any, FutexScope::shared);
        const timespec moment{0, 200'000};
        ::nanosleep(&moment, nullptr);
    }
    for (std::thread& thread : joinable_) thread.join();
    joinable_.clear();
    // Such as the end of a call, which somebody waits for.
    while (!tasks_.empty()) {
        const Task task = tasks_.front();
        tasks_.pop_front();
        (task.drop != nullptr ? task.drop : task.run)(task.self, task.what);
    }
}

// --- reading -----------------------------------------------------------------------------------------------------

bool Link::take_role() noexcept {
    std::uint32_t now = role_.load(std::memory_order_relaxed);
    if (now == role_held || !role_.compare_exchange_strong(now, role_held, std::memory_order_seq_cst)) return false;
    RingPage& page = memory_->own_page();
    page.sleeper.store(++turn_ * sleeper_turn | sleeper_none, std::memory_order_relaxed);
    const auto cpu = static_cast<std::uint32_t>(::sched_getcpu() + 1);
    if (cpu != published_cpu_.load(std::memory_order_relaxed)) {
        published_cpu_.store(cpu, std::memory_order_relaxed);
        page.cpu.store(cpu, std::memory_order_relaxed);
    }
    return true;
}

/// The peer's next message then needs no wake and no second thread. If the callee does not return soon, the peer wakes one.
void Link::about_to_answer() noexcept {
    std::uint32_t free = role_free;
    if (!options_.parked_spins || !role_.compare_exchange_strong(free, role_held, std::memory_order_seq_cst)) return;
    memory_->own_page().sleeper.store(++turn_ * sleeper_turn | sleeper_returns | sleeper_parked, std::memory_order_release);
    role_.store(role_left, std::memory_order_seq_cst);
}

void Link::leave_role() noexcept {
    RingPage& page = memory_->own_page();
    for (int extra = 0;;) {
        page.sleeper.store(++turn_ * sleeper_turn | sleeper_parked, std::memory_order_release);
        const std::uint64_t position = reader_.position();
        role_.store(role_free, std::memory_order_seq_cst);
        if (violated_.load(std::memory_order_relaxed)) [[unlikely]] report_violation();
        if (sleepers_.load(std::memory_order_seq_cst) != 0) [[unlikely]] {
            const std::lock_guard lock(sleepers_mutex_);
            if (!sleeping_.empty()) sleeping_.front()->signal();
        }
        // Between the last look and the flag a message may have come that woke nobody.
        if (memory_->peer_page().tail.load(std::memory_order_seq_cst) == position || closed() || violated_.load(std::memory_order_relaxed)) [[likely]] return;
        if (extra >= extra_reads_max) {
            post({[](void* self, void*) {
                auto& link = *static_cast<Link*>(self);
                if (!link.take_role()) return;
                if (const Task task = link.read_all()) link.post(task);
                link.leave_role();
            }, this, nullptr});
            return;
        }
        if (!take_role()) return; // the one who has it will read
        for (bool got = true; got && extra < extra_reads_max; ++extra) {
            if (const Task task = read_one(got)) post(task);
        }
    }
}

/// In the role: until there is nothing, or something to be done outside of it.
Task Link::read_all() {
    for (;;) {
        bool got = true;
        while (got) {
            if (const Task task = read_one(got)) return task;
            if (stopping_.load(std::memory_order_relaxed)) return {};
        }
        if (closed() || !options_.parked_spins || sleepers_.load(std::memory_order_relaxed) != 0) return {};
        if (!spin([this] { return !reader_.is_empty() || stopping_.load(std::memory_order_relaxed) || sleepers_.load(std::memory_order_relaxed) != 0; })) return {};
    }
}

/// In the role.
Task Link::read_one(bool& got) {
    got = false;
    if (closed() || violated_.load(std::memory_order_relaxed)) return {};
    if (current_ == nullptr) current_ = take_message();
    Message* message = current_;
    const char* fault = nullptr;
    if (!reader_.peek(message->head, fault)) {
        if (fault != nullptr) violate(fault);
        return {};
    }
    reader_.take(message->head, message->room.data());
    came_from_the_peer(this);
    message->body = message->room.data();
    message->body_size = message->head.body_size;
    got = true;
    switch (message->head.kind) {
    case Kind::ping: memory_->own_page().pong.store(message->head.value, std::memory_order_release); return {};
    case Kind::release:
        if (!slab_.take_back(message->head.value)) violate("it gave back memory that it does not hold");
        return {};
    default: break;
    }
    if ((message->head.flags & flag_spilled) != 0 && !unspill(*message)) {
        violate("a message's body lies where nothing is");
        return {};
    }
    const Task task = receiver_.on_message(message);
    if (message == nullptr) current_ = nullptr;
    return task;
}

/// Copies a large body out of the peer's slab.
bool Link::unspill(Message& message) {
    BodyReader body(message);
    const auto row = body.get<BufferRow>();
    if (body.failed() || row.place != 1 || row.size > body_spilled_max || row.offset > memory_->slab_bytes() || row.size > memory_->slab_bytes() - row.offset) return false;
    message.spilled = std::make_unique_for_overwrite<std::uint8_t[]>(row.size);
    std::memcpy(message.spilled.get(), memory_->peer_slab() + row.offset, row.size);
    copied();
    message.body = message.spilled.get();
    message.body_size = static_cast<std::uint32_t>(row.size);
    give_back(row.block);
    return true;
}

Message* Link::take_message() {
    {
        const std::lock_guard lock(messages_lock_);
        if (!messages_.empty()) {
            Message* message = messages_.back();
            messages_.pop_back();
            return message;
        }
    }
    return new Message; // not zeroed: `room` is large
}

void Link::give(Message* message) noexcept {
    if (message == nullptr) return;
    message->spilled.reset();
    {
        const std::lock_guard lock(messages_lock_);
        if (messages_.size() < messages_kept) {
            if (messages_.capacity() == 0) messages_.reserve(messages_kept);
            messages_.push_back(message);
            return;
        }
    }
    delete message;
}

void Link::violate(std::string_view what) noexcept {
    const std::lock_guard lock(violation_mutex_);
    if (violated_.load()) return;
    violation_ = what;
    violated_.store(true);
}

void Link::report_violation() noexcept {
    if (!reported_.exchange(true)) receiver_.on_violation(why_closed());
}

// --- writing -----------------------------------------------------------------------------------------------------

Status Link::send_and_wait(Outgoing& message, bool& has_role) {
    has_role = take_role();
    if (!has_role) return send(message, Patience::some, Wake::unless_it_returns);
    Status sent = send(message, Patience::none, Wake::unless_it_returns);
    if (sent || closed()) return sent;
    has_role = false; // who waits for room must not keep others from reading
    leave_role();
    return send(message, Patience::some, Wake::unless_it_returns);
}

Status Link::send(Outgoing& message, Patience patience, Wake wake) {
    if (message.size() > body_inline_max) [[unlikely]] SYMPHONY_TRY(message.spill(patience, message.head.deadline_ns));
    message.head.body_size = message.size();
    const std::uint64_t extent = extent_of(message.head.body_size);
    std::uint64_t until = 0;
    for (;;) {
        if (closed()) [[unlikely]] return why_closed();
        send_lock_.lock();
        if (writer_.has_room(extent)) [[likely]] {
            left_for_the_peer(this);
            writer_.write(message.head, message.body());
            const std::uint64_t position = writer_.position();
            const bool now = wake != Wake::when_filling || writer_.is_filling();
            send_lock_.unlock();
            message.sent();
            if (now) wake_peer(wake == Wake::unless_it_returns ? position : 0);
            return {};
        }
        const bool corrupt = writer_.corrupt();
        send_lock_.unlock();
        if (corrupt) {
            violate("its reading position is impossible");
            report_violation();
            return why_closed();
        }
        wake_peer(0);
        const std::uint64_t now = now_ns();
        if (until == 0) until = message.head.deadline_ns != 0 ? message.head.deadline_ns : now + patience_ns;
        if (patience == Patience::none || now >= until) {
            return Error(Code::exhausted, "channel-full", options_.peer + ": its process does not read what it is sent").as_retryable();
        }
        const auto& head = memory_->peer_page().head;
        futex_wait(&head, static_cast<std::uint32_t>(head.load(std::memory_order_relaxed)), futex_any, std::min(until, now + 200'000), FutexScope::shared);
    }
}

/// After a write: the tail was stored before `sleeper` is read, the sleeper looks at the tail after it has set it.
/// @param may_wait  The position of a message that a returning reader finds by itself; 0 = wake in any case.
void Link::wake_peer(std::uint64_t may_wait) noexcept {
    const std::uint32_t sleeper = memory_->peer_page().sleeper.load(std::memory_order_seq_cst);
    if ((sleeper & sleeper_mask) == 0 || woken_.load(std::memory_order_relaxed) == sleeper) return;
    if ((sleeper & sleeper_returns) != 0 && may_wait != 0) {
        unwoken_.store(may_wait, std::memory_order_relaxed);
        return;
    }
    woken_.store(sleeper, std::memory_order_relaxed); // one wake for each time that it goes to sleep
    futex_wake(&memory_->own_page().tail, 1, sleeper & sleeper_mask, FutexScope::shared);
}

void Link::give_back(std::uint32_t block) noexcept {
    try {
        std::vector<std::uint32_t> blocks;
        {
            const std::lock_guard lock(owed_lock_);
            blocks.swap(owed_);
        }
        blocks.push_back(block);
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            Outgoing message(*this, Kind::release);
            message.head.value = blocks[i];
            if (send(message, Patience::none, Wake::when_filling) || closed()) continue;
            const std::lock_guard lock(owed_lock_);
            owed_.insert(owed_.end(), blocks.begin() + static_cast<std::ptrdiff_t>(i), blocks.end());
            return;
        }
    } catch (...) {
        // Without memory the block stays lent; the peer's slab is that much smaller.
    }
}

void Link::close() noexcept {
    closed_.store(true, std::memory_order_seq_cst);
    futex_wake(tail_word(), INT_MAX, futex_any, FutexScope::shared);
}

/// A violation is known here before anybody was told of it and the link was closed for it.
Error Link::why_closed() const {
    const std::lock_guard lock(violation_mutex_);
    if (!violated_.load()) return Error(Code::peer_died, "channel-closed", options_.peer + ": its process is gone");
    return Error(Code::peer_died, "protocol-violation", options_.peer + ": its process broke the channel's protocol: " + violation_,
                 "report it to the plugin's author; a process that does this may be under attack");
}

} // namespace symphony::ipc
