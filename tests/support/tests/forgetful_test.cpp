// SPDX-License-Identifier: Apache-2.0
#include "support/forgetful_tree.hpp"
#include "support/fuse_mount.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>
#include <symphony/sqlite_files/vfs.hpp>
#include "support/kill_loop.hpp"
#include "support/sqlite_connection.hpp"
#include "toy_store.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace symphony;
using namespace symphony::test_support;

namespace {

/// A file, by path, with content; synced or not.
void make_file(ForgetfulTree& tree, std::string_view path, std::string_view text, bool synced) {
    NodePtr node;
    ASSERT_EQ(tree.make(path, false, 0644, node), 0);
    ASSERT_EQ(tree.write(*node, 0, text), static_cast<int>(text.size()));
    if (synced) ForgetfulTree::sync(*node);
}
std::string text_of(const ForgetfulTree& tree, std::string_view path) {
    const NodePtr node = tree.find(path);
    return node ? std::string(node->content.begin(), node->content.end()) : "(none)";
}

class ForgetfulMountTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto started = ForgetfulMount::start();
        if (!started && started.error().code() == Code::unsupported) GTEST_SKIP() << started.error().message();
        ASSERT_TRUE(started) << started.error().message();
        mount_ = *std::move(started);
    }
    std::unique_ptr<sqlite_files::PosixFolder> folder() { return *sqlite_files::PosixFolder::open(mount_->path() / "store"); }
    void expect_command(const char* line) { EXPECT_TRUE(mount_->command(line)) << line; }
    std::unique_ptr<ForgetfulMount> mount_;
};

} // namespace

TEST(ForgetfulTree, KeepsContentsAndNamesApart) {
    ForgetfulTree tree;
    make_file(tree, "/both", "both", true);
    make_file(tree, "/empty", "content is not synced", false);
    tree.sync_names(tree.find("/"));
    make_file(tree, "/nameless", "name is not synced", true);
    tree.forget();
    EXPECT_EQ(text_of(tree, "/both"), "both");
    EXPECT_EQ(text_of(tree, "/empty"), "");
    EXPECT_EQ(text_of(tree, "/nameless"), "(none)");
}

TEST(ForgetfulTree, LosesAFolderWhoseOwnNameIsNotSynced) {
    ForgetfulTree tree;
    NodePtr folder;
    ASSERT_EQ(tree.make("/packs", true, 0755, folder), 0);
    make_file(tree, "/packs/one", "one", true);
    tree.sync_names(folder);
    tree.forget();
    EXPECT_EQ(text_of(tree, "/packs/one"), "(none)");
    ASSERT_EQ(tree.make("/packs", true, 0755, folder), 0);
    make_file(tree, "/packs/one", "one", true);
    tree.sync_names(folder);
    tree.sync_names(tree.find("/"));
    tree.forget();
    EXPECT_EQ(text_of(tree, "/packs/one"), "one");
}

TEST(ForgetfulTree, KeepsARenamingWhole) {
    for (const char* synced : {"/new", "/things"}) {
        SCOPED_TRACE(synced);
        ForgetfulTree tree;
        NodePtr folder;
        for (const char* path : {"/new", "/things"}) ASSERT_EQ(tree.make(path, true, 0755, folder), 0);
        make_file(tree, "/new/x", "x", true);
        tree.sync_names(tree.find("/"));
        tree.sync_names(tree.find("/new"));
        ASSERT_EQ(tree.rename("/new/x", "/things/x", true), 0);
        ForgetfulTree other = tree;
        tree.sync_names(tree.find(synced));
        tree.forget();
        EXPECT_EQ(text_of(tree, "/new/x"), "(none)");
        EXPECT_EQ(text_of(tree, "/things/x"), "x");
    }
}

TEST(ForgetfulTree, ForgetsAnUnsyncedRenamingAndRemoval) {
    ForgetfulTree tree;
    make_file(tree, "/a", "a", true);
    make_file(tree, "/b", "b", true);
    make_file(tree, "/gone", "gone", true);
    tree.sync_names(tree.find("/"));
    ASSERT_EQ(tree.rename("/a", "/b", true), 0);
    ASSERT_EQ(tree.remove("/gone", false), 0);
    tree.forget();
    EXPECT_EQ(text_of(tree, "/a") + text_of(tree, "/b") + text_of(tree, "/gone"), "abgone");
}

TEST(ForgetfulControl, FailsByRule) {
    ForgetfulTree tree;
    ForgetfulControl control(tree);
    for (const char* bad : {"", "remember", "fail", "fail write x EIO *", "fail write 0 EIO *", "fail write 1 EWHAT *", "fail write 1 EIO * twice", "room much"}) {
        EXPECT_EQ(control.command(bad), -EINVAL) << bad;
    }
    EXPECT_EQ(control.command("fail write 2 ENOSPC *.pack"), 0);
    EXPECT_EQ(control.command("fail fsync 1 EIO * sticky\n"), 0);
    EXPECT_EQ(control.check("write", "/packs/a.pack"), 0);
    EXPECT_EQ(control.check("write", "/packs/a.other"), 0);
    EXPECT_EQ(control.check("write", "/packs/b.pack"), -ENOSPC);
    EXPECT_EQ(control.check("write", "/packs/b.pack"), 0) << "once";
    EXPECT_EQ(control.check("fsync", "/x"), -EIO);
    EXPECT_EQ(control.check("fsync", "/x"), -EIO) << "from there on";
    EXPECT_EQ(control.status(), "fired 3\n");
    EXPECT_EQ(control.command("well"), 0);
    EXPECT_EQ(control.check("fsync", "/x"), 0);
}

TEST_F(ForgetfulMountTest, FindsWhatIsForgottenAndNothingInACorrectWriter) {
    const std::pair<const char*, Habits> cases[] = {{"", {}}, {"file", {.syncs_file = false}}, {"folder", {.syncs_folder = false}}};
    for (const auto& [forgets, habits] : cases) {
        SCOPED_TRACE(forgets);
        const std::string id = std::string("thing-") + forgets;
        EXPECT_TRUE(toy_put(*folder(), id, toy_text(id), habits));
        EXPECT_EQ(toy_check(*folder(), id), "") << "before the power goes";
        expect_command("forget");
        EXPECT_EQ(toy_check(*folder(), id).empty(), std::string_view(forgets).empty());
    }
}

TEST_F(ForgetfulMountTest, FailsCallsAndRunsFull) {
    const auto store = folder();
    expect_command("fail write 1 EIO *one*");
    EXPECT_EQ(toy_put(*store, "one", "x").error().reason(), "io");
    expect_command("fail fsync 1 EIO *");
    EXPECT_EQ(toy_put(*store, "two", "x").error().code(), Code::io);
    EXPECT_EQ(mount_->fired(), 2u);
    expect_command("well");
    expect_command("room 100");
    EXPECT_EQ(toy_put(*store, "three", toy_text("three")).error().reason(), "disk-full");
    expect_command("room 0");
    EXPECT_TRUE(toy_put(*store, "three", toy_text("three")));
    EXPECT_EQ(toy_check(*store, "three"), "");
    EXPECT_EQ(mount_->command("nonsense").error().code(), Code::invalid_argument);
}

TEST_F(ForgetfulMountTest, KeepsWhatSqliteAcknowledged) {
    // Of its own and of ours: both WAL, both FULL, each killed in the midst of its work before the power goes.
    for (const bool ours : {true, false}) {
        SCOPED_TRACE(ours ? "our file system for SQLite" : "SQLite's own");
        const auto connect = [&](const std::string& vfs) { return std::make_unique<Connection>(vfs, ours ? "a.db" : (mount_->path() / "own.db").c_str()); };
        const auto with_database = [&](auto&& work) {
            const auto store = folder();
            const std::string vfs = ours ? *sqlite_files::mount_vfs(*store) : "unix";
            work(*connect(vfs));
            EXPECT_TRUE(!ours || sqlite_files::unmount_vfs(vfs));
        };
        with_database([&](Connection& db) {
            EXPECT_EQ(db.run("PRAGMA journal_mode=wal; PRAGMA synchronous=FULL; CREATE TABLE t(id INTEGER PRIMARY KEY, text)"), "wal;");
        });
        const Worker worker = [&](int ledger) {
            with_database([&](Connection& db) {
                if (db.run("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8").find("[") != std::string::npos) ::_exit(1);
                while (db.run("INSERT INTO t(text) VALUES(hex(randomblob(2000)))").empty() && acknowledge(ledger, "row")) {}
                ::_exit(2);
            });
            return 3;
        };
        const KillReport report = run_kill_loop(worker, {.rounds = kill_rounds(3)}, [&](const std::vector<std::string>& ledger, std::size_t) {
            expect_command("forget");
            std::string problem;
            with_database([&](Connection& db) {
                if (const std::string sound = db.run("PRAGMA integrity_check"); sound != "ok;") problem = sound;
                const std::string rows = db.run("SELECT count(*) FROM t");
                if (rows.starts_with("[") || std::stoull(rows) < ledger.size()) problem += std::to_string(ledger.size()) + " rows were acknowledged, found " + rows;
            });
            return problem;
        });
        EXPECT_TRUE(report.good()) << report.text();
    }
}
