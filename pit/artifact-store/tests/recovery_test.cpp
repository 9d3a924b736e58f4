// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::store::test {
namespace {

namespace fs = std::filesystem;

class Recovery : public testing::TestWithParam<Suite> {};
INSTANTIATE_TEST_SUITE_P(Store, Recovery, testing::Values(Suite::none, Suite::aes256_gcm),
                         [](const auto& of) { return of.param == Suite::none ? "Plain" : "Aes"; });

/// What a crash would leave: a copy of the files of a store that is still open.
void crash(Rig& rig, const fs::path& to) { fs::copy(rig.path(), to, fs::copy_options::recursive | fs::copy_options::overwrite_existing); }

struct Kept {
    std::vector<std::pair<ContentId, std::string>> contents;
    void check(Store& store) const {
        for (const auto& [id, text] : contents) {
            const auto got = store.get(id);
            ASSERT_TRUE(got) << got.error().message();
            ASSERT_TRUE(got->text() == text);
        }
    }
};

Kept fill(Rig& rig) {
    Kept kept;
    for (int i = 0; i < 20; ++i) {
        const std::string text = prose(static_cast<std::size_t>(100 * i), static_cast<std::uint64_t>(i));
        PutOptions options;
        options.name = "name " + std::to_string(i % 4);
        kept.contents.emplace_back(rig.put(text, options), text);
    }
    for (int i = 0; i < 3; ++i) {
        const std::string text = noise(2'500'000, static_cast<std::uint64_t>(i));
        kept.contents.emplace_back(rig.put(text), text);
    }
    const std::vector<std::string> tags{"kept"};
    EXPECT_TRUE(rig.store->tag(kept.contents[3].first, tags, {}));
    EXPECT_TRUE(rig.store->remove(rig.put("removed")));
    return kept;
}

void expect_all(Store& store, const Kept& kept) {
    kept.check(store);
    EXPECT_EQ(store.history("name 1", 100)->size(), 5u);
    EXPECT_EQ(store.info(kept.contents[3].first)->tags, std::vector<std::string>{"kept"});
    EXPECT_EQ(store.stats()->artifacts, kept.contents.size());
    const auto report = store.verify({Depth::data}, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->good()) << report->findings.front().text;
}

TEST_P(Recovery, WhatWasAcknowledgedOutlivesACrash) {
    Rig rig(GetParam());
    const Kept kept = fill(rig);
    const auto left = rig.scratch / "crashed";
    crash(rig, left);
    auto opened = Store::open(folder_at(left), rig.options());
    ASSERT_TRUE(opened) << opened.error().message();
    expect_all(**opened, kept);
}

TEST_P(Recovery, TheIndexIsMadeAnewFromThePacks) {
    Rig rig(GetParam());
    const Kept kept = fill(rig);
    const auto changes_before = rig.store->changes(0, 1000);
    for (const bool clean : {false, true}) {
        SCOPED_TRACE(clean);
        if (clean) rig.close();
        const auto left = rig.scratch / (clean ? "clean" : "crashed");
        crash(rig, left);
        fs::remove_all(left / "index");
        auto opened = Store::open(folder_at(left), rig.options());
        ASSERT_TRUE(opened) << opened.error().message();
        EXPECT_TRUE(rig.noticed("index-rebuilt"));
        expect_all(**opened, kept);
        EXPECT_EQ((*opened)->changes(0, 1000)->size(), changes_before->size());
        EXPECT_TRUE((*opened)->put(bytes_of("goes on"), {}));
    }
}

TEST_P(Recovery, AWalThatWasLostComesFromTheJournal) {
    Rig rig(GetParam());
    const Kept kept = fill(rig);
    const auto left = rig.scratch / "crashed";
    crash(rig, left);
    fs::remove(left / "index/index.db-wal");
    fs::remove(left / "index/index.db-shm");
    auto opened = Store::open(folder_at(left), rig.options());
    ASSERT_TRUE(opened) << opened.error().message();
    expect_all(**opened, kept);
}

TEST_P(Recovery, ATornTailIsCutAndTheRestKept) {
    Rig rig(GetParam());
    const Kept kept = fill(rig);
    const auto left = rig.scratch / "crashed";
    crash(rig, left);
    for (const auto& entry : fs::directory_iterator(left / "open")) {
        const std::string bytes = read_file(entry.path());
        write_file(entry.path(), bytes + bytes.substr(512, 90)); // a frame that ends within
    }
    auto opened = Store::open(folder_at(left), rig.options());
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_TRUE(rig.noticed("torn-tail"));
    expect_all(**opened, kept);
}

TEST_P(Recovery, EveryCutOfTheJournalKeepsAPrefix) {
    Rig rig(GetParam());
    std::vector<std::pair<ContentId, std::string>> put;
    for (int i = 0; i < 8; ++i) {
        const std::string text = "content " + std::to_string(i);
        put.emplace_back(rig.put(text), text);
    }
    const auto left = rig.scratch / "crashed";
    crash(rig, left);
    fs::remove_all(left / "index"); // or it would say, rightly, that something acknowledged is gone
    const fs::path journal = fs::directory_iterator(left / "open")->path();
    const std::string bytes = read_file(journal);
    std::size_t kept_last = 0;
    for (std::size_t size = 512; size <= bytes.size(); size += size + 37 < bytes.size() || size == bytes.size() ? 37 : bytes.size() - size) {
        const auto at = rig.scratch / ("cut-" + std::to_string(size));
        fs::copy(left, at, fs::copy_options::recursive);
        write_file(at / "open" / journal.filename(), bytes.substr(0, size));
        auto opened = Store::open(folder_at(at), rig.options());
        ASSERT_TRUE(opened) << opened.error().message();
        std::size_t kept = 0;
        while (kept < put.size() && (*opened)->get(put[kept].first)) ++kept;
        for (std::size_t i = kept; i < put.size(); ++i) ASSERT_EQ((*opened)->get(put[i].first).error().reason(), "unknown-artifact");
        ASSERT_GE(kept, kept_last);
        kept_last = kept;
        opened->reset();
        fs::remove_all(at);
    }
    EXPECT_EQ(kept_last, put.size());
}

TEST_P(Recovery, AnOldIndexPutBackIsNotBelieved) {
    Rig rig(GetParam());
    rig.clock->pass(1000);
    std::vector<ContentId> ids;
    for (int i = 0; i < 40; ++i) ids.push_back(rig.put_named("n" + std::to_string(i), noise(3000, static_cast<std::uint64_t>(i))));
    rig.close();
    fs::copy(rig.path() / "index", rig.scratch / "old-index", fs::copy_options::recursive);
    rig.open();
    for (std::size_t i = 0; i < 39; ++i) ASSERT_TRUE(rig.store->remove(ids[i]));
    for (int i = 0; i < 3; ++i) {
        const auto report = rig.store->collect({}, {});
        ASSERT_TRUE(report) << report.error().message();
    }
    const ContentId later = rig.put_named("later", "put later");
    rig.close();
    fs::remove_all(rig.path() / "index");
    fs::copy(rig.scratch / "old-index", rig.path() / "index", fs::copy_options::recursive);
    rig.open();
    EXPECT_TRUE(rig.noticed("index-rebuilt"));
    for (std::size_t i = 0; i < 39; ++i) EXPECT_EQ(rig.get(ids[i]), "(unknown-artifact)");
    EXPECT_EQ(rig.get(ids[39]), noise(3000, 39));
    EXPECT_EQ(rig.get(later), "put later");
    EXPECT_TRUE(rig.store->verify({Depth::data}, {})->good());
}

TEST(Recovery, ANewerFormatIsRefused) {
    Rig rig;
    rig.put("x");
    rig.close();
    for (const std::string name : {"store.json", "store-copy.json"}) {
        std::string text = read_file(rig.path() / name);
        const auto at = text.find("\"format\": 1");
        ASSERT_NE(at, std::string::npos);
        write_file(rig.path() / name, text.replace(at, 11, "\"format\": 2"));
    }
    // A newer number that the checksum does not cover is damage, not news.
    EXPECT_EQ(rig.try_open().error().reason(), "bit-rot");
}

TEST(Recovery, TheCopyOfTheHeaderStandsIn) {
    Rig rig(Suite::aes256_gcm);
    const ContentId id = rig.put("kept");
    rig.close();
    write_file(rig.path() / "store.json", "{}");
    rig.open();
    EXPECT_TRUE(rig.noticed("header-restored"));
    EXPECT_EQ(rig.get(id), "kept");
    rig.close();
    fs::remove(rig.path() / "store-copy.json");
    rig.open();
    EXPECT_EQ(rig.get(id), "kept");
}

} // namespace
} // namespace symphony::store::test
