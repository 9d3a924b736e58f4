// SPDX-License-Identifier: Apache-2.0
// What is composed, and what is refused with which words.
#include "machine.hpp"

#include "../../packaging/tests/registry_rig.hpp"

#include <symphony/packaging/registries.hpp>

#include <gmock/gmock.h>

namespace symphony::composer {
namespace {

using rig::Done;
using rig::Machine;
using rig::Plugin;
using ::testing::HasSubstr;
using ::testing::Not;

Plugin plugin(const std::string& id, const std::string& more = {}, const std::string& version = "1.0.0") {
    Plugin out;
    out.id = id;
    out.version = version;
    out.more = more;
    out.library = "library of " + id + " " + version;
    return out;
}

const std::string unsigned_too = "[policy]\nallow_unsigned = true\n";

void expect_good(const Done& done) { ASSERT_TRUE(done.good()) << done.reason << ": " << done.all(); }

/// One line with the reason, the place and a remedy beneath it.
void expect_problem(const Done& done, const std::string& reason, const std::string& line, const std::string& words) {
    SCOPED_TRACE(reason);
    EXPECT_EQ(done.status, 1);
    EXPECT_THAT(done.err, HasSubstr("distribution.toml:" + line + ":"));
    EXPECT_THAT(done.err, HasSubstr("[" + reason + "]\nhint: "));
    EXPECT_THAT(done.err, HasSubstr(words));
}

TEST(Compose, ATreeHasWhatBelongsToADistribution) {
    const Machine machine;
    machine.core(plugin("org.example.one"));
    machine.distribution("\"org.example.one\" = \"^1\"\n");
    expect_good(machine.build());
    for (const auto* path : {"bin/symphony", "bin/symphony-runner", "plugins/org.example.one/libone.so", "plugins.lock", "distribution.lock", "SHA256SUMS", "licenses/org.example.one/LICENSE"}) {
        EXPECT_TRUE(std::filesystem::exists(machine.work() / "out" / path)) << path;
    }
    EXPECT_THAT(rig::read(machine.work() / "out/plugins.lock"), HasSubstr("[[trusted]]\nplugin = \"org.example.one\""));
    EXPECT_TRUE(std::filesystem::exists(machine.work() / "distribution.lock"));
    expect_good(machine.run("compose verify", {{"path", {"out"}}}));
    expect_good(machine.run("compose verify", {{"path", {"out"}}, {"from", {"distribution.toml"}}}));
}

TEST(Compose, AllThatDoesNotFitIsToldAtOnce) {
    const Machine machine;
    plugin("org.example.port", "[requires]\n\"search/1\" = {}\n").put(machine.work() / "port");
    plugin("org.example.alone", "[provides]\n\"bus/1\" = { exclusive = true }\n").put(machine.work() / "alone");
    plugin("org.example.other", "[provides]\n\"bus/1\" = {}\n").put(machine.work() / "other");
    plugin("org.example.new", "[abi]\nversion = \"1.99\"\n").put(machine.work() / "new");
    plugin("org.example.net", "[capabilities]\nnetwork_access = [\"api.example.com:443\"]\n").put(machine.work() / "net");
    plugin("org.example.early", "[activation]\non = [\"startup\"]\n").put(machine.work() / "early");
    std::string lines;
    for (const auto* name : {"port", "alone", "other", "new", "net", "early"}) lines += "\"org.example." + std::string(name) + "\" = { path = \"" + name + "\"" + (std::string(name) == "port" ? ", placement = \"in-process\"" : "") + " }\n";
    machine.distribution(lines, "[policy]\ndeny_capabilities = [\"network_access\"]\nforbid_startup_activation = true\n[defaults.\"org.example.poort\"]\nx = 1\n[locked.\"org.example.port\"]\nretry = \"often\"\n",
                         "host = \"^9\"\ntriples = [\"x86_64-linux-gnu\", \"riscv64-linux-gnu\"]\n");
    const auto done = machine.build();
    expect_problem(done, "wrong-host", "4", "it wants symphony ^9, and this is 1.0.0");
    expect_problem(done, "missing-platform", "7", "has nothing for riscv64-linux-gnu");
    expect_problem(done, "unmet-port", "7", "needs the port search/1");
    expect_problem(done, "exclusive-port", "9", "both provide bus/1");
    expect_problem(done, "abi-mismatch", "10", "needs ABI 1.99");
    expect_problem(done, "denied-right", "11", "network:api.example.com:443");
    expect_problem(done, "startup-activation", "12", "org.example.early");
    expect_problem(done, "unsigned", "7", "signed by nobody");
    expect_problem(done, "not-trusted", "7", "is to run in process");
    expect_problem(done, "unknown-plugin", "17", "did you mean \"org.example.port\"?");
    expect_problem(done, "wrong-type", "19", "retry");
    EXPECT_FALSE(std::filesystem::exists(machine.work() / "out"));
    EXPECT_FALSE(std::filesystem::exists(machine.work() / "distribution.lock"));
}

TEST(Compose, PathsThatLeadNowhereOrToAnotherPluginAreTold) {
    const Machine machine;
    plugin("org.example.one").put(machine.work() / "one");
    machine.distribution("\"org.example.none\" = { path = \"none\" }\n\"org.example.two\" = { path = \"one\" }\n\"org.example.one\" = { path = \"one\", version = \"^2\" }\n", unsigned_too);
    const auto done = machine.lock();
    expect_problem(done, "no-such-package", "5", "there is no file or folder");
    expect_problem(done, "wrong-plugin", "6", "is plugin \"org.example.one\"");
    expect_problem(done, "wrong-version", "7", "^2 is asked for");
}

TEST(Compose, ASecretIsNoPartOfADistribution) {
    const Machine machine;
    machine.core(plugin("org.example.one", "[configuration]\npassword = { type = \"string\", secret = true }\n"));
    machine.distribution("\"org.example.one\" = \"^1\"\n", "[defaults.\"org.example.one\"]\npassword = \"hunter2\"\n");
    expect_problem(machine.lock(), "secret-setting", "7", "everybody who has the distribution");
    EXPECT_THAT(machine.lock().err, Not(HasSubstr("hunter2")));
}

TEST(Compose, TheSamePluginsGiveTheSameLockAndAFolderThatWasRebuiltANewOne) {
    const Machine machine;
    plugin("org.example.one").put(machine.work() / "one");
    machine.distribution("\"org.example.one\" = { path = \"one\" }\n", unsigned_too);
    expect_good(machine.lock());
    const auto first = rig::read(machine.work() / "distribution.lock");
    expect_good(machine.lock({{"frozen", {}}}));
    EXPECT_EQ(rig::read(machine.work() / "distribution.lock"), first);
    auto rebuilt = plugin("org.example.one");
    rebuilt.library = "built again";
    rebuilt.put(machine.work() / "one");
    EXPECT_EQ(machine.build({{"locked", {}}}).reason, "digest-changed");
    expect_good(machine.lock());
    EXPECT_NE(rig::read(machine.work() / "distribution.lock"), first);
    rig::write(machine.work() / "one/README.md", "only this is new"); // the manifest is the same
    EXPECT_EQ(machine.build({{"locked", {}}}).reason, "digest-changed");
    expect_good(machine.build());
}

TEST(Compose, AnInterruptedLineOfADamagedLockIsNotGuessedAt) {
    const Machine machine;
    machine.core(plugin("org.example.one"));
    machine.distribution("\"org.example.one\" = \"^1\"\n");
    rig::write(machine.work() / "distribution.lock", "lock = 1\ninputs = \"sha");
    EXPECT_EQ(machine.build().reason, "bad-syntax");
    EXPECT_FALSE(std::filesystem::exists(machine.work() / "out"));
}

TEST(Compose, PolicyAndSettingsAreFilesOfTheHostsOwnFormats) {
    const Machine machine;
    machine.core(plugin("org.example.one", "[configuration]\ntone = { type = \"string\" }\nsize = { type = \"integer\" }\n"));
    machine.distribution("\"org.example.one\" = { version = \"^1\", placement = \"isolated\" }\n",
                         "[policy]\ndeny_capabilities = [\"process_exec\"]\nextensions = \"none\"\nminimum_grade = \"G3\"\n[defaults.\"org.example.one\"]\ntone = \"a\\\"b\"\n[locked.\"org.example.one\"]\nsize = 3\n");
    expect_good(machine.build());
    const auto policy = rig::read(machine.work() / "out/etc/symphony/policy.toml");
    for (const auto* words : {"extensions = \"none\"\n", "minimum_grade = \"G3\"\n", "locked = true\n\n[[deny]]\nrights = [\"process:*\"]\nlocked = true\n"}) EXPECT_THAT(policy, HasSubstr(words));
    EXPECT_THAT(rig::read(machine.work() / "out/etc/symphony/config.toml"), HasSubstr("[plugins.\"org.example.one\"]\n\"tone\" = \"a\\\"b\"\n"));
    EXPECT_THAT(rig::read(machine.work() / "out/etc/symphony/locked.toml"), HasSubstr("\"size\" = 3\n"));
    EXPECT_THAT(rig::read(machine.work() / "out/plugins.lock"), HasSubstr("isolated = true\n"));
}

/// Everything in a registry.
class FromRegistry : public packaging::rig::RegistryTest {
protected:
    void SetUp() override {
        packaging::RegistryList list;
        list.all.push_back({"main", folder().string(), {root_a_.public_key()}});
        ASSERT_TRUE(list.save(machine.home() / "config/symphony/registries.toml"));
    }
    void published_now(const Plugin& one) {
        const auto at = static_cast<packaging::UnixTime>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
        auto opened_now = opened();
        const auto done = opened_now.publish(submission(one, publisher_), signing(at));
        ASSERT_TRUE(done) << done.error().message();
    }
    Machine machine;
};

TEST_F(FromRegistry, TheLockIsReadWhenANewerVersionComes) {
    published_now(composer::plugin("org.example.far", "", "1.0.0"));
    machine.distribution("\"org.example.far\" = \"^1\"\n");
    const auto first = machine.build();
    expect_good(first);
    published_now(composer::plugin("org.example.far", "", "1.1.0"));
    const auto version = [&] { return rig::read(machine.work() / "out/plugins/org.example.far/manifest.toml"); };
    expect_good(machine.build());
    EXPECT_THAT(version(), HasSubstr("version = \"1.0.0\"")) << "the planted newer version is not taken";
    expect_good(machine.build({{"frozen", {}}}));
    EXPECT_THAT(rig::read(machine.work() / "out/plugins.lock"), HasSubstr(publisher_.public_key().text()));
    const auto updated = machine.build({{"update", {}}});
    expect_good(updated);
    EXPECT_THAT(version(), HasSubstr("version = \"1.1.0\""));
    EXPECT_THAT(updated.err, HasSubstr("upgraded org.example.far 1.0.0 -> 1.1.0"));
}

TEST_F(FromRegistry, WhatDoesNotFitTogetherIsExplainedAndEndsInAnEdit) {
    published_now(composer::plugin("org.example.base", "", "1.0.0"));
    published_now(composer::plugin("org.example.top", "[dependencies]\n\"org.example.base\" = \"^2\"\n", "1.0.0"));
    machine.distribution("\"org.example.top\" = \"^1\"\n");
    const auto done = machine.build();
    EXPECT_EQ(done.status, 1);
    EXPECT_THAT(done.err, HasSubstr("org.example.base ^2"));
    EXPECT_THAT(done.err, HasSubstr("[conflict]\nhint: "));
}

TEST(Compose, WithoutARegistryAStrangersPluginIsNamed) {
    const Machine machine;
    machine.distribution("\"org.example.far\" = \"^1\"\n");
    const auto done = machine.build();
    EXPECT_THAT(done.err, HasSubstr("[conflict]\nhint: "));
    EXPECT_THAT(done.all(), HasSubstr("org.example.far"));
}

} // namespace
} // namespace symphony::composer
