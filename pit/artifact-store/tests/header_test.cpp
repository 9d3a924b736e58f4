// SPDX-License-Identifier: Apache-2.0
#include "header.hpp"
#include "rig.hpp"

namespace symphony::store::test {
namespace {

TEST(Header, ANewerFormatIsSaidAndNotGuessed) {
    Header header;
    header.format = 2;
    const auto newer = Header::parse(header.print({}));
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().reason(), "wrong-version");
    EXPECT_EQ(newer.error().code(), Code::unsupported);
    EXPECT_NE(newer.error().message().find("format 2"), std::string::npos);
    Rig rig;
    rig.close();
    for (const std::string name : {"store.json", "store-copy.json"}) write_file(rig.path() / name, header.print({}));
    EXPECT_EQ(rig.try_open().error().reason(), "wrong-version");
    EXPECT_EQ(Store::describe(*rig.folder).error().reason(), "wrong-version");
}

TEST(Header, EveryFlippedBitIsNoticed) {
    Header header;
    header.suite = Suite::xchacha20_poly1305;
    Keys keys;
    keys.master = random_secret(32);
    keys.root = random_secret(32);
    header.set_keys(keys);
    ASSERT_TRUE(header.add_slot(Secret::passphrase("p"), "label", quick_cost, keys.master.bytes(), 1));
    const std::string text = header.print(keys.master.bytes());
    ASSERT_TRUE(Header::parse(text));
    ASSERT_TRUE(Header::parse(text)->unlock(Secret::passphrase("p"), text));
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string bad = text;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        const auto parsed = Header::parse(bad);
        // Blanks between the fields are not covered, and mean nothing.
        if (!parsed) {
            EXPECT_TRUE(damage_of(parsed.error()));
            continue;
        }
        // Or it is the MAC that does not fit any more, which the key tells.
        EXPECT_EQ(parsed->repository, header.repository);
        EXPECT_EQ(parsed->root, header.root);
        EXPECT_EQ(parsed->slots[0].wrapped, header.slots[0].wrapped);
    }
}

TEST(Header, AChangeWithoutTheKeyIsTampering) {
    Rig rig(Suite::aes256_gcm);
    rig.close();
    const auto read = read_header(*rig.folder);
    ASSERT_TRUE(read);
    Header changed = read->header;
    changed.profile = Profile::model;
    const std::string text = changed.print(bytes_of("not the master key of this store")); // its checksum fits
    for (const std::string name : {"store.json", "store-copy.json"}) write_file(rig.path() / name, text);
    EXPECT_EQ(rig.try_open().error().reason(), "tampered");
}

} // namespace
} // namespace symphony::store::test
