// SPDX-License-Identifier: Apache-2.0
#include "decoders.hpp"
#include "rig.hpp"

namespace symphony::store::test {
namespace {

Batch some_batch() {
    ArtifactRecord artifact;
    artifact.size = 30;
    artifact.chunks = 2;
    artifact.parts = {{sha256(bytes_of("a")), 10}, {sha256(bytes_of("b")), 20}};
    artifact.media_type = "text/plain";
    artifact.tags = {"x", "y"};
    artifact.origins = {{{sha256(bytes_of("in"))}, {"run", "node", "digest"}, 5}};
    Batch batch;
    batch.collections = 3;
    Record one;
    one.kind = Kind::artifact;
    one.key.assign(32, 7);
    one.sequence = 9;
    one.actor = "me";
    one.value = artifact.encode();
    Record two;
    two.kind = Kind::version;
    two.key = version_key("name", 4);
    two.action = Action::version;
    two.value = VersionRecord{sha256(bytes_of("a")), std::nullopt, "message", 1, "me", {}}.encode();
    batch.records = {one, two};
    return batch;
}

TEST(Records, ComeBackAsTheyWere) {
    const Batch batch = some_batch();
    const auto again = Batch::decode(batch.encode());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->records, batch.records);
    EXPECT_EQ(again->collections, 3u);
    EXPECT_EQ(ArtifactRecord::decode(batch.records[0].value)->tags, (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(read_version_key(batch.records[1].key), std::pair(std::string("name"), 4u));
}

TEST(Records, NoCutOrFlipCrashesADecoder) {
    const auto bytes = some_batch().encode();
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(Batch::decode(Bytes(bytes).first(size)));
    std::mt19937_64 random(5);
    for (int i = 0; i < 20'000; ++i) {
        auto bad = bytes;
        for (int k = 0; k < 3; ++k) bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
        for (std::uint8_t kind = 0; kind < 10; ++kind) {
            bad.insert(bad.begin(), kind);
            fuzz::decode_any(bad);
            bad.erase(bad.begin());
        }
    }
}

} // namespace
} // namespace symphony::store::test
