// SPDX-License-Identifier: Apache-2.0
#include <symphony/packaging/resolver.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace symphony::packaging {
namespace {

using Needs = std::vector<PackageTable::NeedText>;
using ::testing::HasSubstr;

class Resolver : public ::testing::Test {
protected:
    void add(std::string id, std::string version, Needs needs = {}) { add(PackageTable::ReleaseText{std::move(id), std::move(version), std::move(needs), {}, {}, {}, false}); }
    void add(const PackageTable::ReleaseText& release) {
        const auto added = table_.add(release);
        ASSERT_TRUE(added) << added.error().message();
    }
    void want(std::string id, std::string_view range, std::string place = {}) {
        request_.wanted.push_back({std::move(id), *manifests::Range::parse(range), std::move(place)});
    }
    Resolution resolved() {
        auto result = resolve(table_, request_);
        EXPECT_TRUE(result) << result.error().message();
        return result ? *std::move(result) : Resolution();
    }
    std::string answer() {
        const auto result = resolved();
        if (const auto* conflict = std::get_if<Conflict>(&result)) return to_text(*conflict) + "hint: " + hint_of(*conflict);
        std::string out;
        for (const auto& one : std::get<Solution>(result).chosen) out += (out.empty() ? "" : ", ") + one.id + " " + one.version.text();
        return out;
    }
    std::string refused() {
        const auto result = resolve(table_, request_);
        return result ? "" : std::string(result.error().reason());
    }

    PackageTable table_;
    ResolveRequest request_;
};

TEST_F(Resolver, TakesTheHighestThatFits) {
    add("app", "1.0.0", {{"json", "^1.0"}});
    add("app", "1.1.0", {{"json", "^2.0"}});
    add("json", "1.4.0");
    add("json", "2.0.0");
    add("json", "2.1.0");
    add("json", "3.0.0");
    want("app", "^1");
    EXPECT_EQ(answer(), "app 1.1.0, json 2.1.0");
}

TEST_F(Resolver, GoesBackToAnOlderVersionWhenTheNewestDoesNotFit) {
    add("app", "1.0.0", {{"json", "^1.0"}});
    add("app", "1.1.0", {{"json", "^2.0"}});
    add("json", "1.4.0");
    add("json", "2.0.0");
    want("app", "*");
    want("json", "^1");
    EXPECT_EQ(answer(), "app 1.0.0, json 1.4.0");
}

TEST_F(Resolver, ExplainsAConflictInTheFactsThatMakeIt) {
    add("app", "1.0.0", {{"json", "^2.0"}, {"text", "*"}});
    add("app", "1.1.0", {{"json", "^2.0"}, {"text", "*"}});
    add("text", "1.0.0");
    add("report", "2.4.0", {{"json", "^2.0"}});
    add("report", "3.0.0", {{"json", "~1.5"}});
    add("json", "1.5.0");
    add("json", "2.0.0");
    want("app", "^1.0", "profile.toml:3");
    want("report", "^3", "profile.toml:4");
    EXPECT_EQ(answer(), "  you want report ^3 (profile.toml:4)\n"
                        "  you want app ^1.0 (profile.toml:3)\n"
                        "  every version of app needs json ^2.0\n"
                        "  report 3.0.0 needs json ~1.5\n"
                        "hint: change report = \"^3\" to \"^2.4\" (profile.toml:4): gives 2.4.0");
}

TEST_F(Resolver, TellsWhichVersionsThereAreInstead) {
    add("json", "1.0.0");
    add("json", "1.4.0");
    add("json", "2.0.0");
    want("json", "^3.1");
    EXPECT_EQ(answer(), "  you want json ^3.1, of which there is no version, only 1.0.0 to 2.0.0\n"
                        "hint: change json = \"^3.1\" to \"^2.0\": gives 2.0.0");
}

TEST_F(Resolver, GuessesWhatAnUnknownIdMeant) {
    add("org.example.json", "1.0.0");
    want("org.example.jsno", "^1");
    EXPECT_EQ(answer(), "  you want org.example.jsno ^1, which nobody has\n"
                        "hint: write org.example.json instead of org.example.jsno: gives 1.0.0");
}

TEST_F(Resolver, ReasonsThroughSeveralVersions) {
    add("app", "1.0.0", {{"old", "*"}});
    add("app", "2.0.0", {{"new", "*"}});
    add("old", "1.0.0", {{"base", "^1"}});
    add("new", "1.0.0", {{"base", "^2"}});
    add("base", "1.0.0");
    add("base", "2.0.0");
    add("base", "3.0.0");
    want("app", "*");
    want("base", "^3");
    EXPECT_EQ(answer(), "  you want base ^3\n"
                        "  you want app *\n"
                        "  every version of old needs base ^1\n"
                        "  every version of new needs base ^2\n"
                        "  app 2.0.0 needs new *\n"
                        "  app 1.0.0 needs old *\n"
                        "hint: change base = \"^3\" to \"^2.0\": gives 2.0.0");
}

TEST_F(Resolver, KeepsWhatALockHas) {
    add("json", "1.0.0");
    add("json", "1.1.0");
    add("json", "1.2.0");
    want("json", "^1");
    request_.prefer = {{"json", *manifests::Version::parse("1.1.0")}};
    EXPECT_EQ(answer(), "json 1.1.0");
    request_.wanted.clear();
    want("json", "^1.2");
    EXPECT_EQ(answer(), "json 1.2.0");
}

TEST_F(Resolver, TakesTheLowestWhenAskedTo) {
    add("app", "1.0.0", {{"json", "^1.1"}});
    add("app", "1.1.0", {{"json", "^1.1"}});
    add("json", "1.0.0");
    add("json", "1.1.0");
    add("json", "1.2.0");
    want("app", "^1");
    request_.minimal = true;
    EXPECT_EQ(answer(), "app 1.0.0, json 1.1.0");
}

TEST_F(Resolver, GivesYankedVersionsToLocksOnly) {
    add("json", "1.0.0");
    add({"json", "1.1.0", {}, {}, {}, {}, true});
    want("json", "^1");
    EXPECT_EQ(answer(), "json 1.0.0");
    request_.prefer = {{"json", *manifests::Version::parse("1.1.0")}};
    EXPECT_EQ(answer(), "json 1.1.0");
    request_.prefer.clear();
    request_.wanted.clear();
    want("json", "^1.1");
    EXPECT_THAT(answer(), HasSubstr("json 1.1.0 was withdrawn by its publisher (yanked)"));
}

TEST_F(Resolver, LeavesAYankedVersionToWhoHasItWhereNothingNewerFits) {
    add("json", "1.0.0");
    add({"json", "1.1.0", {}, {}, {}, {}, true});
    add({"json", "1.2.0", {}, {}, {}, {}, true});
    request_.keep = {{"json", *manifests::Version::parse("1.1.0")}};
    want("json", "^1.1");
    EXPECT_EQ(answer(), "json 1.1.0");
    request_.wanted.clear();
    want("json", "^1");
    EXPECT_EQ(answer(), "json 1.1.0") << "nothing goes back by itself";
    add("json", "1.3.0");
    EXPECT_EQ(answer(), "json 1.3.0");
    request_.wanted.clear();
    want("json", "=1.2");
    EXPECT_THAT(answer(), HasSubstr("json 1.2.0 was withdrawn by its publisher (yanked)"));
}

TEST_F(Resolver, GivesNobodyWhatIsBarred) {
    add("json", "1.0.0");
    add({"json", "1.1.0", {}, {}, {}, "has nothing for aarch64-linux-gnu", false});
    want("json", "^1.1");
    EXPECT_EQ(answer(), "  you want json ^1.1\n"
                        "  json 1.1.0 has nothing for aarch64-linux-gnu\n"
                        "hint: change json = \"^1.1\" to \"^1.0\": gives 1.0.0");
}

TEST_F(Resolver, TakesAPreReleaseOnlyWhereOneIsNamed) {
    add("json", "1.0.0");
    add("json", "2.0.0-rc.1");
    want("json", "*");
    EXPECT_EQ(answer(), "json 1.0.0");
    request_.wanted.clear();
    want("json", "^2.0.0-rc.1");
    EXPECT_EQ(answer(), "json 2.0.0-rc.1");
}

TEST_F(Resolver, LooksAtTheHostAsAtAPackage) {
    add("app", "1.0.0", {{"symphony-core", "^1.0"}});
    add("app", "1.1.0", {{"symphony-core", "^1.2"}});
    want("app", "^1");
    EXPECT_EQ(answer(), "app 1.0.0");
    request_.wanted.clear();
    want("app", "^1.1");
    EXPECT_EQ(answer(), "  app 1.1.0 needs symphony-core ^1.2, and this host offers 1.0\n"
                        "  you want app ^1.1\n"
                        "hint: change app = \"^1.1\" to \"^1.0\": gives 1.0.0");
    const auto conflict = std::get<Conflict>(resolved());
    ASSERT_EQ(conflict.proposals.size(), 2u);
    EXPECT_EQ(to_text(conflict.proposals[1]), "update the host from ABI 1.0 to 1.2");
}

TEST_F(Resolver, NamesTheChoiceBetweenTwoThatWantAPortForThemselves) {
    add({"pool-a", "1.0.0", {}, {{"pool/1", true}}, {}, {}, false});
    add({"pool-b", "1.0.0", {}, {{"pool/1", false}}, {}, {}, false});
    want("pool-a", "^1");
    want("pool-b", "^1");
    EXPECT_EQ(answer(), "  you want pool-b ^1\n"
                        "  every version of pool-a and every version of pool-b both provide pool/1, which one of them wants for itself\n"
                        "  you want pool-a ^1\n"
                        "hint: leave out pool-b \"^1\"");
}

TEST_F(Resolver, AsksNothingOfAnOptionalNeedThatIsNotThere) {
    add("app", "1.0.0", {{"json", "^1", true}});
    add("json", "1.0.0");
    add("json", "2.0.0");
    want("app", "*");
    EXPECT_EQ(answer(), "app 1.0.0");
    want("json", "*");
    EXPECT_EQ(answer(), "app 1.0.0, json 1.0.0");
}

TEST_F(Resolver, MissesAPortThatNobodyProvides) {
    add({"app", "1.0.0", {}, {}, {{"search/1", ""}}, {}, false});
    add({"finder", "2.1.0", {}, {{"search/1", false}}, {}, {}, false});
    want("app", "*");
    EXPECT_EQ(answer(), "  every version of app uses search/1, which nothing here provides\n"
                        "hint: add finder = \"^2.1\": gives 2.1.0");
    request_.ports = {"search/1"};
    EXPECT_EQ(answer(), "app 1.0.0");
}

TEST_F(Resolver, TakesTheNamedProviderOfAPortAsANeed) {
    add({"app", "1.0.0", {}, {}, {{"search/1", "finder"}}, {}, false});
    add({"finder", "2.1.0", {}, {{"search/1", false}}, {}, {}, false});
    want("app", "*");
    EXPECT_EQ(answer(), "app 1.0.0, finder 2.1.0");
}

TEST_F(Resolver, TellsWhenOneEditIsNotEnough) {
    for (const auto* id : {"a", "b"}) {
        add(id, "1.0.0");
        want(id, "^2");
    }
    const auto conflict = std::get<Conflict>(resolved());
    ASSERT_FALSE(conflict.proposals.empty());
    EXPECT_TRUE(conflict.proposals.front().others_remain);
    EXPECT_THAT(hint_of(conflict), HasSubstr("something else does not fit either"));
}

TEST_F(Resolver, GoesThroughChainsThatAreLongerThanAnyStack) {
    constexpr int length = 5'000;
    for (int i = 0; i < length; ++i) add("p" + std::to_string(i), "1.0.0", {{"p" + std::to_string(i + 1), "^1"}});
    add("p" + std::to_string(length), "2.0.0");
    want("p0", "^1");
    const auto conflict = std::get<Conflict>(resolved());
    EXPECT_GT(conflict.facts.size(), 1000u);
    request_.wanted[0].range = *manifests::Range::parse("^1");
    add("p" + std::to_string(length), "1.0.0");
    EXPECT_EQ(std::get<Solution>(resolved()).chosen.size(), length + 1u);
}

TEST_F(Resolver, ChoosesAmongHundredsOfVersions) {
    for (int i = 0; i < 300; ++i) add("json", "1." + std::to_string(i) + ".0");
    add("app", "1.0.0", {{"json", "<1.150"}});
    want("app", "*");
    EXPECT_EQ(answer(), "app 1.0.0, json 1.149.0");
}

TEST_F(Resolver, StopsWhereItsLimitsAre) {
    for (int i = 0; i < 50; ++i) add("p" + std::to_string(i), "1.0.0", {{"p" + std::to_string(i + 1), "^1"}});
    add("p50", "1.0.0");
    want("p0", "^1");
    request_.packages_max = 10;
    EXPECT_EQ(refused(), "too-many-packages");
    request_.packages_max = 100;
    request_.steps_max = 20;
    EXPECT_EQ(refused(), "too-hard");
    request_.steps_max = 1000;
    request_.cancelled = [] { return true; };
    EXPECT_EQ(refused(), "cancelled");
    request_.cancelled = {};
    EXPECT_EQ(refused(), "");
    want("symphony-core", "^1");
    EXPECT_EQ(refused(), "host-is-no-package");
}

TEST_F(Resolver, RefusesTwoVersionsThatDifferInBuildMetadataOnly) {
    add("json", "1.0.0+a");
    const auto again = table_.add({"json", "1.0.0+b", {}, {}, {}, {}, false});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().reason(), "duplicate-version");
}

TEST_F(Resolver, GivesItsConflictAsData) {
    add("json", "1.0.0");
    want("json", "^2", "profile.toml:1");
    const auto json = manifests::to_json(to_data(std::get<Conflict>(resolved())));
    EXPECT_THAT(json, HasSubstr("\"kind\": \"wanted\", \"id\": \"json\", \"range\": \"^2\""));
    EXPECT_THAT(json, HasSubstr("\"kind\": \"change-range\", \"id\": \"json\", \"from\": \"^2\", \"to\": \"^1.0\", \"place\": \"profile.toml:1\""));
}

} // namespace
} // namespace symphony::packaging
