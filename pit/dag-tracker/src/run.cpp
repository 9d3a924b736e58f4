// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

#include "blocking_pool.hpp"
#include "engine.hpp"
#include "steps.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

namespace symphony::tracker {

std::string_view name_of(NodeState state) noexcept {
    switch (state) {
    case NodeState::pending: return "pending";
    case NodeState::queued: return "queued";
    case NodeState::running: return "running";
    case NodeState::completed: return "completed";
    case NodeState::failed: return "failed";
    case NodeState::skipped: return "skipped";
    case NodeState::cancelled: return "cancelled";
    case NodeState::upstream_failed: return "upstream-failed";
    }
    return "";
}

std::string_view name_of(RunResult::State state) noexcept {
    switch (state) {
    case RunResult::State::completed: return "completed";
    case RunResult::State::failed: return "failed";
    case RunResult::State::cancelled: return "cancelled";
    }
    return "";
}

std::uint64_t steady_now_ns() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

namespace {

constexpr std::uint64_t backoff_ns_max = 60'000'000'000;
constexpr std::size_t problem_item_bytes_max = 4096;

/// A part of a value that shares its bytes.
Value shared_part(const Value& whole, ValueView part) {
    const Bytes bytes = part.bytes();
    if (bytes.empty()) return {};
    const Buffer buffer = whole.buffer();
    const auto* first = buffer.data();
    if (bytes.data() < first || bytes.data() + bytes.size() > first + buffer.size()) return Value::copy(part);
    return Value::unchecked(buffer.slice(static_cast<std::size_t>(bytes.data() - first), bytes.size()));
}

/// What people call an element: its text, its member `path` or `name`.
std::string label_of(ValueView item) {
    if (item.is_text()) return std::string(item.as_text());
    for (const std::string_view key : {"path", "name"}) {
        if (item[key].is_text()) return std::string(item[key].as_text());
    }
    return {};
}

std::string_view leaf_of(std::string_view path) noexcept {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool may_pass_next_time(const Error& error) noexcept {
    return error.retryable() || error.code() == Code::deadline || error.code() == Code::peer_died;
}

class Run : public std::enable_shared_from_this<Run> {
public:
    Run(std::shared_ptr<const Plan> plan, const Value& inputs, std::shared_ptr<Caller> caller, const RunSettings& settings)
        : plan_(std::move(plan)), workflow_(plan_->workflow), caller_(std::move(caller)), settings_(settings),
          nodes_(workflow_.nodes.size()), seed_(settings.seed) {
        fill_inputs(inputs);
        build_shape();
        build_lanes();
    }

    RunResult execute(const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
        const std::uint64_t started = steady_now_ns();
        const std::size_t workers = std::max<std::size_t>(1, settings_.workers);
        // The calling thread waits, tells and fires timers; the workers come on top of it.
        const tbb::global_control parallelism(tbb::global_control::max_allowed_parallelism, workers + 1);
        arena_.initialize(static_cast<int>(workers), 0);
        arena_.execute([&] { engine_ = std::make_unique<Engine<Run>>(*this, shape_, workers, lane_limits_, true); });
        if (on_event) {
            RunEvent first;
            first.kind = RunEvent::Kind::started;
            first.at_ns = started;
            on_event(first);
        }
        if (workflow_.nodes.empty()) drained_ = true;
        else engine_->start();
        const bool ended = attend(on_event, cancelled) && workers_are_back();
        if (ended) engine_->wait();
        RunResult result = collect();
        result.elapsed_ns = steady_now_ns() - started;
        result.abandoned = ended ? 0 : abandon();
        if (ended) {
            // Here and not in the destructor: a last callback on another thread may be what destroys the run.
            // A thread that still hangs in a call keeps the run, but nothing of TBB's: the plugin can end its workers.
            engine_.reset();
            pool_.reset();
            arena_.terminate();
        }
        if (on_event) {
            RunEvent last;
            last.kind = RunEvent::Kind::ended;
            last.at_ns = steady_now_ns();
            last.done = done_.load(std::memory_order_relaxed);
            on_event(last);
        }
        return result;
    }

    // ---- what the engine asks ----

    Verdict ready(std::uint32_t n) noexcept {
        try {
            return start_node(n);
        } catch (const std::bad_alloc&) {
            fail(n, Error(Code::exhausted, "out-of-memory", "out of memory"));
        } catch (const std::exception& thrown) {
            fail(n, Error(Code::internal, "exception", std::string("the tracker failed: ") + thrown.what()));
        }
        return Verdict::settled;
    }

    void perform(Job job) noexcept {
        const LaneKind& lane = lane_kinds_[job.lane];
        if (!lane.blocking || stop_.load(std::memory_order_acquire) != Stop::no) {
            call(job, {});
            return;
        }
        try {
            pool_->post([self = shared_from_this(), job](const BlockingPool::Ticket& ticket) { self->call(job, ticket); });
        } catch (const std::exception&) {
            answer(job, Error(Code::exhausted, "out-of-memory", "out of memory"));
        }
    }

    Verdict resumed(Job job) noexcept {
        try {
            return take_answer(job);
        } catch (const std::exception& thrown) {
            fail(job.step, Error(Code::exhausted, "out-of-memory", std::string("the tracker failed: ") + thrown.what()));
        }
        return Verdict::settled;
    }

    bool early(std::uint32_t index) noexcept {
        const Edge& edge = workflow_.edges[workflow_.out_edges[index]];
        try {
            if (look_at(edge) == Arrival::value && claim(edge.to)) {
                chosen_edge(edge.to) = workflow_.out_edges[index];
                return true;
            }
        } catch (const std::exception&) { // without memory for the condition: as if it did not hold
        }
        release(edge.from);
        return false;
    }
    bool early_last(std::uint32_t n) noexcept { return claim(n); }

    void drained() noexcept {
        const std::lock_guard lock(mutex_);
        drained_ = true;
        changed_.notify_all();
    }

private:
    enum class Stop : std::uint8_t { no, cancelled, late, failed };
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
        std::atomic<std::uint32_t> next{0};        // in to_do
        std::atomic<std::uint32_t> working{0};  // slots that have not ended
        std::atomic<std::uint32_t> done{0};
        std::atomic<bool> failed{false};
        bool single = false;
    };

    /// What every node has, for the whole run: some eighty bytes.
    struct Cell {
        std::atomic<NodeState> state{NodeState::pending};
        std::atomic<bool> claimed{false};
        bool bare = false;  // `output` is the value of port "value" itself
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
        std::uint32_t problems = 0;
    };

    // ---- set-up ----

    void fill_inputs(const Value& given) {
        ValueBuilder map;
        map.map(workflow_.inputs.size());
        for (const auto& input : workflow_.inputs) {
            const ValueView value = given[input.name];
            if (value.exists() && !value.is_null()) map.add(input.name, value);
            else if (input.otherwise) map.add(input.name, input.otherwise->view());
        }
        inputs_ = map.end().build();
    }

    void build_shape() {
        const std::size_t count = workflow_.nodes.size();
        waits_.assign(count, 0);
        targets_.reserve(workflow_.out_edges.size());
        for (const Id e : workflow_.out_edges) {
            const Edge& edge = workflow_.edges[e];
            const Node& to = workflow_.nodes[edge.to];
            const bool early = to.kind == NodeKind::merge && to.mode == MergeMode::any && all_carry(edge.to);
            targets_.push_back(edge.to | (early ? Shape::early_edge : 0u));
            ++waits_[edge.to];
            nodes_[edge.from].uses.fetch_add(1, std::memory_order_relaxed);
            if (early) chosen_.emplace(edge.to, no_id);
        }
        mark_only_edges(targets_, waits_);
        for (const auto& output : workflow_.outputs) {
            if (output.node != no_id) nodes_[output.node].uses.fetch_add(1, std::memory_order_relaxed);
        }
        shape_ = {workflow_.out_offsets, targets_, waits_};
        times_ = std::make_unique<Times[]>(count);
    }

    /// With an edge for order only, an "any" merge has to wait like a "first" one.
    bool all_carry(Id n) const {
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            if (!workflow_.edges[workflow_.in_edges[i]].carries()) return false;
        }
        return true;
    }

    /// Lane 0 is compute without a limit of its own; every provider that blocks or takes one call at a time has its lane.
    void build_lanes() {
        lane_kinds_.push_back({false, std::max<std::size_t>(1, settings_.workers)});
        std::unordered_map<const Provider*, std::uint32_t> lanes;
        lane_of_.assign(workflow_.nodes.size(), 0);
        bool blocking = false;
        for (std::size_t n = 0; n < workflow_.nodes.size(); ++n) {
            const Provider* provider = plan_->binding.providers[n];
            if (provider == nullptr || (provider->concurrent && !provider->blocking)) continue;
            const auto [found, added] = lanes.try_emplace(provider, static_cast<std::uint32_t>(lane_kinds_.size()));
            if (added) lane_kinds_.push_back({provider->blocking, provider->concurrent ? std::max<std::size_t>(1, settings_.blocking_threads) : 1});
            lane_of_[n] = found->second;
            blocking = blocking || provider->blocking;
        }
        for (const auto& lane : lane_kinds_) lane_limits_.push_back({lane.jobs_max});
        if (blocking) {
            const auto busy = static_cast<unsigned>(std::max<std::size_t>(1, settings_.blocking_threads));
            pool_ = std::make_unique<BlockingPool>(busy, busy * 4);
        }
    }

    // ---- a node becomes ready ----

    Verdict start_node(Id n) {
        const Node& node = workflow_.nodes[n];
        if (stop_.load(std::memory_order_acquire) != Stop::no) {
            release_inputs(n);
            return end(n, NodeState::cancelled);
        }
        if (settings_.log) {
            if (const StepEnd* before = settings_.log->ended_before(n)) return end_as_before(n, *before);
        }
        if (node.kind == NodeKind::merge) return merge(n);
        Arrival worst = Arrival::value;
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            const Arrival arrival = look_at(edge);
            if (arrival == Arrival::failed) worst = Arrival::failed;
            else if (arrival == Arrival::nothing && worst == Arrival::value && needs(n, edge)) worst = Arrival::nothing;
        }
        if (worst != Arrival::value) {
            release_inputs(n);
            if (stop_.load(std::memory_order_acquire) != Stop::no) return end(n, NodeState::cancelled);
            return end(n, worst == Arrival::failed ? NodeState::upstream_failed : NodeState::skipped);
        }
        if (node.kind == NodeKind::branch) return branch(n);
        return begin_calls(n);
    }

    /// Whether the node cannot do without what the edge brings. A condition that does not hold says that it shall not run.
    bool needs(Id n, const Edge& edge) const {
        if (!edge.carries() || edge.condition != no_id || edge.to_port == workflow_.nodes[n].each) return true;
        const auto* operation = plan_->binding.operations[n];
        const auto* spec = operation == nullptr ? nullptr : operation->input(workflow_.names[edge.to_port]);
        return spec == nullptr || !spec->type.optional();
    }

    ValueView source_value(const Edge& edge) const {
        if (edge.from == no_id) return inputs_[workflow_.inputs[edge.input].name];
        const Cell& from = nodes_[edge.from];
        if (from.bare) return workflow_.names[edge.from_port] == "value" ? from.output.view() : ValueView();
        return edge.from_port == 0 ? from.output.view() : from.output[workflow_.names[edge.from_port]];
    }
    Value source_shared(const Edge& edge) const {
        const ValueView view = source_value(edge);
        return shared_part(edge.from == no_id ? inputs_ : nodes_[edge.from].output, view);
    }

    /// What an edge brings once its source has ended.
    Arrival look_at(const Edge& edge) const {
        if (edge.from != no_id) {
            switch (nodes_[edge.from].state.load(std::memory_order_acquire)) {
            case NodeState::failed:
            case NodeState::upstream_failed:
            case NodeState::cancelled: return Arrival::failed;
            case NodeState::completed: break;
            default: return Arrival::nothing;
            }
        }
        if (edge.condition != no_id && !holds(edge)) return Arrival::nothing;
        if (!edge.carries()) return Arrival::value;
        return source_value(edge).exists() ? Arrival::value : Arrival::nothing;
    }

    bool holds(const Edge& edge) const {
        const Expression& condition = workflow_.conditions[edge.condition];
        if (!condition.is_else()) return condition.holds(condition_value(edge), inputs_);
        for (auto i = workflow_.out_offsets[edge.from]; i < workflow_.out_offsets[edge.from + 1]; ++i) {
            const Edge& other = workflow_.edges[workflow_.out_edges[i]];
            if (other.condition == no_id || other.from_port != edge.from_port) continue;
            const Expression& rival = workflow_.conditions[other.condition];
            if (!rival.is_else() && rival.holds(condition_value(other), inputs_)) return false;
        }
        return true;
    }
    ValueView condition_value(const Edge& edge) const {
        if (edge.from != no_id && edge.from_port == 0) return nodes_[edge.from].output.view();
        return source_value(edge);
    }

    void release(Id n) {
        if (n == no_id) return;
        Cell& cell = nodes_[n];
        if (cell.uses.fetch_sub(1, std::memory_order_acq_rel) == 1) drop(cell);
    }
    void release_inputs(Id n) {
        const bool any = chosen_.contains(n);
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Id e = workflow_.in_edges[i];
            // Of an "any" merge `early` has released all but the chosen one.
            if (!any || chosen_edge(n) == e) release(workflow_.edges[e].from);
        }
    }
    void drop(Cell& cell) {
        live_bytes_.fetch_sub(cell.output.bytes().size(), std::memory_order_relaxed);
        cell.output = Value();
    }
    /// Keeps a node's output for its readers. Without readers it is gone at once.
    bool keep(Id n, Value output, bool bare) {
        Cell& cell = nodes_[n];
        if (cell.uses.load(std::memory_order_acquire) == 0) return true;
        const std::size_t bytes = output.bytes().size();
        if (live_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > settings_.value_bytes_max) {
            live_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
            return false;
        }
        cell.bare = bare;
        cell.output = std::move(output);
        return true;
    }
    Verdict finish(Id n, Value output, bool bare = false) {
        log_end(n, NodeState::completed, output, bare);
        if (keep(n, std::move(output), bare)) return end(n, NodeState::completed);
        return too_large(n);
    }
    Verdict too_large(Id n) {
        fail(n, Error(Code::exhausted, "values-too-large",
                      "the values of this run need more than " + std::to_string(settings_.value_bytes_max >> 20) + " MiB at a time",
                      "let operations write files and pass their paths, or raise values_size_max of dag-tracker"));
        return Verdict::settled;
    }

    /// An earlier part of this run has done the step.
    Verdict end_as_before(Id n, const StepEnd& before) {
        release_inputs(n);
        Times& times = times_[n];
        times.started_ns = times.ended_ns = steady_now_ns();
        times.calls.store(before.calls, std::memory_order_relaxed);
        times.attempts.store(before.attempts, std::memory_order_relaxed);
        times.problems = static_cast<std::uint32_t>(before.problems.size());
        for (const Problem& problem : before.problems) add_problem(n, problem.path, problem.error);
        if (before.state == NodeState::completed && !keep(n, before.output, before.bare)) return too_large(n);
        return end(n, before.state);
    }

    /// Whether the log hears of the step: control nodes follow from the others, but not what came first in time.
    bool is_logged(Id n) const {
        const Node& node = workflow_.nodes[n];
        return settings_.log && (node.kind == NodeKind::operation || node.kind == NodeKind::instrument || chosen_.contains(n));
    }
    void log_end(Id n, NodeState state, const Value& output, bool bare, const Error* why = nullptr) {
        if (!is_logged(n)) return;
        const Times& times = times_[n];
        StepEnd end;
        end.state = state;
        end.bare = bare;
        end.calls = times.calls.load(std::memory_order_relaxed);
        end.attempts = times.attempts.load(std::memory_order_relaxed);
        end.took_ns = times.started_ns == 0 ? 0 : steady_now_ns() - times.started_ns;
        if (nodes_[n].uses.load(std::memory_order_acquire) != 0) end.output = output;
        if (why != nullptr) end.problems.push_back({n, {}, *why});
        else if (times.problems != 0) end.problems = problems_of(n);
        settings_.log->ended(n, std::move(end));
    }
    std::vector<Problem> problems_of(Id n) {
        std::vector<Problem> out;
        const std::lock_guard lock(mutex_);
        std::copy_if(problems_.begin(), problems_.end(), std::back_inserter(out), [n](const Problem& problem) { return problem.node == n; });
        return out;
    }

    Verdict end(Id n, NodeState state) {
        Cell& cell = nodes_[n];
        Times& times = times_[n];
        cell.active.reset();
        times.ended_ns = steady_now_ns();
        if (times.started_ns == 0 && state == NodeState::completed) times.started_ns = times.ended_ns;
        cell.state.store(state, std::memory_order_release);
        done_.fetch_add(1, std::memory_order_relaxed);
        tell(n, state);
        return Verdict::settled;
    }

    void fail(Id n, Error error) {
        log_end(n, NodeState::failed, {}, false, &error);
        add_problem(n, {}, std::move(error));
        nodes_[n].active.reset();
        if (workflow_.fail_fast || settings_.fail_fast) stop(Stop::failed);
        end(n, NodeState::failed);
    }

    void add_problem(Id n, std::string path, Error error) {
        const std::lock_guard lock(mutex_);
        problems_.push_back({n, std::move(path), std::move(error)});
    }

    // ---- control nodes ----

    bool claim(Id n) noexcept { return !nodes_[n].claimed.exchange(true, std::memory_order_acq_rel); }
    Id& chosen_edge(Id n) { return chosen_.find(n)->second; }

    Verdict branch(Id n) {
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            if (!edge.carries()) continue;
            Value value = source_shared(edge);
            release_inputs(n);
            return finish(n, std::move(value), true);
        }
        release_inputs(n);
        return end(n, NodeState::skipped);
    }

    Verdict merge(Id n) {
        const Node& node = workflow_.nodes[n];
        std::vector<Id> available;
        const bool starts_early = chosen_.contains(n);
        bool any_failed = false;
        bool held_back = false;  // a control edge says no
        std::size_t carrying = 0;
        std::size_t failed = 0;
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Id e = workflow_.in_edges[i];
            const Edge& edge = workflow_.edges[e];
            if (starts_early && edge.from != no_id) {
                // The others may still be running: what they are is not ours to look at, unless nothing came at all.
                if (chosen_edge(n) == e) available.push_back(e);
                if (chosen_edge(n) == no_id) any_failed = any_failed || look_at(edge) == Arrival::failed;
                continue;
            }
            const Arrival arrival = look_at(edge);
            if (!edge.carries()) {
                // Order only: a failed or skipped predecessor has ended too.
                if (edge.condition != no_id && arrival == Arrival::nothing) held_back = true;
                continue;
            }
            ++carrying;
            if (arrival == Arrival::value) available.push_back(e);
            if (arrival == Arrival::failed) {
                any_failed = true;
                ++failed;
            }
        }
        const bool picks_one = node.mode == MergeMode::first || node.mode == MergeMode::any;
        if (held_back || (available.empty() && (picks_one ? !any_failed : false))) {
            release_inputs(n);
            return end(n, NodeState::skipped);
        }
        if (available.empty() && (picks_one || (failed > 0 && failed == carrying))) {
            release_inputs(n);
            return end(n, NodeState::upstream_failed);
        }
        Value value = merged(node, available);
        release_inputs(n);
        return finish(n, std::move(value), true);
    }

    Value merged(const Node& node, const std::vector<Id>& available) {
        const auto edge_of = [&](Id e) -> const Edge& { return workflow_.edges[e]; };
        ValueBuilder out;
        switch (node.mode) {
        case MergeMode::first:
        case MergeMode::any: return source_shared(edge_of(available.front()));
        case MergeMode::all:
            out.list(available.size());
            for (const Id e : available) out.value(source_value(edge_of(e)));
            return out.end().build();
        case MergeMode::concat: {
            std::size_t count = 0;
            for (const Id e : available) count += source_value(edge_of(e)).size();
            out.list(count);
            for (const Id e : available) {
                const ValueView list = source_value(edge_of(e));
                for (const ValueView item : list.items()) out.value(item);
                // Something of a type only known now; it is joined as the one thing it is.
                if (!list.is_list()) out.value(list);
            }
            return out.end().build();
        }
        case MergeMode::named:
            out.map(available.size());
            for (const Id e : available) out.add(workflow_.names[edge_of(e).to_port], source_value(edge_of(e)));
            return out.end().build();
        }
        return {};
    }

    // ---- calls ----

    Verdict begin_calls(Id n) {
        const Node& node = workflow_.nodes[n];
        Cell& cell = nodes_[n];
        cell.active = std::make_unique<Active>();
        Active& active = *cell.active;
        times_[n].started_ns = steady_now_ns();
        ValueBuilder base;
        base.map(16);
        for (auto i = node.constants_from; i < node.constants_to; ++i) {
            const Constant& constant = workflow_.constants[i];
            if (constant.port == node.each) active.list = constant.value;
            else base.add(workflow_.names[constant.port], constant.value.view());
        }
        for (auto i = workflow_.in_offsets[n]; i < workflow_.in_offsets[n + 1]; ++i) {
            const Edge& edge = workflow_.edges[workflow_.in_edges[i]];
            if (!edge.carries() || look_at(edge) != Arrival::value) continue;
            if (edge.to_port == node.each) active.list = source_shared(edge);
            else base.add(workflow_.names[edge.to_port], source_value(edge));
        }
        active.base = base.end().build();
        release_inputs(n);
        if (node.each == 0) return begin_single(n, active);
        return begin_each(n, active);
    }

    Verdict begin_single(Id n, Active& active) {
        active.single = true;
        active.slots.resize(1);
        active.working.store(1, std::memory_order_relaxed);
        if (lane_of_[n] != 0 || waits_for_log(n)) {
            tell(n, NodeState::queued);
            queue({n, 0, lane_of_[n]});
            return Verdict::parked;
        }
        // A provider that computes runs here and now: most answer before call() returns.
        mark_running(n);
        auto met = std::make_shared<std::atomic<unsigned>>(0);
        enter_call(n, active.slots[0], active.base, [self = shared_from_this(), n, met](Result<Value> result) {
            self->nodes_[n].active->slots[0].answer.emplace(std::move(result));
            if (met->exchange(1, std::memory_order_acq_rel) == 1) self->engine_->complete_held({n, 0, 0});
        });
        const Job job{n, 0, Engine<Run>::no_lane};
        if (met->load(std::memory_order_acquire) == 1) return take_answer(job);
        engine_->hold();
        if (met->exchange(1, std::memory_order_acq_rel) == 0) return Verdict::parked;
        engine_->unhold();
        return take_answer(job);
    }

    Verdict begin_each(Id n, Active& active) {
        if (!active.list.is_list()) {
            fail(n, Error(Code::invalid_argument, "wrong-kind",
                          "input " + std::string(workflow_.names[workflow_.nodes[n].each]) + " is " + std::string(symphony::name_of(active.list.kind())) + ", each needs a list"));
            return Verdict::settled;
        }
        active.elements.reserve(active.list.size());
        for (const ValueView item : active.list.items()) active.elements.push_back(item);
        const std::size_t count = active.elements.size();
        if (count == 0) return finish_each(n, active);
        active.answers.resize(count);
        active.errors.resize(count);
        std::vector<std::uint32_t> to_do;
        for (std::uint32_t i = 0; i < count; ++i) {
            const Value* const before = settings_.log ? settings_.log->answered_before(n, i) : nullptr;
            if (before != nullptr) active.answers[i] = *before;
            else to_do.push_back(i);
        }
        active.done.store(static_cast<std::uint32_t>(count - to_do.size()), std::memory_order_relaxed);
        if (to_do.empty()) return finish_each(n, active);
        std::size_t slots = workflow_.policy(n).parallel_max;
        const std::size_t lane_max = lane_kinds_[lane_of_[n]].jobs_max;
        if (slots == 0 || slots > lane_max) slots = lane_max;
        slots = std::min(slots, to_do.size());
        active.slots.resize(slots);
        active.working.store(static_cast<std::uint32_t>(slots), std::memory_order_relaxed);
        active.next.store(static_cast<std::uint32_t>(slots), std::memory_order_relaxed);
        tell(n, NodeState::queued);
        for (std::uint32_t s = 0; s < slots; ++s) active.slots[s].element = to_do[s];
        active.to_do = std::move(to_do);
        // After this loop the node may have ended already on another worker.
        for (std::uint32_t s = 0; s < slots; ++s) queue({n, s, lane_of_[n]});
        return Verdict::parked;
    }

    /// Whether a call of the step may do something that a second call would do again.
    bool waits_for_log(Id n) const {
        const OperationSpec* operation = plan_->binding.operations[n];
        return settings_.log && (operation == nullptr || !operation->pure);
    }

    /// Takes a job's turn on its lane, when the log has what must not be forgotten before it.
    void queue(Job job) {
        if (!waits_for_log(job.step)) return engine_->enqueue(job);
        engine_->hold();
        settings_.log->before_effect(job.step, nodes_[job.step].active->slots[job.slot].element, [self = shared_from_this(), job](Status kept) {
            if (kept) return self->engine_->enqueue_held(job);
            self->nodes_[job.step].active->slots[job.slot].answer.emplace(std::move(kept).error());
            self->engine_->complete_held(job);
        });
    }

    void mark_running(Id n) {
        auto expected = nodes_[n].state.load(std::memory_order_relaxed);
        while (expected == NodeState::pending || expected == NodeState::queued) {
            if (nodes_[n].state.compare_exchange_weak(expected, NodeState::running, std::memory_order_acq_rel)) {
                tell(n, NodeState::running);
                return;
            }
        }
    }

    /// A job's turn, on a worker or on a thread of the pool.
    void call(Job job, const BlockingPool::Ticket& ticket) noexcept {
        try {
            if (stop_.load(std::memory_order_acquire) != Stop::no) {
                answer(job, Error(Code::cancelled, "cancelled"));
                return;
            }
            Active& active = *nodes_[job.step].active;
            Slot& slot = active.slots[job.slot];
            mark_running(job.step);
            if (active.single) {
                enter_call(job.step, slot, active.base, Answer{shared_from_this(), job, ticket});
                return;
            }
            const Node& node = workflow_.nodes[job.step];
            ValueBuilder input;
            input.map(active.base.size() + 1);
            for (const auto [key, value] : active.base.entries()) input.add(key, value);
            input.add(workflow_.names[node.each], active.elements[slot.element]);
            tell_element(job.step, active, slot.element);
            enter_call(job.step, slot, input.end().build(), Answer{shared_from_this(), job, ticket});
        } catch (const std::exception& thrown) {
            answer(job, Error(Code::exhausted, "out-of-memory", std::string("the tracker failed: ") + thrown.what()));
        }
    }

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

    void answer(Job job, Result<Value> result) noexcept {
        nodes_[job.step].active->slots[job.slot].answer.emplace(std::move(result));
        engine_->complete(job);
    }

    template <class Done>
    void enter_call(Id n, Slot& slot, Value input, Done done) {
        const Node& node = workflow_.nodes[n];
        const CallPolicy& policy = workflow_.policy(n);
        Times& times = times_[n];
        ++slot.attempt;
        times.calls.fetch_add(1, std::memory_order_relaxed);
        auto most = times.attempts.load(std::memory_order_relaxed);
        while (most < slot.attempt && !times.attempts.compare_exchange_weak(most, slot.attempt, std::memory_order_relaxed)) {}
        CallRequest request;
        request.provider = plan_->binding.providers[n];
        request.operation = workflow_.names[node.operation];
        request.input = std::move(input);
        request.deadline_ns = settings_.deadline_ns;
        if (policy.timeout_ns != 0) {
            const std::uint64_t own = steady_now_ns() + policy.timeout_ns;
            if (request.deadline_ns == 0 || own < request.deadline_ns) request.deadline_ns = own;
        }
        Caller::Progress progress;
        if (settings_.want_events && node.each == 0) {
            progress = [run = weak_from_this(), n](std::uint32_t permille, std::string_view note) {
                if (const auto self = run.lock()) self->tell_progress(n, permille, std::string(note));
            };
        }
        if (lane_kinds_[lane_of_[n]].blocking) return caller_->call(std::move(request), std::move(progress), std::move(done));
        // Whoever answers, or is answered for at the deadline, and does not return holds a worker.
        const auto waits = std::make_shared<std::atomic<bool>>(true);
        computing_.fetch_add(1, std::memory_order_relaxed);
        caller_->call(std::move(request), std::move(progress), [run = shared_from_this(), waits, done = std::move(done)](Result<Value> result) {
            if (waits->exchange(false, std::memory_order_acq_rel)) run->holding_.fetch_add(1, std::memory_order_acq_rel);
            done(std::move(result));
        });
        if (!waits->exchange(false, std::memory_order_acq_rel)) holding_.fetch_sub(1, std::memory_order_acq_rel);
        computing_.fetch_sub(1, std::memory_order_release);
    }

    // ---- answers ----

    Verdict take_answer(Job job) {
        const Id n = job.step;
        Active& active = *nodes_[n].active;
        Slot& slot = active.slots[job.slot];
        Result<Value> result = *std::move(slot.answer);
        slot.answer.reset();
        if (result && !result->is_map()) {
            result = Error(Code::plugin_failed, "wrong-kind", "the plugin answered " + std::string(symphony::name_of(result->kind())) + ", expected a map of outputs");
        }
        if (result) {
            if (auto wrong = wrong_output(n, *result)) result = *std::move(wrong);
        } else if (result.error().reason() == "bad-record") {
            result = Error(result.error()).in(provider_name(n)).with_hint("its answer makes no sense; report it to the plugin's author");
        }
        if (!result && settings_.deadline_ns != 0 && steady_now_ns() >= settings_.deadline_ns) stop(Stop::late);
        const bool stopped = stop_.load(std::memory_order_acquire) != Stop::no;
        if (!result && !stopped && !active.failed.load(std::memory_order_relaxed) && slot.attempt <= workflow_.policy(n).retries_max &&
            may_pass_next_time(result.error()) && later(job, slot.attempt)) {
            return Verdict::parked;
        }
        if (active.single) return end_single(n, std::move(result), stopped);
        return next_element(job, active, slot, std::move(result), stopped);
    }

    std::string provider_name(Id n) const {
        const Provider& provider = *plan_->binding.providers[n];
        return "plugin \"" + provider.name + "\" " + provider.version;
    }

    /// The manifest promised types, and other plugins rely on them.
    std::optional<Error> wrong_output(Id n, ValueView outputs) const {
        const OperationSpec* operation = plan_->binding.operations[n];
        if (operation == nullptr) return std::nullopt;
        for (const PortSpec& port : operation->outputs) {
            const ValueView value = outputs[port.name];
            if (!value.exists()) continue; // nothing: who needs it is skipped
            const auto where = [&] { return provider_name(n) + ": output \"" + port.name + "\" of " + operation->name; };
            // The outermost kind only: the same time for a list of one and of a million.
            if (!value_fits(value, Type(port.type.kind()).as_optional())) {
                return Error(Code::plugin_failed, "wrong-output", where() + " is " + std::string(symphony::name_of(value.kind())) + ", its manifest says " + port.type.text(),
                             "report it to the plugin's author");
            }
            if (value.is_text() && !is_valid_utf8(value.as_text())) {
                return Error(Code::data_corrupt, where() + " is text that is not UTF-8").with_hint("report it to the plugin's author; bytes that are no text have the type bytes");
            }
        }
        return std::nullopt;
    }

    /// Puts a job off to its next attempt. False when there would be no time for it.
    bool later(Job job, std::uint32_t attempt) {
        const CallPolicy& policy = workflow_.policy(job.step);
        const unsigned doublings = std::min<std::uint32_t>(attempt, 30);
        std::uint64_t longest = policy.backoff_ns > (backoff_ns_max >> doublings) ? backoff_ns_max : policy.backoff_ns << doublings;
        longest = std::min(longest, backoff_ns_max);
        // Full jitter: anywhere from at once to the longest, so that many that failed together do not come back together.
        const std::uint64_t wait = longest == 0 ? 0 : random() % (longest + 1);
        const std::uint64_t at = steady_now_ns() + wait;
        if (settings_.deadline_ns != 0 && at >= settings_.deadline_ns) return false;
        job.lane = lane_of_[job.step];
        engine_->hold();
        const std::lock_guard lock(mutex_);
        timers_.push_back({at, job});
        std::push_heap(timers_.begin(), timers_.end(), Timer::later);
        changed_.notify_all();
        return true;
    }

    std::uint64_t random() noexcept {
        // splitmix64 over a counter: no lock, and a seed gives a sequence.
        std::uint64_t z = seed_.fetch_add(0x9E3779B97F4A7C15ull, std::memory_order_relaxed);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }

    Verdict end_single(Id n, Result<Value> result, bool stopped) {
        if (result) return finish(n, *std::move(result));
        const Error& error = result.error();
        if (stopped && (error.code() == Code::cancelled || error.code() == Code::deadline)) return end(n, NodeState::cancelled);
        switch (workflow_.nodes[n].on_error) {
        case OnError::fail: fail(n, error); return Verdict::settled;
        case OnError::skip:
            times_[n].problems = 1;
            add_problem(n, {}, error);
            log_end(n, NodeState::skipped, {}, false);
            return end(n, NodeState::skipped);
        case OnError::collect: break;
        }
        times_[n].problems = 1;
        add_problem(n, {}, error);
        ValueBuilder out;
        out.map(1).key("problems").list(1);
        put_problem(out, n, {}, error);
        return finish(n, out.end().end().build());
    }

    Verdict next_element(Job job, Active& active, Slot& slot, Result<Value> result, bool stopped) {
        const Id n = job.step;
        const bool fails = workflow_.nodes[n].on_error == OnError::fail;
        if (result) {
            if (settings_.log) settings_.log->answered(n, slot.element, *result);
            active.answers[slot.element] = *std::move(result);
        } else {
            active.errors[slot.element] = std::move(result).error();
            if (fails) active.failed.store(true, std::memory_order_release);
        }
        active.done.fetch_add(1, std::memory_order_relaxed);
        tell_element(n, active, slot.element);
        if (!stopped && !active.failed.load(std::memory_order_acquire)) {
            const std::uint32_t next = active.next.fetch_add(1, std::memory_order_relaxed);
            if (next < active.to_do.size()) {
                slot.element = active.to_do[next];
                slot.attempt = 0;
                queue({n, job.slot, lane_of_[n]});
                return Verdict::parked;
            }
        }
        if (active.working.fetch_sub(1, std::memory_order_acq_rel) != 1) return Verdict::parked;
        return finish_each(n, active);
    }

    /// All elements have answered, or will not be called any more.
    Verdict finish_each(Id n, Active& active) {
        const OnError on_error = workflow_.nodes[n].on_error;
        std::uint32_t failed = 0;
        std::uint32_t cancelled = 0;
        std::size_t first = active.errors.size();
        const bool stopped = stop_.load(std::memory_order_acquire) != Stop::no;
        for (std::size_t i = 0; i < active.errors.size(); ++i) {
            if (!active.errors[i]) {
                if (active.answers[i].is_null()) ++cancelled;  // never called
                continue;
            }
            const Code code = active.errors[i]->code();
            if (stopped && (code == Code::cancelled || code == Code::deadline)) {
                ++cancelled;
                continue;
            }
            ++failed;
            if (first == active.errors.size()) first = i;
            if (on_error != OnError::fail) add_problem(n, element_name(active, i), *active.errors[i]);
        }
        times_[n].problems = failed;
        if (failed > 0 && on_error == OnError::fail) {
            Error error = *active.errors[first];
            fail(n, std::move(error).in(element_name(active, first)));
            return Verdict::settled;
        }
        if (cancelled > 0) return end(n, NodeState::cancelled);
        return finish(n, nodes_[n].uses.load(std::memory_order_acquire) == 0 ? Value() : outputs_of_each(n, active));
    }

    static std::string element_name(const Active& active, std::size_t i) {
        std::string label = label_of(active.elements[i]);
        return label.empty() ? "element " + std::to_string(i) : label;
    }

    /// Only what somebody reads.
    Value outputs_of_each(Id n, const Active& active) {
        std::vector<Id> ports;
        for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) ports.push_back(workflow_.edges[workflow_.out_edges[i]].from_port);
        for (const auto& output : workflow_.outputs) {
            if (output.node == n) ports.push_back(output.port);
        }
        std::sort(ports.begin(), ports.end());
        ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
        ValueBuilder out;
        out.map(ports.size());
        for (const Id port : ports) {
            if (port == 0) continue;
            const auto name = workflow_.names[port];
            out.key(name).list(active.elements.size());
            for (std::size_t i = 0; i < active.elements.size(); ++i) {
                const bool good = !active.errors[i].has_value();
                if (name == "problems" && workflow_.nodes[n].on_error == OnError::collect) {
                    if (!good) put_problem(out, n, active.elements[i], *active.errors[i]);
                } else if (!good) {
                    continue;
                } else if (name == "results") {
                    out.value(active.answers[i].view());
                } else if (name == "items") {
                    out.value(active.elements[i]);
                } else {
                    out.value(active.answers[i][name]);  // an optional output that was not made is null
                }
            }
            out.end();
        }
        return out.end().build();
    }

    void put_problem(ValueBuilder& out, Id n, ValueView item, const Error& error) const {
        out.map(6).key("item");
        if (item.bytes().size() < problem_item_bytes_max) out.value(item);
        else out.null();
        out.add("path", item.exists() ? std::string_view(label_of(item)) : std::string_view());
        out.add("node", workflow_.node_name(n)).add("reason", error.reason());
        out.add("message", std::string_view(error.message())).add("hint", std::string_view(error.hint())).end();
    }

    // ---- events ----

    void push_event(RunEvent event) {
        event.at_ns = steady_now_ns();
        event.done = done_.load(std::memory_order_relaxed);
        const std::lock_guard lock(mutex_);
        if (event.kind == RunEvent::Kind::progress) {
            // The newest progress of a node is enough; so the queue is bounded by what nodes do, not by how often they tell.
            const auto [found, added] = progress_at_.try_emplace(event.node, events_.size());
            if (!added) {
                events_[found->second] = std::move(event);
                return;
            }
        }
        events_.push_back(std::move(event));
        if (events_.size() == 1) changed_.notify_all();
    }
    void tell(Id n, NodeState state) {
        if (state == NodeState::queued) {
            auto expected = NodeState::pending;
            if (!nodes_[n].state.compare_exchange_strong(expected, state, std::memory_order_acq_rel)) return;
        }
        if (!settings_.want_events) return;
        RunEvent event;
        event.node = n;
        event.state = state;
        event.attempt = times_[n].attempts.load(std::memory_order_relaxed);
        push_event(std::move(event));
    }
    void tell_progress(Id n, std::uint32_t permille, std::string note) {
        RunEvent event;
        event.kind = RunEvent::Kind::progress;
        event.node = n;
        event.state = NodeState::running;
        event.permille = std::min<std::uint32_t>(permille, 1000);
        event.note = std::move(note);
        push_event(std::move(event));
    }
    void tell_element(Id n, const Active& active, std::size_t element) {
        if (!settings_.want_events) return;
        const auto count = static_cast<std::uint32_t>(active.elements.size());
        const auto done = active.done.load(std::memory_order_relaxed);
        std::string note(leaf_of(label_of(active.elements[element])));
        note += (note.empty() ? "(" : " (") + std::to_string(std::min(done + 1, count)) + "/" + std::to_string(count) + ")";
        tell_progress(n, static_cast<std::uint32_t>(std::uint64_t{done} * 1000 / count), std::move(note));
    }

    // ---- the calling thread ----

    struct Timer {
        std::uint64_t at;
        Job job;
        static bool later(const Timer& a, const Timer& b) noexcept { return a.at > b.at; }
    };

    void stop(Stop why) {
        auto no = Stop::no;
        if (!stop_.compare_exchange_strong(no, why, std::memory_order_acq_rel)) return;
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }

    /// Events, timers, deadline, cancel. @return False when calls had to be left behind.
    bool attend(const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
        constexpr std::uint64_t look_ns = 20'000'000;
        std::uint64_t give_up = 0;
        std::uint64_t held_since = 0;
        std::unique_lock lock(mutex_);
        for (;;) {
            if (!events_.empty()) {
                const auto events = std::exchange(events_, {});
                progress_at_.clear();
                lock.unlock();
                if (on_event) {
                    for (const auto& event : events) on_event(event);
                }
                lock.lock();
                continue;
            }
            if (drained_) return true;
            const std::uint64_t now = steady_now_ns();
            if (give_up == 0) {
                lock.unlock();
                if (settings_.deadline_ns != 0 && now >= settings_.deadline_ns) stop(Stop::late);
                if (cancelled && cancelled()) stop(Stop::cancelled);
                if (settings_.log && settings_.log->failure()) stop(Stop::failed);
                if (stop_.load(std::memory_order_acquire) != Stop::no) {
                    give_up = now + settings_.grace_ns;
                    caller_->cancel_all();
                }
                lock.lock();
            } else if (now >= give_up) {
                return false;
            }
            // Without a worker nothing goes on any more, not even the end of the calls that hold them.
            if (holding_.load(std::memory_order_acquire) < std::max<std::size_t>(1, settings_.workers)) {
                held_since = 0;
            } else if (held_since == 0) {
                held_since = now;
            } else if (now - held_since >= settings_.grace_ns) {
                all_held_ = true;
                lock.unlock();
                stop(Stop::failed);
                caller_->cancel_all();
                return false;
            }
            const bool stopping = give_up != 0;
            while (!timers_.empty() && (stopping || timers_.front().at <= now)) {
                std::pop_heap(timers_.begin(), timers_.end(), Timer::later);
                const Job job = timers_.back().job;
                timers_.pop_back();
                lock.unlock();
                engine_->enqueue_held(job);  // its turn finds out about a stop by itself
                lock.lock();
            }
            if (drained_ || !events_.empty()) continue;
            std::uint64_t until = now + look_ns;
            if (!timers_.empty()) until = std::min(until, timers_.front().at);
            if (settings_.deadline_ns != 0 && !stopping) until = std::min(until, std::max(settings_.deadline_ns, now));
            if (stopping) until = std::min(until, give_up);
            changed_.wait_for(lock, std::chrono::nanoseconds(until > now ? until - now : 0));
        }
    }

    /// Every node has ended. @return False when a worker does not come back from a plugin.
    bool workers_are_back() const {
        const std::uint64_t give_up = steady_now_ns() + settings_.grace_ns;
        for (unsigned tries = 0; computing_.load(std::memory_order_acquire) != 0; ++tries) {
            if (tries < 1000) std::this_thread::yield();
            else if (steady_now_ns() >= give_up) return false;
            else std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return true;
    }

    RunResult collect() {
        RunResult result;
        const Stop why = stop_.load(std::memory_order_acquire);
        result.nodes.resize(nodes_.size());
        bool failed = false;
        for (std::size_t n = 0; n < nodes_.size(); ++n) {
            NodeRun& to = result.nodes[n];
            to.state = nodes_[n].state.load(std::memory_order_acquire);
            to.calls = times_[n].calls.load(std::memory_order_relaxed);
            to.attempts = times_[n].attempts.load(std::memory_order_relaxed);
            const bool over = to.state > NodeState::running;
            if (over) {
                to.started_ns = times_[n].started_ns;
                to.ended_ns = times_[n].ended_ns;
                to.problems = times_[n].problems;
            } else {
                to.state = NodeState::cancelled;
            }
            failed = failed || to.state == NodeState::failed;
        }
        result.state = why == Stop::cancelled || why == Stop::late ? RunResult::State::cancelled
                       : failed                                    ? RunResult::State::failed
                                                                   : RunResult::State::completed;
        result.late = why == Stop::late;
        for (Id o = 0; o < workflow_.outputs.size(); ++o) {
            const OutputDecl& output = workflow_.outputs[o];
            if (output.node != no_id && nodes_[output.node].state.load(std::memory_order_acquire) != NodeState::completed) continue;
            Edge edge;
            edge.from = output.node;
            edge.from_port = output.port;
            edge.input = output.input;
            if (source_value(edge).exists()) result.outputs.emplace_back(o, source_shared(edge));
        }
        {
            const std::lock_guard lock(mutex_);
            result.problems = problems_;
        }
        for (Id n = 0; all_held_ && n < nodes_.size(); ++n) {
            const bool holds_worker = nodes_[n].state.load(std::memory_order_acquire) == NodeState::running && !lane_kinds_[lane_of_[n]].blocking;
            if (!holds_worker) continue;
            result.nodes[n].state = NodeState::failed;
            result.state = RunResult::State::failed;
            result.problems.push_back({n, {}, Error(Code::deadline, "worker-held", provider_name(n) + ": did not come back in time, and no worker is left for the rest",
                                                    "report it to the plugin's author; with more --workers the rest goes on")});
        }
        std::vector<std::uint32_t> rank(nodes_.size(), 0);
        for (std::uint32_t i = 0; i < workflow_.order.size(); ++i) rank[workflow_.order[i]] = i;
        std::stable_sort(result.problems.begin(), result.problems.end(), [&](const Problem& a, const Problem& b) { return rank[a.node] < rank[b.node]; });
        return result;
    }

    /// Some calls do not come back. The run stays in memory for the day they do; nothing waits for it.
    std::uint32_t abandon() {
        std::uint32_t calls = 0;
        for (const auto& cell : nodes_) {
            if (cell.state.load(std::memory_order_acquire) == NodeState::running) ++calls;
        }
        keep_alive_ = shared_from_this();
#if defined(__SANITIZE_ADDRESS__)
        __lsan_ignore_object(this); // kept on purpose, with all that it has
#endif
        return std::max<std::uint32_t>(1, calls);
    }

    const std::shared_ptr<const Plan> plan_;
    const Workflow& workflow_;
    const std::shared_ptr<Caller> caller_;
    const RunSettings settings_;
    Value inputs_;
    std::vector<Cell> nodes_;
    std::unique_ptr<Times[]> times_;
    std::unordered_map<Id, Id> chosen_;  // "any" merge -> edge that came first
    std::vector<std::uint32_t> targets_;
    std::vector<std::uint32_t> waits_;
    Shape shape_;
    std::vector<std::uint32_t> lane_of_;
    std::vector<LaneKind> lane_kinds_;
    std::vector<LaneLimit> lane_limits_;
    std::atomic<Stop> stop_{Stop::no};
    std::atomic<std::uint32_t> done_{0};
    std::atomic<std::uint32_t> computing_{0};  // workers inside a provider that computes
    std::atomic<std::uint32_t> holding_{0};    // of these, whose calls have been answered
    bool all_held_ = false;
    std::atomic<std::size_t> live_bytes_{0};
    std::atomic<std::uint64_t> seed_;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool drained_ = false;
    std::vector<RunEvent> events_;
    std::unordered_map<Id, std::size_t> progress_at_;
    std::vector<Timer> timers_;
    std::vector<Problem> problems_;

    tbb::task_arena arena_;
    std::unique_ptr<Engine<Run>> engine_;
    std::unique_ptr<BlockingPool> pool_;
    std::shared_ptr<Run> keep_alive_;
};

} // namespace

RunResult run_plan(std::shared_ptr<const Plan> plan, const Value& inputs, std::shared_ptr<Caller> caller, const RunSettings& settings,
                   const std::function<void(const RunEvent&)>& on_event, const std::function<bool()>& cancelled) {
    return std::make_shared<Run>(std::move(plan), inputs, std::move(caller), settings)->execute(on_event, cancelled);
}

} // namespace symphony::tracker
