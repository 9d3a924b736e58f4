// SPDX-License-Identifier: Apache-2.0
#include "chunker.hpp"
#include "rig.hpp"

#include <set>

namespace symphony::store::test {
namespace {

std::vector<std::string> cut_all(const Chunker& chunker, std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const std::size_t size = chunker.cut(bytes_of(text.substr(0, chunker.sizes().max)));
        out.emplace_back(text.substr(0, size));
        text.remove_prefix(size);
    }
    return out;
}

TEST(Chunker, ChunksKeepTheirSizes) {
    for (const Profile profile : {Profile::text, Profile::standard, Profile::model}) {
        const Chunker chunker(profile, {});
        const auto sizes = chunker.sizes();
        for (const std::string& text : {noise(sizes.average * 60, 1), std::string(sizes.average * 20, 'x')}) {
            const auto chunks = cut_all(chunker, text);
            for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
                EXPECT_GE(chunks[i].size(), sizes.min);
                EXPECT_LE(chunks[i].size(), sizes.max);
            }
        }
        const double mean = static_cast<double>(sizes.average) * 60 / static_cast<double>(cut_all(chunker, noise(sizes.average * 60, 1)).size());
        EXPECT_GT(mean, sizes.average * 0.6);
        EXPECT_LT(mean, sizes.average * 1.7);
    }
}

TEST(Chunker, AnInsertionMovesOnlyTheCutsAroundIt) {
    const Chunker chunker(Profile::text, {});
    const std::string text = noise(2'000'000, 2);
    const auto before = cut_all(chunker, text);
    const auto after = cut_all(chunker, text.substr(0, 1'000'000) + "inserted" + text.substr(1'000'000));
    const std::set<std::string> known(before.begin(), before.end());
    std::size_t fresh = 0;
    for (const std::string& chunk : after) fresh += known.contains(chunk) ? 0 : 1;
    EXPECT_LE(fresh, 3u);
}

TEST(Chunker, AnotherKeyCutsElsewhere) {
    const std::string key_a(32, 'a'), key_b(32, 'b'), text = noise(1'000'000, 3);
    const auto a = cut_all(Chunker(Profile::text, bytes_of(key_a)), text), b = cut_all(Chunker(Profile::text, bytes_of(key_b)), text);
    EXPECT_EQ(a, cut_all(Chunker(Profile::text, bytes_of(key_a)), text));
    const std::set<std::string> known(a.begin(), a.end());
    std::size_t same = 0;
    for (const std::string& chunk : b) same += known.contains(chunk) ? 1 : 0;
    EXPECT_LE(same, 2u);
}

} // namespace
} // namespace symphony::store::test
