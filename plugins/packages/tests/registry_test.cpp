// SPDX-License-Identifier: Apache-2.0
// Plugins out of a registry: what fits together, what stays, what is fetched.
#include "registry_case.hpp"

namespace symphony::packages {
namespace {

using rig::Machine;
using rig::Plugin;
using rig::publisher;
using rig::root;
using rig::stranger;

using FromRegistry = rig::RegistryCase;

TEST_F(FromRegistry, WhatAPluginNeedsComesAlongAndGoesWithIt) {
    publish("org.example.words", "1.0.0");
    publish("org.example.words", "1.2.0");
    publish("org.example.words", "2.0.0");
    publish("org.example.greet", "1.0.0", needs_words);
    publish("org.example.greet", "1.1.0");
    expect_refused(install("org.example.greet"), "no-registry", "symphony packages registry add");
    add_registry();
    expect_done(install("org.example.greet@=1.0.0"));
    expect_versions("1.0.0", "1.2.0");
    EXPECT_EQ(machine.publishers().pinned("org.example.words")->key, publisher().public_key()) << "the registry knows who signs";
    const auto profile = *packaging::Generations(machine.packages()).read(1);
    EXPECT_EQ(profile.find("org.example.words")->asked, "");
    EXPECT_EQ(profile.find("org.example.greet")->asked, "=1.0.0");
    EXPECT_EQ(profile.find("org.example.greet")->registry, "main");
    expect_done(install("org.example.greet@^1"));
    expect_versions("1.0.0", "1.2.0");
    expect_done(machine.run("update"));
    expect_versions("1.1.0", "");
}

TEST_F(FromRegistry, InstalledVersionsStayWhereTheyFit) {
    publish("org.example.words", "1.0.0");
    add_registry();
    expect_done(install("org.example.words"));
    publish("org.example.words", "1.1.0");
    publish("org.example.greet", "1.0.0", needs_words);
    expect_done(install("org.example.greet"));
    expect_versions("1.0.0", "1.0.0");
    expect_done(machine.run("update", {{"what", {"org.example.greet"}}}));
    expect_versions("1.0.0", "1.0.0");
    expect_done(machine.run("update", {{"what", {"words"}}}));
    expect_versions("1.0.0", "1.1.0");
    const auto again = machine.run("update");
    expect_done(again);
    EXPECT_EQ(again.out, "nothing to do\n");
}

TEST_F(FromRegistry, WhatDoesNotFitIsExplainedWithAnEdit) {
    publish("org.example.words", "1.0.0");
    publish("org.example.words", "2.0.0");
    publish("org.example.greet", "1.0.0", needs_words);
    add_registry();
    expect_done(install("org.example.words@^2"));
    const auto conflict = install("org.example.greet");
    expect_refused(conflict, "conflict", "org.example.greet");
    EXPECT_NE(conflict.hint.find("org.example.words"), std::string::npos) << conflict.hint;
    expect_versions("", "2.0.0");
    expect_refused(install("org.example.nothing"), "conflict", "org.example.nothing");
    expect_refused(install("org.example.words@"), "usage");
    expect_refused(machine.run("update", {{"what", {"org.example.greet"}}}), "not-installed");
}

TEST_F(FromRegistry, WhatLiesInTheDistributionCounts) {
    Plugin words;
    words.id = "org.example.words";
    words.version = "1.5.0";
    words.put(machine.prefix() / "plugins/words");
    publish("org.example.greet", "1.0.0", needs_words);
    add_registry();
    expect_done(install("org.example.greet"));
    expect_versions("1.0.0", "");
}

TEST_F(FromRegistry, AFileAndARegistryTogether) {
    publish("org.example.words", "1.0.0");
    add_registry();
    Plugin greet;
    greet.more = needs_words;
    const auto file = machine.package(greet);
    expect_refused(machine.run("install", {{"what", {file}}, {"allow-unsigned", {}}}), "unmet-dependency", "org.example.words");
    expect_done(machine.run("install", {{"what", {file, "org.example.words"}}, {"allow-unsigned", {}}}));
    expect_versions("1.0.0", "1.0.0");
    expect_refused(machine.run("update", {{"what", {"org.example.greet"}}}), "not-from-a-registry", "symphony update FILE");
}

TEST_F(FromRegistry, AWideningWaitsAndTheRestToo) {
    publish("org.example.greet", "1.0.0");
    add_registry();
    expect_done(install("org.example.greet"));
    publish("org.example.greet", "1.1.0", "[capabilities]\nfile_access = [\"read:workspace\"]\n");
    expect_refused(machine.run("update"), "consent-needed", "--agree");
    expect_versions("1.0.0", "");
    expect_done(machine.run("update", {{"agree", {}}}));
    expect_versions("1.1.0", "");
}

TEST_F(FromRegistry, AKeyThatIsPinnedCountsMoreThanTheRegistry) {
    expect_done(machine.run("packages trust", {{"key", {stranger().public_key().text()}}, {"plugin", {"org.example.greet"}}}));
    publish("org.example.greet", "1.0.0");
    add_registry();
    const auto refused = install("org.example.greet");
    EXPECT_NE(refused.reason, "");
    expect_versions("", "");
}

TEST_F(FromRegistry, APackageThatWasChangedThereIsRefused) {
    publish("org.example.greet", "1.0.0");
    add_registry();
    for (const auto& item : std::filesystem::recursive_directory_iterator(folder())) {
        if (item.path().extension() != ".sympkg") continue;
        auto bytes = packaging::rig::read(item.path());
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        packaging::rig::write(item.path(), bytes);
    }
    expect_refused(install("org.example.greet"), "digest-mismatch");
    expect_versions("", "");
}

TEST_F(FromRegistry, ADamagedPackageIsMendedByWhatVerifySays) {
    publish("org.example.greet", "1.0.0");
    add_registry();
    expect_done(install("org.example.greet"));
    const auto library = std::filesystem::canonical(machine.packages() / "current/plugins/org.example.greet/libgreet.so");
    std::filesystem::permissions(library.parent_path(), std::filesystem::perms::owner_all);
    std::filesystem::permissions(library, std::filesystem::perms::owner_all);
    packaging::rig::write(library, "broken");
    const auto damaged = machine.run("verify");
    EXPECT_EQ(damaged.status, 1);
    EXPECT_NE(damaged.err.find("hint: symphony install org.example.greet@=1.0.0 mends it"), std::string::npos) << damaged.err;
    expect_done(install("org.example.greet@=1.0.0"));
    EXPECT_EQ(machine.run("verify").status, 0);
    EXPECT_EQ(packaging::Generations(machine.packages()).read(1)->find("org.example.greet")->asked, "*");
}

TEST_F(FromRegistry, SearchFindsAndRegistriesAreListed) {
    publish("org.example.greet", "1.0.0", "description = \"Says hello\"\n");
    publish("org.example.words", "1.0.0", "description = \"Counts words\"\n");
    add_registry();
    const auto found = machine.run("search", {{"words", {"hello"}}}, true);
    expect_done(found);
    EXPECT_EQ(found.json()["plugins"][0]["id"], "org.example.greet");
    EXPECT_EQ(found.json()["found"], 1);
    EXPECT_EQ(machine.run("packages registry list", {}, true).json()["registries"][0]["name"], "main");
    expect_refused(machine.run("packages registry add", {{"name", {"main"}}, {"address", {"registry"}}, {"root-key", {root().public_key().text()}}}), "exists");
    expect_refused(machine.run("packages registry add", {{"name", {"other"}}, {"address", {"registry"}}, {"root-key", {stranger().public_key().text()}}}), "not-enough-signatures");
    EXPECT_EQ(machine.run("packages registry list", {}, true).json()["registries"].size(), 1u) << "what cannot be read is not kept";
    expect_refused(machine.run("packages registry add", {{"name", {"Other"}}, {"address", {"registry"}}}), "usage");
    expect_done(machine.run("packages registry remove", {{"name", {"main"}}}));
    expect_refused(machine.run("packages registry remove", {{"name", {"main"}}}), "no-registry");
    expect_refused(machine.run("search", {{"words", {"hello"}}}), "no-registry");
}

} // namespace
} // namespace symphony::packages
