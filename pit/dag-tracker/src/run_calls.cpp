// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"
#include "sha256.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::string_view key_port = "idempotency_key", token_port = "fencing_token", run_port = "run_id";

} // namespace

std::string idempotency_key(std::string_view run, std::string_view node, std::uint32_t element) {
    const std::string which = element == no_id ? std::string() : std::to_string(element);
    return hex_of(Sha256().add_sized(bytes_of(run)).add_sized(bytes_of(node)).add_sized(bytes_of(which)).finish()).substr(0, 32);
}

CallRequest Run::request_of(Id n, Slot& slot, Value input) {
    Times& times = times_[n];
    ++slot.attempt;
    slot.started_ns = steady_now_ns();
    slot.note.attempt = {slot.attempt, settings_.log ? settings_.log->now_ms() : 0, slot.ready_ns == 0 ? 0 : slot.started_ns - slot.ready_ns, 0, tokens_.fetch_add(1, std::memory_order_relaxed) + 1};
    times.calls.fetch_add(1, std::memory_order_relaxed);
    auto most = times.attempts.load(std::memory_order_relaxed);
    while (most < slot.attempt && !times.attempts.compare_exchange_weak(most, slot.attempt, std::memory_order_relaxed)) {}
    CallRequest request;
    request.provider = plan_->binding.providers[n];
    request.operation = workflow_.names[workflow_.nodes[n].operation];
    request.input = with_key(n, slot, std::move(input));
    request.deadline_ns = deadline_ns(n);
    if (const std::uint64_t timeout_ns = workflow_.policy(n).timeout_ns; timeout_ns != 0) {
        const std::uint64_t own = steady_now_ns() + timeout_ns;
        if (request.deadline_ns == 0 || own < request.deadline_ns) request.deadline_ns = own;
    }
    return request;
}

/// What says that a call is the same one again, and whose it is, goes to whoever asks for it: an operation with an optional input of that name, which nothing else leads to.
Value Run::with_key(Id n, const Slot& slot, Value input) const {
    const OperationSpec* operation = plan_->binding.operations[n];
    if (operation == nullptr) return input;
    const auto asked = [&](std::string_view port, Type::Kind kind) {
        const PortSpec* spec = operation->input(port);
        return spec != nullptr && spec->type.optional() && spec->type.kind() == kind && !input.contains(port);
    };
    const bool key = asked(key_port, Type::Kind::text), token = asked(token_port, Type::Kind::integer);
    const bool run = asked(run_port, Type::Kind::text) && !settings_.id.empty();
    if (!key && !token && !run) return input;
    ValueBuilder out;
    out.map(input.size() + 3);
    for (const auto [port, value] : input.view().entries()) out.add(port, value);
    if (key) out.add(key_port, std::string_view(idempotency_key(settings_.id, workflow_.node_name(n), workflow_.nodes[n].each == 0 ? no_id : slot.element)));
    if (token) out.add(token_port, slot.note.attempt.token);
    if (run) out.add(run_port, std::string_view(settings_.id));
    return out.end().build();
}

template <class Done>
void Run::enter_call(Id n, Slot& slot, Value input, Done done) {
    CallRequest request = request_of(n, slot, std::move(input));
    Caller::Progress progress;
    if (settings_.want_events && workflow_.nodes[n].each == 0) {
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

Verdict Run::begin_calls(Id n) {
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
    if (settings_.memory) active.facts = settings_.memory->begin(n, active.base);
    release_inputs(n);
    if (node.each == 0) return begin_single(n, active);
    return begin_each(n, active);
}

Verdict Run::begin_single(Id n, Active& active) {
    active.single = true;
    active.slots.resize(1);
    active.working.store(1, std::memory_order_relaxed);
    if (lane_of_[n] != 0 || waits_for_log(n) || looks_up(n) || has_priorities_ || claims_of(n) != nullptr) {
        tell(n, NodeState::queued);
        queue({n, 0, lane_of_[n]});
        return Verdict::parked;
    }
    // A provider that computes runs here and now: most answer before call() returns.
    mark_running(n);
    if (settings_.memory) settings_.memory->recall(n, 0, *active.facts, {}, [&active](Recalled found) { active.slots[0].note = std::move(found.note); });
    auto met = std::make_shared<std::atomic<unsigned>>(0);
    enter_call(n, active.slots[0], active.base, [self = shared_from_this(), n, met](Result<Value> result) {
        self->nodes_[n].active->slots[0].answer.emplace(std::move(result));
        if (met->exchange(1, std::memory_order_acq_rel) == 1) self->engine(n).complete_held({n, 0, 0});
    });
    const Job job{n, 0, Engine<Run>::no_lane};
    if (met->load(std::memory_order_acquire) == 1) return take_answer(job);
    engine(n).hold();
    if (met->exchange(1, std::memory_order_acq_rel) == 0) return Verdict::parked;
    engine(n).unhold();
    return take_answer(job);
}

Verdict Run::begin_each(Id n, Active& active) {
    if (!active.list.is_list()) {
        return fail(n, Error(Code::invalid_argument, "wrong-kind",
                             "input " + std::string(workflow_.names[workflow_.nodes[n].each]) + " is " + std::string(symphony::name_of(active.list.kind())) + ", each needs a list"));
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
        if (before != nullptr && !before->is_null()) active.answers[i] = *before;
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

bool Run::waits_for_log(Id n) const {
    const OperationSpec* operation = plan_->binding.operations[n];
    return settings_.log && (operation == nullptr || !operation->pure);
}

void Run::queue(Job job, bool let_go) {
    if (!let_go && paused_.load(std::memory_order_acquire) && hold_back(job, false)) return;
    job.priority = workflow_.extras_of(job.step).priority;
    nodes_[job.step].active->slots[job.slot].ready_ns = steady_now_ns();
    if (take_resources(job)) turn_on_lane(job);
}

bool Run::take_resources(Job job) {
    const auto* claims = claims_of(job.step);
    if (claims == nullptr) return true;
    // Held before it asks: its turn may come on another thread at once, and then nothing of it is this one's any more.
    engine(job.step).hold();
    if (!member_->take(*claims, job.priority, std::uint64_t{job.step} << 32 | job.slot)) return false;
    nodes_[job.step].active->slots[job.slot].holds = true;
    engine(job.step).unhold();
    return true;
}

void Run::go_on(Job job, bool holds) {
    nodes_[job.step].active->slots[job.slot].holds = holds;
    turn_on_lane(job);
    engine(job.step).unhold();
}

void Run::give_back(Job job) {
    Slot& slot = nodes_[job.step].active->slots[job.slot];
    if (std::exchange(slot.holds, false)) member_->give(*claims_of(job.step));
}

void Run::turn_on_lane(Job job) {
    if (!settings_.memory) {
        if (!waits_for_log(job.step)) return engine(job.step).enqueue(job);
        engine(job.step).hold();
        return queue_held(job);
    }
    engine(job.step).hold();
    const Active& active = *nodes_[job.step].active;
    const std::uint32_t element = active.slots[job.slot].element;
    settings_.memory->recall(job.step, element, *active.facts, active.single ? ValueView() : active.elements[element],
                             [self = shared_from_this(), job](Recalled found) { self->recalled(job, std::move(found)); });
}

void Run::recalled(Job job, Recalled found) noexcept {
    Slot& slot = nodes_[job.step].active->slots[job.slot];
    slot.note = std::move(found.note);
    if (!found.answer) return queue_held(job);
    slot.recalled = true;
    slot.answer.emplace(*std::move(found.answer));
    engine(job.step).complete_held(job);
}

void Run::queue_held(Job job) noexcept {
    if (!waits_for_log(job.step)) return engine(job.step).enqueue_held(job);
    settings_.log->before_effect(job.step, nodes_[job.step].active->slots[job.slot].element, [self = shared_from_this(), job](Status kept) {
        if (kept) return self->engine(job.step).enqueue_held(job);
        self->nodes_[job.step].active->slots[job.slot].answer.emplace(std::move(kept).error());
        self->engine(job.step).complete_held(job);
    });
}

void Run::mark_running(Id n) {
    auto expected = nodes_[n].state.load(std::memory_order_relaxed);
    while (expected == NodeState::pending || expected == NodeState::queued) {
        if (nodes_[n].state.compare_exchange_weak(expected, NodeState::running, std::memory_order_acq_rel)) {
            tell(n, NodeState::running);
            return;
        }
    }
}

void Run::call(Job job, const BlockingPool::Ticket& ticket) noexcept {
    try {
        if (stopped(job.step)) {
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

void Run::answer(Job job, Result<Value> result) noexcept {
    nodes_[job.step].active->slots[job.slot].answer.emplace(std::move(result));
    engine(job.step).complete(job);
}

} // namespace symphony::tracker
