// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <random>
#include <thread>

namespace symphony::store::test {
namespace {

namespace fs = std::filesystem;

CollectReport collect(Rig& rig, const CollectOptions& options = {}) {
    const auto report = rig.store->collect(options, {});
    if (!report) ADD_FAILURE() << report.error().message();
    return report ? *report : CollectReport();
}
void expect_good(Store& store) {
    const auto report = store.verify({Depth::data}, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->good()) << report->findings.front().text;
}

TEST(Collect, TakesTwoPhasesAndKeepsWhatIsUsed) {
    for (const Suite suite : {Suite::none, Suite::aes256_gcm}) {
        Rig rig(suite);
        rig.clock->pass(1000);
        const ContentId kept = rig.put_named("kept", noise(5'000, 1));
        const ContentId loose = rig.put(noise(300'000, 2));
        const ContentId large = rig.put(noise(4'000'000, 3));
        CollectOptions dry;
        dry.dry_run = true;
        EXPECT_EQ(collect(rig, dry).artifacts_dropped, 2u);
        EXPECT_TRUE(rig.store->get(loose));
        const auto first = collect(rig);
        EXPECT_EQ(first.artifacts_dropped, 2u);
        EXPECT_GT(first.condemned, 0u);
        EXPECT_EQ(first.blobs_deleted, 0u);
        const auto second = collect(rig);
        EXPECT_EQ(second.blobs_deleted, first.condemned);
        EXPECT_GT(second.freed_bytes, 4'000'000u);
        EXPECT_EQ(rig.get(large), "(unknown-artifact)");
        EXPECT_EQ(rig.get(kept), noise(5'000, 1));
        rig.reopen();
        collect(rig);
        collect(rig);
        CollectOptions empty;
        empty.empty_trash = true;
        EXPECT_GT(collect(rig, empty).trash_emptied_bytes, 4'000'000u);
        EXPECT_EQ(rig.get(kept), noise(5'000, 1));
        expect_good(*rig.store);
        std::uintmax_t bytes = 0;
        for (const auto& file : rig.files("")) bytes += file.string().find("index") == std::string::npos ? fs::file_size(file) : 0;
        EXPECT_LT(bytes, 100'000u);
        rig.reopen();
        EXPECT_EQ(rig.get(kept), noise(5'000, 1));
        EXPECT_EQ(rig.store->info("kept")->version, 1u);
    }
}

TEST(Collect, WhatIsPutAgainComesBackToLife) {
    Rig rig;
    rig.clock->pass(1000);
    const std::string text = noise(200'000, 4), large = noise(3'000'000, 5);
    const ContentId id = rig.put(text), big = rig.put(large);
    collect(rig);
    EXPECT_EQ(rig.put_named("again", text), id);
    EXPECT_EQ(rig.put_named("big again", large), big);
    const auto report = collect(rig);
    collect(rig);
    collect(rig);
    EXPECT_EQ(report.artifacts_dropped, 0u);
    EXPECT_EQ(rig.get(id), text);
    EXPECT_EQ(rig.get(big), large);
    expect_good(*rig.store);
}

TEST(Collect, AStreamUnderWayKeepsTheChunksItCountsOn) {
    Rig rig(Suite::none, Profile::text);
    rig.clock->pass(1000);
    const std::string text = noise(3'000'000, 6);
    rig.put(text);
    auto stream = rig.store->begin_put({});
    ASSERT_TRUE(stream);
    ASSERT_TRUE((*stream)->append(bytes_of(std::string_view(text).substr(0, 2'900'000))));
    for (int i = 0; i < 4; ++i) collect(rig);
    ASSERT_TRUE((*stream)->append(bytes_of(std::string_view(text).substr(2'900'000))));
    const auto info = (*stream)->finish();
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_EQ(rig.get(info->id), text);
    expect_good(*rig.store);
}

TEST(Collect, AStreamThatIsSilentForTooLongIsOver) {
    Rig rig;
    auto stream = rig.store->begin_put({});
    ASSERT_TRUE((*stream)->append(bytes_of("a")));
    rig.clock->pass(3'600'001);
    EXPECT_EQ((*stream)->append(bytes_of("b")).error().reason(), "put-expired");
}

TEST(Collect, LeasesAreWaitedOutAlsoWhenTheWallClockJumps) {
    Rig rig;
    rig.clock->pass(1000);
    const ContentId leased = rig.put("leased"), other = rig.put("other");
    ASSERT_TRUE(rig.store->lease(leased, std::chrono::hours(1)));
    const auto first = collect(rig);
    EXPECT_EQ(first.artifacts_dropped, 1u);
    EXPECT_EQ(collect(rig).blobs_deleted, 0u); // condemned while the lease lived
    EXPECT_EQ(rig.get(leased), "leased");
    rig.clock->wall += 3'600'001; // a jump, not the passing of time
    EXPECT_EQ(collect(rig).blobs_deleted, 0u);
    rig.clock->steady += 3'600'001;
    EXPECT_GT(collect(rig).blobs_deleted, 0u);
    EXPECT_EQ(rig.get(other), "(unknown-artifact)");
}

TEST(Collect, AWallClockThatJumpsEndsNoLease) {
    constexpr std::uint64_t year_ms = 365ull * 24 * 3'600'000;
    for (const std::int64_t jump : {static_cast<std::int64_t>(year_ms), -static_cast<std::int64_t>(year_ms)}) {
        SCOPED_TRACE(jump);
        Rig rig;
        rig.close();
        rig.put_lease = std::chrono::hours(1);
        rig.open();
        const ContentId put = rig.put("put before"), leased = rig.put("leased before");
        ASSERT_TRUE(rig.store->lease(leased, std::chrono::hours(3)));
        rig.clock->wall += static_cast<std::uint64_t>(jump);
        const ContentId late = rig.put("put behind the jump");
        const auto second = rig.store->lease(late, std::chrono::hours(2));
        ASSERT_TRUE(second);
        rig.clock->wall -= static_cast<std::uint64_t>(jump);
        rig.clock->pass(1800'000);
        for (int round = 0; round < 3; ++round) EXPECT_EQ(collect(rig).artifacts_dropped, 0u);
        rig.clock->wall += static_cast<std::uint64_t>(jump);
        rig.clock->pass(1900'000); // now the hour of the puts is over
        EXPECT_EQ(collect(rig).artifacts_dropped, 1u);
        EXPECT_EQ(rig.get(put), "(unknown-artifact)");
        EXPECT_EQ(rig.get(leased), "leased before");
        EXPECT_EQ(rig.get(late), "put behind the jump");
        EXPECT_EQ(rig.store->remove(late).error().reason(), "held");
        ASSERT_TRUE(rig.store->renew(*second, std::chrono::hours(4)));
        rig.clock->pass(3 * 3'600'000);
        EXPECT_EQ(collect(rig).artifacts_dropped, 1u);
        EXPECT_EQ(rig.get(leased), "(unknown-artifact)");
        EXPECT_EQ(rig.get(late), "put behind the jump");
        rig.clock->pass(2 * 3'600'000);
        EXPECT_EQ(collect(rig).artifacts_dropped, 1u); // and a clock set back keeps nothing for ever
        expect_good(*rig.store);
    }
}

TEST(Collect, AWallClockThatJumpsLosesNothing) {
    constexpr std::uint64_t year_ms = 365ull * 24 * 3'600'000;
    Rig rig;
    std::vector<std::pair<ContentId, std::string>> put;
    std::mt19937_64 random(3);
    auto stream = rig.store->begin_put({});
    ASSERT_TRUE(stream);
    const std::string large = noise(3'000'000, 9);
    for (std::size_t i = 0; i < 40; ++i) {
        rig.clock->wall = 1'700'000'000'000 + random() % (10 * year_ms);
        put.emplace_back(rig.put_named("line", "version " + std::to_string(i)), "version " + std::to_string(i));
        ASSERT_TRUE((*stream)->append(bytes_of(std::string_view(large).substr(i * 75'000, 75'000))));
        if (i % 10 == 9) static_cast<void>(collect(rig));
    }
    const auto stored = (*stream)->finish();
    ASSERT_TRUE(stored) << stored.error().message();
    put.emplace_back(stored->id, large);
    rig.reopen();
    for (const auto& [id, text] : put) EXPECT_TRUE(rig.get(id) == text);
    const auto history = rig.store->history("line", 100);
    ASSERT_TRUE(history);
    ASSERT_EQ(history->size(), 40u);
    for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ((*history)[i].id, put[39 - i].first);
    expect_good(*rig.store);
}

TEST(Collect, EveryReasonToKeepCounts) {
    Rig rig;
    rig.clock->pass(1000);
    std::vector<ContentId> kept;
    kept.push_back(rig.put("pinned"));
    ASSERT_TRUE(rig.store->set_pinned(kept.back(), true));
    kept.push_back(rig.put("held"));
    ASSERT_TRUE(rig.store->set_hold(kept.back(), true, "why"));
    kept.push_back(rig.put("tagged"));
    const std::vector<std::string> tags{"t"};
    ASSERT_TRUE(rig.store->tag(kept.back(), tags, {}));
    kept.push_back(rig.put("referred"));
    ASSERT_TRUE(rig.store->refer("holder", kept.back(), false));
    kept.push_back(rig.put("input of a kept one"));
    PutOptions options;
    options.inputs = {kept.back()};
    options.name = "output";
    kept.push_back(rig.put("output", options));
    PutOptions lease;
    lease.lease = std::chrono::hours(5);
    kept.push_back(rig.put("put with a lease", lease));
    const ContentId soft = rig.put("soft");
    ASSERT_TRUE(rig.store->refer("cache", soft, true));
    EXPECT_EQ(collect(rig).artifacts_dropped, 0u);
    rig.reopen();
    EXPECT_EQ(collect(rig).artifacts_dropped, 0u);
    CollectOptions drop_soft;
    drop_soft.drop_soft = true;
    const auto report = collect(rig, drop_soft);
    ASSERT_EQ(report.artifacts_dropped, 1u);
    EXPECT_EQ(report.dropped[0], soft);
    for (const ContentId& id : kept) EXPECT_TRUE(rig.store->get(id));
    // When the output goes, its input follows in the same collection.
    ASSERT_TRUE(rig.store->remove(kept[5]));
    EXPECT_EQ(collect(rig).artifacts_dropped, 1u);
}

TEST(Collect, RunsBesidePutsGetsAndReaders) {
    Rig rig(Suite::aes256_gcm, Profile::text);
    std::atomic<bool> over{false};
    std::atomic<int> wrong{0};
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < 12; ++i) texts.push_back(noise(i % 4 == 0 ? 1'500'000 : 40'000, i));
    for (std::size_t i = 0; i < texts.size(); i += 2) rig.put_named("kept " + std::to_string(i), texts[i]);
    const auto reader = rig.reader();
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        for (int round = 0; round < 12; ++round) {
            rig.clock->pass(10);
            if (!rig.store->collect({}, {})) ++wrong;
        }
        over = true;
    });
    threads.emplace_back([&] {
        for (std::size_t i = 0; !over; i = (i + 1) % texts.size()) {
            PutOptions lease;
            lease.lease = std::chrono::hours(1);
            const auto info = rig.store->put(bytes_of(texts[i]), lease);
            if (!info || rig.get(info->id) != texts[i]) ++wrong;
            if (info && i % 2 == 1) static_cast<void>(rig.store->remove(info->id));
        }
    });
    threads.emplace_back([&] {
        for (std::size_t i = 0; !over; i = (i + 2) % texts.size()) {
            const auto info = reader->info("kept " + std::to_string(i));
            const auto got = info ? reader->get(info->id) : Result<Buffer>(info.error());
            if (!got || got->text() != texts[i]) {
                ++wrong;
                std::fprintf(stderr, "reader: %s\n", got ? "other bytes" : got.error().message().c_str());
            }
        }
    });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    expect_good(*rig.store);
    rig.reopen();
    expect_good(*rig.store);
}

TEST(Collect, ManySmallPacksBecomeFew) {
    Rig rig;
    std::vector<ContentId> ids;
    for (int i = 0; i < 20; ++i) {
        ids.push_back(rig.put_named("s" + std::to_string(i), "session " + std::to_string(i)));
        rig.reopen();
    }
    EXPECT_EQ(rig.files("packs").size(), 20u);
    EXPECT_EQ(collect(rig).packs_rewritten, 20u);
    rig.reopen();
    EXPECT_LE(rig.files("packs").size(), 2u);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(rig.get(ids[static_cast<std::size_t>(i)]), "session " + std::to_string(i));
    // And the index can still be made from them, with the whole audit trail.
    const std::size_t changes = rig.store->changes(0, 1000)->size();
    rig.close();
    fs::remove_all(rig.path() / "index");
    rig.open();
    EXPECT_EQ(rig.store->changes(0, 1000)->size(), changes);
    EXPECT_EQ(rig.store->stats()->artifacts, 20u);
    expect_good(*rig.store);
}

TEST(Collect, CanBeCancelled) {
    Rig rig;
    rig.clock->pass(1000);
    rig.put("x");
    EXPECT_EQ(rig.store->collect({}, [](const Progress&) { return false; }).error().code(), Code::cancelled);
    EXPECT_EQ(rig.store->verify({}, [](const Progress&) { return false; }).error().code(), Code::cancelled);
}

TEST(Verify, NamesTheArtifactsThatDamageCosts) {
    for (const Suite suite : {Suite::none, Suite::aes256_gcm}) {
        Rig rig(suite);
        const ContentId good = rig.put_named("good", noise(2000, 1));
        const ContentId bad = rig.put_named("bad", noise(6'000'000, 2));
        rig.close();
        for (const auto& file : rig.files("packs")) {
            if (fs::file_size(file) > 1'000'000) flip(file, 400'000);
        }
        rig.open();
        EXPECT_TRUE(rig.store->verify({}, {})->good());
        const auto report = rig.store->verify({Depth::data}, {});
        ASSERT_TRUE(report);
        ASSERT_EQ(report->findings_total, 1u);
        EXPECT_EQ(report->findings[0].damage, Damage::bit_rot);
        EXPECT_EQ(report->findings[0].artifacts, std::vector<std::string>{"bad@1"});
        EXPECT_FALSE(report->findings[0].hint.empty());
        const auto got = rig.store->get(bad);
        ASSERT_FALSE(got);
        EXPECT_EQ(damage_of(got.error()), Damage::bit_rot);
        EXPECT_TRUE(rig.store->get(good));
        VerifyOptions none{Depth::data, 0.0, 0};
        EXPECT_TRUE(rig.store->verify(none, {})->good());
        // The background scrub comes by in time.
        ScrubBudget budget;
        budget.bytes = 300'000;
        std::uint64_t findings = 0;
        int steps = 0;
        for (bool wrapped = false; !wrapped; ++steps) {
            const auto step = rig.store->scrub_step(budget);
            ASSERT_TRUE(step) << step.error().message();
            ASSERT_LT(steps, 100);
            findings += step->checked.findings_total;
            wrapped = step->wrapped;
        }
        EXPECT_GT(steps, 3);
        EXPECT_EQ(findings, 1u);
    }
}

TEST(Verify, AReaderIsToldOfAnIndexThatIsOlderThanThePacks) {
    Rig rig(Suite::aes256_gcm);
    rig.put_named("one", noise(2000, 1));
    rig.close();
    const fs::path aside = rig.path() / "aside";
    fs::copy(rig.path() / "index", aside);
    rig.open();
    rig.put_named("two", noise(2000, 2));
    rig.close();
    EXPECT_TRUE(rig.reader()->verify({}, {})->good());
    fs::remove_all(rig.path() / "index");
    fs::rename(aside, rig.path() / "index");
    const auto report = rig.reader()->verify({}, {});
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_TRUE(report->good()) << "nothing is lost; a put that was killed leaves the same";
    ASSERT_EQ(report->notes.size(), 1u);
    EXPECT_NE(report->notes[0].find("older than the packs"), std::string::npos);
    rig.open(); // as the writer, which takes over what the index lacks
    EXPECT_EQ(rig.store->stats()->artifacts, 2u);
    expect_good(*rig.store);
    rig.close();
    const auto after = rig.reader()->verify({}, {});
    EXPECT_TRUE(after->good());
    EXPECT_TRUE(after->notes.empty());
}

TEST(Repair, SavesWhatIsIntactAndListsWhatIsLost) {
    for (const Suite suite : {Suite::none, Suite::aes256_gcm}) {
        Rig rig(suite);
        std::vector<ContentId> ids;
        for (int i = 0; i < 10; ++i) ids.push_back(rig.put_named("a" + std::to_string(i), noise(5'000, static_cast<std::uint64_t>(i))));
        const ContentId large = rig.put_named("large", noise(3'000'000, 99));
        rig.close();
        fs::path small;
        for (const auto& file : rig.files("packs")) {
            if (fs::file_size(file) < 1'000'000) small = file;
            else flip(file, 700'000);
        }
        flip(small, 10'000);                       // in some artifact's content
        flip(small, fs::file_size(small) - 30);    // and the trailer, so that the footer is not to be had
        const auto report = Store::repair(rig.folder, rig.options());
        ASSERT_TRUE(report) << report.error().message();
        EXPECT_EQ(report->packs_salvaged, 2u);
        EXPECT_EQ(report->lost.size(), 2u);
        EXPECT_TRUE(std::any_of(report->lost.begin(), report->lost.end(), [&](const std::string& line) { return line == "large@1 (" + large.hex() + ")"; }));
        rig.open();
        int kept = 0;
        for (int i = 0; i < 10; ++i) kept += rig.get(ids[static_cast<std::size_t>(i)]) == noise(5'000, static_cast<std::uint64_t>(i)) ? 1 : 0;
        EXPECT_EQ(kept, 9);
        expect_good(*rig.store);
        EXPECT_EQ(rig.put_named("large", noise(3'000'000, 99)), large);
        EXPECT_EQ(rig.get(large), noise(3'000'000, 99));
    }
}

TEST(Repair, AMissingPackIsSaidByName) {
    Rig rig(Suite::aes256_gcm);
    rig.put_named("small", "small");
    const ContentId large = rig.put_named("large", noise(3'000'000, 99));
    rig.close();
    for (const auto& file : rig.files("packs")) {
        if (fs::file_size(file) > 1'000'000) fs::remove(file);
    }
    rig.open();
    EXPECT_TRUE(rig.noticed("missing"));
    EXPECT_EQ(damage_of(rig.store->get(large).error()), Damage::missing);
    const auto verified = rig.store->verify({}, {});
    ASSERT_FALSE(verified->good());
    EXPECT_EQ(verified->findings[0].artifacts, std::vector<std::string>{"large@1"});
    rig.close();
    const auto report = Store::repair(rig.folder, rig.options());
    ASSERT_TRUE(report) << report.error().message();
    EXPECT_EQ(report->lost, std::vector<std::string>{"large@1 (" + large.hex() + ")"});
    rig.open();
    EXPECT_EQ(rig.get(rig.store->info("small")->id), "small");
    expect_good(*rig.store);
}

} // namespace
} // namespace symphony::store::test
