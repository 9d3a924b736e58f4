// SPDX-License-Identifier: Apache-2.0
#pragma once

// One run from begin to end, as run.cpp's parts see it: run_setup (shape and lanes), run_flow (a node becomes ready, values, ends),
// run_control (control nodes), run_calls (calls are made), run_answers (what comes back), run_events, run_attend (the calling thread).

#include "blocking_pool.hpp"
#include "call_memory.hpp"
#include "engine.hpp"
#include "run.hpp"
#include "shared_limits.hpp"
#include "steps.hpp"

#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace symphony::tracker {

class Run : public std::enable_shared_from_this<Run> {
public:
    Run(std::shared_ptr<const Plan> plan, const Value& inputs, std::shared_ptr<Caller> caller, const RunSettings& settings);

    RunResult execute(const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled);

    // What the engine asks (engine.hpp says when).
    Verdict ready(std::uint32_t n) noexcept;
    void perform(Job job) noexcept;
    Verdict resumed(Job job) noexcept;
    bool early(std::uint32_t index) noexcept;
    bool early_last(std::uint32_t n) noexcept { return claim(n); }
    void drained() noexcept;

private:
    enum class Stop : std::uint8_t { no, cancelled, late, failed };
    /// In a job's place of a slot: the node's fallback has ended.
    static constexpr std::uint32_t fallback_slot = ~std::uint32_t{0};
    /// The time of a node that waits has come, or what it waits for.
    static constexpr std::uint32_t wake_slot = fallback_slot - 1;
    /// A node that was held back may begin.
    static constexpr std::uint32_t start_slot = fallback_slot - 2;
    enum class Arrival : std::uint8_t { value, nothing, failed };

    struct LaneKind {
        bool blocking = false;
        std::size_t jobs_max = 0;
    };

    /// A call under way, or the next one of this slot.
    struct Slot {
        std::uint32_t element = 0;
        std::uint32_t attempt = 0;
        std::optional<Result<Value>> answer;
        bool recalled = false;  // the answer was remembered
        bool holds = false;     // what the call claims is its
        std::uint64_t ready_ns = 0;    // when it began to wait for its turn
        std::uint64_t started_ns = 0;  // the attempt
        CallNote note;          // how the call is known to the memory
    };

    /// A node that runs: what its calls need and have answered.
    struct Active {
        Value base;   // the input without the element
        Value list;   // of an `each` node
        std::vector<ValueView> elements;
        std::vector<Value> answers;               // of elements; empty where it failed
        std::vector<std::optional<Error>> errors;  // of elements
        std::vector<Slot> slots;
        std::vector<std::uint32_t> to_do;          // elements without an answer of an earlier part of the run
        std::shared_ptr<const StepFacts> facts;    // when there is a memory
        std::atomic<std::uint32_t> next{0};        // in to_do
        std::atomic<std::uint32_t> working{0};  // slots that have not ended
        std::atomic<std::uint32_t> done{0};
        std::atomic<bool> failed{false};
        bool single = false;
        bool queued = false;  // its calls take turns on a lane
        bool given = false;  // of a node that waits for input: it came, and `base` is it
    };
    /// A join that does not wait for all.
    struct Join {
        std::mutex mutex;
        std::vector<Id> came;  // edges, never more than the quorum
    };
    /// A turn that has to wait while the run is paused.
    struct HeldBack {
        Job job;
        bool starts = false;  // the node begins; else a call of it
    };

    /// What every node has, for the whole run: some eighty bytes.
    struct Cell {
        std::atomic<NodeState> state{NodeState::pending};
        std::atomic<bool> claimed{false};
        bool bare = false;  // `output` is the value of port "value" itself
        bool by_fallback = false;
        std::atomic<std::uint32_t> uses{0};  // readers of `output` to come
        Value output;
        std::unique_ptr<Active> active;
    };
    /// Only nodes that ran for some time have one.
    struct Times {
        std::uint64_t started_ns = 0;
        std::uint64_t ended_ns = 0;
        std::atomic<std::uint32_t> calls{0};
        std::atomic<std::uint32_t> attempts{0};
        std::atomic<std::uint32_t> recalled{0};
        std::uint32_t problems = 0;
    };
    struct Timer {
        std::uint64_t at;
        Job job;
        static bool later(const Timer& a, const Timer& b) noexcept { return a.at > b.at; }
    };
    /// Takes the answer of a job's call. The ticket is left first: a provider may answer and go on hanging.
    struct Answer {
        std::shared_ptr<Run> run;
        Job job;
        BlockingPool::Ticket ticket;
        void operator()(Result<Value> result) const {
            ticket.leave();
            run->answer(job, std::move(result));
        }
    };

    // ---- set-up: run_setup.cpp ----
    void fill_inputs(const Value& given);
    void build_shape();
    /// Which step of the main phase waits for what an edge brings: a node waits for what its fallback reads; the step behind the last for
    /// none of them.
    Id main_step(const Edge& edge) const;
    /// Fallbacks, compensations and `finally` nodes are not the main phase's to start.
    void leave_to_others();
    /// Whether a join goes on before all that it waits for have ended.
    bool is_early_join(Id n) const;
    /// With an edge for order only, an "any" merge has to wait like a "first" one.
    bool all_carry(Id n) const;
    const PluginLimit* limit_of(const Provider& provider) const noexcept;
    /// What calls of each node claim of what all runs share: resources that they use, and a call of a plugin that has a limit.
    void build_claims();
    /// Lane 0 is compute without a limit of its own; every provider that blocks, takes one call at a time or has a limit has its lane.
    void build_lanes();

    // ---- a node becomes ready, values, ends: run_flow.cpp ----
    /// @param let_go  It was held back, and may begin though the run is paused.
    Verdict start_node(Id n, bool let_go = false);
    /// Whether the node cannot do without what the edge brings. A condition that does not hold says that it shall not run.
    bool needs(Id n, const Edge& edge) const;
    ValueView source_value(const Edge& edge) const;
    Value source_shared(const Edge& edge) const;
    /// What an edge brings once its source has ended.
    Arrival look_at(const Edge& edge) const;
    bool holds(const Edge& edge) const;
    ValueView condition_value(const Edge& edge) const;
    /// What `inputs` is in conditions of edges into the node: those of the run, or of the sub-workflow that it is in.
    ValueView inputs_of(Id n) const;
    bool has_constant(Id n, Id port) const;
    void release(Id n);
    void release_inputs(Id n);
    void drop(Cell& cell);
    /// Keeps a node's output for its readers. Without readers it is gone at once.
    bool keep(Id n, Value output, bool bare);
    Verdict finish(Id n, Value output, bool bare = false);
    Verdict too_large(Id n);
    /// An earlier part of this run has done the step.
    Verdict end_as_before(Id n, const StepEnd& before);
    /// Of a partial run: what the step is known to give, or that it is left out.
    std::optional<Verdict> end_as_known(Id n);
    /// Of a partial run, or of one that goes on: the step is not to be run.
    bool is_left_out(Id n) const;
    /// Whether the log hears of the step: control nodes follow from the others, but not what came first in time.
    bool is_logged(Id n) const;
    void log_end(Id n, NodeState state, const Value& output, bool bare, const Error* why = nullptr);
    /// Of the output of an `each` node what does not follow from the answers of its elements; null where it does.
    Value beside_elements(Id n, ValueView output) const;
    std::vector<Problem> problems_of(Id n);
    /// The run, or what closes it, is to stop.
    bool stopped(Id n) const noexcept { return (closes_run(n) ? closing_stop_ : stop_).load(std::memory_order_acquire) != Stop::no; }
    bool closes_run(Id n) const noexcept { return workflow_.role(n) >= Role::compensation; }
    std::uint64_t deadline_ns(Id n) const noexcept { return closes_run(n) ? closing_deadline_ns_.load(std::memory_order_relaxed) : settings_.deadline_ns; }
    Engine<Run>& engine(Id n) noexcept { return closes_run(n) ? *closing_engine_ : *engine_; }
    /// So many of those that the node waits for have brought something, and it has a quorum.
    std::optional<Verdict> short_of_quorum(Id n, std::size_t came, bool any_failed);
    Verdict end(Id n, NodeState state);
    void set_ended(Id n, NodeState state);
    /// The node's fallback takes its place when it has one.
    Verdict fail(Id n, Error error);
    Verdict fail_at_last(Id n, const Error& error);
    /// Whoever sees to it hears of it; without anybody it is the run's failure.
    void failed(Id n, const Error& error);
    Verdict fall_back(Id n, Id standby);
    /// What the fallback made of it.
    Verdict fallen_back(Id n);
    /// Fallbacks of a node that did not need them.
    void skip_fallbacks(Id n);
    /// The node's own work is done: what undoes it is wanted when the run fails.
    void note_done(Id n, std::uint64_t order);
    void add_problem(Id n, std::string path, Error error, std::uint32_t element = no_id);

    // ---- control nodes: run_control.cpp ----
    bool claim(Id n) noexcept { return !nodes_[n].claimed.exchange(true, std::memory_order_acq_rel); }
    Id& chosen_edge(Id n) { return chosen_.find(n)->second; }
    Verdict branch(Id n);
    Verdict merge(Id n);
    Value merged(const Node& node, const std::vector<Id>& available);
    /// An edge of an early join brings something, or not. @return True when the join has enough and starts.
    bool comes_to(Join& join, Id e);
    Verdict join(Id n);
    /// What expand() makes of a sub-workflow: its inputs, its outputs, and the end of a loop.
    Verdict scope(Id n);
    Verdict gather(Id n);
    Verdict rounds(Id n);
    /// The end of what may be tried several times, and of what is done for each element of a list.
    Verdict tries(Id n);
    Verdict elements(Id n);
    /// The end of the attempt before the one that the scope begins.
    Id attempt_before(Id n) const noexcept;
    /// A scope that begins a further attempt, when what the one before failed of may pass: after a while.
    Verdict begin_attempt(Id n);
    /// The list that a sub-workflow is run for each element of is one, and not too long.
    std::optional<Error> wrong_list(Id n, const Value& inputs) const;
    /// The end of all elements that the scope of one belongs to.
    Id whole_of(Id n) const noexcept;
    /// An end has failed of what its nodes have failed of.
    Verdict body_failed(Id n, Error error);
    /// Somebody else sees to the node's failure: it is not yet the run's.
    bool is_guarded(Id n) const { return workflow_.guard(n) != no_id && !closes_run(n) && !is_left_out(workflow_.guard(n)); }
    /// Tells who sees to it.
    void note_failure(Id n, const Error& error);
    /// The first failure that the end `n` has to see to, by the order of the nodes.
    std::optional<Error> failure_within(Id n) const;
    /// Whether an earlier part of the run has got through with what the node is a part of.
    bool was_seen_to(Id n) const;
    Verdict begin_delay(Id n);
    Verdict begin_wait(Id n);
    /// Wakes the node at the end of `length_ns`, counted from when it began in whatever part of the run.
    void wake_after(Id n, std::uint64_t length_ns);
    Verdict woken(Id n);

    // ---- what is asked from outside: run_requests.cpp ----
    void look_at_requests(std::uint64_t now_ns);
    void provide(Id n, Value value);
    /// The node need not wait any more. @return False when it did not, or not any more.
    bool stop_waiting(Id n);
    /// The same, for who holds mutex_.
    bool take_waiting(Id n);
    /// A turn of the main phase while the run is paused: true when it is kept for later.
    bool hold_back(Job job, bool starts);
    /// Lets so many of them go on.
    void let_go(std::size_t count);
    /// Before the run stops: whatever waits has to hear of it.
    void wake_all();
    void tell_status();

    // ---- calls: run_calls.cpp ----
    Verdict begin_calls(Id n);
    Verdict begin_single(Id n, Active& active);
    Verdict begin_each(Id n, Active& active);
    /// Whether a call of the step may do something that a second call would do again.
    bool waits_for_log(Id n) const;
    bool looks_up(Id n) const { return settings_.memory && settings_.memory->looks_up(n); }
    void queue(Job job, bool let_go = false);
    /// The memory's answer to a held job.
    void recalled(Job job, Recalled found) noexcept;
    /// Takes a held job's turn on its lane, when the log has what must not be forgotten before it.
    void queue_held(Job job) noexcept;
    /// Takes what a call of the node uses. @return False when it has to wait for that: its turn comes when it is there.
    bool take_resources(Job job);
    /// Its turn has come: what it claims is the job's, or it need not wait any more because the run stops. It was held.
    void go_on(Job job, bool holds);
    /// What the call used is there for others.
    void give_back(Job job);
    const SharedLimits::Claims* claims_of(Id n) const noexcept { return claim_of_.empty() || claim_of_[n] == nullptr ? nullptr : claim_of_[n]; }
    /// Asks the memory; when it has no answer the job takes its turn on its lane.
    void turn_on_lane(Job job);
    void mark_running(Id n);
    /// A job's turn, on a worker or on a thread of the pool.
    void call(Job job, const BlockingPool::Ticket& ticket) noexcept;
    CallRequest request_of(Id n, Slot& slot, Value input);
    Value with_key(Id n, const Slot& slot, Value input) const;
    /// Every call of every node is made here, once for each attempt: `done` gets its answer once, from any thread.
    template <class Done>
    void enter_call(Id n, Slot& slot, Value input, Done done);
    void answer(Job job, Result<Value> result) noexcept;

    // ---- answers: run_answers.cpp ----
    /// Every answer of every call comes here once, on a worker: of the attempt that `job`'s slot has just made.
    Verdict take_answer(Job job);
    /// The answer, or what is wrong with it.
    Result<Value> checked_answer(Id n, Result<Value> result) const;
    std::string provider_name(Id n) const;
    /// The manifest promised types, and other plugins rely on them.
    std::optional<Error> wrong_output(Id n, ValueView outputs) const;
    /// Takes a further attempt out of the budgets. False when there is none left; the error then says so.
    bool take_retry(Id n, Result<Value>& result);
    /// The same of the run's budget alone.
    bool take_retry() noexcept;
    static bool may_pass_next_time(const Error& error) noexcept;
    /// The time of a further attempt has come. Its turn finds out about a stop by itself.
    void retry(Job job);
    /// How long the attempt that comes after so many waits.
    std::uint64_t backoff_ns(Id n, std::uint32_t attempt) noexcept;
    /// When the attempt that comes after so many is made; nothing when there would be no time for it.
    std::optional<std::uint64_t> next_attempt_ns(Id n, std::uint32_t attempt) noexcept;
    /// Puts a job off until then.
    void later(Job job, std::uint64_t at);
    std::uint64_t random() noexcept;
    Verdict end_single(Id n, Result<Value> result, bool stopped);
    Verdict next_element(Job job, Active& active, Slot& slot, Result<Value> result, bool stopped);
    /// All elements have answered, or will not be called any more.
    Verdict finish_each(Id n, const Active& active);
    static std::string element_name(const Active& active, std::size_t i);
    /// Only what somebody reads.
    Value outputs_of_each(Id n, const Active& active);
    void put_problem(ValueBuilder& out, Id n, ValueView item, const Error& error) const;

    // ---- compensations and `finally` nodes: run_closing.cpp ----
    /// Whether the workflow has any.
    bool closes() const noexcept;
    /// Runs them, whatever has become of the rest. @return False when calls had to be left behind.
    bool close(const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled);
    /// Compensations of what was done, the last first; the others are skipped.
    std::vector<Id> to_undo(bool wanted);
    RunResult::State main_state() const;

    // ---- events: run_events.cpp ----
    void push_event(RunEvent event);
    void tell(Id n, NodeState state);
    void tell_progress(Id n, std::uint32_t permille, std::string note);
    void tell_element(Id n, const Active& active, std::size_t element);

    // ---- the calling thread: run_attend.cpp ----
    void stop(Stop why);
    /// Events, timers, deadline, cancel until `engine` has nothing left to do. @return False when calls had to be left behind.
    bool attend(const Engine<Run>& engine, const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled);
    /// Asks whether it is time to stop. @return Until when calls may still take, 0 when they need not stop.
    std::uint64_t look_around(std::uint64_t now_ns, const std::function<bool()>& cancelled);
    std::uint64_t look_around_closing(std::uint64_t now_ns, const std::function<bool()>& cancelled);
    std::uint64_t grace_ns() const noexcept { return workflow_.grace_ns != 0 ? workflow_.grace_ns : settings_.grace_ns; }
    /// Every node has ended. @return False when a worker does not come back from a plugin.
    bool workers_are_back() const;
    RunResult collect();
    /// Some calls do not come back. The run stays in memory for the day they do; nothing waits for it.
    std::uint32_t abandon();

    const std::shared_ptr<const Plan> plan_;
    const Workflow& workflow_;
    const std::shared_ptr<Caller> caller_;
    const RunSettings settings_;
    Value inputs_;
    std::vector<Cell> nodes_;
    std::unique_ptr<Times[]> times_;
    std::unordered_map<Id, Id> chosen_;  // "any" merge -> edge that came first
    std::unordered_map<Id, Join> joins_;
    std::vector<bool> is_guard_;         // of ends that see to failures; empty when there is none
    std::vector<std::uint32_t> targets_;
    std::vector<std::uint32_t> waits_;
    Shape shape_;
    std::vector<std::uint32_t> lane_of_;
    std::vector<LaneKind> lane_kinds_;
    std::vector<LaneLimit> lane_limits_;
    std::atomic<Stop> stop_{Stop::no};
    std::atomic<Stop> closing_stop_{Stop::no};
    std::atomic<std::uint64_t> closing_deadline_ns_{0};
    std::uint64_t must_end_ns_ = 0;              // who asked us to cancel waits no longer; 0 = nobody asked
    std::optional<RunResult::State> closing_before_;  // an earlier part of the run was closing: what is not on record is not run any more
    std::optional<RunResult::State> closed_as_;  // what the run was when its closing began
    std::vector<std::pair<std::uint64_t, Id>> undoable_;  // nodes that something undoes, in the order of their ends; under mutex_
    std::uint64_t undoable_next_ = std::uint64_t{1} << 40;  // behind all that were done in earlier parts
    std::atomic<std::uint32_t> done_{0};
    std::atomic<std::uint32_t> computing_{0};  // workers inside a provider that computes
    std::atomic<std::uint32_t> holding_{0};    // of these, whose calls have been answered
    bool all_held_ = false;
    std::atomic<std::uint32_t> retries_left_{0};
    std::unordered_map<const Provider*, std::atomic<std::uint32_t>> retries_left_of_;  // of plugins that have a budget of their own
    std::atomic<std::size_t> live_bytes_{0};
    std::atomic<std::uint64_t> seed_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<RunEvent> events_;
    std::unordered_map<Id, std::size_t> progress_at_;
    std::vector<Timer> timers_;
    std::atomic<bool> paused_{false};
    std::vector<HeldBack> held_back_;
    bool has_priorities_ = false;
    std::map<std::vector<std::pair<std::string, std::uint32_t>>, SharedLimits::Claims> claims_;  // what calls use, by what and how much
    std::vector<const SharedLimits::Claims*> claim_of_;  // of each node, null for nothing; empty when no node claims anything
    std::vector<Job> granted_;  // jobs whose turn has come; under mutex_
    std::atomic<std::uint64_t> tokens_{0};
    std::vector<Id> waiting_;                  // nodes that wait for input
    std::unordered_map<Id, Value> provided_;   // input of nodes that do not wait yet
    RunStatus told_status_ = RunStatus::running;  // of the calling thread
    std::uint64_t looked_at_requests_ns_ = 0;
    std::unordered_map<Id, std::vector<Problem>> problems_;  // by node, in the order in which they came; under mutex_
    std::unordered_map<Id, std::pair<Id, Error>> failures_;  // of an end: the first node whose failure is its to see to; under mutex_

    tbb::task_arena arena_;
    std::unique_ptr<Engine<Run>> engine_;
    bool undone_ = false;
    std::vector<std::uint32_t> closing_offsets_, closing_targets_, closing_waits_;
    std::unique_ptr<Engine<Run>> closing_engine_;
    std::unique_ptr<BlockingPool> pool_;
    std::shared_ptr<Run> keep_alive_;
    std::unique_ptr<SharedLimits::Member> member_;  // last: nobody tells us anything any more when the rest goes
};

/// What is equal for all attempts of a call, in whatever part of the run, and for nothing else: 32 hexadecimal digits. @param element  no_id: of a step without `each`.
std::string idempotency_key(std::string_view run, std::string_view node, std::uint32_t element);

/// What people call an element: its text, its member `path` or `name`.
std::string label_of(ValueView item);

} // namespace symphony::tracker
