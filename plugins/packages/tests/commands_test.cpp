// SPDX-License-Identifier: Apache-2.0
// What can be done with what is installed.
#include "machine.hpp"

#include <gtest/gtest.h>

namespace symphony::packages {
namespace {

namespace fs = std::filesystem;
using rig::Done;
using rig::Machine;
using rig::Plugin;
using rig::SecretKey;

const std::string id = "org.example.greet";
const SecretKey key = *SecretKey::generate();

class Commands : public ::testing::Test {
protected:
    void install(const std::string& number, const SecretKey* with = nullptr) const {
        Plugin plugin;
        plugin.version = number;
        plugin.library = "library of " + number;
        Machine::Words words{{"what", {machine.package(plugin, with)}}, {"allow-unsigned", {}}};
        if (with != nullptr) words["trust-key"] = {with->public_key().text()};
        const auto done = machine.run("install", words);
        EXPECT_EQ(done.reason, "") << done.message;
    }
    void expect_said(const Done& done, const std::string& words) const {
        EXPECT_EQ(done.reason, "") << done.message;
        EXPECT_NE((done.out + done.err).find(words), std::string::npos) << done.out << done.err;
    }
    fs::path library() const { return fs::canonical(machine.packages() / "current/plugins" / id / "libgreet.so"); }
    static void force(const fs::path& path, const std::string& bytes) {
        fs::permissions(path.parent_path(), fs::perms::owner_all);
        fs::permissions(path, fs::perms::owner_all);
        packaging::rig::write(path, bytes);
    }

    Machine machine;
};

TEST_F(Commands, RollbackGoesBackAndForward) {
    EXPECT_EQ(machine.run("rollback").reason, "no-generation");
    install("1.0.0");
    install("1.1.0");
    expect_said(machine.run("rollback", {{"dry-run", {}}}), "org.example.greet 1.1.0 -> 1.0.0");
    EXPECT_EQ(machine.version_of(id), "1.1.0");
    expect_said(machine.run("rollback"), "generation 1 is current; symphony rollback --to 2");
    EXPECT_EQ(machine.version_of(id), "1.0.0");
    EXPECT_EQ(machine.run("rollback").reason, "no-generation");
    expect_said(machine.run("rollback", {{"to", {"2"}}}), "1.0.0 -> 1.1.0");
    EXPECT_EQ(machine.version_of(id), "1.1.0");
    EXPECT_EQ(machine.run("rollback", {{"to", {"9"}}}).reason, "no-generation");
    EXPECT_EQ(machine.run("rollback", {{"to", {"x"}}}).reason, "usage");
}

TEST_F(Commands, RollbackLeadsOutOfAProfileThatCannotBeRead) {
    install("1.0.0");
    install("1.1.0");
    packaging::rig::write(machine.packages() / "generations/2/profile.toml", "broken");
    EXPECT_EQ(machine.run("verify").reason, "bad-profile");
    expect_said(machine.run("rollback", {{"to", {"1"}}}), "generation 1 is current");
    expect_said(machine.run("verify"), "as they were packed");
}

TEST_F(Commands, RemoveTakesAwayAndRollbackBrings) {
    install("1.0.0");
    EXPECT_EQ(machine.run("remove", {{"plugin", {"org.example.other"}}}).reason, "not-installed");
    expect_said(machine.run("remove", {{"plugin", {"greet"}}, {"dry-run", {}}}), "nothing was changed");
    expect_said(machine.run("remove", {{"plugin", {"greet"}}}), "org.example.greet 1.0.0 goes");
    EXPECT_EQ(machine.version_of(id), "");
    EXPECT_FALSE(fs::exists(machine.packages() / "current/plugins" / id));
    machine.run("rollback");
    EXPECT_EQ(machine.version_of(id), "1.0.0");
}

TEST_F(Commands, VerifyNamesTheDamagedFileAndTheNextCommand) {
    install("1.0.0");
    expect_said(machine.run("verify"), "org.example.greet 1.0.0: all 4 files are as they were packed");
    const auto good = packaging::rig::read(library());
    auto flipped = good;
    flipped[3] = static_cast<char>(flipped[3] ^ 1);
    force(library(), flipped);
    const auto damaged = machine.run("verify", {{"plugin", {"greet"}}});
    EXPECT_EQ(damaged.status, 1);
    expect_said(damaged, "  altered  " + library().string());
    expect_said(damaged, "hint: symphony install " + machine.work().string() + "/org.example.greet-1.0.0-x86_64-linux-gnu.sympkg --allow-unsigned");
    const auto json = machine.run("verify", {}, true).json();
    EXPECT_EQ(json["good"], false);
    EXPECT_EQ(json["plugins"][0]["damages"][0]["path"], "libgreet.so");
    install("1.0.0"); // as the hint says
    EXPECT_EQ(machine.run("verify").status, 0);
}

TEST_F(Commands, VerifySeesLinksThatSomebodyChanged) {
    install("1.0.0");
    const auto link = machine.packages() / "current/plugins" / id;
    fs::remove(link);
    fs::create_symlink("/tmp", link);
    const auto done = machine.run("verify");
    EXPECT_EQ(done.status, 1);
    expect_said(done, "does not lead to its package");
}

TEST_F(Commands, GenerationsTellWhatWasDone) {
    expect_said(machine.run("generations"), "nothing was installed yet");
    install("1.0.0");
    install("1.1.0");
    machine.run("remove", {{"plugin", {"greet"}}});
    expect_said(machine.run("generations"), "1 plugin   install org.example.greet 1.1.0");
    const auto json = machine.run("generations", {}, true).json();
    EXPECT_EQ(json["current"], 3);
    EXPECT_EQ(json["generations"][1]["packages"][0]["version"], "1.1.0");
    EXPECT_EQ(json["generations"][2]["action"], "remove org.example.greet");
    EXPECT_GT(json["generations"][0]["made_ms"], 0);
}

TEST_F(Commands, CollectingFreesWhatNoneNeeds) {
    for (const auto* number : {"1.0.0", "1.1.0", "1.2.0"}) install(number);
    const auto would = machine.run("packages gc", {{"keep", {"1"}}, {"dry-run", {}}}, true).json();
    EXPECT_EQ(would["generations"], (nlohmann::json{1, 2}));
    EXPECT_EQ(would["packages"].size(), 2u);
    expect_said(machine.run("packages gc", {{"keep", {"1"}}}), "2 generations and 2 packages went");
    EXPECT_EQ(machine.run("rollback").reason, "no-generation");
    expect_said(machine.run("verify"), "as they were packed");
    EXPECT_EQ(machine.run("packages gc", {{"keep", {"0"}}}).reason, "usage");
}

TEST_F(Commands, ARevokedKeyTakesItsPluginsOutOfTheProcess) {
    install("1.0.0", &key);
    install("1.1.0", &key);
    const auto trust = [&] { return packaging::rig::read(machine.packages() / "current/plugins.lock"); };
    EXPECT_NE(trust().find("[[trusted]]"), std::string::npos);
    expect_said(machine.run("packages revoke", {{"key", {key.public_key().text()}}, {"why", {"was stolen"}}}), "runs isolated from now on: org.example.greet");
    EXPECT_EQ(trust().find("[[trusted]]"), std::string::npos);
    EXPECT_EQ(machine.version_of(id), "1.1.0");
    expect_said(machine.run("packages keys"), "revoked  was stolen");
    expect_said(machine.run("rollback", {{"to", {"1"}}}), "runs isolated: the key that signed it was revoked");
    EXPECT_EQ(machine.version_of(id), "1.0.0");
    EXPECT_EQ(trust().find("[[trusted]]"), std::string::npos) << "not by the way back either";
    Plugin plugin;
    plugin.version = "2.0.0";
    EXPECT_EQ(machine.run("install", {{"what", {machine.package(plugin, &key)}}}).reason, "revoked-key");
    EXPECT_EQ(machine.run("packages trust", {{"key", {key.public_key().text()}}}).reason, "revoked-key");
}

TEST_F(Commands, KeysAreListed) {
    expect_said(machine.run("packages keys"), "no publisher is known");
    expect_said(machine.run("packages trust", {{"key", {key.public_key().text()}}, {"name", {"A friend"}}}), "may be installed");
    const auto json = machine.run("packages keys", {}, true).json();
    EXPECT_EQ(json["publishers"][0]["name"], "A friend");
    EXPECT_EQ(json["publishers"][0]["number"], packaging::text_of(key.public_key().id()));
    EXPECT_EQ(machine.run("packages trust", {{"key", {"nothing"}}}).reason, "bad-public-key");
}

TEST(Isolated, NothingIsTried) {
    testing::FakeHost host;
    struct Bare final : ports::Command {
        explicit Bare(Host) {}
        Result<std::int32_t> run(Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) override {
            return run_command(Host(), call, command, arguments, context); // a host without the service, as in a sandbox
        }
    };
    ASSERT_TRUE(host.add<Bare>("packages"));
    const auto status = ports::CommandClient::acquire(host.host(), "packages")->run("generations", ValueBuilder().map().end().build(), {});
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().reason(), "isolated");
    EXPECT_FALSE(status.error().hint().empty());
}

} // namespace
} // namespace symphony::packages
