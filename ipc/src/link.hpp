// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "futex.hpp"
#include "memory.hpp"
#include "message.hpp"
#include "ring.hpp"
#include "slab.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace symphony::ipc {

/// Work that a message asks for and that may block or run foreign code: never done in the reader's role.
struct Task {
    void (*run)(void* self, void* what) = nullptr;
    void* self = nullptr;
    void* what = nullptr;
    void (*drop)(void* self, void* what) = nullptr;  ///< instead, when the link stops first; null: it runs all the same
    explicit operator bool() const noexcept { return run != nullptr; }
};

/// One side of a channel at work: who writes, who reads, who sleeps and who is woken.
///
/// There is one reader at a time, whoever holds the *role*. A thread that waits for an answer takes the role when it is free,
/// spins, sleeps on the ring's futex word, and passes on what is for others. When nobody waits the role is free and a
/// *parked* thread of the link sleeps on the same word; the peer sees in `sleeper` whether and whom to wake. Foreign code
/// (a plugin, a caller's callback) only runs after the role was given up, and only while another thread is there to read.
class Link {
public:
    /// Where messages go. [the thread in the role]
    class Receiver {
    public:
        Receiver() = default;
        Receiver(const Receiver&) = delete;
        Receiver& operator=(const Receiver&) = delete;
        /// May keep the message by setting the pointer to null; give() it back then. Must not block or run foreign code.
        virtual Task on_message(Message*& message) = 0;
        /// The peer broke the protocol; nothing is read any more. Outside the role, once. [any]
        virtual void on_violation(const Error& why) = 0;
        /// Every now and then, more often when wants_ticks(). Outside the role. [a thread of the link]
        virtual void on_tick() = 0;
        virtual bool wants_ticks() const noexcept = 0;

    protected:
        ~Receiver() = default;
    };

    struct Options {
        std::string peer;               ///< for messages: `plugin "x"`
        bool host = true;
        bool parked_spins = false;      ///< the side that mostly answers looks a while before it sleeps
        unsigned threads_max = 64;
        std::function<void()> on_thread;
    };

    Link(std::shared_ptr<Memory> memory, int control, Receiver& receiver, Options options);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link();

    /// Starts the first thread.
    void start();
    /// The calling thread becomes the first one, until stop().
    void run();
    /// No thread of the link is left after it. Not from one of them.
    void stop_and_join();
    /// The same without the waiting. [any]
    void stop() noexcept;

    /// Sends. @return `exhausted` with reason `channel-full`, `peer_died` when closed.
    Status send(Outgoing& message, Patience patience = Patience::some) { return send(message, patience, Wake::always); }
    /// For a thread that goes into wait() next: a peer that is about to look anyway is not woken, and the role is taken first
    /// if it is free, so that the answer wakes nobody else. @param has_role  For wait().
    Status send_and_wait(Outgoing& message, bool& has_role);
    /// For a thread that answers a call from inside it and will read again as soon as the callee returns.
    void about_to_answer() noexcept;
    /// Gives a block back to the peer. Never waits; what finds no room goes with the next one.
    void give_back(std::uint32_t block) noexcept;

    /// No message is sent or read any more. [any]
    void close() noexcept;
    bool closed() const noexcept { return closed_.load(std::memory_order_seq_cst); }
    /// "protocol-violation" with what was wrong, or "channel-closed". [any]
    Error why_closed() const;
    /// For the receiver, in the role: the rest of what came is not read.
    void violate(std::string_view what) noexcept;
    /// The same from outside of the role.
    void break_off(std::string_view what) noexcept {
        violate(what);
        report_violation();
    }

    /// Waits until `ready()`, at most until `until_ns`, or a slice after it had to sleep when that is 0; reads meanwhile if
    /// nobody else does. Whoever makes `ready` true signals the waiter.
    template <class Ready>
    bool wait(Waiter& waiter, std::uint64_t until_ns, Ready ready, bool has_role = false);
    /// Instead of wait(), after send_and_wait().
    void wait_not(bool has_role) noexcept {
        if (has_role) leave_role();
    }

    /// Runs a task on a thread of the link, some time.
    void post(Task task);

    Message* take_message();
    void give(Message* message) noexcept;

    Slab& slab() noexcept { return slab_; }
    Memory& memory() noexcept { return *memory_; }
    const std::shared_ptr<Memory>& shared_memory() const noexcept { return memory_; }
    const Options& options() const noexcept { return options_; }
    int control() const noexcept { return control_; }
    /// For buffers in the peer's slab: they give blocks back as long as there is a link.
    struct Lifeline {
        std::mutex mutex;
        Link* link = nullptr;
    };
    const std::shared_ptr<Lifeline>& lifeline() const noexcept { return lifeline_; }
    /// How long a sender waits for room when nothing else limits it.
    static constexpr std::uint64_t patience_ns = 10'000'000'000;

private:
    static constexpr std::uint64_t spin_ns_max = 50'000, spin_ns_min = 1'500;
    static constexpr std::uint64_t spin_worth_ns = 4 * spin_ns_max;  // two wakes on a busy machine
    static constexpr std::uint64_t slice_ns = 10'000'000, idle_ns = 1'000'000'000;
    static constexpr std::uint64_t returns_ns = 1'000'000;  // how long a peer that said it looks again may take
    static constexpr int readers_wanted = 2;

    enum class Wake : std::uint8_t { always, unless_it_returns, when_filling };
    Status send(Outgoing& message, Patience patience, Wake wake);
    void nudge() noexcept;
    bool is_unread() const noexcept { return static_cast<std::int64_t>(unwoken_.load(std::memory_order_relaxed) - memory_->peer_page().head.load(std::memory_order_relaxed)) > 0; }
    void live(bool as_reader);
    bool take_role() noexcept;
    void leave_role() noexcept;
    Task read_one(bool& got);
    Task read_all();
    bool unspill(Message& message);
    template <class Ready>
    bool spin(Ready ready) noexcept;
    void learn(std::uint64_t began_ns) noexcept;
    template <class Ready>
    void read_until(std::uint64_t until_ns, Ready ready);
    bool begin_work();
    Task next_task();
    bool wait_for_work();
    bool spawn(bool as_reader) noexcept;
    void wake_peer(std::uint64_t may_wait) noexcept;
    void report_violation() noexcept;
    const void* tail_word() const noexcept { return &memory_->peer_page().tail; }

    std::shared_ptr<Memory> memory_;
    const int control_;
    Receiver& receiver_;
    const Options options_;
    Slab slab_;
    std::shared_ptr<Lifeline> lifeline_;

    // Writing.
    alignas(64) SmallLock send_lock_;
    RingWriter writer_;
    std::atomic<std::uint32_t> woken_{0};
    std::atomic<std::uint64_t> unwoken_{0};  // end of what was sent without a wake

    // Reading: only in the role.
    static constexpr std::uint32_t role_free = 0, role_held = 1;
    static constexpr std::uint32_t role_left = 2;  // its last holder comes back soon, but anybody may take it
    alignas(64) std::atomic<std::uint32_t> role_{role_free};
    RingReader reader_;
    std::uint32_t turn_ = 0;
    Message* current_ = nullptr;
    mutable std::mutex violation_mutex_;
    std::string violation_;
    std::atomic<bool> violated_{false}, reported_{false};

    alignas(64) std::atomic<std::uint64_t> spin_ns_{spin_ns_max};
    std::atomic<std::uint32_t> published_cpu_{0};
    std::atomic<bool> closed_{false}, stopping_{false};
    std::atomic<int> readers_{0};   // threads of the link that would read a message

    // Waiting for the role.
    std::atomic<int> sleepers_{0};
    std::mutex sleepers_mutex_;
    std::vector<Waiter*> sleeping_;

    // Threads of the link.
    std::mutex pool_mutex_;
    std::condition_variable pool_changed_;
    std::deque<Task> tasks_;
    unsigned idle_ = 0, threads_ = 0, promoted_ = 0;
    std::atomic<std::size_t> tasks_waiting_{0};
    std::atomic<unsigned> alive_{0};
    std::vector<std::thread> joinable_;
    SmallLock owed_lock_;
    std::vector<std::uint32_t> owed_;  // blocks to be given back

    SmallLock messages_lock_;
    std::vector<Message*> messages_;
};

/// The owner of a buffer that lies in this side's slab, such as one from buf_alloc: sending it copies nothing.
struct SlabBuffer {
    std::atomic<std::uint64_t> references{1};
    std::shared_ptr<Memory> memory;
    std::shared_ptr<Link::Lifeline> lifeline;
    std::uint32_t block;

    /// One reference. @return SYMPHONY_E_EXHAUSTED when the slab has no room.
    static symphony_status make(Link& link, std::uint64_t size, symphony_buf& out);
    static void retain(void* owner) noexcept;
    static void release(void* owner) noexcept;
    static const symphony_buf_ops ops;
};

/// Looks for news without sleeping, if the peer runs on another CPU.
template <class Ready>
bool Link::spin(Ready ready) noexcept {
    const std::uint32_t peer_cpu = memory_->peer_page().cpu.load(std::memory_order_relaxed);
    if (peer_cpu == 0 || peer_cpu == published_cpu_.load(std::memory_order_relaxed)) return false;
    for (int i = 0; i < 64; ++i) {
        if (ready()) return true;
        relax();
    }
    const std::uint64_t end = now_ns() + spin_ns_.load(std::memory_order_relaxed);
    do {
        for (int i = 0; i < 16; ++i) {
            if (ready()) return true;
            relax();
        }
    } while (now_ns() < end);
    return false;
}

/// After a sleep: a short one would have been better spent looking, a long one not. What counts is the whole wait, since a
/// peer that sleeps as well is slow only because of that.
inline void Link::nudge() noexcept {
    if (is_unread()) [[unlikely]] wake_peer(0);
}

inline void Link::learn(std::uint64_t began_ns) noexcept {
    const std::uint64_t budget = spin_ns_.load(std::memory_order_relaxed);
    if (now_ns() - began_ns < spin_worth_ns) spin_ns_.store(std::min(spin_ns_max, budget * 4), std::memory_order_relaxed);
    else spin_ns_.store(std::max(spin_ns_min, budget / 2), std::memory_order_relaxed);
}

/// In the role.
template <class Ready>
void Link::read_until(std::uint64_t until_ns, Ready ready) {
    RingPage& page = memory_->own_page();
    for (;;) {
        bool got = true;
        while (got && !ready()) {
            if (const Task task = read_one(got)) post(task); // not on this stack: it may be a plugin's
        }
        if (ready() || closed() || violated_.load(std::memory_order_relaxed)) return;
        const auto news = [&] { return !reader_.is_empty() || ready() || closed(); };
        const std::uint64_t began = now_ns();
        if (spin(news)) continue;
        page.sleeper.store(++turn_ * sleeper_turn | sleeper_reader, std::memory_order_seq_cst);
        const std::uint64_t until = is_unread() ? std::min(until_ns, began + returns_ns) : until_ns;
        if (!news()) futex_wait(tail_word(), static_cast<std::uint32_t>(reader_.position()), sleeper_reader, until, FutexScope::shared);
        page.sleeper.store(++turn_ * sleeper_turn | sleeper_none, std::memory_order_relaxed);
        learn(began);
        nudge();
        if (reader_.is_empty() && (ready() || closed() || now_ns() >= until_ns)) return;
    }
}

template <class Ready>
bool Link::wait(Waiter& waiter, std::uint64_t until_ns, Ready ready, bool has_role) {
    bool asked_time = until_ns != 0;
    for (;;) {
        if (!has_role && ready()) return true;
        // The usual way needs no clock: the answer comes while we look.
        if (has_role || (!asked_time && !closed() && take_role())) {
            has_role = false;
            const auto news = [&] { return !reader_.is_empty() || ready() || closed(); };
            bool got = true;
            do {
                while (got && !ready()) {
                    if (const Task task = read_one(got)) post(task);
                }
                got = true;
            } while (!ready() && !violated_.load(std::memory_order_relaxed) && !closed() && spin(news));
            if (!ready()) {
                if (until_ns == 0) until_ns = now_ns() + slice_ns;
                read_until(until_ns, ready);
            }
            leave_role();
            if (ready()) return true;
        }
        if (!asked_time) {
            asked_time = true;
            if (until_ns == 0) until_ns = now_ns() + slice_ns;
        }
        if (now_ns() >= until_ns) return ready();
        if (!closed() && !violated_.load(std::memory_order_relaxed) && take_role()) {
            read_until(until_ns, ready);
            leave_role();
        } else if (closed() || violated_.load(std::memory_order_relaxed)) {
            // Nothing is read any more: whoever closed it makes us ready.
            waiter.sleep(ready, std::min(until_ns, now_ns() + slice_ns));
        } else if (!spin([&] { return ready() || role_.load(std::memory_order_relaxed) != role_held; })) {
            {
                const std::lock_guard lock(sleepers_mutex_);
                sleeping_.push_back(&waiter);
                sleepers_.store(static_cast<int>(sleeping_.size()), std::memory_order_seq_cst);
            }
            waiter.sleep([&] { return ready() || role_.load(std::memory_order_seq_cst) != role_held; }, std::min(until_ns, now_ns() + slice_ns));
            nudge();
            const std::lock_guard lock(sleepers_mutex_);
            std::erase(sleeping_, &waiter);
            sleepers_.store(static_cast<int>(sleeping_.size()), std::memory_order_seq_cst);
        }
    }
}

} // namespace symphony::ipc
