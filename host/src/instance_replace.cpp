// SPDX-License-Identifier: Apache-2.0
// How one instance takes the place of another, such as an updated plugin that of the older version. What can fail without harm is
// done first, while the old one works. Then the old one's door is closed, its calls end, it saves its state and steps aside; only when the
// new one is active does it go. Whatever fails until then, the old one is activated again and goes on. Callers that come meanwhile wait at
// the door and are shown the right one.
#include "instance.hpp"

#include <thread>

namespace symphony::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto step_max = std::chrono::seconds(5); // for each of the old one's control functions together

} // namespace

Status Instance::prepare() {
    std::unique_lock lock(mutex_);
    if (busy_ || state_ != State::discovered) return Error(Code::conflict, "not-new", who() + ": is " + std::string(name_of(state_)));
    busy_ = true;
    return start_within(lock, [this] { return load(); });
}

Status Instance::take_over(Instance& old, Clock::time_point limit) {
    auto state = old.pause(limit);
    Status done = state ? Status() : Status(std::move(state).error());
    if (done) {
        std::unique_lock lock(mutex_);
        busy_ = true;
        done = start_within(lock, [this, state = *std::move(state)]() -> Status {
            if (state && (ops_.flags & SYMPHONY_INSTANCE_STATEFUL) != 0 && ops_.load_state != nullptr) {
                const symphony_buf bytes = state->to_c();
                SYMPHONY_TRY(control("load_state", [&](symphony_error* error) { return ops_.load_state(instance, &bytes, error); }));
                SYMPHONY_TRY(still_activating());
            }
            return activate();
        });
        if (!done) old.resume();
    }
    if (!done) {
        fail(done.error());
        static_cast<void>(stop(Clock::now() + step_max));
        return done;
    }
    old.end_move(this);
    // Who stood at the old door is on the way to the new one, and must not be taken for somebody inside when the old one ends.
    while (host_.calls().at_the_door(old) > 0) std::this_thread::yield();
    return {};
}

Instance* Instance::heir(Clock::time_point limit) {
    std::unique_lock lock(mutex_);
    const bool decided = changed_.wait_until(lock, limit, [this] { return heir_ != nullptr || !moving(); });
    if (!decided) return nullptr;
    return heir_ != nullptr ? heir_ : this;
}

/// @return The state, when it has one that it can save.
Result<std::optional<Buffer>> Instance::pause(Clock::time_point limit) {
    {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_until(lock, limit, [this] { return !busy_; })) return Error(Code::busy, "being-started", who() + ": is being started or stopped");
        const bool dead = gone();
        if (state_ != State::active && !dead) return Error(Code::conflict, "not-active", who() + ": is " + std::string(name_of(state_)));
        busy_ = true;
        moving_.store(true, std::memory_order_release);
        if (dead) return std::optional<Buffer>(); // its state went with its process
    }
    gate.close();
    // A thread that has just ended its call is still in the plugin's code.
    while (!gate.wait([this] { return gate.inside() == 0 && host_.calls().entered(*this) == 0; }, std::chrono::milliseconds(10))) {
        if (Clock::now() < limit) continue;
        gate.open();
        end_move(nullptr);
        return Error(Code::busy, "calls-under-way", who() + ": is at work for others, so that nothing can take its place now").as_retryable();
    }
    struct Out {
        Status done;
        std::optional<Buffer> state;
    };
    const auto out = std::make_shared<Out>();
    const auto end = Clock::now() + step_max;
    const Error too_late(Code::deadline, "wedged", who() + ": did not save its state in time", "report it to the plugin's author");
    if (!run_bounded(end, [this, end, out] { out->done = quiesce_and_save(end, out->state); }, too_late)) {
        fail(too_late);
        end_move(nullptr);
        return too_late;
    }
    if (out->done) return std::move(out->state);
    resume();
    return std::move(out->done).error();
}

Status Instance::quiesce_and_save(Clock::time_point limit, std::optional<Buffer>& state) {
    SYMPHONY_TRY(move_to(State::deactivating));
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(limit - Clock::now()).count();
    SYMPHONY_TRY(control("quiesce", ops_.quiesce, instance, host_.now_ns() + static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0))));
    if ((ops_.flags & SYMPHONY_INSTANCE_STATEFUL) != 0 && ops_.save_state != nullptr) {
        symphony_buf bytes{};
        bytes.struct_size = sizeof bytes;
        SYMPHONY_TRY(control("save_state", [&](symphony_error* error) { return ops_.save_state(instance, &bytes, error); }));
        // Copied: the buffer may be memory of its library or of its process, which ends.
        state = Buffer::copy(Buffer::adopt(bytes).bytes());
    }
    SYMPHONY_TRY(control("deactivate", ops_.deactivate, instance));
    activated_ = false;
    set_ready(false);
    return move_to(State::inactive);
}

/// Back to work, from wherever pause() came to.
void Instance::resume() {
    if (gone()) return end_move(nullptr); // the next call starts a new process
    const Error too_late(Code::deadline, "wedged", who() + ": does not come back to work", "report it to the plugin's author");
    const bool back = run_bounded(Clock::now() + step_max, [this] {
        attempt([this]() -> Status {
            if (state() == State::deactivating) {
                activated_ = false;
                SYMPHONY_TRY(control("deactivate", ops_.deactivate, instance));
                SYMPHONY_TRY(move_to(State::inactive));
            }
            SYMPHONY_TRY(move_to(State::activating));
            return activate();
        });
    }, too_late);
    if (!back) fail(too_late);
    end_move(nullptr);
}

/// @param heir  Null: it stays itself.
void Instance::end_move(Instance* heir) {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    heir_ = heir;
    if (heir == nullptr) moving_.store(false, std::memory_order_release);
    changed_.notify_all();
}

} // namespace symphony::host
