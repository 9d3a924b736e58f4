// SPDX-License-Identifier: Apache-2.0
#include "registry_rig.hpp"

#include <symphony/packaging/registry_source.hpp>

#include <gmock/gmock.h>

namespace symphony::packaging::rig {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(RegistryTest, GivesBackWhatWasPublished) {
    published(plugin("org.example.json", "1.0.0"));
    published(plugin("org.example.json", "1.1.0"));
    published(plugin("org.example.greet", "1.0.0", "description = \"Says Hello\"\n[dependencies]\n\"org.example.json\" = \"^1.0\"\n"));
    FolderFetch fetch(folder());
    auto registry = good(fetch);
    EXPECT_EQ(registry.name(), "main");
    EXPECT_EQ(registry.snapshot().number, 4u);
    EXPECT_THAT(*registry.ids(), ElementsAre("org.example.greet", "org.example.json"));
    const auto versions = registry.versions("org.example.json");
    ASSERT_TRUE(versions);
    ASSERT_EQ(versions->size(), 2u);
    EXPECT_EQ((*versions)[1].version, "1.1.0");
    EXPECT_EQ((*versions)[1].signer, publisher_.public_key().text());
    const auto package = registry.package((*versions)[0], (*versions)[0].artifacts[0]);
    ASSERT_TRUE(package) << package.error().message();
    EXPECT_EQ(read_package(*package)->version(), "1.0.0");
    const auto signature = registry.package_signature((*versions)[0], (*versions)[0].artifacts[0]);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(verify(publisher_.public_key(), *Signature::parse(*signature), *package));
    EXPECT_EQ(reason(registry.index_file("org.example.nothing")), "unknown-plugin");
    EXPECT_EQ(reason(registry.index_file("../../etc/passwd")), "unknown-plugin");
}

TEST_F(RegistryTest, NeedsAKeyThatSomebodyGave) {
    FolderFetch fetch(folder());
    auto none = options();
    none.root_keys.clear();
    EXPECT_EQ(reason(Registry::open(fetch, none)), "no-root-key");
    auto wrong = options();
    wrong.root_keys = {other_.public_key()};
    EXPECT_EQ(reason(Registry::open(fetch, wrong)), "not-enough-signatures");
    auto silent = options(); // a key of the root, but one that did not sign
    silent.root_keys = {root_c_.public_key()};
    EXPECT_EQ(reason(Registry::open(fetch, silent)), "not-enough-signatures");
    EXPECT_EQ(refused(fetch), "");
    none.root_keys.clear();
    EXPECT_TRUE(Registry::open(fetch, none)) << "it is known by now";
}

TEST_F(RegistryTest, RefusesARootWithTooFewSignatures) {
    fs::remove(folder() / root_signature_path(1, root_b_.public_key().id()));
    FolderFetch fetch(folder());
    EXPECT_EQ(refused(fetch), "not-enough-signatures");
    EXPECT_THAT(message_, HasSubstr("signed by 1 of the 2 keys"));
}

TEST_F(RegistryTest, RefusesAnAlteredSnapshot) {
    FarFetch fetch(folder());
    const auto text = rig::read(folder() / "snapshot.toml");
    fetch.lies["snapshot.toml"] = text + "# a word\n";
    EXPECT_EQ(refused(fetch), "not-enough-signatures");
    EXPECT_THAT(message_, HasSubstr(text_of(online_.public_key().id())));
    const auto path = snapshot_signature_path(1, online_.public_key().id());
    fetch.lies = {{path, other_.sign(text, "registry:main")->text()}};
    EXPECT_EQ(refused(fetch), "not-enough-signatures");
    fetch.lies = {{path, "rubbish"}};
    EXPECT_EQ(refused(fetch), "not-enough-signatures");
    auto comment = rig::read(folder() / path);
    comment.replace(comment.find("registry:main"), 13, "registry:evil");
    fetch.lies = {{path, comment}};
    EXPECT_EQ(refused(fetch), "not-enough-signatures");
    fetch.lies.clear();
    EXPECT_EQ(refused(fetch), "");
}

TEST_F(RegistryTest, RefusesARollback) {
    published(plugin("org.example.json", "1.0.0"));
    std::map<std::string, std::string> old;
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
        if (entry.is_regular_file()) old[fs::relative(entry.path(), folder()).string()] = rig::read(entry.path());
    }
    published(plugin("org.example.json", "1.0.1"));
    FarFetch fetch(folder());
    EXPECT_EQ(refused(fetch), "");
    fetch.lies = old; // everything as it was, signed and all
    EXPECT_EQ(refused(fetch), "rollback");
    EXPECT_THAT(message_, HasSubstr("gives snapshot 2, and had given 3 before"));
    fetch.lies.clear();
    EXPECT_EQ(refused(fetch), "") << "the refusal is not remembered";
}

TEST_F(RegistryTest, RefusesTwoSnapshotsOfOneNumber) {
    FarFetch fetch(folder());
    EXPECT_EQ(refused(fetch), "");
    auto other = *parse_snapshot(rig::read(folder() / "snapshot.toml"), "snapshot.toml");
    other.expires += 1;
    const auto text = print(other);
    fetch.lies = {{"snapshot.toml", text}, {snapshot_signature_path(1, online_.public_key().id()), online_.sign(text, "x")->text()}};
    EXPECT_EQ(refused(fetch), "snapshot-changed");
}

TEST_F(RegistryTest, RefusesAFrozenRegistry) {
    FolderFetch fetch(folder());
    EXPECT_EQ(refused(fetch, now + 13 * day), "");
    EXPECT_EQ(refused(fetch, now + 14 * day), "expired-snapshot");
    EXPECT_EQ(refused(fetch, now + 400 * day), "expired-root");
    ASSERT_TRUE(opened().sign_again(signing(now + 14 * day)));
    EXPECT_EQ(refused(fetch, now + 14 * day), "");
}

TEST_F(RegistryTest, RefusesFilesOfAnotherSnapshot) {
    published(plugin("org.example.json", "1.0.0"));
    const auto index = index_path("org.example.json");
    const auto old_index = rig::read(folder() / index);
    published(plugin("org.example.json", "1.0.1"));
    FarFetch fetch(folder());
    fetch.lies[index] = old_index; // a true file, but not the one that this snapshot means
    auto registry = good(fetch);
    EXPECT_EQ(reason(registry.index_file("org.example.json")), "digest-mismatch");
    fetch.lies.clear();
    const auto line = registry.versions("org.example.json")->front();
    fetch.lies[package_path(line.id, line.version, line.artifacts[0].triple)] = rig::read(folder() / package_path(line.id, "1.0.1", line.artifacts[0].triple));
    EXPECT_EQ(reason(registry.package(line, line.artifacts[0])), "digest-mismatch");
    const auto& [shard, sha256] = registry.snapshot().shards.front();
    FarFetch lying(folder());
    lying.lies[shard_path(shard, sha256)] = "";
    auto empty_cache = options();
    empty_cache.cache = temporary_.path() / "other-cache";
    auto other = Registry::open(lying, empty_cache);
    ASSERT_TRUE(other);
    EXPECT_EQ(reason(other->ids()), "digest-mismatch");
}

TEST_F(RegistryTest, ReadsAnOldSnapshotWhileANewOneIsWritten) {
    published(plugin("org.example.json", "1.0.0"));
    FolderFetch fetch(folder());
    auto before = good(fetch);
    published(plugin("org.example.json", "1.0.1"));
    const auto versions = before.versions("org.example.json");
    ASSERT_TRUE(versions) << versions.error().message();
    EXPECT_EQ(versions->size(), 1u) << "the file has grown; the snapshot has not";
    EXPECT_EQ(good(fetch).versions("org.example.json")->size(), 2u);
}

TEST_F(RegistryTest, FollowsNewRootsOneByOne) {
    FolderFetch fetch(folder());
    EXPECT_EQ(refused(fetch), "");
    // Two roots later no key of the first one is left.
    const SecretKey new_a = *SecretKey::generate(), new_b = *SecretKey::generate(), new_online = *SecretKey::generate();
    auto second = root_;
    second.version = 2;
    second.root = {2, {root_c_.public_key(), new_a.public_key(), new_b.public_key()}};
    std::sort(second.root.keys.begin(), second.root.keys.end());
    second.snapshot.keys = {new_online.public_key()};
    RegistryFolder::Signing both{{&online_, &new_online}, now, now + 14 * day};
    EXPECT_EQ(reason(opened().rotate(second, {&new_a, &new_b}, both)), "missing-key") << "the old root has to agree";
    EXPECT_EQ(reason(opened().rotate(second, {&root_a_, &root_b_}, both)), "missing-key") << "and the new one";
    const auto rotated = opened().rotate(second, {&root_a_, &root_b_, &new_a, &new_b}, both);
    ASSERT_TRUE(rotated) << rotated.error().message();
    auto third = second;
    third.version = 3;
    third.root = {1, {new_a.public_key()}};
    ASSERT_TRUE(opened().rotate(third, {&new_a, &new_b}, {{&new_online}, now, now + 14 * day}));
    EXPECT_EQ(refused(fetch), "") << message_;
    EXPECT_EQ(good(fetch).root().version, 3u);
    EXPECT_EQ(reason(opened().sign_again(signing())), "missing-key") << "the old key for snapshots is good no more";
}

TEST_F(RegistryTest, RefusesARootThatTheOneBeforeDidNotSign) {
    FarFetch fetch(folder());
    EXPECT_EQ(refused(fetch), "");
    auto evil = root_;
    evil.version = 2;
    evil.root = {1, {other_.public_key()}};
    evil.snapshot = {1, {other_.public_key()}};
    const auto text = print(evil);
    fetch.lies = {{root_path(2), text}, {root_signature_path(2, other_.public_key().id()), other_.sign(text, "x")->text()}};
    EXPECT_EQ(refused(fetch), "not-enough-signatures");
    auto skipping = root_;
    skipping.version = 5;
    fetch.lies = {{root_path(2), print(skipping)}};
    EXPECT_EQ(refused(fetch), "wrong-registry");
    fetch.lies.clear();
    EXPECT_EQ(refused(fetch), "");
}

TEST_F(RegistryTest, BarsWhatARevokedKeySigned) {
    published(plugin("org.example.json", "1.0.0"));
    auto next = root_;
    next.version = 2;
    next.revoked.push_back({publisher_.public_key(), "the laptop was stolen"});
    ASSERT_TRUE(opened().rotate(next, {&root_a_, &root_b_}, signing()));
    FolderFetch fetch(folder());
    auto registry = good(fetch);
    ASSERT_TRUE(registry.index());
    for (const bool compact : {true, false}) {
        RegistrySource source({&registry}, {{"x86_64-linux-gnu"}, nullptr, compact});
        const auto package = source.find("org.example.json");
        ASSERT_TRUE(package && *package != nullptr);
        EXPECT_THAT(std::string((*package)->releases[0].barred), HasSubstr("which was revoked: the laptop was stolen"));
    }
    EXPECT_EQ(reason(publish(plugin("org.example.json", "1.0.1"), publisher_)), "revoked-key");
}

TEST_F(RegistryTest, BarsWhatAnotherKeyThanThePinnedOneSigned) {
    published(plugin("org.example.json", "1.0.0"));
    FolderFetch fetch(folder());
    auto registry = good(fetch);
    Publishers mine;
    ASSERT_TRUE(mine.pin("org.example.json", other_.public_key()));
    RegistrySource source({&registry}, {{}, &mine, true});
    EXPECT_THAT(std::string((*source.find("org.example.json"))->releases[0].barred), HasSubstr("its publisher until now was " + text_of(other_.public_key().id())));
    // The root says that the publisher changed the key.
    auto next = root_;
    next.version = 2;
    next.successors.push_back({other_.public_key(), publisher_.public_key()});
    ASSERT_TRUE(opened().rotate(next, {&root_a_, &root_b_}, signing()));
    auto again = good(fetch);
    RegistrySource changed({&again}, {{}, &mine, true});
    EXPECT_EQ((*changed.find("org.example.json"))->releases[0].barred, "");
}

TEST_F(RegistryTest, BarsVersionsThatLackAPlatform) {
    published(plugin("org.example.json", "1.0.0"));
    FolderFetch fetch(folder());
    auto registry = good(fetch);
    ASSERT_TRUE(registry.index());
    for (const bool compact : {true, false}) {
        RegistrySource source({&registry}, {{"x86_64-linux-gnu", "riscv64-linux-gnu", "s390x-linux-gnu"}, nullptr, compact});
        EXPECT_EQ((*source.find("org.example.json"))->releases[0].barred, "has nothing for riscv64-linux-gnu, s390x-linux-gnu");
    }
}

TEST_F(RegistryTest, FetchesEachFileOnceAndWorksOfflineAfterwards) {
    published(plugin("org.example.json", "1.0.0"));
    FarFetch fetch(folder());
    auto offline = options();
    offline.offline = true;
    EXPECT_EQ(reason(Registry::open(fetch, offline)), "offline-missing");
    EXPECT_EQ(fetch.count, 0);
    auto registry = good(fetch);
    ASSERT_TRUE(registry.index_file("org.example.json"));
    const auto count = fetch.count;
    ASSERT_TRUE(registry.index_file("org.example.json"));
    EXPECT_EQ(fetch.count, count);
    offline.now = now + 100 * day;
    auto later = Registry::open(fetch, offline);
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_TRUE(later->is_stale());
    EXPECT_EQ(later->versions("org.example.json")->size(), 1u);
    EXPECT_EQ(fetch.count, count) << "nothing was fetched";
    const auto line = later->versions("org.example.json")->front();
    EXPECT_EQ(reason(later->package(line, line.artifacts[0])), "offline-missing");
    EXPECT_EQ(reason(later->package_signature(line, line.artifacts[0])), "offline-missing");
    const auto package = registry.package(line, line.artifacts[0]), signature = registry.package_signature(line, line.artifacts[0]);
    ASSERT_TRUE(package && signature);
    const auto all = fetch.count;
    EXPECT_EQ(later->package(line, line.artifacts[0]).value_or(""), *package);
    EXPECT_EQ(later->package_signature(line, line.artifacts[0]).value_or(""), *signature);
    rig::write(temporary_.path() / "cache/packages" / line.artifacts[0].sha256, "damaged");
    EXPECT_EQ(reason(later->package(line, line.artifacts[0])), "offline-missing");
    EXPECT_EQ(fetch.count, all);
}

TEST_F(RegistryTest, WhatWasFetchedStaysWithinItsRoomAndTheLongestUnusedGoes) {
    const auto folder = temporary_.path() / "fetched";
    FetchedFiles files(folder, 100, {});
    const auto kept = [&] {
        std::string names;
        for (const char name : std::string_view("abcd")) names += files.find(std::string(1, name), 100) ? std::string(1, name) : "";
        return names;
    };
    files.keep("a", std::string(40, 'a'));
    files.keep("b", std::string(40, 'b'));
    const auto old = fs::file_time_type::clock::now() - std::chrono::hours(100);
    for (const auto* name : {"a", "b"}) fs::last_write_time(folder / name, old);
    EXPECT_EQ(files.find("a", 40).value_or(""), std::string(40, 'a')) << "it is used, and so not old any more";
    files.keep("c", std::string(30, 'c'));
    EXPECT_EQ(kept(), "ac");
    files.keep("d", std::string(101, 'd'));
    EXPECT_EQ(kept(), "ac") << "there is no room for that at all";
    FetchedFiles(folder, 60, {}).keep("d", "d");
    EXPECT_LE(kept().size(), 2u) << "what others left counts, too";
    EXPECT_TRUE(files.find("d", 1));
    EXPECT_FALSE(files.find("d", 0));
}

TEST_F(RegistryTest, AFarRegistryIsNotReadWholeForOnePlugin) {
    published(plugin("org.example.json", "1.0.0"));
    for (int i = 0; i < 20; ++i) published(plugin("org.example.other" + std::to_string(i), "1.0.0"));
    FarFetch fetch(folder());
    auto registry = good(fetch);
    const auto count = fetch.count;
    RegistrySource source({&registry}, {{"x86_64-linux-gnu"}, nullptr, true});
    ASSERT_TRUE(source.find("org.example.json"));
    EXPECT_EQ(fetch.count, count + 2) << "the list of its shard, and its file";
    EXPECT_EQ(source.similar("org.example.jsno"), "") << "proposals are not worth more";
    EXPECT_EQ(fetch.count, count + 2);
    ASSERT_TRUE(registry.index());
    RegistrySource whole({&registry}, {{"x86_64-linux-gnu"}, nullptr, true});
    EXPECT_NE(whole.similar("org.example.jsno"), "");
    // Offline an index of an older snapshot is better than none.
    published(plugin("org.example.json", "1.1.0"));
    auto newer = good(fetch);
    auto offline = options();
    offline.offline = true;
    auto later = Registry::open(fetch, offline);
    ASSERT_TRUE(later) << later.error().message();
    EXPECT_FALSE(later->kept_index());
    const auto index = later->index();
    ASSERT_TRUE(index) << index.error().message();
    EXPECT_EQ(index->find("org.example.json")->version, "1.0.0");
}

TEST_F(RegistryTest, MendsACacheThatWasDamaged) {
    published(plugin("org.example.json", "1.0.0"));
    FarFetch fetch(folder());
    auto registry = good(fetch);
    ASSERT_TRUE(registry.index());
    for (const auto& entry : fs::recursive_directory_iterator(temporary_.path() / "cache")) {
        if (entry.is_regular_file()) rig::write(entry.path(), "damaged");
    }
    auto again = good(fetch);
    const auto index = again.index();
    ASSERT_TRUE(index) << index.error().message();
    EXPECT_TRUE(index->find("org.example.json"));
}

TEST_F(RegistryTest, PlansFromARegistryAndReadsTheLock) {
    published(plugin("org.example.json", "1.0.0", "[capabilities]\nfile_access = [\"read:workspace\"]\n"));
    published(plugin("org.example.greet", "1.0.0", "[dependencies]\n\"org.example.json\" = \"^1.0\"\n"));
    FolderFetch fetch(folder());
    const LockInputs inputs{{{"org.example.greet", {}, {}}}, {"x86_64-linux-gnu"}, {1, 0, 0, {}, {}}, {}};
    const auto planned = [&](const Lock* lock, const LockMode& mode, bool compact) {
        auto registry = good(fetch);
        EXPECT_TRUE(registry.index());
        RegistrySource source({&registry}, {inputs.triples, nullptr, compact});
        auto result = make_plan(source, inputs, lock, mode);
        EXPECT_TRUE(result) << result.error().message();
        return std::get<Plan>(*std::move(result));
    };
    const auto first = planned(nullptr, {}, true);
    EXPECT_EQ(print(first.lock), print(planned(nullptr, {}, false).lock)) << "with and without the compact index";
    const auto* json = first.lock.find("org.example.json");
    ASSERT_NE(json, nullptr);
    EXPECT_EQ(json->signer, publisher_.public_key().text());
    EXPECT_EQ(json->rights.text(), "read:workspace\n");
    EXPECT_EQ(json->artifacts.size(), 1u);
    EXPECT_THAT(first.lock.find("org.example.greet")->dependencies, ElementsAre("org.example.json 1.0.0"));

    published(plugin("org.example.json", "1.4.0")); // planted
    const auto lock = parse_lock(print(first.lock), "symphony.lock");
    ASSERT_TRUE(lock) << lock.error().message();
    EXPECT_FALSE(planned(&*lock, {}, true).changed);
    LockMode update;
    update.update = true;
    EXPECT_EQ(planned(&*lock, update, true).lock.find("org.example.json")->version.text(), "1.4.0");
}

TEST_F(RegistryTest, TellsAdvisoriesOfAVersion) {
    published(plugin("org.example.json", "1.0.0"));
    const Advisory advisory{"SYM-2026-0001", "reads too far", "high", "A long text ends in the middle.", "https://example.org/1"};
    const auto advised = opened().advise(advisory, {{"org.example.json", "1.0.0"}}, signing());
    ASSERT_TRUE(advised) << advised.error().message();
    FolderFetch fetch(folder());
    auto registry = good(fetch);
    EXPECT_THAT(registry.versions("org.example.json")->front().advisories, ElementsAre("SYM-2026-0001"));
    EXPECT_EQ(*registry.advisory("SYM-2026-0001"), advisory);
    EXPECT_EQ(reason(registry.advisory("SYM-2026-0002")), "unknown-advisory");
    rig::write(folder() / advisory_path("SYM-2026-0001"), print(Advisory{"SYM-2026-0001", "nothing", "low", "All is well.", ""}));
    EXPECT_EQ(reason(good(fetch).advisory("SYM-2026-0001")), "digest-mismatch");
}

TEST_F(RegistryTest, GivesAnIdToTheFirstRegistryThatHasIt) {
    published(plugin("org.example.json", "1.0.0"));
    // A second registry, public and eager, has a much higher version of the same id.
    const auto eager = temporary_.path() / "eager";
    auto root = root_;
    root.registry = "eager";
    ASSERT_TRUE(RegistryFolder::create(eager, {"eager", "Eager"}, root, {&root_a_, &root_b_}, signing()));
    ASSERT_TRUE(RegistryFolder::open(eager)->publish(submission(plugin("org.example.json", "99.0.0"), other_), signing()));
    FolderFetch fetch(folder()), eager_fetch(eager);
    auto registry = good(fetch);
    auto second_options = options();
    second_options.state = temporary_.path() / "state-eager";
    second_options.cache = temporary_.path() / "cache-eager";
    auto second = Registry::open(eager_fetch, second_options);
    ASSERT_TRUE(second) << second.error().message();
    RegistrySource source({&registry, &*second}, {{}, nullptr, true});
    EXPECT_EQ((*source.find("org.example.json"))->releases.size(), 1u);
    EXPECT_EQ((*source.find("org.example.json"))->releases[0].version.text(), "1.0.0");
}

} // namespace
} // namespace symphony::packaging::rig
