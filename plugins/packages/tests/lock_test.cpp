// SPDX-License-Identifier: Apache-2.0
// symphony.lock: written with what is installed, honoured by --locked, enough for another machine.
#include "registry_case.hpp"

#include <symphony/packaging/lock.hpp>

namespace symphony::packages {
namespace {

using rig::Done;
using rig::Machine;
using rig::Plugin;
using rig::publisher;
using rig::root;
using rig::stranger;
using rig::Words;

class Locked : public rig::RegistryCase {
protected:
    void SetUp() override {
        RegistryCase::SetUp();
        publish("org.example.words", "1.0.0");
        publish("org.example.greet", "1.0.0", needs_words);
        add_registry();
        expect_done(install("org.example.greet@^1.0"));
        expect_versions("1.0.0", "1.0.0");
    }
    static std::string lock_of(const Machine& of) { return packaging::rig::read(of.packages() / "current/symphony.lock"); }
    /// The lock under a name in the other machine's folder, perhaps edited.
    std::string carried(const std::string& from = {}, const std::string& to = {}) const {
        auto text = lock_of(machine);
        if (!from.empty()) {
            const auto at = text.find(from);
            EXPECT_NE(at, std::string::npos) << text;
            text.replace(at, from.size(), to);
        }
        packaging::rig::write(other.work() / "symphony.lock", text);
        return "symphony.lock";
    }
    Done install_there(Words words = {}) const {
        if (!words.contains("what")) words["what"] = {"symphony.lock"};
        return other.run("install", words);
    }
    void add_there() const { expect_done(other.run("packages registry add", {{"name", {"mine"}}, {"address", {folder().string()}}, {"root-key", {root().public_key().text()}}})); }

    Machine other;
};

TEST_F(Locked, EachChangeWritesIt) {
    const auto lock = packaging::parse_lock(lock_of(machine), "symphony.lock");
    ASSERT_TRUE(lock) << lock.error().message();
    ASSERT_EQ(lock->packages.size(), 2u);
    const auto* greet = lock->find("org.example.greet");
    EXPECT_EQ(greet->asked, "^1.0");
    EXPECT_EQ(lock->find("org.example.words")->asked, "");
    EXPECT_EQ(greet->dependencies, std::vector<std::string>{"org.example.words 1.0.0"});
    EXPECT_EQ(greet->signer, publisher().public_key().text());
    EXPECT_EQ(greet->registry, "main");
    ASSERT_EQ(greet->artifacts.size(), 1u);
    EXPECT_EQ(lock->registries.front().name, "main");
    EXPECT_EQ(machine.run("packages lock").out, lock_of(machine));
    EXPECT_EQ(machine.run("packages lock", {}, true).json()["lock"]["packages"][0]["id"], "org.example.greet");
    expect_done(machine.run("packages lock", {{"output", {"kept.lock"}}}));
    EXPECT_EQ(packaging::rig::read(machine.work() / "kept.lock"), lock_of(machine));
    expect_done(machine.run("remove", {{"plugin", {"org.example.greet"}}}));
    EXPECT_EQ(lock_of(machine).find("org.example.greet"), std::string::npos);
    expect_done(machine.run("rollback"));
    EXPECT_EQ(packaging::rig::read(machine.work() / "kept.lock"), lock_of(machine));
    EXPECT_EQ(machine.run("verify").status, 0);
    packaging::rig::write(machine.packages() / "current/symphony.lock", "lock = 1\n");
    EXPECT_NE(machine.run("verify").out.find("symphony.lock"), std::string::npos);
}

TEST_F(Locked, LockedInstallsNothingElse) {
    publish("org.example.words", "1.1.0");
    publish("org.example.other", "1.0.0");
    expect_refused(machine.run("update", {{"locked", {}}}), "lock-out-of-date", "1.1.0 would be installed");
    expect_refused(install("org.example.other", {{"locked", {}}}), "lock-out-of-date", "org.example.other 1.0.0 is not in it");
    expect_done(install("org.example.greet@^1", {{"locked", {}}}));
    expect_done(install("org.example.greet", {{"frozen", {}}}));
    EXPECT_NE(lock_of(machine).find("asked = \"^1.0\""), std::string::npos) << "the lock stays as it is";
    expect_refused(install("org.example.greet", {{"locked", {}}, {"minimal", {}}}), "usage");
    expect_done(machine.run("update"));
    expect_versions("1.0.0", "1.1.0");
    expect_done(machine.run("update", {{"locked", {}}}));
    packaging::rig::write(other.work() / "nothing.txt", "");
    add_there();
    expect_refused(install_there({{"what", {"org.example.greet"}}, {"locked", {}}}), "no-lock", "symphony install symphony.lock");
}

TEST_F(Locked, ALockIsEnoughForAnotherMachine) {
    publish("org.example.words", "1.1.0");
    publish("org.example.greet", "1.1.0", needs_words);
    carried();
    expect_refused(install_there(), "unknown-registry", "symphony packages registry add main ADDRESS --root-key " + root().public_key().text());
    add_there();
    EXPECT_EQ(install_there({{"dry-run", {}}}).reason, "");
    expect_done(install_there({{"locked", {}}}));
    EXPECT_EQ(other.version_of("org.example.greet"), "1.0.0");
    EXPECT_EQ(other.version_of("org.example.words"), "1.0.0");
    // The snapshot is newer, and nothing else.
    auto before = *packaging::parse_lock(lock_of(machine), "a"), after = *packaging::parse_lock(lock_of(other), "b");
    EXPECT_GT(after.registries.front().snapshot, before.registries.front().snapshot);
    after.registries = before.registries;
    EXPECT_EQ(print(after), print(before));
    EXPECT_EQ(install_there({{"frozen", {}}}).out, "nothing to do\n");
}

TEST_F(Locked, WhatIsInTheStoreNeedsNoRegistry) {
    expect_done(machine.run("packages lock", {{"output", {"kept.lock"}}}));
    const auto kept = lock_of(machine);
    expect_done(machine.run("remove", {{"plugin", {"org.example.greet"}}}));
    expect_done(machine.run("packages registry remove", {{"name", {"main"}}}));
    expect_done(install("kept.lock", {{"frozen", {}}}));
    expect_versions("1.0.0", "1.0.0");
    EXPECT_EQ(lock_of(machine), kept);
    expect_done(machine.run("remove", {{"plugin", {"org.example.greet"}}}));
    expect_done(machine.run("packages revoke", {{"key", {publisher().public_key().text()}}}));
    expect_refused(install("kept.lock", {{"frozen", {}}}), "revoked-key");
}

TEST_F(Locked, FilesComeAlong) {
    Plugin notes;
    notes.id = "org.example.notes";
    const auto file = machine.package(notes, &publisher());
    expect_done(install(file));
    carried();
    add_there();
    expect_refused(install_there(), "not-in-a-registry", "symphony install symphony.lock org.example.notes-1.0.0-x86_64-linux-gnu.sympkg");
    std::filesystem::copy(machine.work() / file, other.work() / file);
    std::filesystem::copy(machine.work() / (file + ".minisig"), other.work() / (file + ".minisig"));
    expect_done(install_there({{"what", {"symphony.lock", file}}, {"locked", {}}, {"trust-key", {publisher().public_key().text()}}}));
    EXPECT_EQ(lock_of(other), lock_of(machine));
    notes.library = "another library under the same version";
    Machine third;
    packaging::rig::write(third.work() / "symphony.lock", lock_of(machine));
    third.package(notes, &publisher());
    expect_done(third.run("packages registry add", {{"name", {"main"}}, {"address", {folder().string()}}, {"root-key", {root().public_key().text()}}}));
    expect_refused(third.run("install", {{"what", {"symphony.lock", file}}, {"trust-key", {publisher().public_key().text()}}}), "digest-changed", "org.example.notes 1.0.0");
}

TEST_F(Locked, ALockThatDoesNotFitIsNotForced) {
    publish("org.example.words", "1.1.0");
    add_there();
    carried("\"org.example.words 1.0.0\"", "\"org.example.words 1.0.1\"");
    expect_refused(install_there(), "dangling-entry");
    carried("manifest = \"sha256:", "manifest = \"sha256:0000");
    EXPECT_NE(install_there().reason, "");
    carried("rights = []", "rights = [\"read:workspace\"]");
    expect_refused(install_there(), "rights-mismatch");
    carried(publisher().public_key().text(), stranger().public_key().text());
    expect_refused(install_there(), "publisher-changed", "the lock says");
    EXPECT_EQ(other.run("generations", {}, true).json()["generations"].size(), 0u);
    expect_refused(install_there({{"what", {"missing.lock"}}}), "no-such-lock", "symphony packages lock");
    expect_refused(other.run("update", {{"what", {"symphony.lock"}}}), "usage");
    expect_refused(other.run("packages lock"), "no-lock");
}

TEST_F(Locked, AVersionThatWasYankedStaysForWhoHasItInALock) {
    publish("org.example.words", "1.1.0");
    auto registry = *packaging::RegistryFolder::open(folder());
    ASSERT_TRUE(registry.yank("org.example.words", "1.0.0", true, signing()));
    carried();
    add_there();
    expect_done(install_there({{"locked", {}}}));
    EXPECT_EQ(other.version_of("org.example.words"), "1.0.0");
}

TEST_F(Locked, AVersionThatWasYankedStaysForWhoHasItUntilThereIsAnother) {
    auto registry = *packaging::RegistryFolder::open(folder());
    ASSERT_TRUE(registry.yank("org.example.words", "1.0.0", true, signing()));
    expect_done(machine.run("update"));
    expect_versions("1.0.0", "1.0.0");
    expect_refused(other.run("install", {{"what", {"org.example.words"}}}), "no-registry");
    publish("org.example.words", "1.1.0");
    expect_done(machine.run("update"));
    expect_versions("1.0.0", "1.1.0");
}

TEST_F(Locked, AKeyThatTookThePlaceOfAnotherUpdates) {
    auto registry = *packaging::RegistryFolder::open(folder());
    auto next = registry.root();
    ++next.version;
    next.successors.push_back({publisher().public_key(), stranger().public_key()});
    ASSERT_TRUE(registry.rotate(next, {&root()}, signing()));
    publish("org.example.greet", "1.1.0", needs_words, stranger());
    const auto updated = machine.run("update");
    expect_done(updated);
    expect_versions("1.1.0", "1.0.0");
    EXPECT_EQ(machine.publishers().pinned("org.example.greet")->key, stranger().public_key());
}

} // namespace
} // namespace symphony::packages
