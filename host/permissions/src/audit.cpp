// SPDX-License-Identifier: Apache-2.0
#include <symphony/permissions/audit.hpp>

#include "chain.hpp"
#include "sqlite.hpp"

#include <symphony/manifests/data.hpp>
#include <symphony/utf8.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace symphony::permissions {
namespace {

constexpr const char* file_name = "audit.sqlite";
constexpr const char* key_name = "audit.key";
// The record is the only copy of what it says: an index over its members cannot differ from what the hash is of.
constexpr const char* schema = R"(
    CREATE TABLE rows(number INTEGER PRIMARY KEY, previous TEXT NOT NULL, hash TEXT NOT NULL, record TEXT NOT NULL) STRICT;
    CREATE INDEX rows_plugin ON rows(json_extract(record, '$.plugin'), number);
    CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id = 1), count INTEGER NOT NULL, hash TEXT NOT NULL, mac TEXT NOT NULL) STRICT;)";
// Where a log begins whose oldest rows were let go: the last of them, by number and hash.
constexpr const char* start_schema = R"(
    CREATE TABLE IF NOT EXISTS start(id INTEGER PRIMARY KEY CHECK(id = 1), number INTEGER NOT NULL, hash TEXT NOT NULL, mac TEXT NOT NULL) STRICT;)";
constexpr std::size_t text_bytes_max = 2048;
constexpr std::size_t sampled_max = 1024; // objects remembered in each of the parts
constexpr std::size_t rows_together_max = 512;

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string cut(std::string_view text) {
    return to_valid_utf8(text.substr(0, text_bytes_max));
}

std::optional<Happening> read_kind(std::string_view text) {
    for (int i = 0; i <= static_cast<int>(Happening::lost); ++i) {
        if (name_of(static_cast<Happening>(i)) == text) return static_cast<Happening>(i);
    }
    return std::nullopt;
}

Record read_record(const std::string& text) {
    Record record;
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return record;
    const auto get = [&json](const char* key) {
        const auto found = json.find(key);
        return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto number = [&json](const char* key) {
        const auto found = json.find(key);
        return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
    };
    record.time_ms = number("time_ms");
    record.kind = read_kind(get("kind")).value_or(Happening::decision);
    record.publisher = get("publisher");
    record.plugin = get("plugin");
    record.version = get("version");
    record.digest = get("digest");
    record.instance = get("instance");
    record.object = get("object");
    record.allowed = get("decision") == "allowed";
    record.rule = get("rule");
    record.layer = get("layer");
    if (const auto chain = json.find("chain"); chain != json.end() && chain->is_array()) {
        for (const auto& one : *chain) {
            if (one.is_string()) record.chain.push_back(one.get<std::string>());
        }
    }
    record.count = static_cast<std::uint64_t>(number("count"));
    record.text = get("text");
    return record;
}

/// At most 33 bytes: one more than a key has.
std::string read_key(const std::filesystem::path& file) {
    std::string key(33, '\0');
    std::ifstream stream(file, std::ios::binary);
    stream.read(key.data(), static_cast<std::streamsize>(key.size()));
    key.resize(static_cast<std::size_t>(stream.gcount()));
    return key;
}

/// Whose signature the head carries. Made once, for this user alone.
std::string key_of(const std::filesystem::path& folder) {
    const auto file = folder / key_name;
    for (int tries = 0; tries < 2; ++tries) {
        const std::string key = read_key(file);
        if (key.size() == 32) return key;
        // Written aside and linked, so that nobody reads half of it, and of two processes one wins.
        const std::string fresh = random_bytes(32);
        if (fresh.empty()) return {};
        const std::string aside = file.string() + "." + std::to_string(::getpid());
        const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return {};
        const bool whole = ::write(fd, fresh.data(), fresh.size()) == static_cast<ssize_t>(fresh.size());
        ::close(fd);
        if (whole && !key.empty()) ::rename(aside.c_str(), file.c_str()); // one of another size is none
        else if (whole) static_cast<void>(::link(aside.c_str(), file.c_str()) == 0);
        ::unlink(aside.c_str());
    }
    const std::string key = read_key(file);
    return key.size() == 32 ? key : std::string();
}

/// A row of the chain, signed with this machine's key: the last one, or the last that was let go.
struct Mark {
    std::int64_t number = 0;
    std::string hash = std::string(chain_start);
    std::string mac;
    bool present = false;
};

/// What is signed differs in its first word, so that one mark does not pass for the other.
std::string mac_of(const std::string& key, const Mark& mark, std::string_view word) {
    return hmac_hex(key, std::string(word) + std::to_string(mark.number) + " " + mark.hash);
}
constexpr std::string_view head_word, start_word = "start ";

Result<Mark> read_mark(Database& db, const char* sql) {
    Mark mark;
    auto row = db.prepare(sql);
    if (row.step()) {
        mark = {row.number(0), row.text(1), row.text(2), true};
        return mark;
    }
    SYMPHONY_TRY(row.status());
    return mark;
}
Result<Mark> read_head(Database& db) { return read_mark(db, "SELECT count, hash, mac FROM head WHERE id = 1"); }
Result<Mark> read_start(Database& db) { return read_mark(db, "SELECT number, hash, mac FROM start WHERE id = 1"); }

Result<std::int64_t> number_of(Database& db, const char* sql) {
    auto asked = db.prepare(sql);
    if (asked.step()) return asked.number(0);
    SYMPHONY_TRY(asked.status());
    return 0;
}

/// Bytes that are in use; what was deleted is used again.
Result<std::int64_t> used_bytes(Database& db) {
    const auto pages = SYMPHONY_TRY(number_of(db, "PRAGMA page_count"));
    const auto free = SYMPHONY_TRY(number_of(db, "PRAGMA freelist_count"));
    return (pages - free) * SYMPHONY_TRY(number_of(db, "PRAGMA page_size"));
}

using Damage = Verification::Damage;

Verification damaged(Damage damage, std::int64_t row, std::string text) {
    Verification found;
    found.damage = damage;
    found.row = row;
    found.text = std::move(text);
    return found;
}

/// Follows the chain from behind a mark to a row.
/// @param at  Becomes the last good row.
Verification follow(Database& db, Mark& at, std::int64_t through) {
    auto rows = db.prepare("SELECT number, previous, hash, record FROM rows WHERE number <= ? ORDER BY number");
    rows.bind(1, through);
    while (rows.step()) {
        const std::int64_t number = rows.number(0);
        const std::int64_t expected = at.number + 1;
        const std::string name = "row " + std::to_string(expected);
        if (number < expected) return damaged(Damage::changed, number, "row " + std::to_string(number) + " does not belong here");
        if (number > expected) {
            const auto missing = number - 1;
            return damaged(Damage::removed, expected, (missing == expected ? name + " was" : "rows " + std::to_string(expected) + " to " + std::to_string(missing) + " were") + " removed");
        }
        const bool own = chain_hash(rows.text(1), rows.text(3)) == rows.text(2);
        if (rows.text(1) != at.hash) {
            // Whole in itself, but of another predecessor: something before it is missing, or it stood elsewhere.
            return own ? damaged(Damage::removed, expected, name + " follows another row than it says: rows were removed, added or swapped before it")
                       : damaged(Damage::changed, expected, name + " was changed");
        }
        if (!own) return damaged(Damage::changed, expected, name + " was changed");
        at.number = number;
        at.hash = rows.text(2);
    }
    const Status status = rows.status();
    const std::int64_t next = at.number + 1;
    return status ? Verification() : damaged(Damage::unreadable, next, "row " + std::to_string(next) + " cannot be read: " + status.error().message());
}

/// Whether the chain ends where its head says.
Verification fits(const std::string& key, const Mark& head, const Mark& last) {
    if (!head.present && last.number == 0) return {};
    if (!head.present) return damaged(Damage::head, last.number, "the head record is gone, which says how many rows there were");
    if (mac_of(key, head, head_word) != head.mac) {
        return damaged(Damage::head, head.number, "the head record is not signed with this machine's key: rows may be missing at the end");
    }
    if (head.number > last.number) {
        return damaged(Damage::cut, last.number + 1, "the log was cut: it ends with row " + std::to_string(last.number) + ", and had " + std::to_string(head.number));
    }
    if (head.number < last.number) return damaged(Damage::changed, head.number + 1, "row " + std::to_string(head.number + 1) + " was added by somebody else");
    if (head.hash != last.hash) return damaged(Damage::changed, last.number, "row " + std::to_string(last.number) + " was changed, and its hash with it");
    return {};
}

/// Lets the oldest eighth of the rows go when the file is above its bound; the newest stays in any case. Rows that are not as
/// they were written are "damaged" and stay, so that the bound hides nothing.
Status drop_oldest(Database& db, const std::string& key, std::int64_t last, std::int64_t bytes_max) {
    if (SYMPHONY_TRY(used_bytes(db)) <= bytes_max) return {};
    Mark start = SYMPHONY_TRY(read_start(db));
    const std::int64_t through = std::min(start.number + std::max<std::int64_t>((last - start.number) / 8, 1), last - 1);
    if (start.present && mac_of(key, start, start_word) != start.mac) return Error(Code::data_corrupt, "damaged", "where it begins is not signed with this machine's key");
    const Verification found = follow(db, start, through);
    if (found.damage != Damage::none) return Error(Code::data_corrupt, "damaged", found.text);
    auto gone = db.prepare("DELETE FROM rows WHERE number <= ?");
    gone.bind(1, start.number).step();
    SYMPHONY_TRY(gone.status());
    auto put = db.prepare("INSERT OR REPLACE INTO start(id, number, hash, mac) VALUES(1, ?, ?, ?)");
    put.bind(1, start.number).bind(2, start.hash).bind(3, mac_of(key, start, start_word)).step();
    return put.status();
}

} // namespace

std::string_view name_of(Happening kind) noexcept {
    constexpr std::array<std::string_view, 7> names{"decision", "grant", "revoke", "consent", "violation", "refused", "lost"};
    const auto at = static_cast<std::size_t>(kind);
    return at < names.size() ? names[at] : "unknown";
}

std::string_view name_of(Verification::Damage damage) noexcept {
    constexpr std::array<std::string_view, 6> names{"none", "changed", "removed", "cut", "head", "unreadable"};
    const auto at = static_cast<std::size_t>(damage);
    return at < names.size() ? names[at] : "unknown";
}

std::string canonical(const Record& record) {
    using manifests::Data;
    Data::List chain;
    for (const auto& one : record.chain) chain.emplace_back(cut(one));
    return to_json(Data(Data::Map{
        {"time_ms", record.time_ms}, {"kind", name_of(record.kind)}, {"publisher", cut(record.publisher)}, {"plugin", cut(record.plugin)},
        {"version", cut(record.version)}, {"digest", cut(record.digest)}, {"instance", cut(record.instance)}, {"object", cut(record.object)},
        {"decision", record.kind == Happening::revoke ? "revoked" : record.allowed ? "allowed" : "denied"}, {"rule", cut(record.rule)}, {"layer", cut(record.layer)},
        {"chain", Data(std::move(chain))}, {"count", static_cast<std::int64_t>(record.count)}, {"text", cut(record.text)}}));
}

Record record_of(const Subject& subject, Happening kind) {
    Record record;
    record.publisher = subject.publisher;
    record.plugin = subject.plugin;
    record.version = subject.version;
    record.digest = subject.digest;
    record.instance = subject.instance;
    if (subject.chain) record.chain = subject.chain();
    record.kind = kind;
    return record;
}

Record record_of_refusal(const Subject& subject, const Error& why) {
    Record record = record_of(subject, Happening::refused);
    record.object = "start";
    record.rule = why.reason();
    record.layer = "host";
    record.text = why.message();
    return record;
}

struct Audit::Impl {
    Options options;
    std::string key;
    mutable std::mutex db_mutex; // of db, key and damage
    mutable Database db;
    std::vector<std::string> warnings; // under `mutex`

    mutable std::mutex mutex;
    std::condition_variable changed;
    std::deque<Record> queue;
    /// What no longer fits or came too fast, counted, and when it is to be written.
    struct Counted {
        Record record;
        std::int64_t due_ms = 0;
    };
    std::map<std::string, Counted> together;
    /// Denials of one plugin lately, so that asking without an end does not fill the disk.
    struct Burst {
        unsigned rows = 0;
        std::int64_t until_ms = 0;
    };
    std::map<std::string, Burst> bursts;
    std::uint64_t lost = 0;                 // allowed ones that did not fit, and what the disk would not take
    std::uint64_t asked = 0, written = 0;   // flushes
    Status last = {};
    bool ending = false;

    /// What was allowed lately.
    struct Sample {
        Record record;             // the next one to be written
        std::uint64_t counted = 0; // since the last one
        std::int64_t until_ms = 0;
    };
    struct Part {
        std::mutex mutex;
        std::unordered_map<std::string, Sample> samples;
    };
    std::array<Part, 8> parts;
    std::thread writer;

    std::int64_t now() const { return options.now_ms ? options.now_ms() : wall_ms(); }

    /// @param damage  Was met in the file that is open.
    void open(std::optional<std::string> damage = std::nullopt) {
        const std::lock_guard lock(db_mutex);
        const bool had_key = !options.state_dir.empty() && std::filesystem::exists(options.state_dir / key_name);
        const auto kept = damage ? db.replace(options.state_dir, file_name, schema, "audit records", *damage) : db.open_or_make(options.state_dir, file_name, schema, "audit records");
        if (db.is_open()) {
            key = key_of(options.state_dir);
            static_cast<void>(db.run(start_schema)); // of a file that cannot be written, write() and verify() tell
        }
        const std::lock_guard queue_lock(mutex);
        if (!kept.warning.empty()) warnings.push_back(kept.warning);
        if (kept.made_anew && (had_key || !kept.warning.empty())) {
            Record record;
            record.time_ms = now();
            record.kind = Happening::lost;
            record.layer = "audit";
            record.text = "the log before this record is gone: it was damaged or taken away";
            queue.push_front(std::move(record));
        }
    }

    bool any_due() const {
        return std::any_of(together.begin(), together.end(), [time = now()](const auto& one) { return one.second.due_ms <= time; });
    }
    /// When a denial is one too many to be written by itself: until when it waits for others. 0: it is not. Under `mutex`.
    std::int64_t held_until(const Record& record) {
        Burst& burst = bursts[record.plugin + "\n" + record.instance];
        if (burst.until_ms <= record.time_ms) burst = {0, record.time_ms + options.sample_ms};
        return ++burst.rows > options.denied_rows_max ? burst.until_ms : 0;
    }

    /// Takes what is queued. `all`: unfinished samples too. Under `mutex`.
    std::vector<Record> take(bool all) {
        std::vector<Record> out;
        const auto many = all ? queue.size() : std::min(queue.size(), rows_together_max);
        out.insert(out.end(), std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.begin() + static_cast<std::ptrdiff_t>(many)));
        queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(many));
        if (queue.empty()) {
            const std::int64_t time = now();
            std::erase_if(together, [&](auto& one) {
                if (!all && one.second.due_ms > time) return false;
                out.push_back(std::move(one.second.record));
                return true;
            });
            std::erase_if(bursts, [&](const auto& one) { return one.second.until_ms <= time; });
            if (lost > 0) {
                Record record;
                record.time_ms = now();
                record.kind = Happening::lost;
                record.layer = "audit";
                record.count = lost;
                record.text = std::to_string(lost) + " records could not be kept";
                out.push_back(std::move(record));
                lost = 0;
            }
        }
        return out;
    }
    /// Samples whose time is over, or all, with their counts.
    void take_samples(bool all, std::vector<Record>& out) {
        const std::int64_t time = now();
        for (Part& part : parts) {
            const std::lock_guard lock(part.mutex);
            for (auto at = part.samples.begin(); at != part.samples.end();) {
                Sample& sample = at->second;
                if (!all && sample.until_ms > time) {
                    ++at;
                    continue;
                }
                if (sample.counted > 0) {
                    sample.record.time_ms = time;
                    sample.record.count = std::exchange(sample.counted, 0);
                    sample.record.text = "allowed " + std::to_string(sample.record.count) + " times more";
                    out.push_back(sample.record);
                }
                at = sample.until_ms > time ? std::next(at) : part.samples.erase(at);
            }
        }
    }

    Status write(std::vector<Record>& records) {
        if (records.empty()) return {};
        const std::lock_guard lock(db_mutex);
        if (!db.is_open()) return Error(Code::io, "not-kept", "no audit log is kept", "symphony doctor tells what is wrong with the state folder");
        Transaction change(db);
        if (!change.begun()) return change.begun();
        Mark head = SYMPHONY_TRY(read_head(db));
        auto insert_row = [&](const Record& record) -> Status {
            const std::string text = canonical(record);
            const std::string hash = chain_hash(head.hash, text);
            auto insert = db.prepare("INSERT INTO rows(number, previous, hash, record) VALUES(?, ?, ?, ?)");
            insert.bind(1, head.number + 1).bind(2, head.hash).bind(3, hash).bind(4, text).step();
            SYMPHONY_TRY(insert.status());
            ++head.number;
            head.hash = hash;
            return {};
        };
        for (const Record& record : records) SYMPHONY_TRY(insert_row(record));
        auto update = db.prepare("INSERT OR REPLACE INTO head(id, count, hash, mac) VALUES(1, ?, ?, ?)");
        update.bind(1, head.number).bind(2, head.hash).bind(3, mac_of(key, head, head_word)).step();
        SYMPHONY_TRY(update.status());
        SYMPHONY_TRY(drop_oldest(db, key, head.number, options.bytes_max));
        return change.commit();
    }

    void run() {
        std::unique_lock lock(mutex);
        std::vector<Record> batch;
        while (true) {
            const std::int64_t wait_ms = batch.empty() ? std::max<std::int64_t>(options.sample_ms, 20) : 100;
            const bool more = changed.wait_for(lock, std::chrono::milliseconds(wait_ms),
                                               [this] { return ending || asked != written || !queue.empty() || any_due(); });
            const std::uint64_t until = asked;
            const bool all = ending || asked != written;
            if (more && !all && batch.empty()) { // a little company makes one transaction of many
                lock.unlock();
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
                lock.lock();
            }
            if (batch.empty()) batch = take(all);
            const bool end = ending;
            lock.unlock();
            take_samples(all, batch);
            Status done = write(batch);
            if (!done && done.error().reason() == "damaged") {
                open(std::string(done.error().message()));
                done = write(batch);
            }
            const bool kept = static_cast<bool>(done);
            const bool hopeless = !kept && done.error().code() != Code::busy;
            std::uint64_t gone = 0;
            if (!kept && (hopeless || end)) {
                for (const Record& record : batch) gone += record.count;
            }
            if (kept || hopeless || end) batch.clear(); // busy: another process holds the file; they are tried again
            lock.lock();
            lost += gone;
            if (hopeless && warnings.empty()) warnings.push_back("the audit log cannot be written: " + done.error().message());
            last = std::move(done);
            if (kept || hopeless || end) {
                written = until;
                changed.notify_all();
            }
            if (end && queue.empty() && together.empty() && asked == written) return;
        }
    }
};

Audit::Audit(Options options) : impl_(std::make_unique<Impl>()) {
    impl_->options = std::move(options);
    impl_->open();
    impl_->writer = std::thread([impl = impl_.get()] { impl->run(); });
}

Audit::~Audit() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->ending = true;
    }
    impl_->changed.notify_all();
    impl_->writer.join();
}

void Audit::append(Record record) {
    if (record.time_ms == 0) record.time_ms = impl_->now();
    const bool droppable = record.kind == Happening::decision && record.allowed;
    {
        const std::lock_guard lock(impl_->mutex);
        const bool denied = !record.allowed && (record.kind == Happening::decision || record.kind == Happening::violation);
        const std::int64_t held_until = denied ? impl_->held_until(record) : 0;
        if (held_until == 0 && impl_->queue.size() < impl_->options.queue_max) {
            impl_->queue.push_back(std::move(record));
        } else if (droppable) {
            impl_->lost += record.count;
        } else {
            // Counted with its like, so that a flood of denials neither fills the memory nor goes missing.
            const std::string like = record.plugin + "\n" + record.instance + "\n" + std::string(name_of(record.kind)) + "\n" + record.rule + "\n" + record.layer;
            const auto [at, fresh] = impl_->together.try_emplace(like, Impl::Counted{record, held_until});
            if (!fresh) {
                Record& first = at->second.record;
                first.count += record.count;
                first.text = "the first of " + std::to_string(first.count) + " like it that came too fast to be written one by one";
            }
        }
    }
    impl_->changed.notify_one();
}

void Audit::allowed(const Subject& subject, const Right& object, std::string_view rule, std::string_view layer) {
    std::string key;
    key.reserve(subject.plugin.size() + subject.instance.size() + object.text().size() + rule.size() + layer.size() + 4);
    key.append(subject.plugin).append(1, '\n').append(subject.instance).append(1, '\n').append(rule).append(1, '\n').append(layer).append(1, '\n');
    const std::size_t common = key.size();
    key.append(object.text());
    auto& part = impl_->parts[std::hash<std::string>()(key) % impl_->parts.size()];
    const std::int64_t now = impl_->now();
    Record record;
    {
        const std::lock_guard lock(part.mutex);
        auto found = part.samples.find(key);
        if (found != part.samples.end() && found->second.until_ms > now) {
            ++found->second.counted;
            return;
        }
        const bool known = found != part.samples.end();
        const bool full = !known && part.samples.size() >= sampled_max;
        if (full) { // objects without end: the others of this rule are counted as one
            key.resize(common);
            found = part.samples.find(key);
            if (found != part.samples.end() && found->second.until_ms > now) {
                ++found->second.counted;
                return;
            }
        }
        auto& sample = part.samples[key];
        record = record_of(subject, Happening::decision);
        record.object = full ? "(other objects)" : object.text();
        record.allowed = true;
        record.rule = rule;
        record.layer = layer;
        record.time_ms = now;
        // What the last window counted is said with the first record of the next one.
        record.count = 1 + sample.counted;
        if (sample.counted > 0) record.text = "with " + std::to_string(sample.counted) + " from before";
        sample.record = record;
        sample.counted = 0;
        sample.until_ms = now + impl_->options.sample_ms;
    }
    append(std::move(record));
}

Status Audit::flush() {
    std::unique_lock lock(impl_->mutex);
    const std::uint64_t mine = ++impl_->asked;
    impl_->changed.notify_all();
    impl_->changed.wait(lock, [&] { return impl_->written >= mine; });
    return impl_->last;
}

std::vector<std::string> Audit::warnings() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->warnings;
}

Status Audit::each(const Filter& filter, const std::function<bool(const Row&)>& visit) const {
    const std::lock_guard lock(impl_->db_mutex);
    Database& db = impl_->db;
    if (!db.is_open()) return Error(Code::not_found, "not-kept", "no audit log is kept", "symphony doctor tells what is wrong with the state folder");
    std::string where;
    if (!filter.plugin.empty()) where += " AND json_extract(record, '$.plugin') = ?1";
    if (filter.kind) where += " AND json_extract(record, '$.kind') = ?2";
    if (filter.since_ms > 0) where += " AND json_extract(record, '$.time_ms') >= ?3";
    // A row that is no JSON any more must not hide the others; verify() names it.
    std::string sql = "SELECT number, previous, hash, record FROM rows WHERE json_valid(record)" + where + " ORDER BY number";
    if (filter.last_max > 0) sql = "SELECT * FROM (" + sql + " DESC LIMIT " + std::to_string(filter.last_max) + ") ORDER BY number";
    auto rows = db.prepare(sql.c_str());
    if (!filter.plugin.empty()) rows.bind(1, filter.plugin);
    if (filter.kind) rows.bind(2, name_of(*filter.kind));
    if (filter.since_ms > 0) rows.bind(3, filter.since_ms);
    while (rows.step()) {
        if (!visit({rows.number(0), rows.text(1), rows.text(2), read_record(rows.text(3))})) return {};
    }
    return rows.status();
}

Result<Verification> Audit::verify() const {
    const std::lock_guard lock(impl_->db_mutex);
    Database& db = impl_->db;
    if (!db.is_open()) return Error(Code::not_found, "not-kept", "no audit log is kept", "symphony doctor tells what is wrong with the state folder");
    // Head and rows of one moment, though others append.
    SYMPHONY_TRY(db.run("BEGIN"));
    struct End {
        Database& db;
        ~End() { static_cast<void>(db.run("COMMIT")); }
    } const end{db};
    const Mark head = SYMPHONY_TRY(read_head(db));
    Mark last = SYMPHONY_TRY(read_start(db));
    if (last.present && mac_of(impl_->key, last, start_word) != last.mac) {
        return damaged(Damage::head, last.number, "the record of where the log begins is not signed with this machine's key: rows may be missing at its beginning");
    }
    const std::int64_t dropped = last.number;
    Verification found = follow(db, last, std::numeric_limits<std::int64_t>::max());
    if (found.damage == Damage::none) found = fits(impl_->key, head, last);
    found.dropped = dropped;
    found.rows = last.number - dropped;
    return found;
}

} // namespace symphony::permissions
