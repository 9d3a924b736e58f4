// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include "journal_rows.hpp"

#include <symphony/sqlite_files/database.hpp>
#include <symphony/sqlite_files/locks.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace symphony::tracker {
namespace {

using namespace std::chrono_literals;
using sqlite_files::Database;
using sqlite_files::File;
using sqlite_files::Folder;
using sqlite_files::LockAnswer;
using sqlite_files::LockKind;
using sqlite_files::Locks;
using sqlite_files::Mount;

constexpr const char* database_name = "runs.sqlite";
constexpr const char* lock_name = "runs.lock";
constexpr std::int64_t application_id = 0x53796d52;  // "SymR"
constexpr std::int64_t format_version = 3;  // 1 had every output in its row, and no requests; 2 had no rows of attempts
constexpr auto gather = 1ms;            // completions within it share a transaction
constexpr auto stuck_max = 30s;         // a disk that takes longer has failed
constexpr auto open_again = 10ms;
constexpr int open_tries_max = 500;
constexpr std::size_t expired_max = 4;  // runs that are forgotten at the begin of one

constexpr sqlite_files::DatabaseWords words{"the journal of runs", "journal",
                                            "move runs.sqlite in the state folder of dag-tracker away; runs that only it knows cannot be resumed"};

constexpr const char* requests_table = "CREATE TABLE requests(id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, kind INTEGER NOT NULL, node TEXT NOT NULL, "
                                       "value BLOB NOT NULL, at_ms INTEGER NOT NULL, sum BLOB NOT NULL)";

/// An output as its row has it.
struct KeptOutput {
    Value value;
    std::optional<StoredValue> stored;  // where it is instead

    std::uint64_t size() const noexcept { return stored ? stored->size : value.bytes().size(); }
};

/// The output of an `each` step: what the row of its end has, and where that is null what the elements have answered. @param answers  Of those that did, in order.
Value with_elements(ValueView kept, const std::vector<Value>& answers) {
    if (!kept.is_map()) return {};
    ValueBuilder out;
    out.map(kept.size());
    for (const auto [port, value] : kept.entries()) {
        out.key(port);
        if (!value.is_null()) {
            out.value(value);
            continue;
        }
        out.list(answers.size());
        for (const Value& answer : answers) out.value(port == "results" ? answer.view() : answer[port]);
        out.end();
    }
    return out.end().build();
}

std::string holder_of(std::string_view run) { return "run:" + std::string(run); }

/// The bytes of a run's steps: its number, then theirs.
std::int64_t key_of(std::int64_t row, std::uint32_t seq) noexcept { return (row << 32) | seq; }

/// Ends of what closes the run count only while it is the same closing.
bool goes_on_without(const StepBody& body, bool closing_now) noexcept {
    return body.kind == StepBody::Kind::ended && is_kept(body.end.state) && (!body.end.closing || closing_now);
}

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

Error no_such_run(std::string_view id) {
    return Error(Code::not_found, "no-such-run", id == "last" ? "there is no run on record" : "no run is called " + shown(id), "symphony runs list");
}

} // namespace

/// What all its runs share. [any thread]
class JournalCore : public std::enable_shared_from_this<JournalCore> {
public:
    /// A run that this process holds.
    struct Held {
        std::string id;
        std::int64_t row = 0;
        std::uint32_t part = 1;
        std::uint32_t next_seq = 1;   // of the writer
        std::uint32_t done = 0;       // of the writer
        Durability durability = Durability::durable;
        std::vector<std::string> names;  // of nodes
        std::unique_ptr<File> lock_file;
        std::unique_ptr<Locks> lock;
        mutable std::mutex mutex;
        std::optional<Error> failure;
        std::int64_t last_request = 0;  // of the run's calling thread
    };
    struct Item {
        std::shared_ptr<Held> run;
        StepBody body;
        Value output;
        std::optional<StoredValue> stored;      // where the output is, when it is too large for a row
        RunState close_as = RunState::running;  // otherwise: the run has ended
        RunState* closed_as = nullptr;          // told when it is on record
        std::optional<RunState> now;            // nothing is told but what the run is at
        bool is_fence = false;                  // nothing is told: what was told before is written
        std::function<void(Status)> then;
        std::uint64_t bytes = 0;
    };

    JournalCore(std::unique_ptr<Folder> folder, Journal::Options options) : folder_(std::move(folder)), options_(std::move(options)) {
        if (!options_.now_ms) {
            options_.now_ms = [] {
                return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
            };
        }
    }
    JournalCore(const JournalCore&) = delete;
    JournalCore& operator=(const JournalCore&) = delete;
    ~JournalCore() = default;
    /// What is queued is written first. Not on the writer's own thread.
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        if (writer_.joinable()) writer_.join();
    }

    Status open() {
        mount_ = SYMPHONY_TRY(Mount::of(*folder_));
        database_ = SYMPHONY_TRY(sqlite_files::open_database(mount_, database_name, true, words));
        // Another host makes it at this moment: SQLite does not wait when a database becomes one with WAL.
        Status made = make_tables();
        for (int tries = 0; !made && made.error().code() == Code::busy && tries < open_tries_max; ++tries) {
            std::this_thread::sleep_for(open_again);
            made = make_tables();
        }
        SYMPHONY_TRY(std::move(made));
        in_process_ = std::make_shared<sqlite_files::InProcessFile>();
        writer_ = std::thread([self = shared_from_this()] { self->write_all(); });
        return {};
    }

    std::int64_t now_ms() const { return options_.now_ms(); }

    // ---- told by runs ----

    void push(Item item) noexcept {
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

    static void fail(Held& run, const Error& why) {
        const std::lock_guard lock(run.mutex);
        if (!run.failure) run.failure = why;
    }
    static std::optional<Error> failure_of(const Held& run) {
        const std::lock_guard lock(run.mutex);
        return run.failure;
    }

    // ---- runs ----

    Result<std::shared_ptr<Held>> begin(const NewRun& made_from, std::string& id) {
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

    Result<std::shared_ptr<Held>> resume(std::string_view asked, std::string& id, NewRun& made_from, std::vector<StepBody>& steps,
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

    Result<std::vector<RunSummary>> list(std::size_t count_max) {
        std::vector<RunSummary> out;
        const std::lock_guard lock(database_mutex_);
        auto rows = database_->prepare("SELECT row, id, head, part, state, done, ended_ms FROM runs ORDER BY row DESC LIMIT ?");
        rows.bind(count_max == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(count_max));
        while (rows.step()) out.push_back(SYMPHONY_TRY(summary_of(rows)));
        SYMPHONY_TRY(rows.done());
        return out;
    }

    Result<RunDetail> show(std::string_view asked, std::vector<StepBody>* bodies = nullptr, std::vector<KeptOutput>* outputs = nullptr) {
        RunDetail out;
        const std::lock_guard lock(database_mutex_);
        const Found found = SYMPHONY_TRY(find(asked));
        out.summary = SYMPHONY_TRY(summary_at(found.row, asked));
        out.made_from = found.made_from;
        std::vector<StepBody> steps;
        std::vector<std::uint64_t> sizes;
        std::vector<std::uint32_t> parts;
        SYMPHONY_TRY(read_steps(found.row, steps, outputs, &sizes, &parts));
        out.steps = rows_of(steps, sizes);
        std::map<std::pair<std::string_view, std::uint32_t>, std::size_t> last_of;  // of elements
        for (std::size_t i = 0; i < steps.size(); ++i) {
            if (auto attempt = attempt_of(steps[i], parts[i])) {
                if (attempt->element != no_id) last_of.insert_or_assign({steps[i].node, attempt->element}, out.attempts.size());
                out.attempts.push_back(*std::move(attempt));
            }
            for (const Problem& problem : steps[i].end.problems) {
                const auto last = problem.element == no_id ? last_of.end() : last_of.find({steps[i].node, problem.element});
                if (last != last_of.end()) out.attempts[last->second].error = problem.error;
            }
        }
        if (bodies != nullptr) *bodies = std::move(steps);
        return out;
    }

    Result<RunDetail> told(std::string_view asked, std::uint32_t after, std::uint32_t rows_max, const std::function<void(const ToldRow&)>& each) {
        RunDetail out;
        const std::lock_guard lock(database_mutex_);
        SYMPHONY_TRY(in_snapshot([&]() -> Status {
            Found found = SYMPHONY_TRY(find(asked));
            out.summary = SYMPHONY_TRY(summary_at(found.row, asked));
            out.made_from = std::move(found.made_from);
            auto rows = database_->prepare("SELECT key, part, body, output, sum FROM steps WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?");
            rows.bind(key_of(found.row, after) + 1).bind(key_of(found.row, ~std::uint32_t{0})).bind(rows_max);
            StepBody body;
            for (std::uint32_t seq = after + 1; rows.step(); ++seq) {
                SYMPHONY_TRY(read_row(rows, key_of(found.row, seq), body));
                const auto stored = StoredValue::of(rows.bytes(3));
                each({seq, static_cast<std::uint32_t>(rows.number(1)), body, stored ? stored->size : rows.bytes(3).size()});
            }
            return rows.done();
        }));
        return out;
    }

    Result<std::int64_t> version() {
        std::int64_t version = 0;
        const std::lock_guard lock(database_mutex_);
        SYMPHONY_TRY(number("PRAGMA data_version", version));
        return version;
    }

    Result<std::map<std::string, StepEnd>> ends(std::string_view asked) {
        std::vector<StepBody> steps;
        std::vector<KeptOutput> outputs;
        {
            const std::lock_guard lock(database_mutex_);
            SYMPHONY_TRY(read_steps(SYMPHONY_TRY(find(asked)).row, steps, &outputs));
        }
        std::map<std::string, StepEnd> out;
        std::map<std::string, std::map<std::uint32_t, std::size_t>> elements;
        for (std::size_t i = 0; i < steps.size(); ++i) {
            if (steps[i].kind == StepBody::Kind::answered) elements[steps[i].node].insert_or_assign(steps[i].element, i);
            if (steps[i].kind != StepBody::Kind::ended || !is_kept(steps[i].end.state)) continue;
            steps[i].end.output = SYMPHONY_TRY(value_of(outputs[i]));
            if (steps[i].end.each) {
                std::vector<Value> answers;
                for (const auto& [element, at] : elements[steps[i].node]) {
                    Value answer = SYMPHONY_TRY(value_of(outputs[at]));
                    if (!answer.is_null()) answers.push_back(std::move(answer));
                }
                steps[i].end.output = with_elements(steps[i].end.output, answers);
            }
            out.insert_or_assign(steps[i].node, std::move(steps[i].end));
        }
        return out;
    }

    Status request(std::string_view asked, RunRequest::Kind kind, std::string_view node, const Value& value) {
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

    /// What was asked of a run since the last time.
    Result<std::vector<RunRequest>> requests(Held& run) {
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

    Status remove(std::string_view asked) {
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

    /// The value of an output, wherever it is. [blocks]
    Result<Value> value_of(const KeptOutput& output) const {
        if (!output.stored) return output.value;
        if (options_.values == nullptr) return Error(Code::not_found, "output-missing", "it is in an artifact store, and there is none", "symphony list");
        return options_.values->get(output.stored->digest, output.stored->size);
    }

private:
    struct Found {
        std::int64_t row = 0;
        std::string id;
        std::uint32_t part = 1, done = 0;
        RunState state = RunState::running;
        NewRun made_from;
    };

    // ---- the database; with database_mutex_ held ----

    Status make_tables() {
        std::int64_t application = 0, version = 0, tables = 0;
        // Of one moment, because another host may be making it.
        SYMPHONY_TRY(in_snapshot([&]() -> Status {
            SYMPHONY_TRY(number("SELECT count(*) FROM sqlite_master", tables));
            SYMPHONY_TRY(number("PRAGMA application_id", application));
            return number("PRAGMA user_version", version);
        }));
        if (tables == 0 && application == 0) {
            SYMPHONY_TRY(database_->execute("PRAGMA journal_mode = WAL"));
            return in_transaction([&]() -> Status {
                SYMPHONY_TRY(number("SELECT count(*) FROM sqlite_master", tables));
                if (tables != 0) return {};  // another host was first
                SYMPHONY_TRY(database_->execute("PRAGMA application_id = 1400466770"));  // application_id
                SYMPHONY_TRY(database_->execute("PRAGMA user_version = 3"));
                SYMPHONY_TRY(database_->execute("CREATE TABLE runs(row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, head BLOB NOT NULL, given BLOB NOT NULL, "
                                                "part INTEGER NOT NULL, state INTEGER NOT NULL, done INTEGER NOT NULL, ended_ms INTEGER NOT NULL, sum BLOB NOT NULL)"));
                SYMPHONY_TRY(database_->execute(requests_table));
                return database_->execute("CREATE TABLE steps(key INTEGER PRIMARY KEY, part INTEGER NOT NULL, body BLOB NOT NULL, output BLOB NOT NULL, sum BLOB NOT NULL)");
            });
        }
        if (application != application_id) {
            return Error(Code::data_corrupt, "journal-corrupt", std::string(words.what) + " is a database of something else", words.hint);
        }
        if (version > format_version) {
            return Error(Code::abi_mismatch, "newer-journal",
                         std::string(words.what) + " was written by a newer version (format " + std::to_string(version) + ", this one knows " + std::to_string(format_version) + ")",
                         "update dag-tracker, or run with --durability none");
        }
        if (version == format_version) return {};
        return in_transaction([&]() -> Status {
            SYMPHONY_TRY(number("PRAGMA user_version", version));
            // What is new in 3 are rows that an older version cannot read; those that it wrote stay as they are.
            if (version == 1) SYMPHONY_TRY(database_->execute(requests_table));
            return version < format_version ? database_->execute("PRAGMA user_version = 3") : Status();
        });
    }

    Status number(const char* sql, std::int64_t& out) {
        auto row = database_->prepare(sql);
        if (row.step()) out = row.number(0);
        return row.done();
    }

    template <class Body>
    Status in_transaction(Body body) {
        SYMPHONY_TRY(database_->prepare("BEGIN IMMEDIATE").run());
        Status done = body();
        if (done) done = database_->prepare("COMMIT").run();
        if (!done) static_cast<void>(database_->prepare("ROLLBACK").run());
        return done;
    }

    /// What the body reads is all of one moment.
    template <class Body>
    Status in_snapshot(Body body) {
        SYMPHONY_TRY(database_->prepare("BEGIN").run());
        const Status done = body();
        static_cast<void>(database_->prepare("ROLLBACK").run());
        return done;
    }

    /// Every commit is on the disk, or only in the kernel.
    Status set_sync(bool on_disk) {
        if (synced_ == on_disk) return {};
        SYMPHONY_TRY(database_->execute(on_disk ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
        synced_ = on_disk;
        return {};
    }

    Status hold(Held& run) {
        run.lock_file = SYMPHONY_TRY(folder_->open(lock_name, Folder::Mode::create));
        run.lock = std::make_unique<Locks>(run.lock_file->fd(), in_process_);
        switch (run.lock->set({run.row, 1}, LockKind::exclusive)) {
        case LockAnswer::done: return {};
        case LockAnswer::busy: return Error(Code::conflict, "run-in-progress", "the run is in progress in another process", "symphony runs list");
        case LockAnswer::failed: break;
        }
        return Error(Code::io, "journal-unreadable", "the lock of a run cannot be set", "check the rights on the state folder of dag-tracker");
    }

    bool is_held(std::int64_t row) {
        const auto file = folder_->open(lock_name, Folder::Mode::create);
        if (!file) return false;
        Locks locks((*file)->fd(), in_process_);
        bool locked = false;
        return locks.ask({row, 1}, LockKind::exclusive, locked) == LockAnswer::done && locked;
    }

    Result<Found> find(std::string_view asked) {
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

    static Error damaged(const std::string& what) { return Error(Code::data_corrupt, "journal-corrupt", std::string(words.what) + ": " + what + " is damaged", words.hint); }

    Result<RunSummary> summary_at(std::int64_t run, std::string_view asked) {
        auto rows = database_->prepare("SELECT row, id, head, part, state, done, ended_ms FROM runs WHERE row = ?");
        rows.bind(run);
        if (!rows.step()) return rows.done() ? no_such_run(asked) : rows.done().error();
        return summary_of(rows);
    }
    Result<RunSummary> summary_of(const sqlite_files::Statement& row) {
        RunSummary out;
        out.id = row.text(1);
        RunRow head;
        if (!decode(row.bytes(2), head)) return damaged("run " + out.id);
        out.workflow = head.workflow;
        out.version = head.version;
        out.path = head.path;
        out.steps = head.steps;
        out.durability = head.durability;
        out.created_ms = head.created_ms;
        out.parts = static_cast<std::uint32_t>(row.number(3));
        out.state = static_cast<RunState>(row.number(4));
        out.steps_done = static_cast<std::uint32_t>(row.number(5));
        out.ended_ms = row.number(6);
        if (out.state == RunState::closing) out.state = RunState::running;
        if (out.state == RunState::paused && !is_held(row.number(0))) out.state = RunState::interrupted;
        if (out.state == RunState::running && !is_held(row.number(0))) out.state = RunState::interrupted;
        return out;
    }

    /// A row of the run's steps, whole and where it belongs. Of a key, part, body, output, sum.
    static Status read_row(const sqlite_files::Statement& rows, std::int64_t key, StepBody& body) {
        body = {};
        const bool whole = rows.number(0) == key && !(sum_of(rows.number(0), rows.number(1), rows.bytes(2), rows.bytes(3)) != rows.bytes(4));
        if (!whole || !decode(rows.bytes(2), body)) return damaged("step " + std::to_string(key & 0xFFFFFFFF) + " of a run");
        return {};
    }

    /// All of a run's steps, each whole and none missing. A lost end is a shorter run.
    Status read_steps(std::int64_t run, std::vector<StepBody>& steps, std::vector<KeptOutput>* outputs, std::vector<std::uint64_t>* sizes = nullptr,
                      std::vector<std::uint32_t>* parts = nullptr) {
        auto rows = database_->prepare("SELECT key, part, body, output, sum FROM steps WHERE key BETWEEN ? AND ? ORDER BY key");
        rows.bind(key_of(run, 1)).bind(key_of(run, ~std::uint32_t{0}));
        while (rows.step()) {
            const auto seq = static_cast<std::uint32_t>(steps.size() + 1);
            StepBody body;
            SYMPHONY_TRY(read_row(rows, key_of(run, seq), body));
            steps.push_back(std::move(body));
            KeptOutput output;
            output.stored = StoredValue::of(rows.bytes(3));
            if (parts != nullptr) parts->push_back(static_cast<std::uint32_t>(rows.number(1)));
            if (sizes != nullptr) sizes->push_back(output.stored ? output.stored->size : rows.bytes(3).size());
            if (outputs == nullptr) continue;
            if (!output.stored && !rows.bytes(3).empty()) {
                auto value = Value::checked(rows.bytes(3));
                if (!value) return damaged("step " + std::to_string(seq) + " of a run");
                output.value = *std::move(value);
            }
            outputs->push_back(std::move(output));
        }
        return rows.done();
    }

    /// Where an output was stored, and for which run.
    struct Dropped {
        std::string holder;
        Digest digest;
    };

    Status forget(std::int64_t row, std::string_view id, std::vector<Dropped>& dropped) {
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
    /// What the store keeps too long is a loss of room and nothing else. [blocks]
    void drop(const std::vector<Dropped>& dropped) const {
        if (options_.values == nullptr) return;
        for (const Dropped& one : dropped) static_cast<void>(options_.values->drop(one.holder, one.digest));
    }

    /// The oldest of the ended runs that are too many; a few at a time.
    Status expire(std::vector<Dropped>& dropped) {
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

    // ---- the writer ----

    void refuse(std::unique_lock<std::mutex> lock, Item& item, const Error& why) {
        lock.unlock();
        fail(*item.run, why);
        if (item.then) item.then(why);
    }

    void write_all() {
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

    /// Moves an output that is too large for a row into the store of values.
    void store_large(Item& item) {
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

    Status write(std::deque<Item>& batch) {
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

    /// A cancel that is on record before the end is wins over a run that completed all the same.
    Status end(const Held& run, const Item& item) {
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

    Result<bool> is_ours(const Held& run) {
        auto row = database_->prepare("SELECT part FROM runs WHERE row = ?");
        row.bind(run.row);
        const bool ours = row.step() && static_cast<std::uint32_t>(row.number(0)) == run.part;
        SYMPHONY_TRY(row.done());
        return ours;
    }

    Status insert(Held& run, std::uint32_t seq, const Item& item) {
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

    const std::unique_ptr<Folder> folder_;
    Journal::Options options_;
    std::shared_ptr<Mount> mount_;
    std::shared_ptr<sqlite_files::InProcessFile> in_process_;

    std::mutex database_mutex_;
    std::unique_ptr<Database> database_;
    bool synced_ = false;  // SQLite's default is FULL; what is set is what counts

    std::mutex mutex_;
    std::condition_variable changed_, space_;
    std::deque<Item> queue_;
    std::uint64_t queued_bytes_ = 0;
    bool urgent_ = false, stopping_ = false;
    std::thread writer_;
};

// ---- a run ----

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

// ---- the journal ----

Journal::Journal(std::shared_ptr<JournalCore> core) : core_(std::move(core)) {}
Journal::~Journal() { core_->stop(); }

Result<std::shared_ptr<Journal>> Journal::open(std::unique_ptr<Folder> folder, Options options) {
    auto core = std::make_shared<JournalCore>(std::move(folder), std::move(options));
    SYMPHONY_TRY(core->open());
    return std::shared_ptr<Journal>(new Journal(std::move(core)));
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
