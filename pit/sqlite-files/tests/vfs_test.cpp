// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/posix_folder.hpp>
#include <symphony/sqlite_files/vfs.hpp>
#include "support/sqlite_connection.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace symphony;
using namespace symphony::sqlite_files;
using symphony::test_support::Connection;

namespace {

class SqliteVfsTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "symphony-vfs-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        top_ = name;
        mount();
    }
    void TearDown() override {
        EXPECT_TRUE(unmount_vfs(vfs_));
        std::filesystem::remove_all(top_);
    }
    void mount() {
        folder_ = *PosixFolder::open(top_);
        vfs_ = *mount_vfs(*folder_);
    }
    std::string files() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(top_)) all.push_back(entry.path().filename().string());
        std::sort(all.begin(), all.end());
        std::string out;
        for (const auto& one : all) out += one + " ";
        return out;
    }
    /// Runs `work` in a child that opens its own folder and mount, as another program would. @return Its exit status.
    template <class Work>
    pid_t start(Work work) {
        const pid_t child = ::fork();
        if (child != 0) return child;
        const auto folder = *PosixFolder::open(top_);
        ::_exit(work(*mount_vfs(*folder)));
    }
    static int wait_for(pid_t child) {
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    void expect_readable(const std::string& count, const std::function<void()>& middle = {});

    std::filesystem::path top_;
    std::unique_ptr<PosixFolder> folder_;
    std::string vfs_;
};

constexpr const char* make_table = "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, text TEXT)";

} // namespace

TEST_F(SqliteVfsTest, KeepsADatabaseInEveryJournalMode) {
    for (const char* mode : {"delete", "truncate", "persist", "memory", "wal"}) {
        SCOPED_TRACE(mode);
        const std::string path = std::string(mode) + ".db";
        {
            Connection db(vfs_, path.c_str());
            EXPECT_EQ(db.run(("PRAGMA journal_mode=" + std::string(mode)).c_str()), std::string(mode) + ";");
            EXPECT_EQ(db.run(make_table), "");
            EXPECT_EQ(db.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) INSERT INTO t SELECT i, hex(randomblob(40)) FROM n"), "");
            EXPECT_EQ(db.run("BEGIN; DELETE FROM t; ROLLBACK; SELECT count(*) FROM t"), "2000;");
            EXPECT_EQ(db.run("DELETE FROM t WHERE id > 100; VACUUM; SELECT count(*) FROM t"), "100;");
        }
        Connection db(vfs_, path.c_str());
        EXPECT_EQ(db.run("SELECT count(*) FROM t; PRAGMA integrity_check"), "100;ok;");
    }
    EXPECT_EQ(files(), "delete.db memory.db persist.db persist.db-journal truncate.db truncate.db-journal wal.db ")
        << "the last connection takes the log and its shared memory away, and temporary files are gone";
}

TEST_F(SqliteVfsTest, ChangesBetweenWalAndARollbackJournal) {
    Connection db(vfs_, "a.db");
    for (int round = 0; round < 5; ++round) {
        EXPECT_EQ(db.run("PRAGMA journal_mode=wal"), "wal;");
        EXPECT_EQ(db.run(make_table), "");
        EXPECT_EQ(db.run("INSERT INTO t(text) VALUES('w')"), "");
        EXPECT_EQ(db.run("PRAGMA journal_mode=delete"), "delete;");
        EXPECT_EQ(db.run("INSERT INTO t(text) VALUES('d')"), "");
    }
    EXPECT_EQ(db.run("SELECT count(*) FROM t; PRAGMA integrity_check"), "10;ok;");
}

TEST_F(SqliteVfsTest, LetsReadersReadWhileOneWrites) {
    Connection writer(vfs_, "a.db"), reader(vfs_, "a.db");
    EXPECT_EQ(writer.run("PRAGMA journal_mode=wal"), "wal;");
    EXPECT_EQ(writer.run(make_table), "");
    EXPECT_EQ(reader.run("BEGIN; SELECT count(*) FROM t"), "0;");
    EXPECT_EQ(writer.run("INSERT INTO t VALUES(1, 'a')"), "");
    EXPECT_EQ(reader.run("SELECT count(*) FROM t"), "0;") << "a reader's view stays while it reads";
    EXPECT_EQ(reader.run("COMMIT; SELECT count(*) FROM t"), "1;");
    Connection third(vfs_, "a.db");
    sqlite3_busy_timeout(third.db(), 0);
    EXPECT_EQ(writer.run("BEGIN IMMEDIATE"), "");
    EXPECT_EQ(third.run("BEGIN IMMEDIATE"), "[database is locked]");
    EXPECT_EQ(writer.run("COMMIT"), "");
}

TEST_F(SqliteVfsTest, LocksWithARollbackJournalToo) {
    Connection writer(vfs_, "a.db"), reader(vfs_, "a.db");
    EXPECT_EQ(writer.run(make_table), "");
    sqlite3_busy_timeout(writer.db(), 0);
    EXPECT_EQ(reader.run("BEGIN; SELECT count(*) FROM t"), "0;");
    EXPECT_EQ(writer.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(1, 'a')"), "");
    EXPECT_EQ(writer.run("COMMIT"), "[database is locked]") << "a reader is still there";
    EXPECT_EQ(reader.run("COMMIT"), "");
    EXPECT_EQ(writer.run("COMMIT"), "");
    EXPECT_EQ(reader.run("SELECT count(*) FROM t"), "1;");
}

TEST_F(SqliteVfsTest, SharesAWalBetweenProcesses) {
    {
        Connection db(vfs_, "a.db");
        ASSERT_EQ(db.run("PRAGMA journal_mode=wal"), "wal;");
        ASSERT_EQ(db.run(make_table), "");
    }
    constexpr int processes = 3, rows = 60;
    std::vector<pid_t> children;
    for (int i = 0; i < processes; ++i) {
        children.push_back(start([](const std::string& vfs) {
            Connection db(vfs, "a.db");
            for (int row = 0; row < rows; ++row) {
                if (!db.run("BEGIN IMMEDIATE; INSERT INTO t(text) SELECT count(*) FROM t; COMMIT").empty()) return 1;
                if (db.run("SELECT count(*) = max(id) FROM t") != "1;") return 2;
            }
            return 0;
        }));
    }
    Connection db(vfs_, "a.db");
    for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
    EXPECT_EQ(db.run("SELECT count(*), count(DISTINCT text) FROM t; PRAGMA integrity_check"), "180|180;ok;") << "each saw all that were before it";
}

TEST_F(SqliteVfsTest, RecoversFromProcessesThatAreKilled) {
    for (const char* mode : {"wal", "delete"}) {
        SCOPED_TRACE(mode);
        const std::string path = std::string(mode) + ".db";
        {
            Connection db(vfs_, path.c_str());
            ASSERT_EQ(db.run(("PRAGMA journal_mode=" + std::string(mode)).c_str()), std::string(mode) + ";");
            ASSERT_EQ(db.run(make_table), "");
        }
        int told = 0;
        for (int round = 0; round < 6; ++round) {
            int ledger[2];
            ASSERT_EQ(::pipe(ledger), 0);
            const pid_t child = start([&](const std::string& vfs) {
                Connection db(vfs, path.c_str());
                for (;;) {
                    if (!db.run("INSERT INTO t(text) VALUES(hex(randomblob(3000)))").empty()) return 1;
                    if (::write(ledger[1], "x", 1) != 1) return 2;
                }
            });
            ::close(ledger[1]);
            char byte = 0;
            for (int i = 0; i < 5 + round; ++i) ASSERT_EQ(::read(ledger[0], &byte, 1), 1);
            ::kill(child, SIGKILL);
            EXPECT_EQ(wait_for(child), -SIGKILL);
            told += 5 + round;
            while (::read(ledger[0], &byte, 1) == 1) ++told;
            ::close(ledger[0]);
            Connection db(vfs_, path.c_str());
            EXPECT_EQ(db.run("PRAGMA integrity_check"), "ok;");
            const int found = std::stoi(db.run("SELECT count(*) FROM t"));
            EXPECT_TRUE(found == told || found == told + 1) << found << " rows, " << told << " acknowledged";
            told = found;
        }
    }
}

TEST_F(SqliteVfsTest, LooksTheSameToSqlitesOwnFileSystem) {
    Connection ours(vfs_, "a.db");
    ASSERT_EQ(ours.run("PRAGMA journal_mode=wal"), "wal;");
    ASSERT_EQ(ours.run(make_table), "");
    // In a child, as the `sqlite3` program would be. It stops while it writes; so the locks of both kinds must meet.
    int go[2], ready[2];
    ASSERT_EQ(::pipe(go), 0);
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        char byte = 0;
        Connection theirs("unix", (top_ / "a.db").c_str());
        if (theirs.run("BEGIN IMMEDIATE; INSERT INTO t VALUES(7, 'theirs')") != "") ::_exit(1);
        if (::write(ready[1], "x", 1) != 1 || ::read(go[0], &byte, 1) != 1) ::_exit(2);
        ::_exit(theirs.run("COMMIT") == "" ? 0 : 3);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    sqlite3_busy_timeout(ours.db(), 0);
    EXPECT_EQ(ours.run("BEGIN IMMEDIATE"), "[database is locked]");
    ASSERT_EQ(::write(go[1], "x", 1), 1);
    EXPECT_EQ(wait_for(child), 0);
    EXPECT_EQ(ours.run("SELECT text FROM t WHERE id = 7; PRAGMA integrity_check"), "theirs;ok;");
    for (const int fd : {go[0], go[1], ready[0], ready[1]}) ::close(fd);
}

TEST_F(SqliteVfsTest, ReadsAStoreThatMayNotBeWritten) {
    {
        Connection db(vfs_, "a.db");
        ASSERT_EQ(db.run(make_table), "");
        ASSERT_EQ(db.run("INSERT INTO t VALUES(1, 'a')"), "");
    }
    std::filesystem::permissions(top_ / "a.db", std::filesystem::perms(0444));
    std::filesystem::permissions(top_, std::filesystem::perms(0755));
    ASSERT_TRUE(::geteuid() != 0 || ::seteuid(65534) == 0);
    {
        Connection db(vfs_, "a.db", SQLITE_OPEN_READWRITE);
        EXPECT_EQ(db.run("SELECT count(*) FROM t"), "1;");
        EXPECT_EQ(db.run("INSERT INTO t VALUES(2, 'b')"), "[attempt to write a readonly database]");
    }
    static_cast<void>(::seteuid(0));
}

TEST_F(SqliteVfsTest, ReadsALiveWalThatMayNotBeWritten) {
    Connection writer(vfs_, "a.db");
    ASSERT_EQ(writer.run("PRAGMA journal_mode=wal"), "wal;");
    ASSERT_EQ(writer.run(make_table), "");
    ASSERT_EQ(writer.run("INSERT INTO t VALUES(1, 'a')"), "");
    std::filesystem::permissions(top_, std::filesystem::perms(0755));
    for (const char* name : {"a.db", "a.db-wal", "a.db-shm"}) std::filesystem::permissions(top_ / name, std::filesystem::perms(0444));
    const pid_t child = start([](const std::string& vfs) {
        if (::geteuid() == 0 && ::seteuid(65534) != 0) return 1;
        Connection db(vfs, "a.db", SQLITE_OPEN_READONLY);
        if (db.run("SELECT count(*) FROM t") != "1;") return 2;
        return db.run("INSERT INTO t VALUES(2, 'b')") == "[attempt to write a readonly database]" ? 0 : 3;
    });
    EXPECT_EQ(wait_for(child), 0);
    EXPECT_EQ(writer.run("INSERT INTO t VALUES(2, 'b'); SELECT count(*) FROM t"), "2;") << "the reader disturbed nothing";
}

/// What a child counts that may read everything and write nothing. `middle` runs here, after its first look.
void SqliteVfsTest::expect_readable(const std::string& count, const std::function<void()>& middle) {
    int ready[2], go[2];
    ASSERT_EQ(::pipe(ready), 0);
    ASSERT_EQ(::pipe(go), 0);
    for (const auto& entry : std::filesystem::directory_iterator(top_)) std::filesystem::permissions(entry.path(), std::filesystem::perms(0444));
    std::filesystem::permissions(top_, std::filesystem::perms(0555));
    const pid_t child = start([&](const std::string& vfs) {
        if (::geteuid() == 0 && ::seteuid(65534) != 0) return 1;
        Connection db(vfs, "a.db", SQLITE_OPEN_READONLY);
        const bool good = db.run("SELECT text FROM t WHERE id = 1") == "a;";
        char byte = 'x';
        static_cast<void>(::write(ready[1], &byte, 1));
        static_cast<void>(::read(go[0], &byte, 1));
        if (!good) return 2;
        return db.run("SELECT count(*) FROM t") == count ? 0 : 3;
    });
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    if (middle) middle();
    EXPECT_EQ(::write(go[1], &byte, 1), 1);
    EXPECT_EQ(wait_for(child), 0);
    for (const int fd : {go[0], go[1], ready[0], ready[1]}) ::close(fd);
    std::filesystem::permissions(top_, std::filesystem::perms(0755));
}

TEST_F(SqliteVfsTest, ReadsAnEndedWalThatMayNotBeWritten) {
    {
        Connection db(vfs_, "a.db");
        ASSERT_EQ(db.run("PRAGMA journal_mode=wal"), "wal;");
        ASSERT_EQ(db.run((std::string(make_table) + "; INSERT INTO t VALUES(1, 'a')").c_str()), "");
    }
    ASSERT_EQ(files(), "a.db ");
    expect_readable("1;");
    EXPECT_EQ(files(), "a.db ");
}

TEST_F(SqliteVfsTest, ReadsAWalThatACrashLeftAndThatMayNotBeWritten) {
    const pid_t child = start([](const std::string& vfs) {
        Connection db(vfs, "a.db");
        static_cast<void>(db.run("PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0"));
        static_cast<void>(db.run((std::string(make_table) + "; INSERT INTO t VALUES(1, 'a'); INSERT INTO t VALUES(2, 'b')").c_str()));
        ::_exit(0); // with the log as it is
        return 0;
    });
    ASSERT_EQ(wait_for(child), 0);
    ASSERT_EQ(files(), "a.db a.db-shm a.db-wal ");
    expect_readable("2;");
    std::filesystem::remove(top_ / "a.db-shm");
    expect_readable("2;");
}

TEST_F(SqliteVfsTest, WhoMayNotLockFailsWhenSomebodyWrites) {
    const std::string many = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT OR REPLACE INTO t SELECT i, hex(zeroblob(500)) FROM n";
    {
        Connection db(vfs_, "a.db");
        ASSERT_EQ(db.run("PRAGMA journal_mode=wal"), "wal;");
        ASSERT_EQ(db.run((std::string(make_table) + "; INSERT INTO t VALUES(1, 'a');" + many).c_str()), "");
    }
    if (::geteuid() != 0) GTEST_SKIP() << "only root may write what nobody may";
    expect_readable("[disk I/O error]", [&] {
        Connection db(vfs_, "a.db");
        EXPECT_EQ(db.run((many + "; PRAGMA wal_checkpoint(TRUNCATE)").c_str()), "0|0|0;");
    });
}

TEST_F(SqliteVfsTest, TakesNoPathOutOfItsFolder) {
    for (const char* path : {"../a.db", "/etc/a.db", "x/../../a.db", "a//b.db", "./a.db"}) {
        SCOPED_TRACE(path);
        EXPECT_EQ(Connection(vfs_, path).code, SQLITE_CANTOPEN);
    }
    EXPECT_NE(last_vfs_error(vfs_).find("no path beneath its folder"), std::string::npos) << last_vfs_error(vfs_);
    EXPECT_EQ(Connection(vfs_, "deep/er/a.db").run(make_table), "") << "folders are made";
    EXPECT_EQ(Connection(vfs_, "a.db").run("ATTACH '../b.db' AS b"), "[unable to open database: ../b.db]");
}

TEST_F(SqliteVfsTest, IsUnmountedOnlyWhenNothingIsOpen) {
    {
        Connection db(vfs_, "a.db");
        EXPECT_EQ(db.run(make_table), "");
        EXPECT_EQ(unmount_vfs(vfs_).error().reason(), "vfs-in-use");
    }
    EXPECT_EQ(unmount_vfs("unix").error().code(), Code::not_found) << "not ours";
    EXPECT_TRUE(unmount_vfs(vfs_));
    EXPECT_FALSE(unmount_vfs(vfs_));
    EXPECT_EQ(Connection(vfs_, "a.db").code, SQLITE_ERROR) << "no such VFS any more";
    mount();
}

TEST_F(SqliteVfsTest, ServesManyThreads) {
    {
        Connection db(vfs_, "a.db");
        ASSERT_EQ(db.run("PRAGMA journal_mode=wal"), "wal;");
        ASSERT_EQ(db.run(make_table), "");
    }
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int row = 0; row < 20; ++row) {
                Connection db(vfs_, "a.db");
                if (!db.run("INSERT INTO t(text) VALUES('x')").empty()) ++failures;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(failures.load(), 0);
    EXPECT_EQ(Connection(vfs_, "a.db").run("SELECT count(*) FROM t; PRAGMA integrity_check"), "80;ok;");
}
