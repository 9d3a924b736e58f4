// SPDX-License-Identifier: Apache-2.0
#include "call_cache_rows.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace symphony::tracker {
namespace {

constexpr const char* database_name = "cache.sqlite";
constexpr std::int64_t application_id = 0x53796d43;  // "SymC"
constexpr std::int64_t format_version = 1;
constexpr std::string_view holder = "dag-tracker:cache";
constexpr std::uint64_t inline_bytes_max = 4u << 20;  // of an answer that no store takes
constexpr std::uint64_t row_bytes = 160;              // what a row costs beside its bytes, about
constexpr std::int64_t touch_ms = 3'600'000;          // how exactly the time of the last use is kept
constexpr int evicted_at_once = 256;

constexpr sqlite_files::DatabaseWords words{"the cache of calls", "cache", "symphony runs cache clear makes a new one"};

struct Sum {
    std::array<std::uint8_t, 16> bytes{};
    bool operator==(const Sum&) const = default;
};
Sum sum_of(const Digest& key, std::int64_t made_ms, std::string_view run, Bytes parts, Bytes output) {
    const Digest all = Sha256().add(key.bytes).add_number(static_cast<std::uint64_t>(made_ms)).add_sized(bytes_of(run)).add_sized(parts).add_sized(output).finish();
    Sum sum;
    std::copy_n(all.bytes.begin(), sum.bytes.size(), sum.bytes.begin());
    return sum;
}

void note_stored(Bytes output, std::vector<Digest>& gone) {
    if (const auto stored = StoredValue::of(output)) gone.push_back(stored->digest);
}

} // namespace

CacheRows::CacheRows(std::unique_ptr<sqlite_files::Folder> folder, CallCache::Options options) : folder_(std::move(folder)), options_(std::move(options)) {
    if (!options_.now_ms) {
        options_.now_ms = [] {
            return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        };
    }
}

Status CacheRows::open() {
    mount_ = SYMPHONY_TRY(sqlite_files::Mount::of(*folder_));
    database_ = SYMPHONY_TRY(sqlite_files::open_database(mount_, database_name, true, words));
    SYMPHONY_TRY(make_tables());
    // In WAL it is enough for what is there to be whole; the last moments may be lost.
    return database_->execute("PRAGMA synchronous = NORMAL");
}

template <class Body>
Status CacheRows::in_transaction(Body body) {
    SYMPHONY_TRY(database_->prepare("BEGIN IMMEDIATE").run());
    Status done = body();
    if (done) done = database_->prepare("COMMIT").run();
    if (!done) static_cast<void>(database_->prepare("ROLLBACK").run());
    return done;
}

Status CacheRows::find(const CacheQuestion& question, Recalled& out) {
    std::int64_t row = 0;
    {
        auto rows = database_->prepare("SELECT row, scope, made_ms, used_ms, run, parts, output, sum FROM entries WHERE key = ?");
        rows.bind(question.call.key);
        if (!rows.step()) {
            SYMPHONY_TRY(rows.done());
            return compare_with_nearest(question, out);
        }
        row = rows.number(0);
        out.note.run = rows.text(4);
        out.note.made_ms = rows.number(2);
        const std::int64_t now = options_.now_ms();
        if (question.place.ttl_ms != 0 && now - out.note.made_ms > static_cast<std::int64_t>(question.place.ttl_ms)) {
            out.note.recall = Recall::expired;
            return {};
        }
        const auto sum = rows.fixed<Sum>(7);
        if (sum && *sum == sum_of(question.call.key, out.note.made_ms, rows.text(4), rows.bytes(5), rows.bytes(6))) out.answer = value_in(rows.bytes(6));
        if (out.answer) {
            out.note.recall = Recall::hit;
            if (now - rows.number(3) > touch_ms) touched_.emplace(row, now);
            if (static_cast<std::uint64_t>(rows.number(1)) != question.place.scope) asked_for_.insert_or_assign(question.place.scope, question.call.key);
            return {};
        }
    }
    out.note.recall = Recall::lost;
    return in_transaction([&] { return take_away(row); });
}

std::optional<Result<Value>> CacheRows::value_in(Bytes output) {
    if (const auto stored = StoredValue::of(output)) {
        if (options_.values == nullptr) return std::nullopt;
        auto value = options_.values->get(stored->digest, stored->size);
        return value ? std::optional<Result<Value>>(std::move(value)) : std::nullopt;
    }
    auto value = Value::checked(output);
    return value ? std::optional<Result<Value>>(std::move(value)) : std::nullopt;
}

Status CacheRows::compare_with_nearest(const CacheQuestion& question, Recalled& out) {
    out.note.recall = Recall::first;
    if (const auto asked = asked_for_.find(question.place.scope); asked != asked_for_.end()) SYMPHONY_TRY(in_transaction([&] { return write_counts(); }));
    auto rows = database_->prepare("SELECT e.parts, e.made_ms, e.run FROM nearest n JOIN entries e ON e.key = n.key WHERE n.scope = ?");
    rows.bind(static_cast<std::int64_t>(question.place.scope));
    if (rows.step()) {
        if (auto parts = Value::checked(rows.bytes(0))) out.note.difference = first_difference(*parts, question.call.parts);
        if (out.note.difference) out.note.recall = Recall::differs;
        out.note.made_ms = rows.number(1);
        out.note.run = rows.text(2);
    }
    return rows.done();
}

Status CacheRows::write(std::map<Digest, CacheAnswer> batch) {
    // The store of values is asked before the transaction: it takes its time, and others may write meanwhile.
    std::vector<std::pair<const CacheAnswer*, std::optional<StoredValue>>> rows;
    rows.reserve(batch.size());
    for (const auto& [key, item] : batch) {
        std::optional<StoredValue> stored;
        if (const Bytes bytes = item.answer.bytes(); bytes.size() > row_value_bytes_max) {
            stored = StoredValue{bytes.size(), sha256(bytes)};
            const bool kept = options_.values != nullptr && options_.values->keep(holder, true, stored->digest, item.answer);
            if (!kept && bytes.size() > inline_bytes_max) continue;
            if (!kept) stored.reset();
        }
        rows.emplace_back(&item, stored);
    }
    if (rows.empty() && touched_.empty() && asked_for_.empty() && hits_ + misses_ == 0) return {};
    SYMPHONY_TRY(in_transaction([&]() -> Status {
        for (const auto& [item, stored] : rows) SYMPHONY_TRY(insert(*item, stored));
        return write_counts();
    }));
    return evict();
}

Status CacheRows::write_counts() {
    for (const auto& [row, at] : touched_) SYMPHONY_TRY(database_->prepare("UPDATE entries SET used_ms = ? WHERE row = ?").bind(at).bind(row).run());
    for (const auto& [scope, key] : asked_for_) SYMPHONY_TRY(set_nearest(scope, key));
    SYMPHONY_TRY(database_->prepare("UPDATE totals SET hits = hits + ?, misses = misses + ?").bind(hits_).bind(misses_).run());
    touched_.clear();
    asked_for_.clear();
    hits_ = misses_ = 0;
    return {};
}
Status CacheRows::set_nearest(std::uint64_t scope, const Digest& key) {
    return database_->prepare("INSERT INTO nearest(scope, key) VALUES(?1, ?2) ON CONFLICT(scope) DO UPDATE SET key = ?2").bind(static_cast<std::int64_t>(scope)).bind(key).run();
}

Status CacheRows::insert(const CacheAnswer& item, const std::optional<StoredValue>& stored) {
    SYMPHONY_TRY(take_away(item.call.key));
    const auto reference = stored ? stored->row() : std::array<std::uint8_t, StoredValue::row_bytes>{};
    const Bytes output = stored ? Bytes(reference) : item.answer.bytes();
    const Bytes parts = item.call.parts.bytes();
    const std::int64_t now = options_.now_ms();
    const std::uint64_t bytes = row_bytes + parts.size() + output.size() + (stored ? stored->size : 0);
    SYMPHONY_TRY(database_->prepare("INSERT INTO entries(key, scope, made_ms, used_ms, bytes, run, parts, output, sum) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)")
                     .bind(item.call.key).bind(static_cast<std::int64_t>(item.place.scope)).bind(now).bind(now).bind(bytes).bind(std::string_view(item.place.run))
                     .bind(parts).bind(output).bind(sum_of(item.call.key, now, item.place.run, parts, output)).run());
    SYMPHONY_TRY(database_->prepare("UPDATE totals SET entries = entries + 1, bytes = bytes + ?, stored_bytes = stored_bytes + ?")
                     .bind(bytes).bind(stored ? stored->size : std::uint64_t{0}).run());
    return set_nearest(item.place.scope, item.call.key);
}
Status CacheRows::take_away(const Digest& key) {
    std::int64_t row = 0;
    {
        auto rows = database_->prepare("SELECT row FROM entries WHERE key = ?");
        rows.bind(key);
        if (rows.step()) row = rows.number(0);
        SYMPHONY_TRY(rows.done());
    }
    return row == 0 ? Status() : take_away(row);
}

Status CacheRows::take_away(std::int64_t row) {
    std::uint64_t bytes = 0, stored = 0;
    {
        auto rows = database_->prepare("SELECT bytes, output FROM entries WHERE row = ?");
        rows.bind(row);
        if (!rows.step()) return rows.done();
        bytes = rows.unsigned_number(0);
        if (const auto reference = StoredValue::of(rows.bytes(1))) stored = reference->size;
    }
    SYMPHONY_TRY(database_->prepare("DELETE FROM entries WHERE row = ?").bind(row).run());
    return database_->prepare("UPDATE totals SET entries = max(0, entries - 1), bytes = max(0, bytes - ?), stored_bytes = max(0, stored_bytes - ?)").bind(bytes).bind(stored).run();
}

Status CacheRows::evict() {
    while (SYMPHONY_TRY(is_above(1.0))) {
        std::vector<Digest> gone;
        SYMPHONY_TRY(in_transaction([&]() -> Status {
            while (SYMPHONY_TRY(is_above(0.9))) {
                if (SYMPHONY_TRY(evict_some(gone)) == 0) break;
            }
            return database_->prepare("DELETE FROM nearest WHERE key NOT IN (SELECT key FROM entries)").run();
        }));
        for (const Digest& digest : gone) SYMPHONY_TRY(drop_unless_used(digest));
    }
    return {};
}
Result<bool> CacheRows::is_above(double share) {
    auto row = database_->prepare("SELECT entries, bytes FROM totals");
    const bool found = row.step();
    const bool large = found && (static_cast<double>(row.unsigned_number(0)) > share * static_cast<double>(options_.entries_max) ||
                                 static_cast<double>(row.unsigned_number(1)) > share * static_cast<double>(options_.bytes_max));
    SYMPHONY_TRY(row.done());
    return large;
}
Result<std::size_t> CacheRows::evict_some(std::vector<Digest>& gone) {
    std::vector<std::int64_t> old;
    {
        auto rows = database_->prepare("SELECT row, output FROM entries ORDER BY used_ms, row LIMIT ?");
        rows.bind(evicted_at_once);
        while (rows.step()) {
            old.push_back(rows.number(0));
            note_stored(rows.bytes(1), gone);
        }
        SYMPHONY_TRY(rows.done());
    }
    std::size_t count = 0;
    for (const std::int64_t row : old) {
        SYMPHONY_TRY(take_away(row));
        if (++count % 16 == 0 && !SYMPHONY_TRY(is_above(0.9))) break;
    }
    if (old.empty()) {
        // Nothing is left, and the totals say otherwise: they are told the truth.
        SYMPHONY_TRY(database_->prepare("UPDATE totals SET entries = 0, bytes = 0, stored_bytes = 0").run());
    }
    SYMPHONY_TRY(database_->prepare("UPDATE totals SET evicted = evicted + ?").bind(static_cast<std::uint64_t>(count)).run());
    return count;
}
Status CacheRows::drop_unless_used(const Digest& digest) {
    bool used = false;
    {
        // The same bytes may be the answer of another call.
        auto rows = database_->prepare("SELECT 1 FROM entries WHERE length(output) = 41 AND substr(output, 10) = ?");
        rows.bind(digest);
        used = rows.step();
        SYMPHONY_TRY(rows.done());
    }
    if (!used && options_.values != nullptr) static_cast<void>(options_.values->drop(holder, digest));
    return {};
}

Status CacheRows::make_tables() {
    std::int64_t application = 0, version = 0, tables = 0;
    SYMPHONY_TRY(number("PRAGMA application_id", application));
    SYMPHONY_TRY(number("PRAGMA user_version", version));
    SYMPHONY_TRY(number("SELECT count(*) FROM sqlite_master", tables));
    if (tables == 0 && application == 0) {
        SYMPHONY_TRY(database_->execute("PRAGMA auto_vacuum = INCREMENTAL"));
        SYMPHONY_TRY(database_->execute("PRAGMA journal_mode = WAL"));
        return in_transaction([&]() -> Status {
            SYMPHONY_TRY(number("SELECT count(*) FROM sqlite_master", tables));
            if (tables != 0) return {};  // another host was first
            SYMPHONY_TRY(database_->execute("PRAGMA application_id = 1400466755"));  // application_id
            SYMPHONY_TRY(database_->execute("PRAGMA user_version = 1"));
            SYMPHONY_TRY(database_->execute("CREATE TABLE entries(row INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, scope INTEGER NOT NULL, made_ms INTEGER NOT NULL, "
                                            "used_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, run TEXT NOT NULL, parts BLOB NOT NULL, output BLOB NOT NULL, sum BLOB NOT NULL)"));
            SYMPHONY_TRY(database_->execute("CREATE INDEX used ON entries(used_ms)"));
            SYMPHONY_TRY(database_->execute("CREATE INDEX stored ON entries(substr(output, 10)) WHERE length(output) = 41"));
            SYMPHONY_TRY(database_->execute("CREATE TABLE nearest(scope INTEGER PRIMARY KEY, key BLOB NOT NULL)"));
            SYMPHONY_TRY(database_->execute("CREATE TABLE totals(entries INTEGER NOT NULL, bytes INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, hits INTEGER NOT NULL, "
                                            "misses INTEGER NOT NULL, evicted INTEGER NOT NULL)"));
            return database_->execute("INSERT INTO totals VALUES(0, 0, 0, 0, 0, 0)");
        });
    }
    if (application != application_id) return Error(Code::data_corrupt, "cache-corrupt", std::string(words.what) + " is a database of something else", words.hint);
    if (version > format_version) {
        return Error(Code::abi_mismatch, "newer-cache",
                     std::string(words.what) + " was written by a newer version (format " + std::to_string(version) + ", this one knows " + std::to_string(format_version) + ")",
                     "update dag-tracker, or run with --no-cache");
    }
    return {};
}

Status CacheRows::number(const char* sql, std::int64_t& out) {
    auto row = database_->prepare(sql);
    if (row.step()) out = row.number(0);
    return row.done();
}

Result<CallCache::Stats> CacheRows::stats() {
    SYMPHONY_TRY(write({}));
    CallCache::Stats out;
    out.bytes_max = options_.bytes_max;
    auto row = database_->prepare("SELECT entries, bytes, stored_bytes, hits, misses, evicted FROM totals");
    if (row.step()) {
        out.entries = row.unsigned_number(0);
        out.bytes = row.unsigned_number(1);
        out.stored_bytes = row.unsigned_number(2);
        out.hits = row.unsigned_number(3);
        out.misses = row.unsigned_number(4);
        out.evicted = row.unsigned_number(5);
    }
    SYMPHONY_TRY(row.done());
    auto oldest = database_->prepare("SELECT min(made_ms) FROM entries");
    if (oldest.step()) out.oldest_ms = oldest.number(0);
    SYMPHONY_TRY(oldest.done());
    return out;
}

Status CacheRows::clear() {
    std::vector<Digest> gone;
    SYMPHONY_TRY(in_transaction([&]() -> Status {
        auto rows = database_->prepare("SELECT DISTINCT output FROM entries WHERE length(output) = 41");
        while (rows.step()) note_stored(rows.bytes(0), gone);
        SYMPHONY_TRY(rows.done());
        SYMPHONY_TRY(database_->prepare("DELETE FROM entries").run());
        SYMPHONY_TRY(database_->prepare("DELETE FROM nearest").run());
        return database_->prepare("UPDATE totals SET entries = 0, bytes = 0, stored_bytes = 0, hits = 0, misses = 0, evicted = 0").run();
    }));
    touched_.clear();
    asked_for_.clear();
    hits_ = misses_ = 0;
    for (const Digest& digest : gone) {
        if (options_.values != nullptr) static_cast<void>(options_.values->drop(holder, digest));
    }
    return database_->execute("PRAGMA incremental_vacuum");
}

} // namespace symphony::tracker
