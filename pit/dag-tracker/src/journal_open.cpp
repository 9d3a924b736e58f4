// SPDX-License-Identifier: Apache-2.0
#include "journal_core.hpp"

#include <thread>

namespace symphony::tracker {
namespace {

using namespace std::chrono_literals;

constexpr const char* database_name = "runs.sqlite";
constexpr const char* lock_name = "runs.lock";
constexpr std::int64_t application_id = 0x53796d52;  // "SymR"
constexpr std::int64_t format_version = 3;  // 1 had every output in its row, and no requests; 2 had no rows of attempts
constexpr auto open_again = 10ms;
constexpr int open_tries_max = 500;

constexpr const char* requests_table = "CREATE TABLE requests(id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, kind INTEGER NOT NULL, node TEXT NOT NULL, "
                                       "value BLOB NOT NULL, at_ms INTEGER NOT NULL, sum BLOB NOT NULL)";

} // namespace

void JournalCore::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (writer_.joinable()) writer_.join();
}

Status JournalCore::open() {
    mount_ = SYMPHONY_TRY(sqlite_files::Mount::of(*folder_));
    database_ = SYMPHONY_TRY(sqlite_files::open_database(mount_, database_name, true, journal_words));
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

Status JournalCore::make_tables() {
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
        return Error(Code::data_corrupt, "journal-corrupt", std::string(journal_words.what) + " is a database of something else", journal_words.hint);
    }
    if (version > format_version) {
        return Error(Code::abi_mismatch, "newer-journal",
                     std::string(journal_words.what) + " was written by a newer version (format " + std::to_string(version) + ", this one knows " + std::to_string(format_version) + ")",
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

Status JournalCore::number(const char* sql, std::int64_t& out) {
    auto row = database_->prepare(sql);
    if (row.step()) out = row.number(0);
    return row.done();
}

Status JournalCore::set_sync(bool on_disk) {
    if (synced_ == on_disk) return {};
    SYMPHONY_TRY(database_->execute(on_disk ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
    synced_ = on_disk;
    return {};
}

Status JournalCore::hold(Held& run) {
    run.lock_file = SYMPHONY_TRY(folder_->open(lock_name, sqlite_files::Folder::Mode::create));
    run.lock = std::make_unique<sqlite_files::Locks>(run.lock_file->fd(), in_process_);
    switch (run.lock->set({run.row, 1}, sqlite_files::LockKind::exclusive)) {
    case sqlite_files::LockAnswer::done: return {};
    case sqlite_files::LockAnswer::busy: return Error(Code::conflict, "run-in-progress", "the run is in progress in another process", "symphony runs list");
    case sqlite_files::LockAnswer::failed: break;
    }
    return Error(Code::io, "journal-unreadable", "the lock of a run cannot be set", "check the rights on the state folder of dag-tracker");
}

bool JournalCore::is_held(std::int64_t row) {
    const auto file = folder_->open(lock_name, sqlite_files::Folder::Mode::create);
    if (!file) return false;
    sqlite_files::Locks locks((*file)->fd(), in_process_);
    bool locked = false;
    return locks.ask({row, 1}, sqlite_files::LockKind::exclusive, locked) == sqlite_files::LockAnswer::done && locked;
}

} // namespace symphony::tracker
