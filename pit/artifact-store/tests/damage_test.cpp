// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::store::test {
namespace {

namespace fs = std::filesystem;

class Damaged : public testing::TestWithParam<Suite> {};
INSTANTIATE_TEST_SUITE_P(Store, Damaged, testing::Values(Suite::none, Suite::aes256_gcm, Suite::xchacha20_poly1305),
                         [](const auto& of) { return of.param == Suite::none ? "Plain" : of.param == Suite::aes256_gcm ? "Aes" : "Chacha"; });

struct Small {
    std::vector<std::pair<ContentId, std::string>> contents;
    std::vector<std::string> names;
};

Small fill(Rig& rig) {
    Small small;
    for (int i = 0; i < 4; ++i) {
        const std::string text = i == 0 ? std::string() : prose(static_cast<std::size_t>(i * 60), static_cast<std::uint64_t>(i));
        small.names.push_back("name " + std::to_string(i));
        PutOptions options;
        options.name = small.names.back();
        options.tags = {"tag"};
        small.contents.emplace_back(rig.put(text, options), text);
    }
    return small;
}

/// Never a wrong answer: every content is right or its error has a class, or says that the index must be made anew.
std::string wrong_in(Store& store, const Small& small) {
    for (std::size_t i = 0; i < small.contents.size(); ++i) {
        const auto& [id, text] = small.contents[i];
        const auto got = store.get(id);
        if (got && got->text() != text) return "other bytes for " + id.hex();
        if (!got && !damage_of(got.error()) && got.error().reason() != "index-corrupt") return "get: " + got.error().message();
        const auto info = store.info(small.names[i]);
        if (info && (info->id != id || info->size != text.size() || info->version != 1 || info->tags != std::vector<std::string>{"tag"})) return "other info for " + small.names[i];
        if (!info && !damage_of(info.error()) && info.error().reason() != "index-corrupt") return "info: " + info.error().message();
    }
    return {};
}

TEST_P(Damaged, NoFlippedBitGivesAWrongAnswer) {
    Rig rig(GetParam());
    const Small small = fill(rig);
    rig.close();
    std::size_t refused = 0, healed = 0, sweep = 0;
    for (const auto& file : rig.files("")) {
        const std::string name = fs::relative(file, rig.path()).string();
        const std::string good = read_file(file);
        // Every byte takes minutes with each suite: another residue for each, and of the index, which is mostly empty pages, few.
        // SYMPHONY_STORE_EVERY_BYTE=1 looks at all.
        const std::size_t step = std::getenv("SYMPHONY_STORE_EVERY_BYTE") != nullptr ? 1 : name == "index/index.db" ? 1999 : 11;
        for (std::size_t offset = static_cast<std::size_t>(GetParam()); offset < good.size(); offset += step) {
            const auto at = rig.scratch / "flipped";
            fs::remove_all(at);
            fs::copy(rig.path(), at, fs::copy_options::recursive);
            flip(at / name, offset, static_cast<char>(1 << (offset % 8)));
            ++sweep;
            auto opened = Store::open(folder_at(at), rig.options());
            if (!opened) {
                ASSERT_TRUE(damage_of(opened.error()) || opened.error().reason() == "index-corrupt") << name << " " << offset << ": " << opened.error().message();
                ++refused;
                continue;
            }
            const std::string wrong = wrong_in(**opened, small);
            ASSERT_EQ(wrong, "") << name << " at " << offset;
            ++healed;
        }
    }
    EXPECT_GT(sweep, 300u);
    EXPECT_GT(healed, refused);
}

TEST_P(Damaged, NoCutFileGivesAWrongAnswer) {
    Rig rig(GetParam());
    const Small small = fill(rig);
    rig.close();
    for (const auto& file : rig.files("packs")) {
        const std::string good = read_file(file);
        for (std::size_t size = 0; size < good.size(); size += 41) {
            write_file(file, good.substr(0, size));
            auto opened = Store::open(rig.folder, rig.options());
            ASSERT_TRUE(opened) << opened.error().message();
            ASSERT_EQ(wrong_in(**opened, small), "") << size;
            const auto report = (*opened)->verify({}, {});
            ASSERT_TRUE(report);
            ASSERT_FALSE(report->good()) << size;
        }
        write_file(file, good);
    }
}

TEST_P(Damaged, ExchangedPacksAreTampering) {
    Rig rig(GetParam());
    const ContentId one = rig.put(noise(3000, 1));
    rig.reopen();
    const ContentId two = rig.put(noise(3000, 2));
    rig.close();
    const auto packs = rig.files("packs");
    ASSERT_EQ(packs.size(), 2u);
    const std::string first = read_file(packs[0]), second = read_file(packs[1]);
    write_file(packs[0], second);
    write_file(packs[1], first);
    rig.open();
    for (const ContentId& id : {one, two}) EXPECT_EQ(damage_of(rig.store->get(id).error()), Damage::tampered);
    EXPECT_FALSE(rig.store->verify({}, {})->good());
}

TEST_P(Damaged, APackOfAnotherStoreIsTampering) {
    Rig rig(GetParam()), other(GetParam());
    const ContentId id = rig.put("same content");
    other.put("same content");
    rig.close();
    other.close();
    fs::copy(other.files("packs")[0], rig.files("packs")[0], fs::copy_options::overwrite_existing);
    rig.open();
    EXPECT_EQ(damage_of(rig.store->get(id).error()), Damage::tampered);
}

} // namespace
} // namespace symphony::store::test
