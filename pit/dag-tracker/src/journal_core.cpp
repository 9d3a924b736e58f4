// SPDX-License-Identifier: Apache-2.0
#include "journal_core.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <random>
#include <set>

namespace symphony::tracker {
namespace {

constexpr std::size_t expired_max = 4;  // runs that are forgotten at the begin of one

std::string new_id(std::int64_t now_ms) {
    const std::time_t seconds = now_ms / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::array<char, 32> text{};
    const std::size_t n = std::strftime(text.data(), text.size(), "%Y%m%d-%H%M%S-", &utc);
    std::string id(text.data(), n);
    constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
    std::random_device random;
    for (int i = 0; i < 6; ++i) id += digits[random() % digits.size()];
    return id;
}

} // namespace

std::string holder_of(std::string_view run) { return "run:" + std::string(run); }

bool goes_on_without(const StepBody& body, bool closing_now) noexcept {
    return body.kind == StepBody::Kind::ended && is_kept(body.end.state) && (!body.end.closing || closing_now);
}

Error no_such_run(std::string_view id) {
    return Error(Code::not_found, "no-such-run", id == "last" ? "there is no run on record" : "no run is called " + shown(id), "symphony runs list");
}

Result<std::shared_ptr<JournalCore::Held>> JournalCore::begin(const NewRun& made_from, std::string& id) {
    auto run = std::make_shared<Held>();
    run->durability = made_from.durability;
    const std::int64_t now = now_ms();
    id = run->id = new_id(now);
    std::vector<Dropped> dropped;
    std::unique_lock lock(database_mutex_);
    SYMPHONY_TRY(set_sync(true));
    SYMPHONY_TRY(in_transaction([&]() -> Status {
        SYMPHONY_TRY(expire(dropped));
        const RunRow row{made_from.workflow, made_from.version, made_from.path, made_from.steps, made_from.durability, now};
        const Value head = encode(row), given = encode_given(made_from);
        SYMPHONY_TRY(database_->prepare("INSERT INTO runs(id, head, given, part, state, done, ended_ms, sum) VALUES(?, ?, ?, 1, 1, 0, 0, ?)")
                         .bind(std::string_view(id)).bind(head.bytes()).bind(given.bytes()).bind(Bytes(sum_of(id, head.bytes(), given.bytes()))).run());
        run->row = database_->last_row();
        return hold(*run);
    }));
    lock.unlock();
    drop(dropped);
    return run;
}

Result<std::shared_ptr<JournalCore::Held>> JournalCore::resume(std::string_view asked, std::string& id, NewRun& made_from, std::vector<StepBody>& steps,
                                     std::vector<KeptOutput>& outputs, bool& closing) {
    auto run = std::make_shared<Held>();
    const std::lock_guard lock(database_mutex_);
    SYMPHONY_TRY(set_sync(true));
    SYMPHONY_TRY(in_transaction([&]() -> Status {
        const Found found = SYMPHONY_TRY(find(asked));
        id = run->id = found.id;
        run->row = found.row;
        if (found.state == RunState::completed) {
            return Error(Code::conflict, "run-completed", "run " + id + " is completed: nothing is left to do", "symphony runs show " + id);
        }
        SYMPHONY_TRY(hold(*run));
        made_from = found.made_from;
        run->part = found.part + 1;
        run->durability = made_from.durability;
        SYMPHONY_TRY(read_steps(found.row, steps, &outputs));
        run->next_seq = static_cast<std::uint32_t>(steps.size()) + 1;
        closing = found.state == RunState::closing;
        const std::size_t last = last_closing(steps);
        if (closing && last == steps.size()) return damaged("run " + id); // the state has no sum, the row that says so has
        if (!closing && last < steps.size() && steps[last].undoes) {
            return Error(Code::conflict, "run-undone", "run " + id + " cannot go on: what it had done was undone when it ended", "run it anew");
        }
        std::set<std::string_view> kept;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            if (goes_on_without(steps[i], closing && i > last)) kept.insert(steps[i].node);
        }
        run->done = static_cast<std::uint32_t>(kept.size());
        const RunState state = closing ? RunState::closing : RunState::running;
        // Whoever goes on with the run has heard of a pause or a cancel; input that came meanwhile stays.
        SYMPHONY_TRY(database_->prepare("DELETE FROM requests WHERE run = ? AND kind != ?").bind(run->row).bind(static_cast<int>(RunRequest::Kind::provide)).run());
        return database_->prepare("UPDATE runs SET part = ?, state = ?, ended_ms = 0, done = ? WHERE row = ?")
            .bind(run->part).bind(static_cast<int>(state)).bind(run->done).bind(run->row).run();
    }));
    return run;
}

Result<Value> JournalCore::value_of(const KeptOutput& output) const {
    if (!output.stored) return output.value;
    if (options_.values == nullptr) return Error(Code::not_found, "output-missing", "it is in an artifact store, and there is none", "symphony list");
    return options_.values->get(output.stored->digest, output.stored->size);
}

Result<JournalCore::Found> JournalCore::find(std::string_view asked) {
    std::optional<Found> found;
    auto rows = asked == "last" ? database_->prepare("SELECT row, id, head, given, part, state, done, sum FROM runs ORDER BY row DESC LIMIT 1")
                                : database_->prepare("SELECT row, id, head, given, part, state, done, sum FROM runs WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 2");
    if (asked != "last") rows.bind(static_cast<std::int64_t>(asked.size())).bind(asked);
    while (!asked.empty() && rows.step()) {
        if (found && found->id != asked) {
            return Error(Code::invalid_argument, "ambiguous-run", shown(asked) + " is the beginning of more than one run", "symphony runs list");
        }
        if (found) break;
        found.emplace();
        found->row = rows.number(0);
        found->id = rows.text(1);
        if (sum_of(found->id, rows.bytes(2), rows.bytes(3)) != rows.bytes(7)) return damaged("run " + found->id);
        SYMPHONY_TRY(decode(rows.bytes(2), rows.bytes(3), found->made_from));
        found->part = static_cast<std::uint32_t>(rows.number(4));
        found->state = static_cast<RunState>(rows.number(5));
        found->done = static_cast<std::uint32_t>(rows.number(6));
    }
    if (Status read = rows.done(); !read) return std::move(read).error();
    if (!found) return no_such_run(asked);
    return *std::move(found);
}

Status JournalCore::forget(std::int64_t row, std::string_view id, std::vector<Dropped>& dropped) {
    {
        auto rows = database_->prepare("SELECT output FROM steps WHERE key BETWEEN ? AND ? AND length(output) = 41");
        rows.bind(key_of(row, 0)).bind(key_of(row, ~std::uint32_t{0}));
        while (rows.step()) {
            if (const auto stored = StoredValue::of(rows.bytes(0))) dropped.push_back({holder_of(id), stored->digest});
        }
        SYMPHONY_TRY(rows.done());
    }
    SYMPHONY_TRY(database_->prepare("DELETE FROM steps WHERE key BETWEEN ? AND ?").bind(key_of(row, 0)).bind(key_of(row, ~std::uint32_t{0})).run());
    SYMPHONY_TRY(database_->prepare("DELETE FROM requests WHERE run = ?").bind(row).run());
    return database_->prepare("DELETE FROM runs WHERE row = ?").bind(row).run();
}

void JournalCore::drop(const std::vector<Dropped>& dropped) const {
    if (options_.values == nullptr) return;
    for (const Dropped& one : dropped) static_cast<void>(options_.values->drop(one.holder, one.digest));
}

Status JournalCore::expire(std::vector<Dropped>& dropped) {
    if (options_.runs_max == 0) return {};
    std::vector<std::pair<std::int64_t, std::string>> old;
    {
        auto rows = database_->prepare("SELECT row, id FROM runs WHERE state IN (2, 3, 4) ORDER BY row DESC LIMIT ? OFFSET ?");
        rows.bind(static_cast<std::int64_t>(expired_max)).bind(static_cast<std::int64_t>(options_.runs_max));
        while (rows.step()) old.emplace_back(rows.number(0), rows.text(1));
        SYMPHONY_TRY(rows.done());
    }
    for (const auto& [row, id] : old) SYMPHONY_TRY(forget(row, id, dropped));
    return {};
}

} // namespace symphony::tracker
