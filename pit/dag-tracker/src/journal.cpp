// SPDX-License-Identifier: Apache-2.0
#include "journal_core.hpp"

#include <map>

namespace symphony::tracker {

Journal::Journal(std::shared_ptr<JournalCore> core) : core_(std::move(core)) {}
Journal::~Journal() { core_->stop(); }

Result<std::shared_ptr<Journal>> Journal::open(std::unique_ptr<sqlite_files::Folder> folder, Options options) {
    auto core = std::make_shared<JournalCore>(std::move(folder), std::move(options));
    SYMPHONY_TRY(core->open());
    return std::shared_ptr<Journal>(new Journal(std::move(core)));
}

Result<std::vector<RunSummary>> Journal::list(std::size_t count_max) const { return core_->list(count_max); }
Result<RunDetail> Journal::show(std::string_view id) const { return core_->show(id); }
Result<RunDetail> Journal::told(std::string_view id, std::uint32_t after, std::uint32_t rows_max, const std::function<void(const ToldRow&)>& each) const {
    return core_->told(id, after, rows_max, each);
}
Result<std::int64_t> Journal::version() const { return core_->version(); }
Result<RunRecord> Journal::record(std::string_view id, bool outputs, std::string_view node) const {
    RunRecord out;
    std::vector<StepBody> bodies;
    std::vector<KeptOutput> kept;
    out.detail = SYMPHONY_TRY(core_->show(id, &bodies, outputs ? &kept : nullptr));
    std::map<std::pair<std::string_view, std::uint32_t>, std::size_t> places;
    const auto row = [&](std::string_view name, std::uint32_t element) -> CallRow& {
        const auto [at, fresh] = places.try_emplace({name, element}, out.calls.size());
        if (fresh) out.calls.push_back({std::string(name), element, {}, {}});
        return out.calls[at->second];
    };
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        const StepBody& body = bodies[i];
        if (!node.empty() && body.node != node) continue;
        const auto answer = [&](CallRow& to) -> Status {
            if (!outputs) return {};
            Value value = SYMPHONY_TRY(core_->value_of(kept[i]));
            if (to.element == no_id || !value.is_null()) to.answer = std::move(value);
            return {};
        };
        if (body.kind == StepBody::Kind::answered) {
            CallRow& call = row(body.node, body.element);
            call.note = body.note;
            SYMPHONY_TRY(answer(call));
        } else if (body.kind == StepBody::Kind::ended) {
            const bool alone = !body.end.each;
            if (alone) {
                CallRow& call = row(body.node, no_id);
                call.note = body.end.note;
                if (body.end.state == NodeState::completed && body.end.problems.empty()) SYMPHONY_TRY(answer(call));
            }
            for (const Problem& problem : body.end.problems) {
                if (outputs && (alone || problem.element != no_id)) row(body.node, alone ? no_id : problem.element).answer = problem.error;
            }
        }
    }
    return out;
}
Result<std::map<std::string, StepEnd>> Journal::ends(std::string_view id) const { return core_->ends(id); }
Status Journal::request(std::string_view id, RunRequest::Kind kind, std::string_view node, const Value& value) { return core_->request(id, kind, node, value); }
Status Journal::remove(std::string_view id) { return core_->remove(id); }

std::string_view name_of(Durability durability) noexcept {
    switch (durability) {
    case Durability::none: return "none";
    case Durability::relaxed: return "relaxed";
    case Durability::durable: return "durable";
    }
    return "";
}

std::optional<Durability> durability_named(std::string_view name) noexcept {
    for (const auto one : {Durability::none, Durability::relaxed, Durability::durable}) {
        if (name_of(one) == name) return one;
    }
    return std::nullopt;
}

std::string_view name_of(RunState state) noexcept {
    switch (state) {
    case RunState::running: return "running";
    case RunState::completed: return "completed";
    case RunState::failed: return "failed";
    case RunState::cancelled: return "cancelled";
    case RunState::interrupted: return "interrupted";
    case RunState::closing: return "running";
    case RunState::waiting: return "waiting";
    case RunState::paused: return "paused";
    }
    return "";
}

} // namespace symphony::tracker
