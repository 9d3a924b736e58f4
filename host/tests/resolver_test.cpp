// SPDX-License-Identifier: Apache-2.0
#include "resolver.hpp"

#include "folders.hpp"

#include <gmock/gmock.h>

#include <map>

namespace symphony::host {
namespace {

using test::manifest;
using test::put;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct Outcome {
    std::vector<std::string> order;                // "a 1.0.0"
    std::map<std::string, std::string> reasons;    // "a 1.0.0" -> reason
    std::map<std::string, std::string> messages;
    std::vector<std::string> superseded;
};

struct Plugin {
    std::string name;
    std::string version;
    std::string rest;
};

Outcome outcome_of(const std::vector<Plugin>& plugins, ResolveOptions options = {}) {
    TemporaryFolder root;
    int folder = 100;
    for (const auto& plugin : plugins) put(root, std::to_string(folder++), manifest(plugin.name, plugin.version, plugin.rest));
    const auto catalog = Catalog::open({{root.path(), Origin::flag}}, "");
    const auto resolution = resolve(catalog, options);
    Outcome outcome;
    const auto title = [&catalog](Catalog::Ref ref) {
        const auto entry = catalog.entry(ref);
        return std::string(entry.name) + " " + std::string(entry.version);
    };
    for (const auto ref : resolution.order) outcome.order.push_back(title(ref));
    for (const auto ref : resolution.superseded) outcome.superseded.push_back(title(ref));
    for (const auto& refused : resolution.refused) {
        outcome.reasons[title(refused.plugin)] = refused.error.reason();
        outcome.messages[title(refused.plugin)] = refused.error.message() + " / " + refused.error.hint();
    }
    EXPECT_EQ(outcome.order.size() + outcome.superseded.size() + resolution.refused.size(), plugins.size());
    return outcome;
}

std::string depends(const std::string& id, const std::string& range, const std::string& more = {}) {
    return "[dependencies]\n\"org." + id + "\" = { version = \"" + range + "\"" + more + " }\n";
}
std::string provides(const std::string& port, const std::string& more = {}) { return "[provides]\n\"" + port + "\" = { " + more + " }\n"; }
std::string requires_port(const std::string& port, const std::string& more = {}) { return "[requires]\n\"" + port + "\" = { " + more + " }\n"; }

TEST(Resolver, PutsWhoeverIsNeededFirst) {
    const auto outcome = outcome_of({{"a", "1.0.0", depends("c", "^1")},
                                     {"b", "1.0.0", requires_port("search/1")},
                                     {"c", "1.4.0", requires_port("pool/1")},
                                     {"d", "1.0.0", provides("search/1")},
                                     {"e", "1.0.0", provides("pool/1")}});
    EXPECT_THAT(outcome.order, ElementsAre("e 1.0.0", "c 1.4.0", "a 1.0.0", "d 1.0.0", "b 1.0.0"));
    EXPECT_THAT(outcome.reasons, IsEmpty());
}

TEST(Resolver, UsesTheHighestVersionAndKeepsTheOthers) {
    const auto outcome = outcome_of({{"a", "1.9.0", ""}, {"a", "1.10.0", ""}, {"a", "2.0.0-rc.1", ""}, {"a", "2.0.0", "[abi]\nversion = \"2.0\"\n"}});
    EXPECT_THAT(outcome.order, ElementsAre("a 2.0.0-rc.1"));
    EXPECT_THAT(outcome.superseded, UnorderedElementsAre("a 1.9.0", "a 1.10.0"));
    EXPECT_EQ(outcome.reasons.at("a 2.0.0"), "abi-major");
}

TEST(Resolver, ChoosesAVersionThatSuitsThoseWhoNeedIt) {
    const auto outcome = outcome_of({{"c", "1.0.0", ""}, {"c", "2.0.0", ""}, {"a", "1.0.0", depends("c", "^1")}});
    EXPECT_THAT(outcome.order, ElementsAre("c 1.0.0", "a 1.0.0"));
}

TEST(Resolver, NamesBothSidesOfAConflictAndTheRemedy) {
    const auto outcome = outcome_of({{"a", "1.0.0", depends("c", "<2")}, {"b", "3.0.0", depends("c", ">=2")}, {"c", "2.1.0", ""}});
    EXPECT_EQ(outcome.reasons.at("a 1.0.0"), "version-conflict");
    EXPECT_THAT(outcome.messages.at("a 1.0.0"),
                AllOf(HasSubstr("\"org.a\" 1.0.0"), HasSubstr("org.c <2"), HasSubstr("\"org.b\" 3.0.0"), HasSubstr(">=2"), HasSubstr("2.1.0 is used"),
                      HasSubstr("manifest.toml:7"), HasSubstr("--set org.b.enabled=false")));
    EXPECT_THAT(outcome.order, ElementsAre("c 2.1.0", "b 3.0.0"));
}

TEST(Resolver, RefusesWithItsOwnReason) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"[dependencies]\ntokio = \"^1.0\"\n", "missing-dependency"},
        {depends("c", "^2"), "version-conflict"},
        {requires_port("nobody/1"), "missing-provider"},
        {requires_port("pool/1", "provider = \"org.other\""), "missing-provider"},
        {"[dependencies]\nsymphony-core = \"^2.0\"\n", "host-version"},
        {"[abi]\nversion = \"1.9\"\n", "abi-minor"},
        {"[abi]\nversion = \"2.0\"\n", "abi-major"},
    };
    for (const auto& [rest, reason] : cases) {
        SCOPED_TRACE(rest);
        const auto outcome = outcome_of({{"a", "1.0.0", rest}, {"c", "1.0.0", provides("pool/1")}});
        ASSERT_TRUE(outcome.reasons.contains("a 1.0.0"));
        EXPECT_EQ(outcome.reasons.at("a 1.0.0"), reason);
        EXPECT_THAT(outcome.messages.at("a 1.0.0"), HasSubstr("manifest.toml:"));
        EXPECT_THAT(outcome.order, ElementsAre("c 1.0.0"));
    }
}

TEST(Resolver, OptionalNeedsRefuseNothing) {
    const auto outcome = outcome_of({{"a", "1.0.0", depends("zz", "^1", ", optional = true") + requires_port("nobody/1", "optional = true")}});
    EXPECT_THAT(outcome.order, ElementsAre("a 1.0.0"));
}

TEST(Resolver, WhatStandsOnARefusedPluginFallsWithItAndTheRestStays) {
    const auto outcome = outcome_of({{"a", "1.0.0", depends("b", "^1")},
                                     {"b", "1.0.0", requires_port("pool/1")},
                                     {"c", "1.0.0", provides("pool/1") + depends("gone", "^1")},
                                     {"d", "1.0.0", ""}});
    EXPECT_THAT(outcome.order, ElementsAre("d 1.0.0"));
    EXPECT_EQ(outcome.reasons.at("c 1.0.0"), "missing-dependency");
    EXPECT_EQ(outcome.reasons.at("b 1.0.0"), "needs-refused");
    EXPECT_EQ(outcome.reasons.at("a 1.0.0"), "needs-refused");
    EXPECT_THAT(outcome.messages.at("b 1.0.0"), HasSubstr("org.c"));
}

TEST(Resolver, FallsBackToAnOlderVersionWhenTheNewestCannotBeUsed) {
    const auto outcome = outcome_of({{"a", "1.0.0", depends("c", ">=1")}, {"c", "1.0.0", ""}, {"c", "2.0.0", depends("gone", "^1")}});
    EXPECT_THAT(outcome.order, ElementsAre("c 1.0.0", "a 1.0.0"));
    EXPECT_EQ(outcome.reasons.at("c 2.0.0"), "missing-dependency");
}

TEST(Resolver, NamesTheWholeCycle) {
    const auto outcome = outcome_of({{"a", "1.0.0", depends("b", "^1")},
                                     {"b", "1.0.0", requires_port("pool/1")},
                                     {"c", "1.0.0", provides("pool/1") + depends("a", "^1")},
                                     {"d", "1.0.0", depends("a", "^1")},
                                     {"e", "1.0.0", ""}});
    EXPECT_THAT(outcome.order, ElementsAre("e 1.0.0"));
    for (const auto* name : {"a 1.0.0", "b 1.0.0", "c 1.0.0"}) EXPECT_EQ(outcome.reasons.at(name), "cycle");
    EXPECT_THAT(outcome.messages.at("a 1.0.0"), HasSubstr("org.a -> org.b -> org.c -> org.a"));
    EXPECT_EQ(outcome.reasons.at("d 1.0.0"), "needs-refused");
}

TEST(Resolver, AProviderElsewhereBreaksACycle) {
    const auto outcome = outcome_of({{"a", "1.0.0", provides("pool/1") + requires_port("search/1")},
                                     {"b", "1.0.0", provides("search/1", "priority = 10") + requires_port("pool/1")},
                                     {"c", "1.0.0", provides("search/1", "priority = 90")}});
    EXPECT_THAT(outcome.order, ElementsAre("c 1.0.0", "a 1.0.0", "b 1.0.0"));
}

TEST(Resolver, AnExclusivePortHasOneProviderAndSaysWhoElseWantsIt) {
    const auto outcome = outcome_of({{"a", "1.0.0", provides("pool/1", "exclusive = true")},
                                     {"b", "1.0.0", provides("pool/1", "priority = 10")}});
    EXPECT_THAT(outcome.order, ElementsAre("a 1.0.0"));
    EXPECT_EQ(outcome.reasons.at("b 1.0.0"), "exclusive-port");
    EXPECT_THAT(outcome.messages.at("b 1.0.0"), AllOf(HasSubstr("pool/1"), HasSubstr("org.a"), HasSubstr("--set org.a.enabled=false")));
}

TEST(Resolver, ADisabledPluginIsNoChoice) {
    ResolveOptions options;
    options.disabled = [](const Entry& entry) { return entry.name == "a"; };
    const auto outcome = outcome_of({{"a", "1.0.0", provides("pool/1", "exclusive = true")},
                                     {"b", "1.0.0", provides("pool/1")},
                                     {"c", "1.0.0", depends("a", "^1")}},
                                    options);
    EXPECT_THAT(outcome.order, ElementsAre("b 1.0.0"));
    EXPECT_EQ(outcome.reasons.at("a 1.0.0"), "disabled");
    EXPECT_EQ(outcome.reasons.at("c 1.0.0"), "needs-refused");
}

TEST(Resolver, TheSecondOfTwoEqualPluginsIsRefusedAndBothFoldersAreNamed) {
    const auto outcome = outcome_of({{"a", "1.0.0", ""}, {"a", "1.0.0", ""}, {"b", "1.0.0", ""}});
    EXPECT_THAT(outcome.order, ElementsAre("a 1.0.0", "b 1.0.0"));
    EXPECT_EQ(outcome.reasons.at("a 1.0.0"), "duplicate-id");
    EXPECT_THAT(outcome.messages.at("a 1.0.0"), AllOf(HasSubstr("/100"), HasSubstr("/101/manifest.toml")));
}

TEST(Resolver, ABrokenManifestIsRefusedByItsOwnReason) {
    TemporaryFolder root;
    put(root, "x", "[extension]\nname = \"x\"\nversion = \"1.0.0\"\ntype = \"operator\"\n[provides]\n\"Operator\" = {}\n");
    put(root, "y", manifest("y"));
    const auto catalog = Catalog::open({{root.path(), Origin::flag}}, "");
    const auto resolution = resolve(catalog);
    ASSERT_EQ(resolution.refused.size(), 1u);
    EXPECT_EQ(resolution.order.size(), 1u);
    EXPECT_THAT(resolution.refused[0].error.message(), AllOf(HasSubstr("plugin \"x\""), HasSubstr("x/manifest.toml:6")));
}

TEST(Resolver, TheSeedsExampleNamesTheUnknownPackage) {
    TemporaryFolder root;
    put(root, "gpt", "[extension]\nname = \"gpt-4-instrument\"\nversion = \"1.0.0\"\ntype = \"instrument\"\n[dependencies]\n"
                     "symphony-core = \"^1.0\"\ntokio = \"^1.0\"\n");
    const auto catalog = Catalog::open({{root.path(), Origin::flag}}, "");
    const auto resolution = resolve(catalog);
    ASSERT_EQ(resolution.refused.size(), 1u);
    EXPECT_THAT(resolution.refused[0].error.message(), AllOf(HasSubstr("unknown package tokio ^1.0"), HasSubstr("manifest.toml:7")));
}

TEST(Resolver, FollowsALongChainToItsEnd) {
    TemporaryFolder root;
    std::vector<Plugin> plugins;
    for (int i = 0; i < 400; ++i) plugins.push_back({"p" + std::to_string(i), "1.0.0", i + 1 < 400 ? depends("p" + std::to_string(i + 1), "^1") : depends("gone", "^1")});
    const auto outcome = outcome_of(plugins);
    EXPECT_THAT(outcome.order, IsEmpty());
    EXPECT_EQ(outcome.reasons.at("p399 1.0.0"), "missing-dependency");
    EXPECT_EQ(outcome.reasons.at("p0 1.0.0"), "needs-refused");
}

TEST(Resolver, AFolderThatIsNamedStandsInFrontOfWhatIsInstalled) {
    TemporaryFolder named, installed;
    put(named, "dev", manifest("a", "0.1.0"));
    put(installed, "old", manifest("a", "0.1.0"));
    put(installed, "new", manifest("a", "2.0.0"));
    put(installed, "user", manifest("user", "1.0.0", depends("a", "^0.1")));
    const auto catalog = Catalog::open({{named.path(), Origin::flag}, {installed.path(), Origin::user}}, "");
    const auto resolution = resolve(catalog, {});
    EXPECT_TRUE(resolution.refused.empty()) << "shadowed, and nothing is wrong with them";
    EXPECT_EQ(resolution.superseded.size(), 2u);
    ASSERT_EQ(resolution.order.size(), 2u);
    EXPECT_EQ(catalog.root(resolution.order[0]).origin, Origin::flag);
}

} // namespace
} // namespace symphony::host
