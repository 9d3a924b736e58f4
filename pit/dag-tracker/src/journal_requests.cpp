// SPDX-License-Identifier: Apache-2.0
#include "journal_core.hpp"

#include <algorithm>

namespace symphony::tracker {

Status JournalCore::request(std::string_view asked, RunRequest::Kind kind, std::string_view node, const Value& value) {
    const std::lock_guard lock(database_mutex_);
    SYMPHONY_TRY(set_sync(true));
    return in_transaction([&]() -> Status {
        const Found found = SYMPHONY_TRY(find(asked));
        const bool provides = kind == RunRequest::Kind::provide;
        const bool ended = found.state == RunState::completed || (!provides && (found.state == RunState::failed || found.state == RunState::cancelled));
        if (ended) return Error(Code::conflict, "run-ended", "run " + found.id + " has ended: it is " + std::string(name_of(found.state)), "symphony runs show " + found.id);
        Held own;
        own.row = found.row;
        const Status held = hold(own);
        if (!held && held.error().reason() != "run-in-progress") return held;
        if (held && kind == RunRequest::Kind::cancel) {
            if (found.state == RunState::closing) {
                return Error(Code::conflict, "run-closing", "run " + found.id + " was interrupted while it undid and closed what it had done", "symphony runs resume " + found.id + " brings that to its end");
            }
            return database_->prepare("UPDATE runs SET state = ?, ended_ms = ? WHERE row = ?").bind(static_cast<int>(RunState::cancelled)).bind(now_ms()).bind(found.row).run();
        }
        if (held && !provides) return Error(Code::conflict, "run-not-in-progress", "no process is at run " + found.id, "symphony runs resume " + found.id);
        const std::int64_t at = now_ms();
        return database_->prepare("INSERT INTO requests(run, kind, node, value, at_ms, sum) VALUES(?, ?, ?, ?, ?, ?)")
            .bind(found.row).bind(static_cast<int>(kind)).bind(node).bind(value.bytes()).bind(at)
            .bind(Bytes(sum_of(found.row, static_cast<std::int64_t>(kind), bytes_of(node), value.bytes()))).run();
    });
}

Result<std::vector<RunRequest>> JournalCore::requests(Held& run) {
    std::vector<RunRequest> out;
    const std::lock_guard lock(database_mutex_);
    auto rows = database_->prepare("SELECT id, kind, node, value, sum FROM requests WHERE run = ? AND id > ? ORDER BY id");
    rows.bind(run.row).bind(run.last_request);
    while (rows.step()) {
        if (sum_of(run.row, rows.number(1), bytes_of(rows.text(2)), rows.bytes(3)) != rows.bytes(4)) return damaged("what was asked of a run");
        RunRequest request;
        request.kind = static_cast<RunRequest::Kind>(rows.number(1));
        if (request.kind == RunRequest::Kind::provide) {
            const auto at = std::find(run.names.begin(), run.names.end(), rows.text(2));
            if (at != run.names.end()) request.node = static_cast<Id>(at - run.names.begin());
            auto value = Value::checked(Buffer::copy(rows.bytes(3)));
            if (!value) return damaged("what was given to a run");
            request.value = *std::move(value);
        }
        run.last_request = rows.number(0);
        out.push_back(std::move(request));
    }
    SYMPHONY_TRY(rows.done());
    return out;
}

Status JournalCore::remove(std::string_view asked) {
    std::vector<Dropped> dropped;
    {
        const std::lock_guard lock(database_mutex_);
        SYMPHONY_TRY(in_transaction([&]() -> Status {
            const Found found = SYMPHONY_TRY(find(asked));
            Held run;
            run.row = found.row;
            SYMPHONY_TRY(hold(run));
            return forget(found.row, found.id, dropped);
        }));
    }
    drop(dropped);
    return {};
}

} // namespace symphony::tracker
