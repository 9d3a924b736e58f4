// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::store::test {
namespace {

Status open_with(Rig& rig, Secret secret) {
    OpenOptions options = rig.options();
    options.secret = std::move(secret);
    auto opened = Store::open(rig.folder, std::move(options));
    if (!opened) return std::move(opened).error();
    return (*opened)->close();
}

TEST(Keys, SlotsAreAddedAndRemovedWithoutTouchingPacks) {
    Rig rig(Suite::xchacha20_poly1305);
    const ContentId id = rig.put(noise(100'000, 1));
    rig.reopen();
    const std::string pack = read_file(rig.files("packs")[0]);
    const std::string file(40, 'k');
    const auto slot = rig.store->add_key(Secret::key_file(bytes_of(file)), "backup", quick_cost);
    ASSERT_TRUE(slot) << slot.error().message();
    const auto passphrase = rig.store->description().slots[0].id;
    EXPECT_EQ(rig.store->add_key(Secret::key_file(bytes_of("short")), "", quick_cost).error().reason(), "weak-key-file");
    rig.close();
    EXPECT_TRUE(open_with(rig, Secret::key_file(bytes_of(file))));
    EXPECT_EQ(open_with(rig, Secret::key_file(bytes_of(std::string(40, 'x')))).error().reason(), "wrong-key");
    rig.open();
    EXPECT_EQ(rig.store->remove_key("nonsense").error().reason(), "unknown-key");
    ASSERT_TRUE(rig.store->remove_key(passphrase));
    EXPECT_EQ(rig.store->remove_key(slot->id).error().reason(), "last-key");
    rig.close();
    EXPECT_EQ(rig.try_open().error().reason(), "wrong-key");
    EXPECT_TRUE(open_with(rig, Secret::key_file(bytes_of(file))));
    EXPECT_EQ(read_file(rig.files("packs")[0]), pack);
    static_cast<void>(id);
}

TEST(Keys, RotationWrapsAnewAndLeavesData) {
    for (const Suite suite : {Suite::aes256_gcm, Suite::xchacha20_poly1305}) {
        Rig rig(suite);
        const ContentId small = rig.put("small"), large = rig.put(noise(3'000'000, 1));
        ASSERT_TRUE(rig.store->add_key(Secret::passphrase("another"), "", quick_cost));
        rig.reopen();
        std::vector<std::string> before;
        for (const auto& file : rig.files("packs")) before.push_back(read_file(file));
        const std::string header = read_file(rig.path() / "store.json");
        EXPECT_EQ(rig.store->rotate(Secret::passphrase("wrong"), {}).error().reason(), "wrong-key");
        const auto dropped = rig.store->rotate(Secret::passphrase("correct horse"), {});
        ASSERT_TRUE(dropped) << dropped.error().message();
        EXPECT_EQ(dropped->size(), 1u);
        EXPECT_EQ(rig.get(small), "small");
        const ContentId later = rig.put("later");
        rig.reopen();
        EXPECT_EQ(rig.get(small), "small");
        EXPECT_EQ(rig.get(large), noise(3'000'000, 1));
        EXPECT_EQ(rig.get(later), "later");
        EXPECT_TRUE(rig.store->verify({Depth::data}, {})->good());
        for (const auto& file : rig.files("packs")) {
            const std::string now = read_file(file);
            for (const std::string& old : before) {
                if (old.size() == now.size() && old.substr(0, 64) == now.substr(0, 64)) {
                    EXPECT_TRUE(old.substr(512) == now.substr(512));
                    EXPECT_NE(old.substr(64, 256), now.substr(64, 256));
                }
            }
        }
        rig.close();
        EXPECT_EQ(open_with(rig, Secret::passphrase("another")).error().reason(), "wrong-key");
        // Whoever kept the old header can open nothing with it any more.
        const std::string fresh = read_file(rig.path() / "store.json");
        write_file(rig.path() / "store.json", header);
        const auto old = rig.try_open();
        if (old) {
            EXPECT_EQ(damage_of(rig.store->get(small).error()), Damage::tampered);
            rig.store.reset();
        }
        write_file(rig.path() / "store.json", fresh);
        write_file(rig.path() / "store-copy.json", fresh);
    }
}

TEST(Keys, AnInterruptedRotationIsFinishedByTheNext) {
    Rig rig(Suite::aes256_gcm);
    std::vector<ContentId> ids;
    for (int i = 0; i < 5; ++i) {
        ids.push_back(rig.put("content " + std::to_string(i)));
        rig.reopen();
    }
    int told = 0;
    const auto stopped = rig.store->rotate(Secret::passphrase("correct horse"), [&](const Progress&) { return ++told < 4; });
    EXPECT_EQ(stopped.error().code(), Code::cancelled);
    rig.reopen();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(rig.get(ids[static_cast<std::size_t>(i)]), "content " + std::to_string(i));
    ASSERT_TRUE(rig.store->rotate(Secret::passphrase("correct horse"), {}));
    rig.reopen();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(rig.get(ids[static_cast<std::size_t>(i)]), "content " + std::to_string(i));
    EXPECT_NE(read_file(rig.path() / "store.json").find("\"previous\": \"\""), std::string::npos);
}

TEST(Keys, AStoreWithoutEncryptionHasNone) {
    Rig rig;
    EXPECT_EQ(rig.store->add_key(Secret::passphrase("x"), "", quick_cost).error().reason(), "not-encrypted");
    EXPECT_EQ(rig.store->rotate(Secret::passphrase("x"), {}).error().reason(), "not-encrypted");
}

} // namespace
} // namespace symphony::store::test
