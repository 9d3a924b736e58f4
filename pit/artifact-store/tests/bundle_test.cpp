// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::store::test {
namespace {

std::string exported(Store& store, std::span<const ContentId> ids = {}) {
    std::string out;
    const auto report = store.export_bundle(ids, [&](Bytes bytes) -> Status {
        out += text_of(bytes);
        return {};
    }, {});
    EXPECT_TRUE(report) << report.error().message();
    return out;
}
Result<TransferReport> imported(Store& store, std::string_view bundle) {
    std::size_t at = 0;
    return store.import_bundle([&](std::span<std::uint8_t> to) -> Result<std::size_t> {
        const std::size_t size = std::min({to.size(), bundle.size() - at, std::size_t{4097}});
        std::copy_n(bundle.begin() + static_cast<std::ptrdiff_t>(at), size, to.begin());
        at += size;
        return size;
    }, {});
}

void fill(Rig& rig) {
    PutOptions options;
    options.tags = {"t"};
    options.made_by.run = "run 9";
    options.media_type = "text/plain";
    const ContentId raw = rig.put("raw", options);
    options.inputs = {raw};
    options.name = "line";
    options.message = "one";
    rig.put("first", options);
    options.message = "two";
    rig.clock->pass(5);
    const ContentId second = rig.put(noise(3'000'000, 1), options);
    EXPECT_TRUE(rig.store->set_quality(second, 0.5));
    rig.put("");
}

void expect_same(Store& a, Store& b) {
    const auto listed = a.list({}, "", 100);
    ASSERT_TRUE(listed);
    EXPECT_EQ(listed->items.size(), b.list({}, "", 100)->items.size());
    for (const ArtifactInfo& info : listed->items) {
        const auto other = b.info(info.id);
        ASSERT_TRUE(other) << other.error().message();
        EXPECT_EQ(other->tags, info.tags);
        EXPECT_EQ(other->origins, info.origins);
        EXPECT_EQ(other->media_type, info.media_type);
        EXPECT_DOUBLE_EQ(other->quality, info.quality);
        EXPECT_TRUE(*a.get(info.id) == *b.get(info.id));
    }
    const auto history = a.history("line", 10), other = b.history("line", 10);
    ASSERT_EQ(history->size(), other->size());
    for (std::size_t i = 0; i < history->size(); ++i) {
        EXPECT_EQ((*history)[i].id, (*other)[i].id);
        EXPECT_EQ((*history)[i].message, (*other)[i].message);
        EXPECT_EQ((*history)[i].created_ms, (*other)[i].created_ms);
    }
}

TEST(Bundle, CarriesEverythingToAnotherStore) {
    Rig from(Suite::aes256_gcm), to(Suite::none, Profile::text);
    fill(from);
    to.clock->pass(100'000);
    const std::string bundle = exported(*from.store);
    for (int round = 0; round < 2; ++round) {
        const auto report = imported(*to.store, bundle);
        ASSERT_TRUE(report) << report.error().message();
        EXPECT_EQ(report->artifacts, 4u);
        EXPECT_EQ(report->artifacts_new, round == 0 ? 4u : 0u);
        EXPECT_EQ(report->versions_new, round == 0 ? 2u : 0u);
        expect_same(*from.store, *to.store);
    }
}

TEST(Bundle, ChosenArtifactsOnly) {
    Rig from, to;
    fill(from);
    const std::vector<ContentId> ids{from.store->info("line@1")->id};
    ASSERT_TRUE(imported(*to.store, exported(*from.store, ids)));
    EXPECT_EQ(to.store->stats()->artifacts, 1u);
    EXPECT_EQ(to.store->info("line")->version, 1u);
    const std::vector<ContentId> none{Digest()};
    EXPECT_EQ(from.store->export_bundle(none, [](Bytes) { return Status(); }, {}).error().reason(), "unknown-artifact");
}

TEST(Bundle, EveryFlipAndCutIsNoticed) {
    Rig from;
    from.put_named("n", "some content");
    from.put("more");
    const std::string bundle = exported(*from.store);
    Rig to; // what came before the fault stays, and must not make a faulty bundle good
    for (std::size_t at = 0; at < bundle.size(); ++at) {
        std::string bad = bundle;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        const auto report = imported(*to.store, bad);
        ASSERT_FALSE(report) << at;
        EXPECT_TRUE(damage_of(report.error()) || report.error().reason() == "not-a-bundle") << at << report.error().message();
        if (at % 10 != 0) continue;
        const auto cut = imported(*to.store, std::string_view(bundle).substr(0, at));
        ASSERT_FALSE(cut);
        EXPECT_EQ(damage_of(cut.error()), Damage::torn);
    }
}

TEST(Bundle, PullBringsWhatIsMissing) {
    Rig from, to(Suite::xchacha20_poly1305);
    fill(from);
    to.put("raw");
    to.put_named("line", "their own");
    const auto report = to.store->pull(*from.store, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->artifacts_new, 3u);
    EXPECT_EQ(report->versions_new, 2u);
    EXPECT_EQ(to.store->history("line", 10)->size(), 3u);
    EXPECT_EQ(to.store->info("line")->id, from.store->info("line")->id);
    EXPECT_EQ(to.store->pull(*from.store, {})->artifacts_new, 0u);
    EXPECT_EQ(to.store->history("line", 10)->size(), 3u);
}

} // namespace
} // namespace symphony::store::test
