// SPDX-License-Identifier: Apache-2.0
#include <symphony/sqlite_files/host_folder.hpp>

#include <symphony/sqlite_files/vfs.hpp>

#include <symphony/testing.hpp>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

using namespace symphony;
using namespace symphony::sqlite_files;
using Mode = Folder::Mode;

namespace {

class HostFolderTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "symphony-host-folder-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        top_ = name;
        fake_.grant_files("state", top_);
    }
    void TearDown() override { std::filesystem::remove_all(top_); }
    static std::string reason(const Status& status) { return status ? "" : std::string(status.error().reason()); }

    std::filesystem::path top_;
    symphony::testing::FakeHost fake_;
};

const symphony_host_fs* service_of(const symphony::testing::FakeHost& fake) {
    return static_cast<const symphony_host_fs*>(fake.c_host()->query(fake.c_host()->ctx, to_c(std::string_view(SYMPHONY_HOST_FS))));
}

} // namespace

TEST_F(HostFolderTest, KeepsFilesBeneathItsRoot) {
    HostFolder folder(Files(service_of(fake_), fake_.c_host()->ctx), "state", "store");
    EXPECT_TRUE(folder.list("")->empty()) << "made with the first file";
    {
        auto file = *folder.open("packs/ab/one", Mode::create_new);
        EXPECT_TRUE(file->write_at(2, bytes_of("pha")));
        EXPECT_TRUE(file->sync());
        EXPECT_GE(file->fd(), 0);
    }
    EXPECT_EQ(folder.open("packs/ab/one", Mode::create_new).error().reason(), "exists");
    EXPECT_EQ(folder.open("packs/two", Mode::write).error().code(), Code::not_found);
    EXPECT_EQ(reason(folder.sync_folder("packs/ab")), "");
    EXPECT_EQ(reason(folder.sync_folder("")), "");
    EXPECT_EQ(reason(folder.sync_folder("nowhere/at/all")), "");
    EXPECT_EQ(reason(folder.rename("packs/ab/one", "trash/one")), "");
    const auto entries = *folder.list("trash");
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].name, "one");
    EXPECT_EQ(entries[0].size, 5u);
    EXPECT_GT(entries[0].mtime_ns, 0u);
    EXPECT_TRUE(std::filesystem::exists(top_ / "store/trash/one"));
    EXPECT_EQ(reason(folder.remove("trash/one")), "");
    EXPECT_EQ(folder.remove("trash/one").error().code(), Code::not_found);
    for (const char* path : {"../x", "/x", "", "a//b"}) EXPECT_FALSE(folder.open(path, Mode::create)) << path;
}

TEST_F(HostFolderTest, SaysWhatTheHostDoesNotGrant) {
    HostFolder folder(Files(service_of(fake_), fake_.c_host()->ctx), "cache", "");
    EXPECT_EQ(folder.open("x", Mode::read).error().code(), Code::not_granted);
    EXPECT_EQ(folder.list("").error().code(), Code::not_granted);
    EXPECT_EQ(folder.sync_folder("").error().code(), Code::not_granted);
}

TEST_F(HostFolderTest, CarriesSqlite) {
    HostFolder folder(Files(service_of(fake_), fake_.c_host()->ctx), "state", "store");
    const std::string vfs = *mount_vfs(folder);
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open_v2("index.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.c_str()), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, "PRAGMA journal_mode=wal; CREATE TABLE t(x); INSERT INTO t VALUES(1)", nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    EXPECT_TRUE(std::filesystem::exists(top_ / "store/index.db-shm")) << "so that other processes can read";
    EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
    EXPECT_TRUE(unmount_vfs(vfs));
}
