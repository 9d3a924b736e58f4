// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "validate.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace symphony::tracker {

/// The numbers are those of the workflow port.
enum class NodeState : std::uint8_t { pending = 1, queued, running, completed, failed, skipped, cancelled, upstream_failed };
std::string_view name_of(NodeState state) noexcept;

/// A checked workflow with its providers: what can be run, any number of times. Const methods may be called concurrently.
struct Plan {
    std::shared_ptr<const Catalogue> catalogue;  // the binding points into it
    Workflow workflow;   // expanded: without sub-workflows and loops
    Binding binding;
    std::shared_ptr<const Workflow> written;  // as it was before, when that is another
    const Workflow& as_written() const noexcept { return written ? *written : workflow; }
};

/// One call of a plugin's operation.
struct CallRequest {
    const Provider* provider = nullptr;
    std::string_view operation;
    Value input;
    std::uint64_t deadline_ns = 0;  ///< monotonic, 0 = none
};

/// How nodes reach plugins; tests have their own.
class Caller {
public:
    using Done = std::function<void(Result<Value>)>;
    using Progress = std::function<void(std::uint32_t permille, std::string_view note)>;
    virtual ~Caller() = default;
    /// Calls `done` exactly once, on any thread, perhaps before it returns. Blocks as long as the provider does. [any]
    virtual void call(CallRequest request, Progress progress, Done done) = 0;
    /// Asks every call under way to end. [any]
    virtual void cancel_all() noexcept = 0;
    /// Calls that are made from now on are not asked to end by the cancel_all() before. At most once. [any]
    virtual void begin_anew() = 0;
};

/// What happens during a run, in order.
struct RunEvent {
    enum class Kind : std::uint8_t { started = 1, changed, progress, ended };
    Kind kind = Kind::changed;
    Id node = no_id;
    NodeState state = NodeState::pending;
    std::uint32_t attempt = 0;
    std::uint32_t permille = 0;  ///< of the node
    std::string note;
    std::uint32_t done = 0;      ///< nodes that have ended
    std::uint64_t at_ns = 0;
};

class SharedLimits;
class StepLog;
class CallMemory;
struct KnownSteps;

struct RunSettings {
    std::uint64_t deadline_ns = 0;  ///< monotonic; 0 = none
    std::uint64_t grace_ns = 2'500'000'000;  ///< how long cancelled calls may take to end
    std::uint64_t closing_ns = 30'000'000'000;       ///< how long compensations and `finally` nodes may take
    std::uint64_t cancel_max_ns = 3'000'000'000;     ///< all that is left once `cancelled` says so
    std::size_t workers = 1;
    std::size_t blocking_threads = 8;
    std::size_t value_bytes_max = std::size_t{1} << 30;  ///< of all values alive at a time
    std::uint64_t seed = 0;         ///< of the retries' jitter
    bool fail_fast = false;
    bool want_events = true;
    std::shared_ptr<CallMemory> memory;  ///< may answer calls instead of their plugins; null: every call is made
    std::shared_ptr<const KnownSteps> known;  ///< of a partial run; null: everything is run
    std::shared_ptr<SharedLimits> limits;  ///< what the runs of one host share; null: it shares with nobody
    std::string id;                 ///< of the run: what the idempotency keys of its calls are made of; the same when it is resumed
    std::shared_ptr<StepLog> log;   ///< remembers steps, and knows those of earlier parts of the run; null: nothing is remembered
};

/// An element that a node could not process, or a node's own failure.
struct Problem {
    Id node = no_id;
    std::string path;  ///< which element; "" for the whole node
    Error error{Code::internal, ""};
    std::uint32_t element = no_id;  ///< of an `each` node: its place in the list
};

struct NodeRun {
    NodeState state = NodeState::pending;
    std::uint32_t calls = 0;     ///< retries included
    std::uint32_t attempts = 0;  ///< of the call that took the most
    std::uint32_t recalled = 0;  ///< calls that were not made, because their answers were remembered
    std::uint32_t problems = 0;
    std::uint64_t started_ns = 0;
    std::uint64_t ended_ns = 0;
};

struct RunResult {
    enum class State : std::uint8_t { completed, failed, cancelled };
    State state = State::completed;
    bool late = false;            ///< cancelled because the deadline passed
    bool undone = false;          ///< compensations were run
    std::vector<Id> left_open;    ///< compensations and `finally` nodes that had no time: who resumes the run runs them
    std::vector<NodeRun> nodes;   ///< by node id
    std::vector<Problem> problems;  ///< in topological order; failures of nodes and collected elements
    std::vector<std::pair<Id, Value>> outputs;  ///< those that were made, by index of Workflow::outputs
    std::optional<Error> not_recorded;  ///< why the record of the run, which was wanted, is not whole
    std::uint32_t abandoned = 0;  ///< calls that did not end within the grace
    std::uint64_t elapsed_ns = 0;
};
std::string_view name_of(RunResult::State state) noexcept;
/// "cached", "3 cached" beside calls that were made, "" when no answer was remembered.
std::string recalled_text(std::uint32_t recalled, std::uint32_t calls);

/// Runs a plan and waits for its end. Compute runs on oneTBB workers, providers that block on threads of their own.
/// @param inputs     A map of the workflow's inputs, checked; defaults are filled in here.
/// @param on_event   Called on the calling thread only.
/// @param cancelled  Asked on the calling thread every few milliseconds.
/// @post Everything that was started has ended, or is counted in `abandoned`.
RunResult run_plan(std::shared_ptr<const Plan> plan, const Value& inputs, std::shared_ptr<Caller> caller, const RunSettings& settings,
                   const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled);

/// The monotonic clock of everything here, in nanoseconds.
std::uint64_t steady_now_ns() noexcept;

} // namespace symphony::tracker
