// SPDX-License-Identifier: Apache-2.0
#include "registry_rig.hpp"

#include <gmock/gmock.h>

namespace symphony::packaging::rig {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PublishTest : public RegistryTest {};

TEST_F(PublishTest, DoesNothingTwice) {
    const auto first = publish(plugin("org.example.json", "1.0.0"), publisher_);
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_EQ(first->snapshot, 2u);
    const auto again = publish(plugin("org.example.json", "1.0.0"), publisher_);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->was_there);
    EXPECT_EQ(opened().snapshot().number, 2u);
}

TEST_F(PublishTest, TakesInWhatWasJudgedUnlessTheRegistryChangedInBetween) {
    const auto judge = [&](const Plugin& one, const SecretKey& key) {
        const auto judged = opened().judge(submission(one.packed(), key));
        EXPECT_TRUE(judged) << judged.error().message();
        return *judged;
    };
    const auto judged = judge(plugin("org.example.json", "1.0.0"), publisher_);
    EXPECT_FALSE(judged.outcome().was_there);
    EXPECT_EQ(opened().snapshot().number, 1u) << "nothing is written by judging";
    EXPECT_EQ(opened().publish(judged, signing())->snapshot, 2u);
    EXPECT_TRUE(opened().publish(judged, signing())->was_there) << "it was judged again";
    const auto next = judge(plugin("org.example.json", "1.1.0"), publisher_);
    auto other = plugin("org.example.json", "1.1.0");
    other.library = "other bytes";
    published(other);
    EXPECT_EQ(reason(opened().publish(next, signing())), "version-exists");
    const auto last = judge(plugin("org.example.text", "1.0.0"), publisher_);
    auto root = root_;
    root.version = 2;
    root.revoked.push_back({publisher_.public_key(), "was stolen"});
    ASSERT_TRUE(opened().rotate(root, {&root_a_, &root_b_}, signing()));
    EXPECT_EQ(reason(opened().publish(last, signing())), "revoked-key");
}

TEST_F(PublishTest, NeverChangesAVersion) {
    published(plugin("org.example.json", "1.0.0"));
    auto other = plugin("org.example.json", "1.0.0");
    other.library = "other bytes";
    EXPECT_EQ(reason(publish(other, publisher_)), "version-exists");
    EXPECT_EQ(reason(publish(plugin("org.example.json", "1.0.0+build"), publisher_)), "version-exists") << "build metadata tells no versions apart";
}

TEST_F(PublishTest, RecordsWhatAVersionMayMoreThanTheOneBefore) {
    published(plugin("org.example.json", "1.0.0", "[capabilities]\nfile_access = [\"read:workspace\"]\n"));
    const auto next = publish(plugin("org.example.json", "1.1.0", "[capabilities]\nfile_access = [\"read:workspace\"]\nnetwork_access = [\"api.example.com:443\"]\n"), publisher_);
    ASSERT_TRUE(next) << next.error().message();
    EXPECT_EQ(next->previous, "1.0.0");
    EXPECT_THAT(next->line.rights_added, ElementsAre("network:api.example.com:443"));
}

TEST_F(PublishTest, RefusesWhatIsNotSignedForWhatItIs) {
    const auto packed = plugin("org.example.json", "1.0.0").packed();
    auto submitted = submission(packed, publisher_);
    submitted.signer = other_.public_key();
    EXPECT_EQ(reason(opened().publish(submitted, signing())), "wrong-key");
    submitted = submission(packed, publisher_);
    submitted.signature = publisher_.sign(packed.bytes, PackageClaim{"org.example.other", "1.0.0", packed.info.digest}.comment())->text();
    EXPECT_EQ(reason(opened().publish(submitted, signing())), "comment-mismatch");
    submitted.signature = "rubbish";
    EXPECT_EQ(reason(opened().publish(submitted, signing())), "not-a-signature");
    submitted = submission(packed, publisher_);
    submitted.package[submitted.package.size() / 2] ^= 1;
    EXPECT_NE(reason(opened().publish(submitted, signing())), "");
    EXPECT_EQ(opened().snapshot().number, 1u) << "nothing of it is left";
}

TEST_F(PublishTest, KeepsAnIdForItsPublisher) {
    published(plugin("org.example.json", "1.0.0"));
    EXPECT_EQ(reason(publish(plugin("org.example.json", "1.0.1"), other_)), "other-publisher");
    auto next = root_;
    next.version = 2;
    next.successors.push_back({publisher_.public_key(), other_.public_key()});
    next.publishers.push_back({other_.public_key(), "Acme", {"com.acme.*"}});
    ASSERT_TRUE(opened().rotate(next, {&root_a_, &root_b_}, signing()));
    EXPECT_EQ(reason(publish(plugin("org.example.json", "1.0.1"), other_)), "");
    EXPECT_EQ(reason(publish(plugin("com.acme.tool", "1.0.0"), publisher_)), "not-your-name");
    EXPECT_EQ(reason(publish(plugin("com.acme.tool", "1.0.0"), other_)), "");
}

TEST_F(PublishTest, RefusesNamesThatAreTakenForOthers) {
    published(plugin("org.example.silicon", "1.0.0"));
    for (const auto* id : {"org.example.si1icon", "org.example.silic0n", "org.example.silicom", "org.example.silicon2", "org.exampIe.silicon", "org.example.sil-icon", "org.exarnple.silicon"}) {
        SCOPED_TRACE(id);
        const auto lower = [](std::string text) {
            for (auto& c : text) c = c == 'I' ? 'i' : c;
            return text;
        };
        EXPECT_EQ(reason(publish(plugin(lower(id), "1.0.0"), other_)), "confusing-name");
    }
    EXPECT_EQ(reason(publish(plugin("org.example.si1icon", "1.0.0"), publisher_)), "") << "one's own names may look alike";
    EXPECT_EQ(reason(publish(plugin("org.example.carbon", "1.0.0"), other_)), "");
    auto allowed = submission(plugin("org.example.silic0n", "1.0.0"), other_);
    allowed.confusing_name_is_fine = true;
    EXPECT_EQ(reason(opened().publish(allowed, signing())), "");
}

TEST_F(PublishTest, AsksForALicence) {
    auto bare = plugin("org.example.json", "1.0.0");
    const testing::TempFolder place;
    bare.put(place.path());
    fs::remove(place.path() / "LICENSE");
    EXPECT_EQ(reason(opened().publish(submission(*pack(place.path()), publisher_), signing())), "no-license");
}

TEST_F(PublishTest, YanksAndGivesBack) {
    published(plugin("org.example.json", "1.0.0"));
    ASSERT_TRUE(opened().yank("org.example.json", "1.0.0", true, signing()));
    EXPECT_TRUE(opened().versions("org.example.json")->front().yanked);
    ASSERT_TRUE(opened().yank("org.example.json", "1.0.0", false, signing()));
    EXPECT_FALSE(opened().versions("org.example.json")->front().yanked);
    EXPECT_EQ(reason(opened().yank("org.example.json", "2.0.0", true, signing())), "unknown-version");
}

TEST_F(PublishTest, NeedsTheKeyForSnapshots) {
    EXPECT_EQ(reason(opened().sign_again({{&other_}, now, now + day})), "missing-key");
    EXPECT_EQ(reason(opened().sign_again({{&online_}, now, now})), "bad-time");
    EXPECT_EQ(reason(RegistryFolder::open(temporary_.path() / "nowhere")), "no-registry");
    EXPECT_EQ(reason(RegistryFolder::create(folder(), {"main", "x"}, root_, {&root_a_, &root_b_}, signing())), "exists");
}

/// Fails at the nth step, as a crash or a full disk does.
Disk failing_at(int step, int& count) {
    return Disk([step, &count](std::string_view, const fs::path&) -> Status {
        if (count++ == step) return Error(Code::io, "crash", "the machine stopped here");
        if (count > step) return Error(Code::io, "crash", "the machine stopped before");
        return {};
    });
}

TEST_F(PublishTest, LeavesTheRegistryWholeWhereverItStops) {
    published(plugin("org.example.json", "1.0.0"));
    const auto next = submission(plugin("org.example.json", "1.0.1"), publisher_);
    int steps = 0, before = 0, after = 0;
    for (bool done = false; !done; ++steps) {
        SCOPED_TRACE("step " + std::to_string(steps));
        ASSERT_LT(steps, 500);
        int count = 0;
        auto failing = RegistryFolder::open(folder(), failing_at(steps, count));
        ASSERT_TRUE(failing);
        (void)failing->publish(next, signing());
        done = count <= steps;
        // A reader sees the old state or the new one, whole.
        const testing::TempFolder fresh;
        auto reader = options();
        reader.state = fresh.path() / "state";
        reader.cache = fresh.path() / "cache";
        FolderFetch fetch(folder());
        auto registry = Registry::open(fetch, reader);
        ASSERT_TRUE(registry) << registry.error().message();
        const auto versions = registry->versions("org.example.json");
        ASSERT_TRUE(versions) << versions.error().message();
        (versions->size() == 1 ? before : after) += 1;
        for (const auto& line : *versions) EXPECT_TRUE(registry->package(line, line.artifacts[0]));
        if (versions->size() == 2) break;
    }
    EXPECT_GT(before, 5);
    EXPECT_EQ(after, 1);
    const auto again = opened().publish(next, signing());
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_TRUE(again->was_there);
}

TEST_F(PublishTest, KeepsOldFilesForOneSnapshotAndNoLonger) {
    for (int i = 0; i < 5; ++i) published(plugin("org.example.json", "1.0." + std::to_string(i)));
    int signatures = 0, lists = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
        const auto name = entry.path().filename().string();
        signatures += name.starts_with("snapshot.") && name.ends_with(".minisig") ? 1 : 0;
        lists += name.ends_with(".list") ? 1 : 0;
    }
    EXPECT_EQ(signatures, 2);
    EXPECT_EQ(lists, 2);
}

} // namespace
} // namespace symphony::packaging::rig
