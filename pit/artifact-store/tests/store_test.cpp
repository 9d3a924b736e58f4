// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <algorithm>
#include <thread>

namespace symphony::store::test {
namespace {

class EverySuite : public testing::TestWithParam<Suite> {};
INSTANTIATE_TEST_SUITE_P(Store, EverySuite, testing::Values(Suite::none, Suite::aes256_gcm, Suite::xchacha20_poly1305),
                         [](const auto& of) { return of.param == Suite::none ? "Plain" : of.param == Suite::aes256_gcm ? "Aes" : "Chacha"; });

TEST_P(EverySuite, GivesBackWhatItWasGiven) {
    Rig rig(GetParam());
    const std::vector<std::size_t> sizes{0, 1, 31, 32, 4096, 65'535, 65'536, 300'000, 1 << 20, (1 << 20) + 1, 5'000'000};
    std::vector<std::pair<ContentId, std::string>> put;
    for (const std::size_t size : sizes) {
        for (const bool packs : {true, false}) {
            const std::string text = packs ? prose(size, size) : noise(size, size);
            put.emplace_back(rig.put(text), text);
        }
    }
    for (int round = 0; round < 2; ++round) {
        for (const auto& [id, text] : put) {
            SCOPED_TRACE(text.size());
            EXPECT_EQ(rig.get(id), text);
            auto stream = rig.store->open_get(id);
            ASSERT_TRUE(stream) << stream.error().message();
            std::string all;
            std::vector<std::uint8_t> part(70'001);
            for (;;) {
                const auto got = (*stream)->read(part);
                ASSERT_TRUE(got) << got.error().message();
                if (*got == 0) break;
                all.append(text_of(Bytes(part).first(*got)));
            }
            EXPECT_TRUE(all == text);
        }
        rig.reopen();
    }
}

TEST_P(EverySuite, PutsAGroupAsOneAfterTheOther) {
    Rig rig(GetParam());
    rig.put_named("known", "is here");
    std::vector<std::string> texts{"is here", "", noise((1 << 20) + 5, 1), "twice", "twice"};
    for (std::size_t i = 0; i < 700; ++i) texts.push_back(prose(10 + i * 7, i));
    std::vector<PutItem> items;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        items.push_back({bytes_of(texts[i]), {}});
        items.back().options.name = i % 3 == 0 ? "line" : "name " + std::to_string(i);
    }
    items[3].options.tags = {std::string(300, 'x')};
    items[6].options.after_version = 7;
    const auto stored = rig.store->put_group(items);
    ASSERT_EQ(stored.size(), items.size());
    std::uint32_t line = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
        SCOPED_TRACE(i);
        if (i == 3 || i == 6) {
            ASSERT_FALSE(stored[i]);
            EXPECT_EQ(stored[i].error().reason(), i == 3 ? "bad-tag" : "newer-version");
            continue;
        }
        ASSERT_TRUE(stored[i]) << stored[i].error().message();
        EXPECT_EQ(stored[i]->id.hex(), sha256_hex(texts[i]));
        if (i % 3 == 0) {
            EXPECT_EQ(stored[i]->version, ++line);
        }
    }
    EXPECT_EQ(rig.store->put_group({}).size(), 0u);
    rig.reopen();
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (stored[i]) {
            EXPECT_TRUE(rig.get(stored[i]->id) == texts[i]) << i;
        }
    }
    EXPECT_EQ(rig.get(*ContentId::parse(sha256_hex(texts[6]))), "(unknown-artifact)");
    const auto reader = rig.reader();
    const auto refused = reader->put_group(items);
    ASSERT_EQ(refused.size(), items.size());
    EXPECT_EQ(refused.front().error().reason(), "read-only");
}

TEST_P(EverySuite, AnIdIsTheSha256OfTheContent) {
    Rig rig(GetParam());
    EXPECT_EQ(rig.put("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(rig.put("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_P(EverySuite, ReadsAnyRange) {
    Rig rig(GetParam(), Profile::text);
    const std::string text = noise(700'000, 7);
    const ContentId id = rig.put(text);
    std::mt19937_64 random(11);
    for (int i = 0; i < 200; ++i) {
        const std::size_t offset = random() % (text.size() + 1), size = 1 + random() % 100'000;
        const auto got = rig.store->get(id, offset, size);
        ASSERT_TRUE(got) << got.error().message();
        ASSERT_TRUE(got->text() == std::string_view(text).substr(offset, size)) << offset << " " << size;
    }
    EXPECT_EQ(rig.store->get(id, text.size() + 1, 1).error().reason(), "bad-range");
    EXPECT_EQ(rig.store->get(id, 0, 0, 1000).error().reason(), "too-large");
    auto stream = rig.store->open_get(id);
    ASSERT_TRUE(stream);
    for (int i = 0; i < 50; ++i) {
        const std::size_t offset = random() % (text.size() + 1);
        ASSERT_TRUE((*stream)->seek(offset));
        std::vector<std::uint8_t> part(1 + random() % 90'000);
        const auto got = (*stream)->read(part);
        ASSERT_TRUE(got) << got.error().message();
        ASSERT_TRUE(text_of(Bytes(part).first(*got)) == std::string_view(text).substr(offset, part.size())) << offset;
    }
    EXPECT_EQ((*stream)->seek(text.size() + 1).error().reason(), "bad-range");
}

TEST_P(EverySuite, AStreamOfAnyPartsIsTheSameArtifact) {
    Rig rig(GetParam());
    const std::string text = noise(6'000'000, 3);
    const ContentId id = rig.put(text);
    for (const std::size_t part : {1'000u, 65'536u, 999'999u, 6'000'000u}) {
        auto stream = rig.store->begin_put({});
        ASSERT_TRUE(stream);
        for (std::size_t at = 0; at < text.size(); at += part) {
            const auto appended = (*stream)->append(bytes_of(std::string_view(text).substr(at, part)));
            ASSERT_TRUE(appended) << appended.error().message();
        }
        const auto info = (*stream)->finish();
        ASSERT_TRUE(info) << info.error().message();
        EXPECT_EQ(info->id, id);
        EXPECT_EQ((*stream)->finish().error().reason(), "stream-over");
    }
    const auto stats = rig.store->stats();
    ASSERT_TRUE(stats);
    EXPECT_EQ(stats->artifacts, 1u);
    EXPECT_LT(stats->unique_bytes, text.size() + 1);
}

TEST(Store, AnAbandonedStreamLeavesNothing) {
    Rig rig;
    {
        auto stream = rig.store->begin_put({});
        ASSERT_TRUE(stream);
        ASSERT_TRUE((*stream)->append(bytes_of(noise(3'000'000, 1))));
    }
    auto stream = rig.store->begin_put({});
    ASSERT_TRUE((*stream)->append(bytes_of(noise(3'000'000, 2))));
    (*stream)->abandon();
    EXPECT_EQ((*stream)->append({}).error().reason(), "stream-over");
    const auto stats = rig.store->stats();
    ASSERT_TRUE(stats);
    EXPECT_EQ(stats->artifacts, 0u);
    EXPECT_EQ(stats->stored_bytes, 0u);
}

TEST(Store, TheSameBytesAreStoredOnce) {
    Rig rig;
    const std::string text = noise(50'000, 5);
    const ContentId id = rig.put(text);
    const auto before = rig.store->stats();
    EXPECT_EQ(rig.put(text), id);
    EXPECT_EQ(rig.store->stats()->stored_bytes, before->stored_bytes);
    // A changed middle costs the chunks around it.
    std::string large = noise(8'000'000, 6);
    rig.put(large);
    const auto one = rig.store->stats()->stored_bytes;
    large.insert(4'000'000, "an insertion");
    rig.put(large);
    EXPECT_LT(rig.store->stats()->stored_bytes - one, 3u << 20);
}

TEST(Store, TheSameBytesAtTheSameTimeAreStoredOnce) {
    Rig rig;
    const std::string text = noise(60'000, 9);
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 20; ++k) good += rig.store->put(bytes_of(text + std::to_string(k)), {}) ? 1 : 0;
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 160);
    const auto stats = rig.store->stats();
    EXPECT_EQ(stats->artifacts, 20u);
    EXPECT_LT(stats->stored_bytes, 20 * 61'000u);
    EXPECT_TRUE(rig.store->verify({Depth::data}, {})->good());
}

TEST(Store, ManyPutAndGetAtTheSameTime) {
    for (const Suite suite : {Suite::none, Suite::aes256_gcm}) {
        Rig rig(suite);
        std::vector<std::thread> threads;
        std::atomic<int> wrong{0};
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&, i] {
                for (int k = 0; k < 30; ++k) {
                    const std::string text = prose(static_cast<std::size_t>(k == 7 ? 3'000'000 : 500 * k), static_cast<std::uint64_t>(i * 1000 + k));
                    PutOptions options;
                    options.name = "line " + std::to_string(k % 3);
                    const auto info = rig.store->put(bytes_of(text), options);
                    if (!info || rig.get(info->id) != text) ++wrong;
                }
            });
        }
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(wrong, 0);
        rig.reopen();
        const auto report = rig.store->verify({Depth::data}, {});
        ASSERT_TRUE(report) << report.error().message();
        EXPECT_TRUE(report->good()) << report->findings.front().text;
    }
}

TEST(Store, OneWriterAndManyReaders) {
    Rig rig;
    const auto second = Store::open(rig.folder, rig.options());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().reason(), "store-locked");
    EXPECT_NE(second.error().message().find("the test"), std::string::npos);
    const auto reader = rig.reader();
    ASSERT_TRUE(reader);
    const ContentId id = rig.put_named("new", "seen by the reader");
    const auto got = reader->get(id);
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->text(), "seen by the reader");
    EXPECT_EQ(reader->info("new")->id, id);
    EXPECT_EQ(reader->put(bytes_of("x"), {}).error().reason(), "read-only");
    EXPECT_EQ(reader->remove(id).error().reason(), "read-only");
    EXPECT_EQ(reader->collect({}).error().reason(), "read-only");
    rig.reopen();
    EXPECT_EQ(reader->get(id)->text(), "seen by the reader");
}

TEST(Store, QuotasAreKept) {
    Rig rig;
    ASSERT_TRUE(rig.store->set_quota({100'000, 3}));
    rig.put(noise(40'000, 1));
    rig.put(noise(40'000, 2));
    const auto third = rig.store->put(bytes_of(noise(40'000, 3)), {});
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code(), Code::exhausted);
    EXPECT_EQ(third.error().reason(), "store-full");
    rig.put("small");
    EXPECT_EQ(rig.store->put(bytes_of("fourth"), {}).error().reason(), "store-full");
    rig.put("small"); // is there already
    rig.reopen();
    EXPECT_EQ(rig.store->stats()->quota_artifacts, 3u);
    EXPECT_EQ(rig.store->put(bytes_of("fourth"), {}).error().reason(), "store-full");
}

TEST(Store, TheRelaxedModeKeepsWhatIsClosed) {
    Rig rig;
    rig.close();
    rig.durability = Durability::relaxed;
    rig.open();
    std::vector<ContentId> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(rig.put("relaxed " + std::to_string(i)));
    const ContentId large = rig.put(noise(3'000'000, 4));
    rig.reopen();
    for (int i = 0; i < 50; ++i) EXPECT_EQ(rig.get(ids[static_cast<std::size_t>(i)]), "relaxed " + std::to_string(i));
    EXPECT_EQ(rig.get(large), noise(3'000'000, 4));
}

TEST(Store, RefusesAFolderThatHoldsOne) {
    Rig rig;
    EXPECT_EQ(Store::init(*rig.folder, {}).error().reason(), "store-exists");
    Scratch empty;
    EXPECT_EQ(Store::open(folder_at(empty.path()), {}).error().reason(), "no-store");
    InitOptions no_key;
    no_key.suite = Suite::aes256_gcm;
    EXPECT_EQ(Store::init(*folder_at(empty.path()), std::move(no_key)).error().reason(), "key-needed");
}

TEST(Store, AWrongKeyIsNotCorruption) {
    for (const Suite suite : {Suite::aes256_gcm, Suite::xchacha20_poly1305}) {
        Rig rig(suite);
        rig.put("secret");
        rig.close();
        OpenOptions options = rig.options();
        options.secret = Secret::passphrase("wrong horse");
        EXPECT_EQ(Store::open(rig.folder, std::move(options)).error().reason(), "wrong-key");
        EXPECT_EQ(Store::open(rig.folder, {}).error().reason(), "key-needed");
        rig.open();
    }
}

TEST(Store, AnEncryptedStoreHidesNamesAndContents) {
    Rig rig(Suite::aes256_gcm);
    PutOptions options;
    options.name = "plan-of-the-merger";
    options.message = "for-the-board-only";
    options.tags = {"very-secret-tag"};
    const ContentId id = rig.put("the-content-nobody-may-see", options);
    rig.close();
    for (const auto& path : rig.files("")) {
        const std::string bytes = read_file(path);
        for (const std::string& word : {options.name, options.message, options.tags[0], std::string("the-content-nobody-may-see"), id.hex(), std::string(text_of(id.bytes))}) {
            EXPECT_EQ(bytes.find(word), std::string::npos) << path << " tells " << word;
        }
    }
}

} // namespace
} // namespace symphony::store::test
