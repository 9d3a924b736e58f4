// SPDX-License-Identifier: Apache-2.0
#include "run_core.hpp"

#include <symphony/utf8.hpp>

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::uint64_t backoff_ns_max = 60'000'000'000;
constexpr std::size_t problem_item_bytes_max = 4096;

/// What a step has answered whose outputs nobody reads.
Value no_outputs() { return ValueBuilder().map().end().build(); }

} // namespace

bool Run::may_pass_next_time(const Error& error) noexcept {
    return error.retryable() || error.code() == Code::deadline || error.code() == Code::peer_died;
}

Verdict Run::take_answer(Job job) {
    const Id n = job.step;
    Active& active = *nodes_[n].active;
    Slot& slot = active.slots[job.slot];
    Result<Value> result = checked_answer(n, *std::move(slot.answer));
    slot.answer.reset();
    const bool recalled = std::exchange(slot.recalled, false);
    if (recalled) times_[n].recalled.fetch_add(1, std::memory_order_relaxed);
    else if (result && settings_.memory) settings_.memory->answered(n, slot.element, slot.note, *result);
    give_back(job);
    if (!recalled && slot.note.attempt.number != 0) slot.note.attempt.took_ns = steady_now_ns() - slot.started_ns;
    if (!result && !closes_run(n) && settings_.deadline_ns != 0 && steady_now_ns() >= settings_.deadline_ns) stop(Stop::late);
    const bool stopped = this->stopped(n);
    if (!result && !stopped && !active.failed.load(std::memory_order_relaxed) && !recalled && slot.attempt <= workflow_.policy(n).retries_max &&
        may_pass_next_time(result.error()) && take_retry(n, result)) {
        if (const auto at = next_attempt_ns(n, slot.attempt)) {
            if (settings_.log) settings_.log->attempted(n, active.single ? no_id : slot.element, slot.note, result.error());
            later(job, *at);
            return Verdict::parked;
        }
    }
    if (active.single) return end_single(n, std::move(result), stopped);
    return next_element(job, active, slot, std::move(result), stopped);
}

Result<Value> Run::checked_answer(Id n, Result<Value> result) const {
    if (!result) {
        if (result.error().reason() != "bad-record") return result;
        return Error(result.error()).in(provider_name(n)).with_hint("its answer makes no sense; report it to the plugin's author");
    }
    if (!result->is_map()) {
        return Error(Code::plugin_failed, "wrong-kind", "the plugin answered " + std::string(symphony::name_of(result->kind())) + ", expected a map of outputs");
    }
    if (auto wrong = wrong_output(n, *result)) return *std::move(wrong);
    return result;
}

std::string Run::provider_name(Id n) const {
    const Provider& provider = *plan_->binding.providers[n];
    return "plugin \"" + provider.name + "\" " + provider.version;
}

std::optional<Error> Run::wrong_output(Id n, ValueView outputs) const {
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

namespace {

/// One of what is left, if anything is.
bool taken(std::atomic<std::uint32_t>& left) noexcept {
    auto now = left.load(std::memory_order_relaxed);
    while (now != 0 && !left.compare_exchange_weak(now, now - 1, std::memory_order_relaxed)) {}
    return now != 0;
}

} // namespace

bool Run::take_retry() noexcept { return !workflow_.retries_max || taken(retries_left_); }

bool Run::take_retry(Id n, Result<Value>& result) {
    const auto own = retries_left_of_.find(plan_->binding.providers[n]);
    const bool for_plugin = own == retries_left_of_.end() || taken(own->second);
    if (for_plugin && take_retry()) return true;
    const std::string whose = for_plugin ? "the run" : provider_name(n);
    result = Error(result.error()).with_hint("no retry is left for " + whose + ": retries of [limits]");
    return false;
}

std::uint64_t Run::backoff_ns(Id n, std::uint32_t attempt) noexcept {
    const CallPolicy& policy = workflow_.policy(n);
    const RetryKind kind = workflow_.extras_of(n).retry;
    if (kind == RetryKind::constant) return std::min(policy.backoff_ns, backoff_ns_max);
    const unsigned doublings = std::min<std::uint32_t>(attempt, 30);
    std::uint64_t longest = policy.backoff_ns > (backoff_ns_max >> doublings) ? backoff_ns_max : policy.backoff_ns << doublings;
    longest = std::min(longest, backoff_ns_max);
    // Full jitter: anywhere from at once to the longest, so that many that failed together do not come back together.
    return kind == RetryKind::exponential || longest == 0 ? longest : random() % (longest + 1);
}

void Run::retry(Job job) {
    nodes_[job.step].active->slots[job.slot].ready_ns = steady_now_ns();
    if (take_resources(job)) engine(job.step).enqueue_held(job);
    else engine(job.step).unhold();  // it waits under a hold of its own
}

std::optional<std::uint64_t> Run::next_attempt_ns(Id n, std::uint32_t attempt) noexcept {
    const std::uint64_t at = steady_now_ns() + backoff_ns(n, attempt);
    const std::uint64_t deadline = deadline_ns(n);
    return deadline != 0 && at >= deadline ? std::nullopt : std::optional(at);
}

void Run::later(Job job, std::uint64_t at) {
    job.lane = lane_of_[job.step];
    job.priority = workflow_.extras_of(job.step).priority;
    engine(job.step).hold();
    const std::lock_guard lock(mutex_);
    timers_.push_back({at, job});
    std::push_heap(timers_.begin(), timers_.end(), Timer::later);
    changed_.notify_all();
}

std::uint64_t Run::random() noexcept {
    // splitmix64 over a counter: no lock, and a seed gives a sequence.
    std::uint64_t z = seed_.fetch_add(0x9E3779B97F4A7C15ull, std::memory_order_relaxed);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

Verdict Run::end_single(Id n, Result<Value> result, bool stopped) {
    if (result) {
        note_done(n, 0);
        return finish(n, *std::move(result));
    }
    const Error& error = result.error();
    if (stopped && (error.code() == Code::cancelled || error.code() == Code::deadline)) return end(n, NodeState::cancelled);
    switch (workflow_.nodes[n].on_error) {
    case OnError::fail: return fail(n, error);
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

Verdict Run::next_element(Job job, Active& active, Slot& slot, Result<Value> result, bool stopped) {
    const Id n = job.step;
    const bool fails = workflow_.nodes[n].on_error == OnError::fail;
    if (result) {
        if (settings_.log) settings_.log->answered(n, slot.element, nodes_[n].uses.load(std::memory_order_acquire) != 0 ? *result : no_outputs(), slot.note);
        active.answers[slot.element] = *std::move(result);
    } else {
        if (settings_.log && !stopped) settings_.log->answered(n, slot.element, {}, slot.note);
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
            slot.note = {};
            queue({n, job.slot, lane_of_[n]});
            return Verdict::parked;
        }
    }
    if (active.working.fetch_sub(1, std::memory_order_acq_rel) != 1) return Verdict::parked;
    return finish_each(n, active);
}

Verdict Run::finish_each(Id n, const Active& active) {
    const OnError on_error = workflow_.nodes[n].on_error;
    std::uint32_t failed = 0;
    std::uint32_t cancelled = 0;
    std::size_t first = active.errors.size();
    const bool stopped = this->stopped(n);
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
        if (on_error != OnError::fail) add_problem(n, element_name(active, i), *active.errors[i], static_cast<std::uint32_t>(i));
    }
    times_[n].problems = failed;
    if (failed > 0 && on_error == OnError::fail) {
        return fail(n, Error(*active.errors[first]).in(element_name(active, first)));
    }
    if (cancelled > 0) return end(n, NodeState::cancelled);
    note_done(n, 0);
    return finish(n, nodes_[n].uses.load(std::memory_order_acquire) == 0 ? Value() : outputs_of_each(n, active));
}

std::string Run::element_name(const Active& active, std::size_t i) {
    std::string label = label_of(active.elements[i]);
    return label.empty() ? "element " + std::to_string(i) : label;
}

Value Run::outputs_of_each(Id n, const Active& active) {
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

void Run::put_problem(ValueBuilder& out, Id n, ValueView item, const Error& error) const {
    out.map(6).key("item");
    if (item.bytes().size() < problem_item_bytes_max) out.value(item);
    else out.null();
    out.add("path", item.exists() ? std::string_view(label_of(item)) : std::string_view());
    out.add("node", workflow_.node_name(n)).add("reason", error.reason());
    out.add("message", std::string_view(error.message())).add("hint", std::string_view(error.hint())).end();
}

} // namespace symphony::tracker
