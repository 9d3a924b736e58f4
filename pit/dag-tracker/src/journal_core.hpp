// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"
#include "journal_rows.hpp"

#include <symphony/sqlite_files/database.hpp>
#include <symphony/sqlite_files/locks.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace symphony::tracker {

inline constexpr sqlite_files::DatabaseWords journal_words{"the journal of runs", "journal",
                                                           "move runs.sqlite in the state folder of dag-tracker away; runs that only it knows cannot be resumed"};

/// An output as its row has it.
struct KeptOutput {
    Value value;
    std::optional<StoredValue> stored;  // where it is instead

    std::uint64_t size() const noexcept { return stored ? stored->size : value.bytes().size(); }
};

/// The output of an `each` step: what the row of its end has, and where that is null what the elements have answered. @param answers  Of those that did, in order.
Value with_elements(ValueView kept, const std::vector<Value>& answers);

/// Who holds the outputs of a run in the store of values.
std::string holder_of(std::string_view run);
/// The bytes of a run's steps: its number, then theirs.
constexpr std::int64_t key_of(std::int64_t row, std::uint32_t seq) noexcept { return (row << 32) | seq; }
/// Ends of what closes the run count only while it is the same closing.
bool goes_on_without(const StepBody& body, bool closing_now) noexcept;
Error no_such_run(std::string_view id);

/// What all runs of a journal share, in parts: journal_open (the database and its locks), journal_core (runs begin, go on, are found and forgotten), journal_reads,
/// journal_requests (what is asked of a run), journal_writer (the thread that writes what runs tell). [any thread]
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
        std::unique_ptr<sqlite_files::File> lock_file;
        std::unique_ptr<sqlite_files::Locks> lock;
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

    JournalCore(std::unique_ptr<sqlite_files::Folder> folder, Journal::Options options) : folder_(std::move(folder)), options_(std::move(options)) {
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
    void stop();

    Status open();

    std::int64_t now_ms() const { return options_.now_ms(); }

    // ---- told by runs ----

    void push(Item item) noexcept;

    static void fail(Held& run, const Error& why) {
        const std::lock_guard lock(run.mutex);
        if (!run.failure) run.failure = why;
    }
    static std::optional<Error> failure_of(const Held& run) {
        const std::lock_guard lock(run.mutex);
        return run.failure;
    }

    // ---- runs ----

    Result<std::shared_ptr<Held>> begin(const NewRun& made_from, std::string& id);

    Result<std::shared_ptr<Held>> resume(std::string_view asked, std::string& id, NewRun& made_from, std::vector<StepBody>& steps,
                                         std::vector<KeptOutput>& outputs, bool& closing);

    Result<std::vector<RunSummary>> list(std::size_t count_max);

    Result<RunDetail> show(std::string_view asked, std::vector<StepBody>* bodies = nullptr, std::vector<KeptOutput>* outputs = nullptr);

    Result<RunDetail> told(std::string_view asked, std::uint32_t after, std::uint32_t rows_max, const std::function<void(const ToldRow&)>& each);

    Result<std::int64_t> version();

    Result<std::map<std::string, StepEnd>> ends(std::string_view asked);

    Status request(std::string_view asked, RunRequest::Kind kind, std::string_view node, const Value& value);

    /// What was asked of a run since the last time.
    Result<std::vector<RunRequest>> requests(Held& run);

    Status remove(std::string_view asked);

    /// The value of an output, wherever it is. [blocks]
    Result<Value> value_of(const KeptOutput& output) const;

private:
    struct Found {
        std::int64_t row = 0;
        std::string id;
        std::uint32_t part = 1, done = 0;
        RunState state = RunState::running;
        NewRun made_from;
    };

    // ---- the database; with database_mutex_ held ----

    Status make_tables();

    Status number(const char* sql, std::int64_t& out);

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
    Status set_sync(bool on_disk);

    Status hold(Held& run);

    bool is_held(std::int64_t row);

    Result<Found> find(std::string_view asked);

    static Error damaged(const std::string& what) { return Error(Code::data_corrupt, "journal-corrupt", std::string(journal_words.what) + ": " + what + " is damaged", journal_words.hint); }

    Result<RunSummary> summary_at(std::int64_t run, std::string_view asked);
    Result<RunSummary> summary_of(const sqlite_files::Statement& row);

    /// A row of the run's steps, whole and where it belongs. Of a key, part, body, output, sum.
    static Status read_row(const sqlite_files::Statement& rows, std::int64_t key, StepBody& body);

    /// All of a run's steps, each whole and none missing. A lost end is a shorter run.
    Status read_steps(std::int64_t run, std::vector<StepBody>& steps, std::vector<KeptOutput>* outputs, std::vector<std::uint64_t>* sizes = nullptr,
                      std::vector<std::uint32_t>* parts = nullptr);

    /// Where an output was stored, and for which run.
    struct Dropped {
        std::string holder;
        Digest digest;
    };

    Status forget(std::int64_t row, std::string_view id, std::vector<Dropped>& dropped);
    /// What the store keeps too long is a loss of room and nothing else. [blocks]
    void drop(const std::vector<Dropped>& dropped) const;

    /// The oldest of the ended runs that are too many; a few at a time.
    Status expire(std::vector<Dropped>& dropped);

    // ---- the writer ----

    void refuse(std::unique_lock<std::mutex> lock, Item& item, const Error& why);

    void write_all();

    /// Moves an output that is too large for a row into the store of values.
    void store_large(Item& item);

    Status write(std::deque<Item>& batch);

    /// A cancel that is on record before the end is wins over a run that completed all the same.
    Status end(const Held& run, const Item& item);

    Result<bool> is_ours(const Held& run);

    Status insert(Held& run, std::uint32_t seq, const Item& item);

    const std::unique_ptr<sqlite_files::Folder> folder_;
    Journal::Options options_;
    std::shared_ptr<sqlite_files::Mount> mount_;
    std::shared_ptr<sqlite_files::InProcessFile> in_process_;

    std::mutex database_mutex_;
    std::unique_ptr<sqlite_files::Database> database_;
    bool synced_ = false;  // SQLite's default is FULL; what is set is what counts

    std::mutex mutex_;
    std::condition_variable changed_, space_;
    std::deque<Item> queue_;
    std::uint64_t queued_bytes_ = 0;
    bool urgent_ = false, stopping_ = false;
    std::thread writer_;
};

} // namespace symphony::tracker
