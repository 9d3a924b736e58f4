// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

namespace symphony::store::test {
namespace {

class Meaning : public testing::TestWithParam<Suite> {};
INSTANTIATE_TEST_SUITE_P(Store, Meaning, testing::Values(Suite::none, Suite::aes256_gcm),
                         [](const auto& of) { return of.param == Suite::none ? "Plain" : "Aes"; });

TEST_P(Meaning, VersionsHaveParentsAndMessages) {
    Rig rig(GetParam());
    PutOptions options;
    options.name = "report";
    options.message = "first";
    const ContentId one = rig.put("one", options);
    options.message = "second";
    const ContentId two = rig.put("two", options);
    rig.put("two", options); // no change, no version
    options.message = "back";
    rig.put("one", options);
    for (int round = 0; round < 2; ++round) {
        const auto history = rig.store->history("report", 10);
        ASSERT_TRUE(history) << history.error().message();
        ASSERT_EQ(history->size(), 3u);
        EXPECT_EQ((*history)[0].message, "back");
        EXPECT_EQ((*history)[0].id, one);
        EXPECT_EQ((*history)[0].parent, two);
        EXPECT_EQ((*history)[1].version, 2u);
        EXPECT_EQ((*history)[2].parent, std::nullopt);
        EXPECT_EQ(rig.store->history("report", 1)->size(), 1u);
        EXPECT_EQ(rig.store->history("report", 10, 2)->front().version, 1u);
        EXPECT_EQ(rig.store->info("report")->version, 3u);
        EXPECT_EQ(rig.store->info("report@2")->id, two);
        EXPECT_EQ(rig.store->info("report@2")->message, "second");
        EXPECT_EQ(rig.store->info("report@4").error().reason(), "unknown-artifact");
        rig.reopen();
    }
}

TEST_P(Meaning, ALateWriterIsToldOfTheNewerVersion) {
    Rig rig(GetParam());
    rig.put_named("doc", "one");
    PutOptions options;
    options.name = "doc";
    options.after_version = 0;
    EXPECT_EQ(rig.store->put(bytes_of("two"), options).error().reason(), "newer-version");
    options.after_version = 1;
    EXPECT_EQ(rig.store->put(bytes_of("two"), options)->version, 2u);
}

TEST_P(Meaning, FindsByTheBeginningOfAnId) {
    Rig rig(GetParam());
    std::vector<ContentId> ids;
    for (int i = 0; i < 60; ++i) ids.push_back(rig.put("artifact " + std::to_string(i)));
    for (const ContentId& id : ids) {
        for (const std::size_t digits : {15u, 16u, 63u, 64u}) EXPECT_EQ(rig.store->info(id.hex().substr(0, digits))->id, id);
    }
    EXPECT_EQ(rig.store->info("../../etc/passwd").error().reason(), "unknown-artifact");
    EXPECT_EQ(rig.store->info(std::string(64, 'z')).error().reason(), "unknown-artifact");
    EXPECT_EQ(rig.store->info(ids[0].hex().substr(0, 3)).error().reason(), "unknown-artifact");
    // A name wins over a beginning.
    const std::string name = ids[1].hex().substr(0, 8);
    const ContentId named = rig.put_named(name, "under a name that looks like an id");
    EXPECT_EQ(rig.store->info(name)->id, named);
}

TEST_P(Meaning, ABeginningOfSeveralIdsIsAmbiguous) {
    Rig rig(GetParam());
    // 400 ids and four digits: two with the same four are certain to turn up by 65,537, likely by 400; taken from what is there.
    std::map<std::string, int> beginnings;
    for (int i = 0; i < 1500; ++i) {
        if (++beginnings[rig.put("x" + std::to_string(i)).hex().substr(0, 4)] == 2) break;
    }
    const auto twice = std::find_if(beginnings.begin(), beginnings.end(), [](const auto& one) { return one.second == 2; });
    ASSERT_NE(twice, beginnings.end());
    EXPECT_EQ(rig.store->info(twice->first).error().reason(), "ambiguous-prefix");
}

TEST_P(Meaning, NamesMayHoldEveryOddCharacter) {
    Rig rig(GetParam());
    const std::vector<std::string> names{"a/b/../c", "..", "/etc/passwd", "name with  blanks ", "quote'\"`;--", "%s%n", "ünïcödé ☃ 🎼", "a@b@3", "-rf", std::string(1024, 'n'), "\\x00",
                                         "con", "*?[]{}", "name@1"};
    for (const std::string& name : names) {
        const ContentId id = rig.put_named(name, "content of " + name);
        EXPECT_EQ(rig.store->info(name)->id, id) << name;
        EXPECT_EQ(rig.store->info(name + "@1")->name, name);
    }
    const auto page = rig.store->names("", "", 100);
    ASSERT_TRUE(page) << page.error().message();
    EXPECT_EQ(page->items.size(), names.size());
    EXPECT_TRUE(std::is_sorted(page->items.begin(), page->items.end(), [](const Version& a, const Version& b) { return a.name < b.name; }));
    for (const std::string& bad : {std::string(1025, 'n'), std::string("a\nb"), std::string("a\0b", 3), std::string("\xff\xfe"), std::string("\x7f")}) {
        PutOptions options;
        options.name = bad;
        EXPECT_EQ(rig.store->put(bytes_of("x"), options).error().reason(), "bad-name");
    }
}

TEST_P(Meaning, NamesComeInPages) {
    Rig rig(GetParam());
    for (int i = 0; i < 25; ++i) rig.put_named("p/" + std::to_string(100 + i), std::to_string(i));
    rig.put_named("other", "x");
    std::vector<std::string> all;
    std::string after;
    do {
        const auto page = rig.store->names("p/", after, 10);
        ASSERT_TRUE(page);
        for (const Version& one : page->items) all.push_back(one.name);
        after = page->next;
    } while (!after.empty());
    ASSERT_EQ(all.size(), 25u);
    EXPECT_EQ(all.front(), "p/100");
    EXPECT_EQ(all.back(), "p/124");
}

TEST_P(Meaning, ListsByTagTypeTimeRunAndName) {
    Rig rig(GetParam());
    for (int i = 0; i < 30; ++i) {
        PutOptions options;
        options.media_type = i % 2 == 0 ? "text/plain" : "image/png";
        options.type = i % 5 == 0 ? "report" : "";
        if (i % 3 == 0) options.tags = {"third"};
        options.made_by.run = "run " + std::to_string(i % 4);
        if (i % 10 == 0) options.name = "ten/" + std::to_string(i);
        rig.clock->pass(1000);
        rig.put("list " + std::to_string(i), options);
    }
    const auto count = [&](const Filter& filter) {
        std::size_t found = 0;
        std::string after;
        do {
            const auto page = rig.store->list(filter, after, 7);
            EXPECT_TRUE(page);
            if (!page) return found;
            found += page->items.size();
            after = page->next;
        } while (!after.empty());
        return found;
    };
    Filter by_tag, by_family, by_type, by_run, by_name, by_time;
    by_tag.tag = "third";
    by_family.media_type = "text/";
    by_type.type = "report";
    by_run.run = "run 3";
    by_name.name_prefix = "ten/";
    by_time.created_from_ms = rig.clock->wall - 4500;
    EXPECT_EQ(count({}), 30u);
    EXPECT_EQ(count(by_tag), 10u);
    EXPECT_EQ(count(by_family), 15u);
    EXPECT_EQ(count(by_type), 6u);
    EXPECT_EQ(count(by_run), 7u);
    EXPECT_EQ(count(by_name), 3u);
    EXPECT_EQ(count(by_time), 5u);
    EXPECT_EQ(rig.store->list({}, "", 1)->items[0].id, rig.store->info(sha256_hex("list 29"))->id);
    EXPECT_EQ(rig.store->list({}, "nonsense", 1).error().reason(), "bad-cursor");
}

TEST_P(Meaning, LineageGoesBothWaysAndEnds) {
    Rig rig(GetParam());
    const ContentId raw = rig.put("raw");
    PutOptions options;
    options.inputs = {raw};
    options.made_by = {"run-1", "clean", "sha256:abc"};
    const ContentId clean = rig.put("clean", options);
    options.inputs = {clean, raw};
    options.made_by.node = "report";
    options.name = "report";
    const ContentId report = rig.put("report", options);
    const auto up = rig.store->lineage(report, Direction::inputs, 10, 100);
    ASSERT_TRUE(up);
    ASSERT_EQ(up->size(), 3u);
    EXPECT_EQ((*up)[0].name, "report");
    EXPECT_EQ((*up)[0].origins[0].made_by.plugin_digest, "sha256:abc");
    const auto down = rig.store->lineage(raw, Direction::outputs, 10, 100);
    ASSERT_TRUE(down);
    EXPECT_EQ(down->size(), 3u);
    EXPECT_EQ(rig.store->lineage(report, Direction::inputs, 1, 2)->size(), 2u);
    // A circle, and an input that was never here.
    options.inputs = {report, Digest()};
    options.name.clear();
    rig.put("raw", options);
    const auto circle = rig.store->lineage(report, Direction::inputs, 1000, 1000);
    ASSERT_TRUE(circle);
    EXPECT_EQ(circle->size(), 4u);
    EXPECT_FALSE(circle->back().present);
}

TEST_P(Meaning, TagsQualityPinsAndHolds) {
    Rig rig(GetParam());
    const ContentId id = rig.put_named("thing", "thing");
    const std::vector<std::string> add{"b", "a", "b"}, remove{"a", "nothing"};
    ASSERT_TRUE(rig.store->tag(id, add, {}));
    ASSERT_TRUE(rig.store->tag(id, {}, remove));
    ASSERT_TRUE(rig.store->set_quality(id, 0.75));
    ASSERT_TRUE(rig.store->set_hold(id, true, "case 7"));
    EXPECT_EQ(rig.store->remove(id).error().reason(), "held");
    rig.reopen();
    const auto info = rig.store->info("thing");
    EXPECT_EQ(info->tags, std::vector<std::string>{"b"});
    EXPECT_DOUBLE_EQ(info->quality, 0.75);
    EXPECT_TRUE(info->held);
    EXPECT_EQ(info->hold_reason, "case 7");
    ASSERT_TRUE(rig.store->set_hold(id, false, ""));
    ASSERT_TRUE(rig.store->set_pinned(id, true));
    EXPECT_EQ(rig.store->remove(id).error().reason(), "held");
    ASSERT_TRUE(rig.store->set_pinned(id, false));
    ASSERT_TRUE(rig.store->refer("a workflow", id, false));
    EXPECT_EQ(rig.store->remove(id).error().reason(), "held");
    ASSERT_TRUE(rig.store->unrefer("a workflow", id));
    EXPECT_EQ(rig.store->unrefer("a workflow", id).error().reason(), "unknown-reference");
    const auto lease = rig.store->lease(id, std::chrono::seconds(10));
    ASSERT_TRUE(lease);
    EXPECT_EQ(rig.store->remove(id).error().reason(), "held");
    rig.clock->pass(9'000);
    ASSERT_TRUE(rig.store->renew(*lease, std::chrono::seconds(10)));
    rig.clock->pass(9'000);
    rig.reopen();
    EXPECT_EQ(rig.store->remove(id).error().reason(), "held");
    ASSERT_TRUE(rig.store->release(*lease));
    EXPECT_EQ(rig.store->release(*lease).error().reason(), "unknown-lease");
    ASSERT_TRUE(rig.store->remove(id));
    EXPECT_EQ(rig.store->remove(id).error().reason(), "unknown-artifact");
    EXPECT_EQ(rig.store->info("thing").error().reason(), "unknown-artifact");
    EXPECT_EQ(rig.store->get(id).error().reason(), "unknown-artifact");
    EXPECT_EQ(rig.put("thing"), id);
    EXPECT_EQ(rig.get(id), "thing");
    EXPECT_EQ(rig.store->set_quality(id, 1.5).error().reason(), "bad-quality");
}

TEST_P(Meaning, ChangesAreToldInOrder) {
    Rig rig(GetParam());
    const ContentId id = rig.put_named("n", "x");
    const std::vector<std::string> add{"t"};
    ASSERT_TRUE(rig.store->tag(id, add, {}));
    ASSERT_TRUE(rig.store->remove(id));
    for (int round = 0; round < 2; ++round) {
        const auto changes = rig.store->changes(0, 100);
        ASSERT_TRUE(changes) << changes.error().message();
        std::string actions;
        std::uint64_t last = 0;
        for (const Change& change : *changes) {
            EXPECT_GT(change.sequence, last);
            last = change.sequence;
            actions += change.action + " ";
            EXPECT_EQ(change.actor, "the test");
            if (change.action != "remove" || change.name.empty()) EXPECT_EQ(change.id, id) << change.action;
        }
        EXPECT_EQ(actions, "put version tag remove remove ");
        EXPECT_EQ((*changes)[1].name, "n");
        EXPECT_EQ((*changes)[2].detail, "+t");
        EXPECT_TRUE(rig.store->changes(last, 10)->empty());
        EXPECT_EQ(rig.store->changes((*changes)[1].sequence, 1)->front().action, "tag");
        rig.reopen();
    }
}

TEST_P(Meaning, DiffTellsWhatIsShared) {
    Rig rig(GetParam(), Profile::text);
    const std::string text = noise(1'000'000, 21);
    const ContentId a = rig.put(text);
    const ContentId b = rig.put(text.substr(0, 600'000) + "other" + text.substr(600'000));
    const auto diff = rig.store->diff(a, b);
    ASSERT_TRUE(diff);
    EXPECT_FALSE(diff->same);
    EXPECT_EQ(diff->size_b, 1'000'005u);
    EXPECT_GT(diff->shared, 800'000u);
    EXPECT_LE(diff->first_differs, 600'000u);
    EXPECT_GT(diff->first_differs, 500'000u);
    EXPECT_TRUE(rig.store->diff(a, a)->same);
}

} // namespace
} // namespace symphony::store::test
