// SPDX-License-Identifier: Apache-2.0
#include "journal_core.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace symphony::tracker {
namespace {

using namespace std::chrono_literals;

constexpr auto gather = 1ms;            // completions within it share a transaction
constexpr auto stuck_max = 30s;         // a disk that takes longer has failed

} // namespace

void JournalCore::push(Item item) noexcept {
    try {
        item.bytes = 256 + item.output.bytes().size();
        std::unique_lock lock(mutex_);
        const bool room = space_.wait_for(lock, stuck_max, [&] { return queued_bytes_ < options_.queue_bytes_max || stopping_; });
        if (stopping_) return refuse(std::move(lock), item, Error(Code::cancelled, "journal-closed", "the journal of runs is closed"));
        if (!room) return refuse(std::move(lock), item, Error(Code::io, "journal-stuck", "the journal of runs was not written for 30 s"));
        queued_bytes_ += item.bytes;
        urgent_ = urgent_ || item.then != nullptr;
        const bool first = queue_.empty() || item.then != nullptr;
        queue_.push_back(std::move(item));
        lock.unlock();
        if (first) changed_.notify_one();
    } catch (const std::exception&) {
        fail(*item.run, Error(Code::exhausted, "out-of-memory", "out of memory"));
        if (item.then) item.then(Error(Code::exhausted, "out-of-memory", "out of memory"));
    }
}

void JournalCore::refuse(std::unique_lock<std::mutex> lock, Item& item, const Error& why) {
    lock.unlock();
    fail(*item.run, why);
    if (item.then) item.then(why);
}

void JournalCore::write_all() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return !queue_.empty() || stopping_; });
        if (queue_.empty()) return;
        if (!urgent_ && !stopping_) changed_.wait_for(lock, gather, [&] { return urgent_ || stopping_ || queued_bytes_ > options_.queue_bytes_max / 2; });
        std::deque<Item> batch = std::exchange(queue_, {});
        const std::uint64_t bytes = queued_bytes_;
        urgent_ = false;
        lock.unlock();
        const Status written = write(batch);
        std::vector<std::pair<std::function<void(Status)>, Status>> told;
        for (Item& item : batch) {
            if (!written) fail(*item.run, written.error());
            if (!item.then) continue;
            auto why = failure_of(*item.run);
            told.emplace_back(std::move(item.then), why ? Status(*std::move(why)) : Status());
        }
        batch.clear(); // nobody who is told finds a run held by us
        for (auto& [then, status] : told) then(std::move(status));
        lock.lock();
        queued_bytes_ -= bytes;
        space_.notify_all();
    }
}

void JournalCore::store_large(Item& item) {
    const std::size_t size = item.output.bytes().size();
    if (size <= row_value_bytes_max || failure_of(*item.run)) return;
    const StoredValue stored{size, sha256(item.output.bytes())};
    const Status kept = options_.values == nullptr ? Status(Error(Code::not_found, "no-provider", "there is none"))
                                                   : options_.values->keep(holder_of(item.run->id), false, stored.digest, item.output);
    if (kept) {
        item.stored = stored;
    } else if (size > row_value_bytes_most) {
        fail(*item.run, Error(Code::exhausted, "output-too-large",
                              "step " + shown(item.body.node) + ": its output has " + std::to_string(size >> 20) + " MiB; a row of the journal takes " +
                                  std::to_string(row_value_bytes_most >> 20) + " MiB, and the artifact store cannot be used: " + std::string(kept.error().message()),
                              "install an artifact store, let the operation write a file and pass its path, or run with --durability none"));
    }
}

Status JournalCore::write(std::deque<Item>& batch) {
    for (Item& item : batch) store_large(item);
    const std::lock_guard lock(database_mutex_);
    const bool on_disk = std::any_of(batch.begin(), batch.end(), [](const Item& item) {
        return item.run->durability == Durability::durable || item.close_as != RunState::running;
    });
    SYMPHONY_TRY(set_sync(on_disk));
    std::map<Held*, std::uint32_t> seqs;  // written back when all is
    Status done = in_transaction([&]() -> Status {
        for (Item& item : batch) {
            Held& run = *item.run;
            auto [at, fresh] = seqs.try_emplace(&run, run.next_seq);
            if (fresh && !SYMPHONY_TRY(is_ours(run))) fail(run, Error(Code::conflict, "run-taken-over", "the run goes on in another process", "symphony runs list"));
            if (failure_of(run) || item.is_fence) continue;
            if (item.close_as != RunState::running) {
                SYMPHONY_TRY(end(run, item));
                continue;
            }
            if (item.now) {
                SYMPHONY_TRY(database_->prepare("UPDATE runs SET state = ? WHERE row = ? AND state != 6").bind(static_cast<int>(*item.now)).bind(run.row).run());
                continue;
            }
            SYMPHONY_TRY(insert(run, at->second++, item));
        }
        for (const auto& [run, seq] : seqs) {
            SYMPHONY_TRY(database_->prepare("UPDATE runs SET done = ? WHERE row = ?").bind(run->done).bind(run->row).run());
        }
        return {};
    });
    if (!done) return done;
    for (const auto& [run, seq] : seqs) run->next_seq = seq;
    return {};
}

Status JournalCore::end(const Held& run, const Item& item) {
    RunState state = item.close_as;
    if (state == RunState::completed) {
        auto asked = database_->prepare("SELECT count(*) FROM requests WHERE run = ? AND kind = ?");
        asked.bind(run.row).bind(static_cast<int>(RunRequest::Kind::cancel));
        if (asked.step() && asked.number(0) != 0) state = RunState::cancelled;
        SYMPHONY_TRY(asked.done());
    }
    SYMPHONY_TRY(database_->prepare("DELETE FROM requests WHERE run = ? AND kind != ?").bind(run.row).bind(static_cast<int>(RunRequest::Kind::provide)).run());
    SYMPHONY_TRY(database_->prepare("UPDATE runs SET state = ?, ended_ms = ?, done = ? WHERE row = ?")
                     .bind(static_cast<int>(state)).bind(now_ms()).bind(run.done).bind(run.row).run());
    if (item.closed_as != nullptr) *item.closed_as = state;
    return {};
}

Result<bool> JournalCore::is_ours(const Held& run) {
    auto row = database_->prepare("SELECT part FROM runs WHERE row = ?");
    row.bind(run.row);
    const bool ours = row.step() && static_cast<std::uint32_t>(row.number(0)) == run.part;
    SYMPHONY_TRY(row.done());
    return ours;
}

Status JournalCore::insert(Held& run, std::uint32_t seq, const Item& item) {
    const Value body = encode(item.body);
    const std::int64_t key = key_of(run.row, seq);
    const auto reference = item.stored ? item.stored->row() : std::array<std::uint8_t, StoredValue::row_bytes>{};
    const Bytes output = item.stored ? Bytes(reference) : item.output.bytes();
    if (item.body.kind == StepBody::Kind::ended && is_kept(item.body.end.state)) ++run.done;
    if (item.body.kind == StepBody::Kind::closing) {
        SYMPHONY_TRY(database_->prepare("UPDATE runs SET state = ? WHERE row = ?").bind(static_cast<int>(RunState::closing)).bind(run.row).run());
    }
    return database_->prepare("INSERT INTO steps(key, part, body, output, sum) VALUES(?, ?, ?, ?, ?)")
        .bind(key).bind(run.part).bind(body.bytes()).bind(output).bind(Bytes(sum_of(key, run.part, body.bytes(), output))).run();
}

} // namespace symphony::tracker
