// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "call_memory.hpp"
#include "run.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace symphony::tracker {

/// What a step ended with, as much as a later run needs to go on without it.
struct StepEnd {
    NodeState state = NodeState::completed;
    bool bare = false;  ///< `output` is the value of port "value" itself
    std::uint32_t calls = 0;
    std::uint32_t attempts = 0;
    std::uint32_t recalled = 0;  ///< calls that were answered from memory
    std::uint64_t took_ns = 0;
    bool each = false;                ///< of an `each` step: what it has told of its end has null where its output follows from the answers of its elements
    bool by_fallback = false;         ///< the node failed, and what it gives is its fallback's
    bool closing = false;             ///< of a compensation or a `finally` node
    std::uint64_t order = 0;          ///< of the ends that are known from before: which came first
    Value output;                     ///< null when nobody reads it
    CallNote note;                    ///< of the one call of a step without `each`
    std::vector<Problem> problems;    ///< of the node, or of elements that it collected; `node` is not used
};

/// What somebody asks of a run from outside; on record before the run hears of it.
struct RunRequest {
    enum class Kind : std::uint8_t { cancel = 1, pause, proceed, step, provide };
    Kind kind = Kind::cancel;
    Id node = no_id;  ///< of provide
    Value value;      ///< of provide
};

/// What a run that is under way is at.
enum class RunStatus : std::uint8_t { running, waiting, paused };

/// Remembers the steps of one run. Control nodes are not remembered, because they follow from the others, but for those that time has a part in:
/// delays, what waits for input, and merges and joins that go on with what comes first.
class StepLog {
public:
    StepLog() = default;
    StepLog(const StepLog&) = delete;
    StepLog& operator=(const StepLog&) = delete;
    virtual ~StepLog() = default;

    /// What the step has ended with in an earlier part of this run; null when it is to run. [any]
    virtual const StepEnd* ended_before(Id node) const noexcept = 0;
    /// The same also when it failed or was cancelled; for a run that goes on closing. [any]
    virtual const StepEnd* last_end(Id node) const noexcept = 0;
    /// An earlier part of the run had begun to close it, as what it is to end as. [any]
    virtual std::optional<RunResult::State> closing_before() const noexcept = 0;
    /// The answer of one element of an `each` step, from an earlier part of this run; null also as a value when there was none. [any]
    virtual const Value* answered_before(Id node, std::uint32_t element) const noexcept = 0;

    /// When the step began in an earlier part of this run, in milliseconds since 1970; of delays and what waits for input. [any]
    virtual std::optional<std::int64_t> begun_before_ms(Id node) const noexcept = 0;
    /// Now, on the same clock. [any]
    virtual std::int64_t now_ms() const noexcept = 0;

    /// The step has begun; for those that begun_before_ms() is about. [any]
    virtual void begun(Id node) noexcept = 0;
    /// What the run is at from now on. [any]
    virtual void status(RunStatus status) noexcept = 0;
    /// What was asked of the run since the last time. [one thread; blocks for a look at the disk]
    virtual std::vector<RunRequest> requests() noexcept = 0;
    /// The step has ended. Returns at once, but waits while too much is in memory. [any]
    virtual void ended(Id node, StepEnd end) noexcept = 0;
    /// Nothing but compensations and `finally` nodes runs from now on. @param undoes  Whether something is going to be undone. [any]
    virtual void closing(RunResult::State state, bool undoes) noexcept = 0;
    /// An element of an `each` step has answered. @param answer  Null when it failed. [any]
    virtual void answered(Id node, std::uint32_t element, const Value& answer, const CallNote& note) noexcept = 0;

    /// An attempt has failed, and another one is made. @param note  With the attempt. [any]
    virtual void attempted(Id node, std::uint32_t element, const CallNote& note, const Error& why) noexcept = 0;
    /// Which part of the run this is, from 1. [any]
    virtual std::uint32_t part() const noexcept = 0;

    /// Before a call that may do something outside. `then` is called once, here or on another thread: all that was told
    /// before, and that this call is going to be made, is on the disk; or why it cannot be. [any]
    virtual void before_effect(Id node, std::uint32_t element, std::function<void(Status)> then) noexcept = 0;
    /// Why nothing more can be remembered, when that is so: the run is to stop. [any]
    virtual std::optional<Error> failure() const = 0;
};

} // namespace symphony::tracker
