// SPDX-License-Identifier: Apache-2.0
// SQLite itself under every fault of the harness, through the file system of the store.
#include <symphony/sqlite_files/vfs.hpp>
#include "support/allocations.hpp"
#include "support/crash_states.hpp"
#include "support/faulty_folder.hpp"
#include "support/sqlite_connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

using namespace symphony;
using namespace symphony::test_support;

namespace {

/// A mount that ends with its scope.
class Mounted {
public:
    explicit Mounted(sqlite_files::Folder& folder) : name_(*sqlite_files::mount_vfs(folder)) {}
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;
    ~Mounted() { EXPECT_TRUE(sqlite_files::unmount_vfs(name_)); }
    const std::string& name() const { return name_; }

private:
    const std::string name_;
};

std::string pragmas(const char* journal, const char* synchronous) {
    return "PRAGMA journal_mode=" + std::string(journal) + "; PRAGMA synchronous=" + synchronous + "; PRAGMA wal_autocheckpoint=4; PRAGMA cache_size=5;";
}
std::string insert(int id) { return "INSERT INTO t VALUES(" + std::to_string(id) + ", hex(zeroblob(" + std::to_string(300 + id * 700) + ")))"; }

/// Rows 1 to n, and nothing else. @return "" or what is wrong.
std::string check_rows(sqlite_files::Folder& folder, std::size_t acknowledged, bool may_lose = false) {
    const Mounted mount(folder);
    Connection db(mount.name(), "a.db");
    if (const std::string sound = db.run("PRAGMA integrity_check"); sound != "ok;") return "integrity_check: " + sound;
    if (acknowledged == 0) return "";
    const std::string found = db.run("SELECT count(*), max(id) FROM t WHERE length(text) = 2 * (300 + id * 700)");
    if (may_lose) return found.starts_with("[") && found != "[no such table: t]" ? found : "";
    const auto rows = [](std::size_t n) { return std::to_string(n) + "|" + std::to_string(n) + ";"; };
    return found == rows(acknowledged) || found == rows(acknowledged + 1) ? "" : std::to_string(acknowledged) + " rows were acknowledged, found " + found;
}

CrashReport crash_sqlite(const char* journal, const char* synchronous, bool may_lose = false) {
    RecordingFolder folder;
    const Mounted mount(folder);
    {
        Connection db(mount.name(), "a.db");
        EXPECT_EQ(db.run(pragmas(journal, synchronous).c_str()).find("["), std::string::npos);
        EXPECT_EQ(db.run("CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT)"), "");
        for (int id = 1; id <= 8; ++id) {
            EXPECT_EQ(db.run(insert(id).c_str()), "");
            folder.note(std::to_string(id));
        }
    }
    const CrashOptions options{.seed = 11, .samples_per_point = 3};
    return try_crash_states(folder, options, [&](CrashState& state) { return check_rows(state.folder, state.notes.size(), may_lose); });
}

/// Transactions until one fails; then the disk is well again, and what was acknowledged must be there.
std::string work_under_fault(FaultyFolder& folder, const char* journal) {
    std::size_t acknowledged = 0;
    {
        const Mounted mount(folder);
        Connection db(mount.name(), "a.db");
        if (db.run(pragmas(journal, "EXTRA").c_str()).find("[") == std::string::npos && db.run("CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT)").empty()) {
            while (acknowledged < 4 && db.run(insert(static_cast<int>(acknowledged) + 1).c_str()).empty()) ++acknowledged;
        }
    }
    folder.heal();
    return check_rows(folder, acknowledged);
}

} // namespace

TEST(SqliteOnCrashStates, KeepsWhatItAcknowledged) {
    constexpr std::pair<const char*, const char*> safe[] = {{"wal", "FULL"}, {"truncate", "FULL"}, {"persist", "FULL"}, {"delete", "EXTRA"}};
    for (const auto& [journal, synchronous] : safe) {
        SCOPED_TRACE(std::string(journal) + " " + synchronous);
        const CrashReport report = crash_sqlite(journal, synchronous);
        EXPECT_TRUE(report.good()) << report.text();
        EXPECT_GT(report.states, 200u) << report.text();
    }
}

TEST(SqliteOnCrashStates, KnowThatFullDoesNotSyncTheRemovalOfAJournal) {
    // As SQLite documents: only EXTRA does. A journal that is back after the cut undoes what was acknowledged.
    EXPECT_TRUE(crash_sqlite("delete", "FULL", true).good()) << "it is sound";
    EXPECT_FALSE(crash_sqlite("delete", "FULL").good());
}

TEST(SqliteOnCrashStates, StaysSoundUnderNormalButLosesTheNewest) {
    const CrashReport sound = crash_sqlite("wal", "NORMAL", true);
    EXPECT_TRUE(sound.good()) << sound.text();
    const CrashReport durable = crash_sqlite("wal", "NORMAL");
    EXPECT_FALSE(durable.good()) << "the harness must see the difference between FULL and NORMAL";
}

TEST(SqliteOnCrashStates, IsCaughtWithoutSyncs) {
    for (const char* journal : {"wal", "delete"}) {
        SCOPED_TRACE(journal);
        EXPECT_FALSE(crash_sqlite(journal, "OFF").good());
    }
}

TEST(SqliteOnCrashStates, CannotGoOnInALogWhoseSyncFailed) {
    // What a program must know that opens the database again after a failed sync: the log reads well, so SQLite goes on behind frames that
    // the disk never gets, and a power cut takes what it acknowledges there. The database has to be made anew, or copied away.
    bool lost = false;
    for (std::uint64_t nth = 1; nth < 40 && !lost; ++nth) {
        RecordingFolder folder;
        folder.fail_sync(nth);
        const Mounted mount(folder);
        int acknowledged = 0;
        for (int tries = 0; tries < 3; ++tries) {
            Connection db(mount.name(), "a.db");
            db.run(pragmas("wal", "FULL").c_str());
            db.run("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, text TEXT)");
            const std::string first = db.run("SELECT ifnull(max(id), 0) + 1 FROM t");
            for (int id = std::atoi(first.c_str()); id > 0 && id <= 6 && db.run(insert(id).c_str()).empty(); ++id) {
                acknowledged = std::max(acknowledged, id);
                folder.note(std::to_string(id));
            }
        }
        EXPECT_EQ(acknowledged, 6);
        if (!folder.sync_failed()) break;
        lost = !try_crash_states(folder, {.seed = nth, .samples_per_point = 1}, [&](CrashState& state) {
            return check_rows(state.folder, state.notes.empty() ? 0 : std::stoul(state.notes.back()));
        }).good();
    }
    EXPECT_TRUE(lost);
}

TEST(SqliteOnFaults, LosesNothingWhicheverCallFails) {
    for (const char* journal : {"wal", "delete"}) {
        for (const FaultKind kind : {FaultKind::io, FaultKind::disk_full, FaultKind::sync}) {
            for (const bool sticky : {false, true}) {
                SCOPED_TRACE(std::string(journal) + ", " + name_of(kind) + (sticky ? ", sticky" : ""));
                const FaultReport report = try_fault_at_every_call(kind, sticky, {}, [&](FaultyFolder& folder) { return work_under_fault(folder, journal); });
                EXPECT_TRUE(report.good()) << report.text();
            }
        }
    }
}

TEST(SqliteOnFaults, LosesNothingWhicheverAllocationFails) {
    std::uint64_t runs = 0;
    for (std::uint64_t at = 1;; at += 1 + at / 50) {
        MemoryFolder folder;
        std::size_t acknowledged = 0;
        bool fired = false;
        {
            SqliteAllocationFault fault(at);
            const Mounted mount(folder);
            {
                Connection db(mount.name(), "a.db");
                if (db.run(pragmas("wal", "FULL").c_str()).find("[") == std::string::npos && db.run("CREATE TABLE t(id INTEGER PRIMARY KEY, text TEXT)").empty()) {
                    while (acknowledged < 4 && db.run(insert(static_cast<int>(acknowledged) + 1).c_str()).empty()) ++acknowledged;
                }
            }
            fault.heal();
            fired = fault.fired();
        }
        EXPECT_EQ(check_rows(folder, acknowledged), "") << "allocation " << at;
        if (!fired) break;
        ++runs;
    }
    EXPECT_GT(runs, 100u);
}
