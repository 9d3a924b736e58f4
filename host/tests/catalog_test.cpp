// SPDX-License-Identifier: Apache-2.0
#include "catalog.hpp"

#include "catalog_scan.hpp"
#include "folders.hpp"

#include <gmock/gmock.h>

#include <random>
#include <thread>

namespace symphony::host {
namespace {

using test::manifest;
using test::put;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// The catalog does not trust times that are younger than a tick of the file system. Waits for the condition, not for a time.
void settle(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY);
    while (!settled(stamp_of(fd))) std::this_thread::yield();
    ::close(fd);
}

std::vector<std::string> names(const Catalog& catalog) {
    std::vector<std::string> found;
    for (const auto ref : catalog.all()) found.emplace_back(catalog.entry(ref).name);
    return found;
}

std::uint32_t manifests_read(const Catalog& catalog) {
    std::uint32_t count = 0;
    for (const auto& root : catalog.roots()) count += root.read;
    return count;
}

class CatalogTest : public testing::Test {
protected:
    Catalog open() { return Catalog::open({{plugins.path(), Origin::flag}}, cache.path()); }
    void settle_all() {
        for (const auto& item : std::filesystem::recursive_directory_iterator(plugins.path())) settle(item.path());
        settle(plugins.path());
    }
    std::string cache_file() {
        for (const auto& item : std::filesystem::directory_iterator(cache.path())) return item.path();
        return {};
    }
    TemporaryFolder plugins, cache;
};

TEST_F(CatalogTest, FindsPluginsByIdNamePortAndCommand) {
    put(plugins, "a", manifest("text", "1.2.0", "[provides]\n\"operator/1\" = { priority = 70 }\n\"command/1\" = {}\n[[command]]\nname = \"count\"\nsummary = \"Counts\"\n"));
    put(plugins, "b", manifest("files"));
    const auto catalog = open();
    EXPECT_THAT(names(catalog), ElementsAre("text", "files"));
    for (const auto& [table, key] : {std::pair{Catalog::Table::id, "org.text"}, {Catalog::Table::name, "text"},
                                     {Catalog::Table::port, "operator/1"}, {Catalog::Table::command, "count"}}) {
        SCOPED_TRACE(key);
        const auto found = catalog.find(table, key);
        ASSERT_EQ(found.size(), 1u);
        EXPECT_EQ(catalog.entry(found[0]).version, "1.2.0");
        EXPECT_EQ(catalog.folder(found[0]), plugins / "a");
    }
    EXPECT_THAT(catalog.find(Catalog::Table::name, "count"), IsEmpty());
    EXPECT_EQ(catalog.entry(catalog.find(Catalog::Table::name, "text")[0]).provides.size(), 2u);
}

TEST_F(CatalogTest, ReadsNoManifestTwiceWhenNothingChanged) {
    put(plugins, "a", manifest("text"));
    put(plugins, "b", manifest("broken", "not a version"));
    settle_all();
    EXPECT_EQ(manifests_read(open()), 2u);
    const auto again = open();
    EXPECT_EQ(manifests_read(again), 0u);
    EXPECT_THAT(names(again), ElementsAre("text", "broken"));
}

TEST_F(CatalogTest, SeesAddedChangedAndRemovedManifests) {
    put(plugins, "a", manifest("one"));
    put(plugins, "b", manifest("two"));
    std::filesystem::create_directory(plugins.path() / "later");
    settle_all();
    open();
    put(plugins, "a", manifest("uno"));
    std::filesystem::remove_all(plugins.path() / "b");
    put(plugins, "later", manifest("three"));
    const auto catalog = open();
    EXPECT_THAT(names(catalog), ElementsAre("uno", "three"));
    EXPECT_EQ(manifests_read(catalog), 2u);
}

TEST_F(CatalogTest, SeesAChangeThatKeepsSizeAndModificationTime) {
    put(plugins, "a", manifest("one"));
    settle_all();
    const auto file = plugins.path() / "a/manifest.toml";
    const auto time = std::filesystem::last_write_time(file);
    open();
    put(plugins, "a", manifest("two"));
    std::filesystem::last_write_time(file, time);
    EXPECT_THAT(names(open()), ElementsAre("two"));
}

TEST_F(CatalogTest, SeesAChangeInTheTickInWhichItWasRead) {
    for (const auto* name : {"one", "two", "six"}) {
        put(plugins, "a", manifest(name));
        EXPECT_THAT(names(open()), ElementsAre(name));
    }
}

TEST_F(CatalogTest, KeepsARefusedManifestWithAllThatIsWrong) {
    put(plugins, "good", manifest("good"));
    put(plugins, "bad", "[extension]\nname = \"bad\"\nversion = 7\ntype = \"no such type\"\n");
    put(plugins, "worse", "[extension");
    const auto catalog = open();
    EXPECT_THAT(names(catalog), UnorderedElementsAre("good", "bad", "worse"));
    const auto bad = catalog.entry(catalog.find(Catalog::Table::name, "bad")[0]);
    EXPECT_EQ(bad.kind, Entry::Kind::bad);
    EXPECT_GE(bad.findings.size(), 2u);
    EXPECT_EQ(bad.findings[0].line, 3u);
}

TEST_F(CatalogTest, RefusesWhatIsNoReadableFile) {
    std::filesystem::create_directories(plugins.path() / "folder/manifest.toml");
    std::filesystem::create_directories(plugins.path() / "pipe");
    ASSERT_EQ(::mkfifo((plugins.path() / "pipe/manifest.toml").c_str(), 0600), 0);
    put(plugins, "huge", std::string(1024 * 1024, '#'));
    std::filesystem::create_symlink(plugins.path(), plugins.path() / "loop");
    const auto catalog = open();
    for (const auto* name : {"folder", "pipe", "huge"}) {
        SCOPED_TRACE(name);
        const auto found = catalog.find(Catalog::Table::name, name);
        ASSERT_EQ(found.size(), 1u);
        EXPECT_EQ(catalog.entry(found[0]).kind, Entry::Kind::bad);
    }
}

TEST_F(CatalogTest, TakesAPluginsOwnFolderAsARoot) {
    put(plugins, "a", manifest("text"));
    const auto catalog = Catalog::open({{plugins / "a", Origin::flag}}, cache.path());
    EXPECT_THAT(names(catalog), ElementsAre("text"));
    EXPECT_EQ(catalog.manifest(catalog.all()[0]), plugins / "a/manifest.toml");
}

TEST_F(CatalogTest, NamesTheFirstOfTwoEqualPluginsInSearchOrder) {
    TemporaryFolder other;
    put(plugins, "a", manifest("text"));
    put(other, "z", manifest("text"));
    const auto catalog = Catalog::open({{other.path(), Origin::flag}, {plugins.path(), Origin::user}}, cache.path());
    const auto found = catalog.find(Catalog::Table::id, "org.text");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(catalog.folder(found[0]), other / "z");
    EXPECT_FALSE(catalog.duplicate_of(found[0]));
    EXPECT_EQ(catalog.duplicate_of(found[1]), found[0]);
}

TEST_F(CatalogTest, LookUpTellsTheTruthOfTheDiskInLargeFolders) {
    for (std::uint32_t i = 0; i <= Catalog::checked_max; ++i) put(plugins, "p" + std::to_string(i), manifest("p" + std::to_string(i)));
    std::filesystem::create_directory(plugins.path() / "later");
    settle_all();
    open();
    put(plugins, "later", manifest("late"));
    put(plugins, "p7", manifest("seven"));
    auto catalog = open();
    EXPECT_EQ(manifests_read(catalog), 0u) << "not compared at start";
    EXPECT_THAT(catalog.find(Catalog::Table::name, "late"), IsEmpty());
    EXPECT_EQ(catalog.look_up("late").size(), 1u);
    EXPECT_EQ(catalog.look_up("seven").size(), 1u);
    EXPECT_THAT(catalog.look_up("p7"), IsEmpty());
}

TEST_F(CatalogTest, WorksWithoutAUsableCacheFolderAndSaysSoOnce) {
    put(plugins, "a", manifest("text"));
    test::write_file(cache / "file", "");
    const auto catalog = Catalog::open({{plugins.path(), Origin::flag}, {cache.path(), Origin::user}}, cache / "file/below");
    EXPECT_THAT(names(catalog), ElementsAre("text"));
    EXPECT_THAT(catalog.warnings(), ElementsAre(HasSubstr("manifests are read anew")));
    EXPECT_THAT(Catalog::open({{plugins.path(), Origin::flag}}, "").warnings(), IsEmpty());
}

TEST_F(CatalogTest, ABrokenCacheFileIsReplacedWithoutAWord) {
    put(plugins, "a", manifest("text", "1.0.0", "[provides]\n\"operator/1\" = {}\n"));
    settle_all();
    open();
    const auto file = cache_file();
    const auto size = std::filesystem::file_size(file);
    for (const std::uintmax_t cut : {std::uintmax_t{0}, std::uintmax_t{7}, size / 2, size - 1}) {
        SCOPED_TRACE(cut);
        std::filesystem::resize_file(file, cut);
        const auto catalog = open();
        EXPECT_THAT(names(catalog), ElementsAre("text"));
        EXPECT_THAT(catalog.warnings(), IsEmpty());
        EXPECT_EQ(std::filesystem::file_size(file), size);
    }
}

TEST_F(CatalogTest, TwoHostsAtOnceNeverSeeAPartOfACacheFile) {
    for (int i = 0; i < 50; ++i) put(plugins, "p" + std::to_string(i), manifest("p" + std::to_string(i)));
    std::vector<std::size_t> counts(8);
    std::vector<std::thread> hosts;
    for (auto& count : counts) {
        hosts.emplace_back([this, &count] {
            for (int i = 0; i < 10; ++i) {
                if (i % 3 == 0) std::filesystem::remove(cache_file());
                count += open().all().size();
            }
        });
    }
    for (auto& host : hosts) host.join();
    EXPECT_THAT(counts, testing::Each(500u));
}

std::string sample_index() {
    CatalogIndexBuilder builder;
    for (int i = 0; i < 20; ++i) {
        const auto name = "plugin-" + std::to_string(i);
        Entry entry;
        entry.kind = Entry::Kind::good;
        entry.folder = name;
        entry.id = entry.name = name;
        entry.version = "1.0.0";
        entry.stamp = {1, 2, 3, 4};
        entry.provides.push_back({"operator/1", 50, false});
        entry.dependencies.push_back({"other", "^1", 3, true});
        entry.commands.push_back({"command", "does it"});
        entry.findings.push_back({"reason", "message", "hint", 1, 2, false});
        builder.add(entry);
    }
    return builder.finish("/root", {5, 6, 7, 8});
}

// Reads everything there is. Under the sanitizers this is where a missing bounds check shows.
void read_all(const CatalogIndex& index) {
    Entry entry;
    for (std::uint32_t row = 0; row < std::min(index.size(), 1000u); ++row) {
        index.read(row, entry);
        EXPECT_EQ(index.folder(row).find('/'), std::string_view::npos);
        index.stamp(row);
    }
    for (const auto table : {CatalogIndex::Table::id, CatalogIndex::Table::name, CatalogIndex::Table::port, CatalogIndex::Table::command}) {
        for (const auto* key : {"plugin-3", "operator/1", "command", "nothing", ""}) {
            std::uint64_t sum = 0;
            for (const auto row : index.find(table, key)) sum += row;
            EXPECT_GE(sum, 0u);
        }
    }
}

TEST(CatalogIndex, DiscardsAFileInWhichAnyBitIsWrong) {
    const auto good = sample_index();
    ASSERT_TRUE(CatalogIndex::adopt(good, "/root"));
    EXPECT_FALSE(CatalogIndex::adopt(good, "/elsewhere"));
    EXPECT_FALSE(CatalogIndex::adopt(good + "x", "/root"));
    for (std::size_t byte = 0; byte < good.size(); ++byte) {
        auto bad = good;
        bad[byte] = static_cast<char>(bad[byte] ^ (1 << (byte % 8)));
        ASSERT_FALSE(CatalogIndex::adopt(bad, "/root")) << "byte " << byte;
    }
}

TEST(CatalogIndex, ReadsNothingOutsideAForgedFileWithARightChecksum) {
    const auto good = sample_index();
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::size_t accepted = 0;
    for (int round = 0; round < 3000; ++round) {
        auto forged = good;
        for (int i = 0; i < 1 + round % 4; ++i) {
            const auto at = random() % forged.size();
            const std::uint32_t words[]{0, 1, UINT32_MAX, 0x7FFFFFFF, static_cast<std::uint32_t>(random())};
            std::memcpy(forged.data() + at, &words[random() % 5], std::min<std::size_t>(4, forged.size() - at));
        }
        CatalogIndex::seal(forged);
        if (const auto index = CatalogIndex::adopt(std::move(forged), "/root")) {
            ++accepted;
            read_all(*index);
        }
    }
    EXPECT_GT(accepted, 500u) << "the forged files were all refused, so nothing was tried";
}

} // namespace
} // namespace symphony::host
