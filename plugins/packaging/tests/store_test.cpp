// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <symphony/packaging/store.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace symphony::packaging {
namespace {

namespace fs = std::filesystem;
using rig::Plugin;
using rig::TempFolder;

class StoreTest : public ::testing::Test {
protected:
    std::string added(const Plugin& plugin = {}) {
        const auto info = store.add(plugin.packed().bytes);
        EXPECT_TRUE(info) << info.error().message();
        return info ? info->digest : std::string();
    }
    /// "reason path" of each damage.
    std::vector<std::string> damages(const std::string& digest) const {
        const auto found = store.verify(digest);
        EXPECT_TRUE(found) << found.error().message();
        std::vector<std::string> out;
        for (const auto& one : *found) out.push_back(one.reason + " " + one.path);
        return out;
    }
    /// As somebody does who does not care that it is read-only.
    static void force(const fs::path& path, const std::string& bytes) {
        fs::permissions(path.parent_path(), fs::perms::owner_all);
        std::error_code none;
        fs::permissions(path, fs::perms::owner_all, none);
        rig::write(path, bytes);
    }
    void expect_damages(const std::string& digest, const std::vector<std::string>& expected) const { EXPECT_EQ(damages(digest), expected); }

    TempFolder folder;
    Store store{folder.path()};
};

TEST_F(StoreTest, KeepsAPackageUnderTheDigestOfItsList) {
    Plugin plugin;
    plugin.more = "[package]\ninclude = [\"data\", \"tool\"]\n";
    plugin.files = {{"data/a.txt", "a"}, {"tool", "#!"}};
    const auto digest = added(plugin);
    EXPECT_EQ(*store.digests(), std::vector<std::string>{digest});
    EXPECT_EQ(sha256_of(rig::read(store.path_of(digest) / "FILES")), digest);
    EXPECT_EQ(rig::read(store.path_of(digest) / "data/a.txt"), "a");
    const auto info = store.read(digest);
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->id(), "org.example.greet");
    expect_damages(digest, {});
    for (const auto& item : fs::recursive_directory_iterator(store.path_of(digest))) {
        struct stat status{};
        ASSERT_EQ(::lstat(item.path().c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0222u, 0u) << item.path() << " is not read-only";
    }
    EXPECT_EQ(added(plugin), digest) << "a second time";
    EXPECT_EQ(store.digests()->size(), 1u);
}

TEST_F(StoreTest, VerifyNamesEveryFileThatIsNotAsItWas) {
    Plugin plugin;
    plugin.more = "[package]\ninclude = [\"data\"]\n";
    plugin.files = {{"data/a.txt", "a"}, {"data/b.txt", "b"}};
    const auto digest = added(plugin);
    const auto entry = store.path_of(digest);
    force(entry / "data/a.txt", "A");
    fs::permissions(entry / "data/a.txt", static_cast<fs::perms>(0444));
    fs::permissions(entry / "libgreet.so", static_cast<fs::perms>(0555));
    fs::remove(entry / "data/b.txt");
    force(entry / "data/extra", "x");
    fs::create_symlink("/etc/passwd", entry / "data/link");
    auto found = damages(digest);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, (std::vector<std::string>{"altered data/a.txt", "foreign data/extra", "foreign data/link", "missing data/b.txt", "mode libgreet.so"}));
    force(entry / "FILES", "0644 ");
    expect_damages(digest, {"altered FILES"});
    EXPECT_EQ(store.read(digest).error().reason(), "damaged-entry");
}

TEST_F(StoreTest, EveryFlippedBitIsFound) {
    const auto digest = added();
    const auto entry = store.path_of(digest);
    for (const auto* name : {"libgreet.so", "manifest.toml", "FILES", "LICENSE", "sbom.cdx.json"}) {
        const auto good = rig::read(entry / name);
        for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 16) {
            auto bad = good;
            bad[at] = static_cast<char>(bad[at] ^ 4);
            force(entry / name, bad);
            EXPECT_FALSE(damages(digest).empty()) << name << " byte " << at;
        }
        force(entry / name, good);
        fs::permissions(entry / name, static_cast<fs::perms>(0444));
    }
    expect_damages(digest, {});
}

TEST_F(StoreTest, AddingAgainMendsADamagedEntry) {
    const auto digest = added();
    force(store.path_of(digest) / "libgreet.so", "broken");
    EXPECT_EQ(added(), digest);
    expect_damages(digest, {});
    EXPECT_EQ(store.digests()->size(), 1u);
}

TEST_F(StoreTest, WhatCannotBeReadLeavesNothing) {
    auto bytes = Plugin().packed().bytes;
    bytes.resize(bytes.size() - 9);
    EXPECT_FALSE(store.add(bytes));
    EXPECT_FALSE(fs::exists(folder.path() / "store") && !fs::is_empty(folder.path() / "store"));
    EXPECT_EQ(store.read(std::string(64, 'a')).error().reason(), "not-in-store");
    EXPECT_EQ(store.verify("../../etc").error().reason(), "not-in-store");
}

TEST_F(StoreTest, SweepsWhatACrashLeft) {
    const auto digest = added();
    rig::write(folder.path() / "store/.new-abc/manifest.toml", "half");
    rig::write(folder.path() / "store/.gone-def/data/x", "half");
    ASSERT_TRUE(store.sweep());
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path() / "store"), fs::directory_iterator()), 1);
    expect_damages(digest, {});
    ASSERT_TRUE(store.remove(digest));
    EXPECT_TRUE(store.digests()->empty());
}

TEST(WriteLock, IsHeldByOneAtATime) {
    const TempFolder folder;
    {
        const auto first = WriteLock::take(folder.path() / "lock", std::chrono::milliseconds(0));
        ASSERT_TRUE(first);
        const auto second = WriteLock::take(folder.path() / "lock", std::chrono::milliseconds(1));
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().reason(), "locked");
        const auto stopped = WriteLock::take(folder.path() / "lock", std::chrono::hours(1), [] { return true; });
        ASSERT_FALSE(stopped);
        EXPECT_EQ(stopped.error().code(), Code::cancelled);
    }
    EXPECT_TRUE(WriteLock::take(folder.path() / "lock", std::chrono::milliseconds(0)));
}

} // namespace
} // namespace symphony::packaging
