// SPDX-License-Identifier: Apache-2.0
#include "journal_core.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <unordered_map>

namespace symphony::tracker {

struct RunLog::Impl {
    std::shared_ptr<JournalCore> core;
    std::shared_ptr<JournalCore::Held> run;
    std::string id;
    NewRun made_from;
    std::vector<StepBody> before;        // what earlier parts have told
    std::vector<KeptOutput> before_outputs;
    bool was_closing = false;            // and is to go on closing
    unsigned looks_failed = 0;           // at what is asked of the run, one after the other
    std::optional<RunResult::State> closing_before;
    std::map<Id, std::int64_t> begun_ms;  // of delays and what waits for input
    std::map<Id, StepEnd> ends;
    std::map<Id, StepEnd> last_ends;     // also of what failed; only while it was closing
    std::map<std::pair<Id, std::uint32_t>, Value> answers;

    /// Whether somebody reads the output of a step that has ended.
    bool is_needed(const Workflow& workflow, Id n) const {
        if (std::any_of(workflow.outputs.begin(), workflow.outputs.end(), [n](const OutputDecl& output) { return output.node == n; })) return true;
        for (auto i = workflow.out_offsets[n]; i < workflow.out_offsets[n + 1]; ++i) {
            if (!ends.contains(workflow.edges[workflow.out_edges[i]].to)) return true;
        }
        return false;
    }
};

RunLog::RunLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
/// What it told is written before its lock goes.
RunLog::~RunLog() {
    std::promise<void> written;
    JournalCore::Item item;
    item.run = impl_->run;
    item.is_fence = true;
    item.then = [&](Status) { written.set_value(); };
    impl_->core->push(std::move(item));
    written.get_future().wait();
}
const std::string& RunLog::id() const noexcept { return impl_->id; }
const NewRun& RunLog::made_from() const noexcept { return impl_->made_from; }
std::size_t RunLog::steps_kept() const noexcept { return impl_->ends.size(); }

Status RunLog::attach(const Workflow& workflow) {
    std::unordered_map<std::string_view, Id> ids;
    impl_->run->names.clear();
    for (Id n = 0; n < workflow.nodes.size(); ++n) {
        impl_->run->names.emplace_back(workflow.node_name(n));
        ids.emplace(workflow.node_name(n), n);
    }
    std::map<Id, KeptOutput> end_outputs, last_outputs;
    std::map<std::pair<Id, std::uint32_t>, KeptOutput> answers;
    const std::size_t last = last_closing(impl_->before);
    if (impl_->was_closing && last < impl_->before.size()) impl_->closing_before = static_cast<RunResult::State>(impl_->before[last].element);
    for (std::size_t i = 0; i < impl_->before.size(); ++i) {
        StepBody& body = impl_->before[i];
        const bool closing_now = impl_->closing_before && i > last;
        body.end.order = i + 1;
        const auto at = ids.find(body.node);
        if (at == ids.end()) continue;
        if (body.kind == StepBody::Kind::begun && (workflow.nodes[at->second].kind == NodeKind::delay || workflow.nodes[at->second].kind == NodeKind::wait)) impl_->begun_ms.try_emplace(at->second, body.at_ms);
        if (body.kind == StepBody::Kind::answered) {
            if (workflow.role(at->second) >= Role::compensation && !closing_now) continue;
            answers.insert_or_assign({at->second, body.element}, std::move(impl_->before_outputs[i]));
        } else if (body.kind == StepBody::Kind::ended) {
            if (impl_->closing_before && (!body.end.closing || closing_now)) {
                impl_->last_ends.insert_or_assign(at->second, body.end);
                last_outputs.insert_or_assign(at->second, impl_->before_outputs[i]);
            }
            if (!is_kept(body.end.state)) impl_->begun_ms.erase(at->second);  // its time begins anew
            if (!goes_on_without(body, closing_now)) continue;
            end_outputs.insert_or_assign(at->second, std::move(impl_->before_outputs[i]));
            impl_->ends.insert_or_assign(at->second, std::move(body.end));
        }
    }
    impl_->before.clear();
    impl_->before_outputs.clear();
    const auto value = [&](Id n, const KeptOutput& output) -> Result<Value> {
        auto read = impl_->core->value_of(output);
        if (!read) return std::move(read).error().in("step " + shown(workflow.node_name(n)) + " of run " + impl_->id + " cannot be taken from the record");
        return read;
    };
    const auto output = [&](Id n, const StepEnd& end, const KeptOutput& kept) -> Result<Value> {
        Value out = SYMPHONY_TRY(value(n, kept));
        if (!end.each || end.state != NodeState::completed) return out;
        std::vector<Value> of_elements;
        for (auto at = answers.lower_bound({n, 0}); at != answers.end() && at->first.first == n; ++at) {
            Value answer = SYMPHONY_TRY(value(n, at->second));
            if (!answer.is_null()) of_elements.push_back(std::move(answer));
        }
        return with_elements(out, of_elements);
    };
    // A run that goes on closing has little to do, and may read anything.
    for (auto& [n, end] : impl_->last_ends) end.output = SYMPHONY_TRY(output(n, end, last_outputs[n]));
    for (auto& [n, end] : impl_->ends) {
        if (impl_->closing_before || impl_->is_needed(workflow, n)) end.output = SYMPHONY_TRY(output(n, end, end_outputs[n]));
    }
    for (const auto& [at, answer] : answers) {
        if (!impl_->ends.contains(at.first)) impl_->answers.emplace(at, SYMPHONY_TRY(value(at.first, answer)));
    }
    return {};
}

const StepEnd* RunLog::ended_before(Id node) const noexcept {
    const auto at = impl_->ends.find(node);
    return at == impl_->ends.end() ? nullptr : &at->second;
}

const StepEnd* RunLog::last_end(Id node) const noexcept {
    const auto at = impl_->last_ends.find(node);
    return at == impl_->last_ends.end() ? nullptr : &at->second;
}

std::optional<RunResult::State> RunLog::closing_before() const noexcept { return impl_->closing_before; }

void RunLog::closing(RunResult::State state, bool undoes) noexcept {
    JournalCore::Item item;
    item.run = impl_->run;
    item.body = {StepBody::Kind::closing, {}, static_cast<std::uint32_t>(state), impl_->core->now_ms(), {}, {}, undoes};
    impl_->core->push(std::move(item));
}

const Value* RunLog::answered_before(Id node, std::uint32_t element) const noexcept {
    const auto at = impl_->answers.find({node, element});
    return at == impl_->answers.end() ? nullptr : &at->second;
}

std::optional<std::int64_t> RunLog::begun_before_ms(Id node) const noexcept {
    const auto at = impl_->begun_ms.find(node);
    return at == impl_->begun_ms.end() ? std::nullopt : std::optional(at->second);
}

std::int64_t RunLog::now_ms() const noexcept { return impl_->core->now_ms(); }

void RunLog::begun(Id node) noexcept {
    JournalCore::Item item;
    item.run = impl_->run;
    item.body = {StepBody::Kind::begun, impl_->run->names[node], 0, impl_->core->now_ms(), {}, {}, false};
    impl_->core->push(std::move(item));
}

void RunLog::status(RunStatus status) noexcept {
    JournalCore::Item item;
    item.run = impl_->run;
    item.now = status == RunStatus::paused ? RunState::paused : status == RunStatus::waiting ? RunState::waiting : RunState::running;
    impl_->core->push(std::move(item));
}

std::vector<RunRequest> RunLog::requests() noexcept {
    try {
        auto found = impl_->core->requests(*impl_->run);
        if (found) {
            impl_->looks_failed = 0;
            return *std::move(found);
        }
        // A disk that is busy may answer at the next look; a record that is damaged will not.
        constexpr unsigned looks_failed_max = 100;
        if (found.error().code() == Code::data_corrupt || ++impl_->looks_failed == looks_failed_max) JournalCore::fail(*impl_->run, found.error());
    } catch (const std::exception&) { // without memory: at the next look
    }
    return {};
}

void RunLog::ended(Id node, StepEnd end) noexcept {
    JournalCore::Item item;
    item.run = impl_->run;
    item.output = std::exchange(end.output, {});
    item.body = {StepBody::Kind::ended, impl_->run->names[node], 0, impl_->core->now_ms(), std::move(end), {}, false};
    impl_->core->push(std::move(item));
}

void RunLog::answered(Id node, std::uint32_t element, const Value& answer, const CallNote& note) noexcept {
    JournalCore::Item item;
    item.run = impl_->run;
    item.output = answer;
    item.body = {StepBody::Kind::answered, impl_->run->names[node], element, impl_->core->now_ms(), {}, note, false};
    impl_->core->push(std::move(item));
}

void RunLog::attempted(Id node, std::uint32_t element, const CallNote& note, const Error& why) noexcept {
    JournalCore::Item item;
    item.run = impl_->run;
    item.body = {StepBody::Kind::attempted, impl_->run->names[node], element, impl_->core->now_ms(), {}, note, false};
    item.body.end.problems.push_back({node, {}, why});
    impl_->core->push(std::move(item));
}

std::uint32_t RunLog::part() const noexcept { return impl_->run->part; }

void RunLog::before_effect(Id node, std::uint32_t element, std::function<void(Status)> then) noexcept {
    JournalCore::Item item;
    item.run = impl_->run;
    item.body = {StepBody::Kind::begun, impl_->run->names[node], element, impl_->core->now_ms(), {}, {}, false};
    if (impl_->run->durability == Durability::durable) {
        item.then = std::move(then);
        impl_->core->push(std::move(item));
        return;
    }
    impl_->core->push(std::move(item));
    if (auto why = failure()) then(*std::move(why));
    else then({});
}

std::optional<Error> RunLog::failure() const { return JournalCore::failure_of(*impl_->run); }

Status RunLog::leave_open() {
    std::promise<Status> written;
    JournalCore::Item item;
    item.run = impl_->run;
    item.is_fence = true;
    item.then = [&](Status status) { written.set_value(std::move(status)); };
    impl_->core->push(std::move(item));
    return written.get_future().get();
}

Result<RunState> RunLog::close(RunState state) {
    std::promise<Status> written;
    RunState closed_as = state;
    JournalCore::Item item;
    item.run = impl_->run;
    item.close_as = state;
    item.closed_as = &closed_as;
    item.then = [&](Status status) { written.set_value(std::move(status)); };
    impl_->core->push(std::move(item));
    if (Status status = written.get_future().get(); !status) return std::move(status).error();
    return closed_as;
}

Result<std::unique_ptr<RunLog>> Journal::begin(NewRun run) {
    auto impl = std::make_unique<RunLog::Impl>();
    impl->core = core_;
    impl->run = SYMPHONY_TRY(core_->begin(run, impl->id));
    impl->made_from = std::move(run);
    return std::make_unique<RunLog>(std::move(impl));
}

Result<std::unique_ptr<RunLog>> Journal::resume(std::string_view id) {
    auto impl = std::make_unique<RunLog::Impl>();
    impl->core = core_;
    impl->run = SYMPHONY_TRY(core_->resume(id, impl->id, impl->made_from, impl->before, impl->before_outputs, impl->was_closing));
    return std::make_unique<RunLog>(std::move(impl));
}

} // namespace symphony::tracker
