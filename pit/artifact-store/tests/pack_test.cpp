// SPDX-License-Identifier: Apache-2.0
#include "pack.hpp"
#include "rig.hpp"

namespace symphony::store::test {
namespace {

struct PackRig {
    Scratch scratch;
    std::shared_ptr<Folder> folder = folder_at(scratch.path());
    PackContext context;
    explicit PackRig(Suite suite) {
        context.suite = suite;
        if (suite != Suite::none) context.keys.master = random_secret(32);
    }
    std::unique_ptr<PackWriter> writer() { return *PackWriter::create(*folder, context, 1); }
};

Place add(PackWriter& writer, std::string_view text) { return *writer.append(BlobType::data, 0, static_cast<std::uint32_t>(text.size()), sha256(bytes_of(text)), bytes_of(text)); }

TEST(Pack, ASealedPackListsItsBlobs) {
    for (const Suite suite : {Suite::none, Suite::aes256_gcm, Suite::xchacha20_poly1305}) {
        PackRig rig(suite);
        auto writer = rig.writer();
        std::vector<Place> places;
        for (int i = 0; i < 50; ++i) places.push_back(add(*writer, noise(static_cast<std::size_t>(i * 13), 1)));
        const PackId id = writer->id();
        ASSERT_TRUE(writer->seal(4));
        const auto file = PackFile::open(*rig.folder, sealed_path(id), id, rig.context);
        ASSERT_TRUE(file) << file.error().message();
        const auto footer = (*file)->footer();
        ASSERT_TRUE(footer) << footer.error().message();
        EXPECT_EQ(footer->collections, 4u);
        ASSERT_EQ(footer->entries.size(), 50u);
        for (std::size_t i = 0; i < 50; ++i) {
            EXPECT_EQ(footer->entries[i].offset, places[i].offset);
            EXPECT_EQ(text_of((*file)->read(places[i].offset, places[i].stored, nullptr)->content), noise(i * 13, 1));
        }
        const Digest other;
        EXPECT_EQ(damage_of((*file)->read(places[3].offset, places[3].stored, &other).error()), Damage::tampered);
    }
}

TEST(Pack, AWalkJumpsOverDamageAndTellsRotFromATornTail) {
    PackRig rig(Suite::aes256_gcm);
    auto writer = rig.writer();
    std::vector<Place> places;
    for (int i = 0; i < 6; ++i) {
        places.push_back(add(*writer, noise(200, static_cast<std::uint64_t>(i))));
        ASSERT_TRUE(writer->sync());
    }
    const auto path = rig.scratch / open_path(writer->id());
    const std::string good = read_file(path);
    const auto walk = [&] {
        std::size_t frames = 0;
        auto walked = *(*PackFile::open(*rig.folder, open_path(writer->id()), writer->id(), rig.context))->walk([&](std::uint64_t, const Frame&) { return ++frames > 0; });
        return std::pair(walked, frames);
    };
    EXPECT_EQ(walk().second, 6u);
    EXPECT_EQ(walk().first.end, good.size());
    flip(path, places[2].offset + 100);
    EXPECT_EQ(walk().second, 5u);
    EXPECT_TRUE(walk().first.hole_in_synced);
    write_file(path, good);
    flip(path, places[5].offset + 100);
    EXPECT_TRUE(walk().first.cut);
    EXPECT_FALSE(walk().first.hole_in_synced);
    EXPECT_EQ(walk().first.end, places[5].offset);
}

TEST(Pack, RolledBackBlobsAreGoneAndTheirCountersUsed) {
    PackRig rig(Suite::aes256_gcm);
    auto writer = rig.writer();
    add(*writer, "kept");
    ASSERT_TRUE(writer->sync());
    writer->mark();
    add(*writer, "lost");
    ASSERT_TRUE(writer->flush());
    writer->roll_back();
    const Place place = add(*writer, "next");
    ASSERT_TRUE(writer->sync());
    const auto file = PackFile::open(*rig.folder, open_path(writer->id()), writer->id(), rig.context);
    const auto blob = (*file)->read(place.offset, place.stored, nullptr);
    ASSERT_TRUE(blob) << blob.error().message();
    EXPECT_EQ(text_of(blob->content), "next");
    EXPECT_EQ(blob->frame.counter, 2u); // 1 was written once, with other bytes
}

} // namespace
} // namespace symphony::store::test
