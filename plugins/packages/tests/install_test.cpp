// SPDX-License-Identifier: Apache-2.0
// What is installed, and what is refused with which words.
#include "machine.hpp"

#include <gtest/gtest.h>

namespace symphony::packages {
namespace {

using rig::Done;
using rig::Machine;
using rig::Plugin;
using rig::SecretKey;
using Words = Machine::Words;

const std::string id = "org.example.greet";
const SecretKey key = *SecretKey::generate(), other_key = *SecretKey::generate();

class Install : public ::testing::Test {
protected:
    static Plugin version(const std::string& number, const std::string& more = {}) {
        Plugin plugin;
        plugin.version = number;
        plugin.library = "library of " + number;
        plugin.more = more;
        return plugin;
    }
    void expect_installed(const Done& done, const std::string& number) const {
        EXPECT_EQ(done.reason, "") << done.message << "\n" << done.err;
        EXPECT_EQ(machine.version_of(id), number);
    }
    Done install(const Plugin& plugin, const SecretKey* with, Words words = {}) const {
        words["what"] = {machine.package(plugin, with)};
        return machine.run("install", words);
    }

    Machine machine;
    const std::string public_key = key.public_key().text();
};

TEST_F(Install, ASignedPackageWithItsKeyAndItsPublisherIsKnownFromThen) {
    const auto done = install(version("1.0.0"), &key, {{"trust-key", {public_key}}});
    expect_installed(done, "1.0.0");
    EXPECT_NE(done.err.find("signed with " + public_key), std::string::npos) << done.err;
    ASSERT_NE(machine.publishers().pinned(id), nullptr);
    EXPECT_EQ(machine.publishers().pinned(id)->key.text(), public_key);
    EXPECT_NE(packaging::rig::read(machine.packages() / "current/plugins.lock").find(public_key), std::string::npos);
    expect_installed(install(version("1.1.0"), &key), "1.1.0");
    expect_refused(install(version("1.2.0"), &other_key), "publisher-changed", public_key);
    expect_refused(install(version("1.2.0"), &other_key, {{"trust-key", {other_key.public_key().text()}}}), "publisher-changed", "symphony packages trust " + other_key.public_key().text() + " --plugin " + id);
    std::filesystem::remove(machine.work() / "org.example.greet-1.2.0-x86_64-linux-gnu.sympkg.minisig");
    expect_refused(install(version("1.2.0"), nullptr, {{"allow-unsigned", {}}}), "publisher-changed", "by nobody");
    EXPECT_EQ(machine.version_of(id), "1.1.0");
    EXPECT_EQ(machine.run("packages trust", {{"key", {other_key.public_key().text()}}, {"plugin", {id}}}).reason, "");
    expect_installed(install(version("1.2.0"), &other_key), "1.2.0");
}

TEST_F(Install, AKeyIsNamedByAFileAsWell) {
    packaging::rig::write(machine.work() / "their.pub", key.public_key().file());
    expect_installed(install(version("1.0.0"), &key, {{"trust-key", {"their.pub"}}}), "1.0.0");
}

TEST_F(Install, WhatNobodyKnowsOrSignedIsRefused) {
    expect_refused(install(version("1.0.0"), &key), "unknown-publisher", "--trust-key");
    expect_refused(install(version("1.0.0"), &key, {{"trust-key", {other_key.public_key().text()}}}), "wrong-key");
    expect_refused(install(version("1.0.0"), &key, {{"trust-key", {"RWnonsense"}}}), "bad-public-key");
    std::filesystem::remove(machine.work() / "org.example.greet-1.0.0-x86_64-linux-gnu.sympkg.minisig");
    expect_refused(install(version("1.0.0"), nullptr), "unsigned", "--allow-unsigned");
    EXPECT_EQ(machine.version_of(id), "");
    EXPECT_FALSE(std::filesystem::exists(machine.packages() / "store")) << "nothing was written";
    expect_installed(install(version("1.0.0"), nullptr, {{"allow-unsigned", {}}}), "1.0.0");
    EXPECT_EQ(packaging::rig::read(machine.packages() / "current/plugins.lock").find(id), std::string::npos) << "it runs isolated";
}

TEST_F(Install, ASignatureThatIsNotForThisPackageIsRefused) {
    const auto one = machine.package(version("1.0.0"), &key), two = machine.package(version("2.0.0"), &key);
    const Words words{{"what", {one}}, {"trust-key", {public_key}}};
    const auto good = packaging::rig::read(machine.work() / (one + ".minisig"));
    packaging::rig::write(machine.work() / (one + ".minisig"), packaging::rig::read(machine.work() / (two + ".minisig")));
    expect_refused(machine.run("install", words), "altered-body");
    auto said = good;
    said.replace(said.find("version:1.0.0"), 13, "version:9.0.0");
    packaging::rig::write(machine.work() / (one + ".minisig"), said);
    expect_refused(machine.run("install", words), "altered-comment");
    const auto bytes = packaging::rig::read(machine.work() / one);
    packaging::rig::write(machine.work() / (one + ".minisig"), key.sign(bytes, "timestamp:1\tfile:x\thashed")->text());
    expect_refused(machine.run("install", words), "incomplete-comment");
    packaging::rig::write(machine.work() / (one + ".minisig"), key.sign(bytes, packaging::PackageClaim{id, "2.0.0", std::string(64, 'a')}.comment())->text());
    expect_refused(machine.run("install", words), "comment-mismatch");
    packaging::rig::write(machine.work() / (one + ".minisig"), "no signature");
    expect_refused(machine.run("install", words), "not-a-signature");
    packaging::rig::write(machine.work() / (one + ".minisig"), good);
    expect_installed(machine.run("install", words), "1.0.0");
}

TEST_F(Install, AFolderOfABuildWorksToo) {
    version("1.0.0").put(machine.work() / "build/greet");
    expect_installed(machine.run("install", {{"what", {"build/greet"}}, {"allow-unsigned", {}}}), "1.0.0");
    expect_refused(machine.run("install", {{"what", {"build/other"}}, {"allow-unsigned", {}}}), "no-such-package", "build/other");
}

TEST_F(Install, ASecondTimeIsNothingToDo) {
    const Words unsigned_too{{"allow-unsigned", {}}};
    install(version("1.0.0"), nullptr, unsigned_too);
    const auto again = install(version("1.0.0"), nullptr, unsigned_too);
    expect_installed(again, "1.0.0");
    EXPECT_EQ(again.out, "nothing to do\n");
    EXPECT_FALSE(std::filesystem::exists(machine.packages() / "generations/2"));
}

TEST_F(Install, ADryRunWritesNothing) {
    const auto done = install(version("1.0.0"), &key, {{"trust-key", {public_key}}, {"dry-run", {}}});
    EXPECT_EQ(done.reason, "");
    EXPECT_NE(done.out.find("nothing was changed"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(machine.packages()));
    EXPECT_TRUE(machine.publishers().all().empty());
}

TEST_F(Install, RightsAreShownAndRiskyOnesNeedAYes) {
    const auto low = install(version("1.0.0", "[capabilities]\nfile_access = [{ value = \"write:cache\", reason = \"remembers\" }]\n"), nullptr, {{"allow-unsigned", {}}});
    expect_installed(low, "1.0.0");
    EXPECT_NE(low.err.find("write:cache), low risk: \"remembers\", says its author"), std::string::npos) << low.err;
    Plugin other = version("1.0.0", "[capabilities]\nprocess_exec = [\"git\"]\n");
    other.id = "org.example.risky";
    const auto refused = install(other, nullptr, {{"allow-unsigned", {}}});
    expect_refused(refused, "consent-needed", "--yes");
    EXPECT_NE(refused.err.find("process:git"), std::string::npos) << refused.err;
    EXPECT_EQ(machine.version_of(other.id), "");
    install(other, nullptr, {{"allow-unsigned", {}}, {"yes", {}}});
    EXPECT_EQ(machine.version_of(other.id), "1.0.0");
}

TEST_F(Install, AnUpdateThatWidensWaitsForConsent) {
    const std::string ask = "[capabilities]\nfile_access = ";
    const Words free{{"allow-unsigned", {}}};
    install(version("1.0.0", ask + "[\"read:workspace/a/**\", \"write:cache\"]\n"), nullptr, free);
    expect_installed(install(version("1.1.0", ask + "[\"read:workspace/a/**\"]\n"), nullptr, free), "1.1.0");
    expect_installed(install(version("1.2.0", ask + "[\"read:workspace/a/**\", { value = \"write:cache\", optional = true }]\n"), nullptr, free), "1.2.0");
    const auto wide = version("1.3.0", ask + "[\"read:workspace\", \"write:cache\"]\nnetwork_access = [\"api.example.com:443\"]\n");
    const auto refused = install(wide, nullptr, free);
    expect_refused(refused, "consent-needed", "--agree");
    EXPECT_NE(refused.err.find("  added      connect to api.example.com"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("  broadened  read"), std::string::npos) << refused.err;
    EXPECT_EQ(machine.version_of(id), "1.2.0");
    expect_installed(install(wide, nullptr, {{"allow-unsigned", {}}, {"agree", {}}}), "1.3.0");
}

TEST_F(Install, AnOlderVersionIsRefusedUnlessItIsMeant) {
    const Words free{{"allow-unsigned", {}}};
    install(version("1.1.0"), nullptr, free);
    expect_refused(install(version("1.1.0-rc.1"), nullptr, free), "older-version", "--allow-downgrade");
    expect_installed(install(version("1.0.0"), nullptr, {{"allow-unsigned", {}}, {"allow-downgrade", {}}}), "1.0.0");
}

TEST_F(Install, UpdateIsForWhatIsInstalled) {
    const auto package = machine.package(version("1.0.0"));
    expect_refused(machine.run("update", {{"what", {package}}, {"allow-unsigned", {}}}), "not-installed", "symphony install");
    machine.run("install", {{"what", {package}}, {"allow-unsigned", {}}});
    expect_installed(machine.run("update", {{"what", {machine.package(version("1.1.0"))}}, {"allow-unsigned", {}}}), "1.1.0");
}

TEST_F(Install, APackageForAnotherHostIsRefused) {
    auto plugin = version("1.0.0");
    plugin.triple = "riscv64-linux-gnu";
    expect_refused(install(plugin, nullptr, {{"allow-unsigned", {}}}), "wrong-platform", "riscv64-linux-gnu");
    expect_refused(install(version("1.0.0", "[abi]\nversion = \"1.77\"\n"), nullptr, {{"allow-unsigned", {}}}), "abi-mismatch", "needs ABI 1.77");
    expect_refused(install(version("1.0.0", "[dependencies]\nsymphony-core = \"^7\"\n"), nullptr, {{"allow-unsigned", {}}}), "wrong-host", "symphony-core ^7");
}

TEST_F(Install, WhatAPluginNeedsHasToBeThere) {
    const Words free{{"allow-unsigned", {}}};
    const auto needy = version("1.0.0", "[dependencies]\n\"org.example.words\" = \"^1.2\"\n\"org.example.more\" = { version = \"1\", optional = true }\n");
    expect_refused(install(needy, nullptr, free), "unmet-dependency", "org.example.words ^1.2, which is not there");
    Plugin words = version("1.0.0");
    words.id = "org.example.words";
    expect_refused(machine.run("install", {{"what", {machine.package(needy), machine.package(words)}}, {"allow-unsigned", {}}}), "unmet-dependency", "1.0.0 is there");
    words.version = "1.3.0";
    expect_installed(machine.run("install", {{"what", {machine.package(needy), machine.package(words)}}, {"allow-unsigned", {}}}), "1.0.0");
    expect_refused(machine.run("remove", {{"plugin", {"org.example.words"}}}), "needed", "remove both");
    EXPECT_EQ(machine.run("remove", {{"plugin", {"words", "greet"}}}).reason, "");
    EXPECT_EQ(machine.version_of(id), "");
    words.put(machine.prefix() / "plugins/words");
    expect_installed(install(needy, nullptr, free), "1.0.0");
}

TEST_F(Install, TheSamePluginTwiceIsAMistake) {
    const auto done = machine.run("install", {{"what", {machine.package(version("1.0.0")), machine.package(version("2.0.0"))}}, {"allow-unsigned", {}}});
    expect_refused(done, "usage", "named twice");
}

TEST_F(Install, TellsProgramsEverything) {
    const auto package = machine.package(version("1.0.0", "[capabilities]\nfile_access = [\"write:cache\"]\n"), &key);
    const auto done = machine.run("install", {{"what", {package}}, {"trust-key", {public_key}}}, true);
    ASSERT_EQ(done.reason, "") << done.message;
    const auto json = done.json();
    EXPECT_EQ(json["generation"], 1);
    EXPECT_EQ(json["plugins"][0]["id"], id);
    EXPECT_EQ(json["plugins"][0]["publisher"], public_key);
    EXPECT_EQ(json["plugins"][0]["rights"]["asked"][0]["right"], "write:cache");
    EXPECT_EQ(done.err, "");
}

} // namespace
} // namespace symphony::packages
