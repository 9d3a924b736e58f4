// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/digest.hpp>
#include <symphony/packaging/plan.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace symphony::packaging {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Shelf final : public Source {
public:
    void add(const std::string& id, const std::string& version, std::vector<PackageTable::NeedText> needs = {}, const std::string& rights = "", bool yanked = false,
             const std::string& barred = "") {
        releases_.push_back({id, version, std::move(needs), {}, {}, barred, yanked});
        rights_[id + " " + version] = rights;
        rebuild();
    }
    void edit(const std::string& id, const std::string& version, const std::function<void(PackageTable::ReleaseText&)>& change) {
        for (auto& one : releases_) {
            if (one.id == id && one.version == version) change(one);
        }
        rebuild();
    }
    void remove(const std::string& id, const std::string& version) {
        std::erase_if(releases_, [&](const auto& one) { return one.id == id && one.version == version; });
        rebuild();
    }
    std::string salt; ///< of manifests: another one is another manifest
    int asked = 0;

    Result<const Package*> find(std::string_view id) override {
        ++asked;
        return table_->find(id);
    }
    std::vector<Lock::Registry> registries() const override { return {{"main", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", 7}}; }
    Result<Lock::Package> describe(std::string_view id, const manifests::Version& version) override {
        Lock::Package out;
        out.id = id;
        out.version = version;
        out.registry = "main";
        out.manifest = sha256_of(out.id + version.text() + salt);
        out.rights = *manifests::RightSet::parse(rights_.at(out.id + " " + version.text()));
        out.artifacts = {{"x86_64-linux-gnu", 10, sha256_of(out.manifest), sha256_of("files" + out.manifest)}};
        return out;
    }

private:
    void rebuild() {
        table_ = std::make_unique<PackageTable>();
        for (const auto& one : releases_) EXPECT_TRUE(table_->add(one));
    }
    std::vector<PackageTable::ReleaseText> releases_;
    std::map<std::string, std::string> rights_;
    std::unique_ptr<PackageTable> table_ = std::make_unique<PackageTable>();
};

class Planning : public ::testing::Test {
protected:
    Planning() { want("app", "^1"); }
    void want(const std::string& id, std::string_view range) { inputs_.wanted.push_back({id, *manifests::Range::parse(range), {}}); }
    Plan planned(const Lock* lock, const LockMode& mode = {}) {
        auto result = make_plan(shelf_, inputs_, lock, mode);
        EXPECT_TRUE(result) << result.error().message();
        if (!result || !std::holds_alternative<Plan>(*result)) {
            ADD_FAILURE() << "no plan";
            return {};
        }
        return std::get<Plan>(*std::move(result));
    }
    std::string refused(const Lock* lock, const LockMode& mode = {}) {
        const auto result = make_plan(shelf_, inputs_, lock, mode);
        if (result) return "";
        message_ = result.error().message();
        return std::string(result.error().reason());
    }
    static std::vector<std::string> versions(const Lock& lock) {
        std::vector<std::string> out;
        for (const auto& one : lock.packages) out.push_back(one.id + " " + one.version.text());
        return out;
    }
    static LockMode locked() {
        LockMode mode;
        mode.locked = true;
        return mode;
    }
    static LockMode update(std::vector<std::string> ids = {}) {
        LockMode mode;
        mode.update = true;
        mode.update_ids = std::move(ids);
        return mode;
    }

    Shelf shelf_;
    LockInputs inputs_;
    std::string message_;
};

TEST_F(Planning, ReadsTheLock) {
    shelf_.add("app", "1.0.0", {{"json", "^1"}});
    shelf_.add("json", "1.0.0");
    const auto first = planned(nullptr);
    EXPECT_TRUE(first.changed);
    EXPECT_THAT(versions(first.lock), ElementsAre("app 1.0.0", "json 1.0.0"));
    EXPECT_THAT(first.lock.find("app")->dependencies, ElementsAre("json 1.0.0"));

    // Planted: newer versions of both. The lock is what counts.
    shelf_.add("app", "1.1.0", {{"json", "^1"}});
    shelf_.add("json", "1.5.0");
    const auto read = parse_lock(print(first.lock), "symphony.lock");
    ASSERT_TRUE(read);
    for (const auto& mode : {LockMode{}, locked(), LockMode::frozen()}) {
        const auto again = planned(&*read, mode);
        EXPECT_FALSE(again.changed);
        EXPECT_EQ(again.lock, *read);
    }
    EXPECT_THAT(versions(planned(nullptr).lock), ElementsAre("app 1.1.0", "json 1.5.0"));
}

TEST_F(Planning, KeepsLockedVersionsWhenSomethingElseIsAdded) {
    shelf_.add("app", "1.0.0", {{"json", "^1"}});
    shelf_.add("json", "1.0.0");
    const auto first = planned(nullptr);
    shelf_.add("app", "1.1.0", {{"json", "^1"}});
    shelf_.add("json", "1.5.0");
    shelf_.add("text", "2.0.0", {{"json", "^1"}});
    want("text", "*");
    const auto plan = planned(&first.lock);
    EXPECT_TRUE(plan.changed);
    EXPECT_THAT(versions(plan.lock), ElementsAre("app 1.0.0", "json 1.0.0", "text 2.0.0"));
    ASSERT_EQ(plan.changes.size(), 1u);
    EXPECT_EQ(plan.changes[0].kind, PlanChange::Kind::added);
}

TEST_F(Planning, FailsLockedWhenTheLockDoesNotAnswer) {
    shelf_.add("app", "1.0.0");
    EXPECT_EQ(refused(nullptr, locked()), "no-lock");
    const auto first = planned(nullptr);
    want("json", "^2");
    EXPECT_EQ(refused(&first.lock, locked()), "lock-out-of-date");
    EXPECT_THAT(message_, HasSubstr("json is wanted and not in it"));
    EXPECT_EQ(refused(&first.lock, LockMode::frozen()), "lock-out-of-date");
    inputs_.wanted.pop_back();
    inputs_.host.minor = 3;
    EXPECT_EQ(refused(&first.lock, locked()), "lock-out-of-date");
    EXPECT_THAT(message_, HasSubstr("ABI 1.0"));
}

TEST_F(Planning, AsksNobodyWhenFrozen) {
    shelf_.add("app", "1.0.0");
    const auto first = planned(nullptr);
    shelf_.asked = 0;
    (void)planned(&first.lock, LockMode::frozen());
    EXPECT_EQ(shelf_.asked, 0);
    (void)planned(&first.lock, locked());
    EXPECT_GT(shelf_.asked, 0) << "who is online looks whether what is locked was revoked";
}

TEST_F(Planning, UpdatesEverythingOrWhatIsNamed) {
    shelf_.add("app", "1.0.0", {{"json", "^1"}}, "read:workspace\n");
    shelf_.add("json", "1.0.0");
    const auto first = planned(nullptr);
    shelf_.add("app", "1.1.0", {{"json", "^1"}}, "read:workspace\nnetwork:api.example.com:443\n");
    shelf_.add("json", "1.5.0");
    EXPECT_THAT(versions(planned(&first.lock, update({"json"})).lock), ElementsAre("app 1.0.0", "json 1.5.0"));
    const auto all = planned(&first.lock, update());
    EXPECT_THAT(versions(all.lock), ElementsAre("app 1.1.0", "json 1.5.0"));
    ASSERT_EQ(all.changes.size(), 2u);
    EXPECT_EQ(all.changes[0].kind, PlanChange::Kind::upgraded);
    EXPECT_EQ(all.changes[0].from, "1.0.0");
    EXPECT_TRUE(all.changes[0].rights.widens());
    EXPECT_FALSE(all.changes[1].rights.widens());
}

TEST_F(Planning, TakesTheLowestWhateverTheLockHas) {
    shelf_.add("app", "1.0.0");
    shelf_.add("app", "1.1.0");
    const auto first = planned(nullptr);
    LockMode minimal;
    minimal.minimal = true;
    EXPECT_THAT(versions(planned(&first.lock, minimal).lock), ElementsAre("app 1.0.0"));
}

TEST_F(Planning, KeepsAYankedVersionForALockThatHasIt) {
    shelf_.add("app", "1.0.0");
    shelf_.add("app", "1.1.0");
    const auto first = planned(nullptr);
    shelf_.edit("app", "1.1.0", [](auto& release) { release.yanked = true; });
    EXPECT_THAT(versions(planned(&first.lock).lock), ElementsAre("app 1.1.0"));
    EXPECT_THAT(versions(planned(nullptr).lock), ElementsAre("app 1.0.0"));
}

TEST_F(Planning, RefusesALockedVersionThatWasRevokedOrChanged) {
    shelf_.add("app", "1.0.0");
    const auto first = planned(nullptr);
    shelf_.salt = "other bytes";
    EXPECT_EQ(refused(&first.lock), "digest-changed");
    EXPECT_EQ(refused(&first.lock, update()), "digest-changed");
    shelf_.salt.clear();
    shelf_.edit("app", "1.0.0", [](auto& release) { release.barred = "is signed by a revoked key"; });
    EXPECT_EQ(refused(&first.lock), "locked-version-barred");
    EXPECT_THAT(message_, HasSubstr("app 1.0.0 is signed by a revoked key"));
    shelf_.remove("app", "1.0.0");
    EXPECT_EQ(refused(&first.lock), "locked-version-gone");
}

TEST_F(Planning, TellsWhatIsRemovedAndWhatGoesBack) {
    shelf_.add("app", "1.1.0");
    shelf_.add("old", "1.0.0");
    want("old", "*");
    const auto first = planned(nullptr);
    inputs_.wanted.pop_back();
    shelf_.add("app", "1.0.0");
    inputs_.wanted[0].range = *manifests::Range::parse("<1.1");
    const auto plan = planned(&first.lock);
    ASSERT_EQ(plan.changes.size(), 2u);
    EXPECT_EQ(plan.changes[0].kind, PlanChange::Kind::downgraded);
    EXPECT_EQ(plan.changes[1].kind, PlanChange::Kind::removed);
}

TEST_F(Planning, GivesTheConflictOfTheResolver) {
    shelf_.add("app", "2.0.0");
    const auto result = make_plan(shelf_, inputs_, nullptr, {});
    ASSERT_TRUE(result);
    ASSERT_TRUE(std::holds_alternative<Conflict>(*result));
    EXPECT_EQ(hint_of(std::get<Conflict>(*result)), "change app = \"^1\" to \"^2.0\": gives 2.0.0");
}

} // namespace
} // namespace symphony::packaging
