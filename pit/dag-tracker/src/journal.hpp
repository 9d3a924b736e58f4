// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "steps.hpp"
#include "value_store.hpp"

#include <symphony/sqlite_files/folder.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::tracker {

/// What of a run outlives what.
enum class Durability : std::uint8_t {
    none = 1,  ///< nothing is kept: the run has no record
    relaxed,   ///< the host's end; after the machine's the last moments may be missing
    durable,   ///< the machine's end, too: a step that may do something outside begins only when what it follows from is on the disk
};
std::string_view name_of(Durability durability) noexcept;
std::optional<Durability> durability_named(std::string_view name) noexcept;

/// `interrupted` is not stored: it is a run that has not ended and that no living process holds. `closing` is not shown: compensations and
/// `finally` nodes run, or are to be run by whoever goes on with the run. A run that waits for input is `waiting` whether or not a process is at it.
enum class RunState : std::uint8_t { running = 1, completed, failed, cancelled, interrupted, closing, waiting, paused };
std::string_view name_of(RunState state) noexcept;
/// It has not ended: it runs, waits for input or is paused.
constexpr bool goes_on(RunState state) noexcept {
    return state == RunState::running || state == RunState::closing || state == RunState::waiting || state == RunState::paused;
}

/// What a run is made from.
struct NewRun {
    std::string workflow, version, path;
    std::string source;        ///< the bytes of the workflow file
    Value inputs;              ///< a map, checked
    Value options;             ///< a map: what else the run was started with
    Value plugins;             ///< a map: id of a provider -> {version, sha256}
    std::uint32_t steps = 0;   ///< nodes of the workflow
    Durability durability = Durability::durable;
};

struct RunSummary {
    std::string id, workflow, version, path;
    RunState state = RunState::running;
    Durability durability = Durability::durable;
    std::uint32_t steps = 0;       ///< of the workflow
    std::uint32_t steps_done = 0;  ///< that are recorded as ended well
    std::uint32_t parts = 1;       ///< how often it was begun or resumed
    std::int64_t created_ms = 0;   ///< since 1970
    std::int64_t ended_ms = 0;     ///< 0: it has not ended
};

struct StepRow {
    std::string node;
    NodeState state = NodeState::pending;  ///< `running`: begun, and no end is recorded
    std::uint32_t calls = 0, attempts = 0;
    std::uint32_t recalled = 0;  ///< calls that were answered from memory
    std::int64_t ended_ms = 0;
    std::uint64_t took_ns = 0;
    std::uint64_t output_bytes = 0;
    std::vector<Problem> problems;
};

/// One attempt of a call, as it was recorded.
struct AttemptRow {
    std::string node;
    std::uint32_t element = no_id;  ///< of an `each` step
    std::uint32_t part = 1;         ///< of the run
    Attempt attempt;
    std::optional<Error> error;     ///< what it failed of
};

struct RunDetail {
    RunSummary summary;
    NewRun made_from;
    std::vector<StepRow> steps;  ///< in the order in which they ended
    std::vector<AttemptRow> attempts;  ///< in the order in which they ended
};

struct StepBody;  // journal_rows.hpp

/// One thing that a run told, for whom its history is read. Valid during the call.
struct ToldRow {
    std::uint32_t seq = 0;  ///< counts from 1
    std::uint32_t part = 1;
    const StepBody& body;
    std::uint64_t output_bytes = 0;
};

/// One call as it was recorded.
struct CallRow {
    std::string node;
    std::uint32_t element = no_id;    ///< of an `each` step
    CallNote note;
    std::optional<Result<Value>> answer;  ///< what it answered, null where nobody read that; nothing when there was no answer, or outputs were not asked for
};

/// All that is on record of a run.
struct RunRecord {
    RunDetail detail;
    std::vector<CallRow> calls;  ///< the newest of each call
};

class JournalCore;

/// One run's part of the journal, held by this process until it is destroyed or the process ends.
class RunLog final : public StepLog {
public:
    ~RunLog() override;
    const std::string& id() const noexcept;
    /// Of a resumed run.
    const NewRun& made_from() const noexcept;
    /// The names of the plan's nodes are how its steps are known. Before the run begins. Reads what earlier parts of the run have stored elsewhere.
    /// @return Those of ValueStore::get(), when an output that is still needed is not what it was. [blocks]
    Status attach(const Workflow& workflow);
    /// Steps of earlier parts that the run goes on without.
    std::size_t steps_kept() const noexcept;

    const StepEnd* ended_before(Id node) const noexcept override;
    const StepEnd* last_end(Id node) const noexcept override;
    std::optional<RunResult::State> closing_before() const noexcept override;
    void closing(RunResult::State state, bool undoes) noexcept override;
    const Value* answered_before(Id node, std::uint32_t element) const noexcept override;
    std::optional<std::int64_t> begun_before_ms(Id node) const noexcept override;
    std::int64_t now_ms() const noexcept override;
    void begun(Id node) noexcept override;
    void status(RunStatus status) noexcept override;
    std::vector<RunRequest> requests() noexcept override;
    void ended(Id node, StepEnd end) noexcept override;
    void answered(Id node, std::uint32_t element, const Value& answer, const CallNote& note) noexcept override;
    void attempted(Id node, std::uint32_t element, const CallNote& note, const Error& why) noexcept override;
    std::uint32_t part() const noexcept override;
    void before_effect(Id node, std::uint32_t element, std::function<void(Status)> then) noexcept override;
    std::optional<Error> failure() const override;

    /// The run's end, on the disk before it returns. A run that completed and that somebody had asked to cancel before that was on record is
    /// cancelled. @return As what it is on record. [blocks]
    Result<RunState> close(RunState state);
    /// The run stops while it is closing, and is to go on there: all that it told is on the disk before it returns. [blocks]
    Status leave_open();

    struct Impl;
    explicit RunLog(std::unique_ptr<Impl> impl);

private:
    std::unique_ptr<Impl> impl_;
};

/// The record of all runs of a user: one SQLite database (WAL) in a folder, for any number of hosts at a time. One thread
/// writes what all runs tell, in groups; a group is one transaction and one sync. [any thread]
///
/// A run belongs to the process that holds the kernel's lock on its byte of `runs.lock`; nobody else can write its steps, and a dead
/// process holds none. Each part of a run has a number, and a row of an older part than the newest is refused.
class Journal {
public:
    struct Options {
        std::function<std::int64_t()> now_ms;        ///< since 1970; empty: the clock
        std::uint64_t queue_bytes_max = 64u << 20;   ///< told and not yet written
        std::shared_ptr<ValueStore> values;          ///< for outputs that are too large for a row; null: there is none
        std::size_t runs_max = 1000;                 ///< ended runs that are kept; older ones go, 0: all are kept
    };
    /// @return `data_corrupt` "journal-corrupt", `abi_mismatch` "newer-journal", `exhausted` "disk-full", `io` "journal-unreadable".
    static Result<std::shared_ptr<Journal>> open(std::unique_ptr<sqlite_files::Folder> folder, Options options);
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal();

    /// A new run, on the disk before it returns. [blocks]
    Result<std::unique_ptr<RunLog>> begin(NewRun run);
    /// Goes on with a run: `id` may be the beginning of one, or "last".
    /// @return `not_found` "no-such-run", `conflict` "run-in-progress", "run-completed" or "run-undone", `data_corrupt` "journal-corrupt". [blocks]
    Result<std::unique_ptr<RunLog>> resume(std::string_view id);

    /// Newest first. @param count_max  0: all. [blocks]
    Result<std::vector<RunSummary>> list(std::size_t count_max) const;
    Result<RunDetail> show(std::string_view id) const;
    /// What a run has told so far, oldest first and all of one moment. `each` may not use the journal. [blocks]
    /// @param after     The caller knows the rows up to this one. @param rows_max  At most so many at a time.
    /// @return The run, without its steps; what show() says.
    Result<RunDetail> told(std::string_view id, std::uint32_t after, std::uint32_t rows_max, const std::function<void(const ToldRow&)>& each) const;
    /// A number that is another one when another process has written since. Cheap. [blocks]
    Result<std::int64_t> version() const;
    /// @param outputs  Also what the calls have answered, read back and checked. @param node  Of this node alone; empty: of all.
    Result<RunRecord> record(std::string_view id, bool outputs, std::string_view node = {}) const;
    /// What steps of a run have given, by node: those that are done, the last time that they were. [blocks]
    Result<std::map<std::string, StepEnd>> ends(std::string_view id) const;
    /// Asks something of a run, on the disk before it returns; whoever is at it hears of it within a tenth of a second. A cancel of a run that
    /// nobody is at ends it here. Input may be given to a run that nobody is at: it is there when the run goes on.
    /// @param node, value  Of provide, checked.
    /// @return `not_found` "no-such-run", `conflict` "run-ended", "run-closing" or "run-not-in-progress". [blocks]
    Status request(std::string_view id, RunRequest::Kind kind, std::string_view node = {}, const Value& value = {});
    /// Forgets a run that nobody is at. [blocks]
    Status remove(std::string_view id);

private:
    explicit Journal(std::shared_ptr<JournalCore> core);
    std::shared_ptr<JournalCore> core_;
};

} // namespace symphony::tracker
