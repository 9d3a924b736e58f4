// SPDX-License-Identifier: Apache-2.0
// What is told about plugins and installations, and what remove leaves.
#include "registry_case.hpp"

#include <gmock/gmock.h>

namespace symphony::packages {
namespace {

namespace fs = std::filesystem;
using rig::Done;
using rig::Plugin;
using rig::publisher;
using rig::stranger;
using rig::Words;
using ::testing::HasSubstr;
using ::testing::Not;

class Care : public rig::RegistryCase {
protected:
    void SetUp() override {
        RegistryCase::SetUp();
        publish("org.example.words", "1.0.0");
        publish("org.example.greet", "1.0.0", needs_words);
    }
    Done show(const std::string& id, bool json = false) const { return machine.run("packages show", {{"plugin", {id}}}, json); }
    /// That the doctor says so, and what to do.
    void expect_finding(const std::string& verdict, const std::string& subject, const std::string& text, const std::string& mend) const {
        const auto done = machine.run("packages doctor", {}, true);
        ASSERT_EQ(done.reason, "") << done.message;
        EXPECT_EQ(done.status, verdict == "fail" ? 1 : 0) << done.out;
        const auto data = done.json();
        for (const auto& one : data["findings"]) {
            if (one["verdict"] == verdict && one["subject"] == subject && one["text"].get<std::string>().find(text) != std::string::npos) {
                EXPECT_THAT(one["mend"].get<std::string>(), HasSubstr(mend));
                return;
            }
        }
        FAIL() << "no finding \"" << text << "\" in " << done.out;
    }
    fs::path stored(const std::string& file) const { return fs::canonical(machine.packages() / "current/plugins/org.example.greet") / file; }
    static void make_writable(const fs::path& file) {
        fs::permissions(file.parent_path(), fs::perms::owner_all);
        std::error_code none;
        fs::permissions(file, fs::perms::owner_all, none);
    }
};

TEST_F(Care, ShowTellsWhatCanBeHad) {
    expect_refused(show("org.example.greet"), "no-registry");
    add_registry();
    publish("org.example.greet", "1.1.0", "description = \"Says hello\"\n[capabilities]\nfile_access = [\"write:workspace\"]\n" + needs_words);
    const auto done = show("greet");
    expect_done(done);
    EXPECT_THAT(done.out, HasSubstr("org.example.greet 1.1.0, not installed"));
    EXPECT_THAT(done.out, HasSubstr(publisher().public_key().text()));
    EXPECT_THAT(done.out, HasSubstr("write:workspace"));
    EXPECT_THAT(done.out, HasSubstr("org.example.words ^1.0"));
    EXPECT_THAT(done.out, HasSubstr("1.1.0, 1.0.0, in registry main"));
    EXPECT_THAT(done.out, HasSubstr("symphony install org.example.greet"));
    const auto data = show("org.example.greet", true).json();
    EXPECT_EQ(data["installed"], false);
    EXPECT_EQ(data["versions"].size(), 2u);
    EXPECT_EQ(data["rights"][0], "write:workspace");
    expect_refused(show("org.example.nothing"), "unknown-plugin", "symphony search");
}

TEST_F(Care, ShowTellsWhyAPluginIsHere) {
    add_registry();
    expect_done(install("org.example.greet@^1"));
    publish("org.example.words", "1.1.0");
    EXPECT_THAT(show("org.example.greet").out, HasSubstr("you asked for ^1"));
    const auto words = show("words");
    EXPECT_THAT(words.out, HasSubstr("needed by org.example.greet"));
    EXPECT_THAT(words.out, HasSubstr("symphony update org.example.words brings 1.1.0"));
    EXPECT_THAT(words.out, HasSubstr("pinned"));
    const auto data = show("words", true).json();
    EXPECT_EQ(data["signature"], "signed");
    EXPECT_EQ(data["needed_by"][0], "org.example.greet");
    EXPECT_EQ(data["available"]["versions"][0]["version"], "1.1.0");
    expect_done(machine.run("packages revoke", {{"key", {publisher().public_key().text()}}, {"why", {"was stolen"}}}));
    EXPECT_THAT(show("words").out, HasSubstr("was revoked: was stolen"));
    EXPECT_EQ(show("words", true).json()["signature"], "revoked");
}

TEST_F(Care, TheDoctorFindsAndNamesTheNextCommand) {
    EXPECT_THAT(machine.run("packages doctor").out, HasSubstr("ok    packages: nothing was installed yet"));
    add_registry();
    expect_done(install("org.example.greet@^1"));
    EXPECT_THAT(machine.run("packages doctor").out, HasSubstr("2 plugins installed as generation 1, whole"));
    const std::string greet = "package org.example.greet", again = "symphony install org.example.greet@=1.0.0";
    const auto library = stored("libgreet.so");
    make_writable(library);
    const auto bytes = packaging::rig::read(library);
    packaging::rig::write(library, "broken");
    expect_finding("fail", greet, "libgreet.so is not as it was packed [altered]", again);
    fs::remove(library);
    expect_finding("fail", greet, "libgreet.so is missing [missing]", again);
    packaging::rig::write(library, bytes);
    fs::permissions(library, static_cast<fs::perms>(0444));
    EXPECT_EQ(machine.run("packages doctor").status, 0);
    const auto entry = library.parent_path(), aside = machine.packages() / "aside";
    fs::rename(entry, aside);
    expect_finding("fail", greet, "missing in the store", again);
    fs::rename(aside, entry);
    const auto link = machine.packages() / "generations/1/plugins/org.example.greet";
    const auto target = fs::read_symlink(link);
    fs::remove(link);
    expect_finding("fail", "packages", "does not lead to its package", "symphony rollback");
    fs::create_symlink(target, link);
    EXPECT_EQ(machine.run("packages doctor").status, 0);
}

TEST_F(Care, TheDoctorFindsTheWayBack) {
    add_registry();
    expect_done(install("org.example.words"));
    expect_done(install("org.example.greet"));
    const auto file = machine.packages() / "generations/2/profile.toml";
    const auto text = packaging::rig::read(file);
    packaging::rig::write(file, "nonsense");
    expect_finding("fail", "packages", "bad-profile", "symphony rollback --to 1");
    packaging::rig::write(file, text);
    fs::remove(machine.packages() / "current");
    fs::create_directory(machine.packages() / "current");
    expect_finding("fail", "packages", "bad-current", "symphony rollback --to 2");
}

TEST_F(Care, TheDoctorLooksAtKeysRegistriesAndWhatIsNew) {
    add_registry();
    expect_done(install("org.example.greet@^1"));
    const std::string greet = "package org.example.greet", words = "package org.example.words";
    publish("org.example.greet", "1.1.0", "[capabilities]\nfile_access = [\"write:workspace\"]\n" + needs_words);
    publish("org.example.words", "1.1.0");
    expect_finding("warn", greet, "1.1.0 is there and asks for more: write:workspace [consent-needed]", "--agree");
    expect_finding("ok", words, "1.1.0 is there: symphony update org.example.words", "");
    auto registry = *packaging::RegistryFolder::open(folder());
    ASSERT_TRUE(registry.yank("org.example.words", "1.0.0", true, signing()));
    expect_finding("warn", words, "[yanked]", "symphony update org.example.words");
    expect_done(machine.run("packages revoke", {{"key", {publisher().public_key().text()}}, {"why", {"was stolen"}}}));
    expect_finding("warn", greet, "was revoked: was stolen", "symphony remove org.example.greet");
    packaging::rig::write(machine.packages() / "../../../config/symphony/registries.toml", "nonsense");
    expect_finding("fail", "registries", "registries.toml", "mend the file");
}

TEST_F(Care, TheDoctorTellsWhatIsKnownToBeWrong) {
    add_registry();
    publish("org.example.words", "1.1.0");
    expect_done(install("org.example.greet@^1"));
    const packaging::Advisory advisory{"SYM-2026-0001", "reads too far", "high", "A long text ends in the middle.", "https://example.org/1"};
    const auto advise = [&](const std::vector<std::pair<std::string, std::string>>& versions) {
        auto registry = *packaging::RegistryFolder::open(folder());
        const auto done = registry.advise(advisory, versions, signing());
        ASSERT_TRUE(done) << done.error().message();
    };
    advise({{"org.example.greet", "1.0.0"}, {"org.example.words", "1.0.0"}});
    const std::string greet = "package org.example.greet", text = "1.0.0 has a known defect: SYM-2026-0001, high: reads too far (https://example.org/1) [advisory]";
    expect_finding("warn", greet, text, "symphony remove org.example.greet; no update is free of it yet");
    EXPECT_THAT(machine.run("packages doctor").out, Not(HasSubstr("org.example.words: 1.1.0 has"))) << "1.0.0 of it is not here";
    publish("org.example.greet", "1.1.0", needs_words);
    expect_finding("warn", greet, text, "symphony update org.example.greet brings 1.1.0, which has it not");
    const auto told = install("org.example.greet@=1.0.0");
    expect_done(told);
    EXPECT_THAT(told.err, HasSubstr("warning: org.example.greet 1.0.0 has a known defect: SYM-2026-0001, high: reads too far"));
    expect_finding("warn", greet, text, "no update is free of it yet"); // =1.0.0 is what was asked for
    expect_done(install("org.example.greet@^1"));
    const auto update = machine.run("update", {}, true);
    EXPECT_EQ(update.json()["advisories"].size(), 0u) << update.out;
    EXPECT_THAT(machine.run("packages doctor").out, Not(HasSubstr("[advisory]")));
    advise({{"org.example.greet", "1.1.0"}});
    const auto again = machine.run("update", {}, true).json();
    EXPECT_EQ(again["advisories"][0]["of"], "org.example.greet 1.1.0");
    expect_finding("warn", greet, "1.1.0 has a known defect: SYM-2026-0001", "no update is free of it yet");
}

TEST_F(Care, TheDoctorTellsThatARegistrysTimeIsOverAndStillLooksAtWhatItHas) {
    add_registry();
    expect_done(install("org.example.greet@^1"));
    publish("org.example.words", "1.1.0");
    auto registry = *packaging::RegistryFolder::open(folder());
    auto over = signing();
    over.now = now() - 10;
    over.expires = now() - 5;
    ASSERT_TRUE(registry.yank("org.example.words", "1.0.0", true, over));
    expect_refused(machine.run("update"), "expired-snapshot");
    const auto until = packaging::time_text(over.expires);
    expect_finding("warn", "registry main", "was good until " + until + " [expired-snapshot]", "ask who runs the registry");
    expect_finding("warn", "package org.example.words", "[yanked]", "symphony update");
    ASSERT_TRUE(registry.yank("org.example.words", "1.1.0", true, over));
    expect_finding("warn", "package org.example.words", "[yanked]", "symphony remove org.example.words; there is no other version yet");
    ASSERT_TRUE(registry.yank("org.example.words", "1.1.0", false, over));
    EXPECT_THAT(machine.run("packages doctor").err, Not(HasSubstr("note:"))) << "it is told once";
    ASSERT_TRUE(registry.sign_again(signing()));
    EXPECT_THAT(machine.run("packages doctor").out, Not(HasSubstr("[expired-snapshot]")));
    expect_done(machine.run("update"));
}

TEST_F(Care, RemoveTakesWhatCameAlongAndNamesWhatStays) {
    add_registry();
    publish("org.example.other", "1.0.0", needs_words);
    expect_done(install("org.example.greet"));
    expect_done(install("org.example.other"));
    const auto settings = machine.packages() / "../../../config/symphony/plugins/org.example.greet", data = machine.packages() / "../../../state/symphony/data/org.example.greet";
    packaging::rig::write(settings / "x.toml", "");
    packaging::rig::write(data / "notes", "");
    auto done = machine.run("remove", {{"plugin", {"org.example.greet"}}});
    expect_done(done);
    expect_versions("", "1.0.0");
    EXPECT_THAT(done.err, HasSubstr("data/org.example.greet stays"));
    EXPECT_THAT(done.err, HasSubstr("its packages still have to be signed with"));
    EXPECT_TRUE(fs::exists(data / "notes"));
    expect_done(machine.run("remove", {{"plugin", {"org.example.greet"}}, {"purge", {}}})); // what is left of one that is gone
    EXPECT_FALSE(fs::exists(data));
    EXPECT_FALSE(fs::exists(settings));
    EXPECT_EQ(machine.publishers().pinned("org.example.greet"), nullptr);
    expect_refused(machine.run("remove", {{"plugin", {"org.example.greet"}}, {"purge", {}}}), "not-installed");
    expect_refused(machine.run("remove", {{"plugin", {"../../etc"}}, {"purge", {}}}), "not-installed");
    expect_refused(machine.run("remove", {{"plugin", {"org.example.words"}}}), "needed", "org.example.other");
    done = machine.run("remove", {{"plugin", {"org.example.other"}}, {"purge", {}}}, true);
    expect_done(done);
    EXPECT_EQ(done.json()["orphans"][0], "org.example.words");
    expect_versions("", "");
    EXPECT_EQ(machine.publishers().pinned("org.example.words"), nullptr);
    expect_done(machine.run("rollback"));
    expect_versions("", "1.0.0");
}

TEST_F(Care, APluginTakesThePlaceOfAnother) {
    add_registry();
    expect_done(install("org.example.words"));
    publish("org.example.terms", "2.0.0", "replaces = [\"org.example.words\"]\n");
    const auto done = install("org.example.terms");
    expect_done(done);
    EXPECT_THAT(done.err, HasSubstr("org.example.words 1.0.0 goes: org.example.terms takes its place"));
    EXPECT_EQ(machine.version_of("org.example.terms"), "2.0.0");
    expect_versions("", "");
    expect_refused(install("org.example.words"), "replaced", "symphony remove org.example.terms");
    expect_refused(install("org.example.greet"), "replaced", "org.example.words");
    expect_done(machine.run("remove", {{"plugin", {"org.example.terms"}}}));
    expect_done(install("org.example.greet"));
    const auto needed = install("org.example.terms");
    EXPECT_NE(needed.reason, "") << "greet needs words";
    expect_versions("1.0.0", "1.0.0");
    expect_done(machine.run("remove", {{"plugin", {"org.example.greet"}}}));
    expect_done(install("org.example.words"));
    Plugin theirs;
    theirs.id = "org.other.words";
    theirs.more = "replaces = [\"org.example.words\"]\n";
    expect_refused(machine.run("install", {{"what", {machine.package(theirs, &stranger())}}, {"trust-key", {stranger().public_key().text()}}}), "replaces-another", "symphony remove org.example.words");
    expect_versions("", "1.0.0");
}

} // namespace
} // namespace symphony::packages
