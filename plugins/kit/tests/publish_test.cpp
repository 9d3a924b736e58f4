// SPDX-License-Identifier: Apache-2.0
// From a built plugin to a registry that has it: key, pack, sign, publish, and what who runs the registry does.
#include "author.hpp"

#include <symphony/packaging/publish.hpp>
#include <symphony/packaging/registry.hpp>

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

namespace symphony::kit {
namespace {

using packaging::PackageClaim;
using packaging::PublicKey;
using packaging::SecretKey;
using packaging::Signature;
using packaging::rig::read;
using packaging::rig::write;
using rig::Author;
using rig::expect_done;
using rig::expect_refused;
using rig::Plugin;
using ::testing::HasSubstr;

mode_t mode_of(const std::filesystem::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
}

/// An author with a key, and a registry of the author's own.
class Publishing : public ::testing::Test {
protected:
    void SetUp() override {
        expect_done(author.run("key make", {{"no-passphrase", {}}}));
        expect_done(author.run("registry create", {{"folder", {"registry"}}, {"name", {"main"}}}));
    }
    rig::Done publish(const std::string& package, Author::Words words = {}) const {
        words["package"] = {package};
        words["to"] = {"registry"};
        return author.run("publish", words, true);
    }
    packaging::RegistryFolder registry() const { return *packaging::RegistryFolder::open(author.work() / "registry"); }
    std::size_t versions() const { return registry().versions("org.example.greet")->size(); }
    /// By somebody who was given the author's key, and remembers what was read before.
    void expect_readable() const {
        packaging::FolderFetch fetch(author.work() / "registry");
        packaging::RegistryOptions options;
        options.root_keys = {*PublicKey::parse(own_key())};
        options.state = author.work() / "state";
        options.cache = author.work() / "cache";
        options.now = registry().snapshot().expires - 1;
        const auto reader = packaging::Registry::open(fetch, options);
        EXPECT_TRUE(reader) << reader.error().message();
    }
    std::string own_key() const { return author.run("key show", {}, true).json()["key"]; }

    Author author;
};

TEST(Key, IsForItsOwnerAndNeverReplaced) {
    const Author author;
    expect_refused(author.run("key show"), "no-key");
    expect_refused(author.run("key make", {}, true), "passphrase-needed");
    const auto made = author.run("key make", {{"no-passphrase", {}}}, true);
    expect_done(made);
    EXPECT_EQ(mode_of(author.config() / "signing.key"), 0600u);
    EXPECT_EQ(made.json()["key"], PublicKey::parse(read(author.config() / "signing.pub"))->text());
    const auto before = read(author.config() / "signing.key");
    expect_refused(author.run("key make", {{"no-passphrase", {}}}), "exists");
    EXPECT_EQ(read(author.config() / "signing.key"), before);
}

TEST(Key, OpensWithItsPassphraseAlone) {
    const Author author;
    write(author.work() / "right", "correct horse\n");
    write(author.work() / "wrong", "battery staple\n");
    write(author.work() / "empty", "\n");
    write(author.work() / "text", "hello");
    expect_refused(author.run("key make", {{"key", {"my.key"}}, {"passphrase-file", {"empty"}}}), "bad-passphrase");
    expect_done(author.run("key make", {{"key", {"my.key"}}, {"passphrase-file", {"right"}}}));
    expect_refused(author.run("sign", {{"file", {"text"}}, {"key", {"my.key"}}}, true), "passphrase-needed");
    expect_refused(author.run("sign", {{"file", {"text"}}, {"key", {"my.key"}}, {"passphrase-file", {"wrong"}}}), "wrong-passphrase");
    EXPECT_FALSE(std::filesystem::exists(author.work() / "text.minisig"));
    expect_done(author.run("sign", {{"file", {"text"}}, {"key", {"my.key"}}, {"passphrase-file", {"right"}}}));
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    constexpr std::string_view typed = "correct horse\nnot read\n";
    ASSERT_EQ(::write(ends[1], typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    std::filesystem::remove(author.work() / "text.minisig");
    expect_done(author.run("sign", {{"file", {"text"}}, {"key", {"my.key"}}, {"passphrase-fd", {std::to_string(ends[0])}}}));
    ::close(ends[0]);
    ::close(ends[1]);
    const auto signature = Signature::parse(read(author.work() / "text.minisig"));
    ASSERT_TRUE(signature);
    EXPECT_TRUE(verify(*PublicKey::parse(read(author.work() / "my.pub")), *signature, "hello"));
}

TEST(Key, TakesNoDescriptorThatWasNotHandedOver) {
    const Author author;
    write(author.work() / "text", "hello");
    expect_refused(author.run("key make", {{"passphrase-fd", {"999"}}}), "no-descriptor");
    expect_refused(author.run("key make", {{"passphrase-fd", {"1"}}}), "no-descriptor");
    expect_refused(author.run("key make", {{"passphrase-fd", {"three"}}}), "usage");
}

TEST(Sign, RefusesAKeyThatOthersCanRead) {
    const Author author;
    write(author.work() / "text", "hello");
    expect_refused(author.run("sign", {{"file", {"text"}}}), "no-key");
    expect_done(author.run("key make", {{"no-passphrase", {}}}));
    std::filesystem::permissions(author.config() / "signing.key", std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    expect_refused(author.run("sign", {{"file", {"text"}}}), "open-key");
}

TEST_F(Publishing, SignsAPackageForWhatItIs) {
    const std::string file = author.package({});
    const auto signature = *Signature::parse(read(author.work() / (file + ".minisig")));
    const auto bytes = read(author.work() / file);
    EXPECT_TRUE(verify(*PublicKey::parse(own_key()), signature, bytes));
    EXPECT_TRUE(PackageClaim::parse(signature.trusted_comment)->matches(packaging::read_package(bytes)->claim()));
}

TEST_F(Publishing, PacksTheSameBytesFromAnyFolder) {
    Plugin plugin;
    plugin.files = {{"README.md", "greets\n"}, {"workflows/greet.toml", "x = 1\n"}, {"scratch", "left out"}};
    plugin.put(author.work() / "one");
    plugin.put(author.work() / "two/deeper");
    const auto one = author.run("pack", {{"folder", {"one"}}, {"output", {"a"}}}, true);
    expect_done(one);
    expect_done(author.run("pack", {{"folder", {"two/deeper"}}, {"output", {"b.sympkg"}}}));
    const auto package = one.json()["packages"][0];
    EXPECT_EQ(package["left_out"], nlohmann::json::array({"scratch"}));
    EXPECT_EQ(std::filesystem::path(std::string(package["file"])).filename(), "org.example.greet-1.0.0-x86_64-linux-gnu.sympkg");
    EXPECT_EQ(read(std::string(package["file"])), read(author.work() / "b.sympkg"));
    EXPECT_THAT(author.checked(), HasSubstr("--static"));
}

TEST_F(Publishing, PacksNothingThatBreaksRules) {
    Plugin().put(author.work() / "built");
    author.check_with(1);
    const auto done = author.run("pack", {{"folder", {"built"}}});
    expect_refused(done, "check-failed");
    EXPECT_THAT(done.err, HasSubstr("some rule")) << "what the checker says is passed on";
    EXPECT_FALSE(std::filesystem::exists(author.work() / "org.example.greet-1.0.0-x86_64-linux-gnu.sympkg"));
    expect_refused(author.run("pack", {{"folder", {"nothing"}}}), "no-plugin");
    write(author.work() / "source/manifest.toml", "[extension]\nid = \"org.example.greet\"\nname = \"greet\"\nversion = \"1.0.0\"\ntype = \"operator\"\n");
    expect_refused(author.run("pack", {{"folder", {"source"}}}), "no-library");
}

TEST_F(Publishing, PublishesWhatPassesTheGate) {
    const auto first = publish(author.package({}));
    expect_done(first);
    EXPECT_EQ(first.json()["published"], true);
    EXPECT_EQ(first.json()["signer"], own_key());
    EXPECT_THAT(author.checked(), HasSubstr("--level 5\n")) << "its code was run";
    EXPECT_EQ(publish(author.package({})).json()["was_there"], true);
    Plugin next;
    next.version = "1.1.0";
    next.more = "[capabilities]\nfile_access = [\"read:workspace\"]\n";
    const auto second = publish(author.package(next));
    expect_done(second);
    EXPECT_EQ(second.json()["previous"], "1.0.0");
    EXPECT_EQ(second.json()["rights_added"], nlohmann::json::array({"read:workspace"}));
    EXPECT_EQ(versions(), 2u);
}

TEST_F(Publishing, TriesEverythingAndWritesNothing) {
    const auto dry = publish(author.package({}), {{"dry-run", {}}, {"static", {}}});
    expect_done(dry);
    EXPECT_EQ(dry.json()["published"], false);
    EXPECT_EQ(registry().snapshot().number, 1u);
    EXPECT_EQ(versions(), 0u);
}

TEST_F(Publishing, RefusesWhatTheGateRefuses) {
    Plugin().put(author.work() / "built");
    expect_done(author.run("pack", {{"folder", {"built"}}}));
    const std::string file = "org.example.greet-1.0.0-x86_64-linux-gnu.sympkg";
    expect_refused(publish(file), "unsigned");
    expect_done(author.run("key make", {{"key", {"other.key"}}, {"no-passphrase", {}}}));
    expect_done(author.run("sign", {{"file", {file}}, {"key", {"other.key"}}}));
    expect_refused(publish(file), "unknown-publisher");
    expect_done(author.run("sign", {{"file", {file}}}));
    author.check_with(1);
    expect_refused(publish(file), "check-failed");
    author.check_with(0);
    expect_refused(author.run("publish", {{"package", {file}}, {"to", {"nowhere"}}}), "no-registry");
    expect_refused(author.run("publish", {{"package", {file}}}), "usage");
    EXPECT_EQ(registry().snapshot().number, 1u) << "nothing of it is left";
    expect_done(publish(file));
    Plugin next;
    next.version = "1.0.1";
    expect_refused(publish(author.package(next, "built", {{"key", {"other.key"}}}), {{"publisher", {"other.pub"}}}), "other-publisher");
}

TEST_F(Publishing, RefusesAPackageThatNobodyCanMakeAgain) {
    const std::string file = author.package({});
    // A frame that zstd skips: the same files, and other bytes.
    const std::string frame("\x50\x2A\x4D\x18\x04\x00\x00\x00skip", 12);
    write(author.work() / file, read(author.work() / file) + frame);
    expect_done(author.run("sign", {{"file", {file}}}));
    expect_refused(publish(file), "not-reproducible");
    EXPECT_EQ(versions(), 0u);
}

TEST_F(Publishing, ARegistryIsKeptByItsOperator) {
    expect_done(publish(author.package({})));
    expect_done(author.run("registry yank", {{"folder", {"registry"}}, {"id", {"org.example.greet"}}, {"version", {"1.0.0"}}}));
    EXPECT_TRUE(registry().versions("org.example.greet")->front().yanked);
    expect_done(author.run("registry yank", {{"folder", {"registry"}}, {"id", {"org.example.greet"}}, {"version", {"1.0.0"}}, {"undo", {}}}));
    EXPECT_FALSE(registry().versions("org.example.greet")->front().yanked);
    EXPECT_EQ(author.run("registry yank", {{"folder", {"registry"}}, {"id", {"org.example.greet"}}, {"version", {"9.0.0"}}}).reason, "unknown-version");
    write(author.work() / "advisory.toml", "format = 1\nid = \"SYM-2026-0001\"\ntitle = \"Greets the wrong one\"\nseverity = \"low\"\ntext = \"Update.\"\n");
    const Author::Words advise{{"folder", {"registry"}}, {"advisory", {"advisory.toml"}}};
    auto words = advise;
    words["affects"] = {"org.example.greet"};
    expect_refused(author.run("registry advise", words), "usage");
    words["affects"] = {"org.example.greet@1.0.0"};
    expect_done(author.run("registry advise", words));
    EXPECT_EQ(registry().versions("org.example.greet")->front().advisories, std::vector<std::string>{"SYM-2026-0001"});
    const auto number = registry().snapshot().number;
    const auto again = author.run("registry sign", {{"folder", {"registry"}}, {"days", {"30"}}}, true);
    expect_done(again);
    EXPECT_EQ(again.json()["snapshot"], number + 1);
    EXPECT_EQ(author.run("registry show", {{"folder", {"registry"}}}, true).json()["expired"], false);
    expect_refused(author.run("registry create", {{"folder", {"registry"}}, {"name", {"main"}}}), "exists");
    expect_refused(author.run("registry create", {{"folder", {"second"}}}), "usage");
}

TEST_F(Publishing, ANewRootTakesTheKeysOfOldAndNew) {
    for (const std::string name : {"next", "online"}) expect_done(author.run("key make", {{"key", {name + ".key"}}, {"no-passphrase", {}}}));
    auto root = registry().root();
    root.version = 2;
    root.root.keys = {*PublicKey::parse(read(author.work() / "next.pub"))};
    root.snapshot.keys = {*PublicKey::parse(read(author.work() / "online.pub"))};
    write(author.work() / "root.toml", print(root));
    Author::Words words{{"folder", {"registry"}}, {"root", {"root.toml"}}, {"root-key", {"next.key"}}, {"snapshot-key", {"online.key"}}};
    expect_readable();
    expect_refused(author.run("registry rotate", words), "missing-key");
    words["root-key"] = {"next.key", (author.config() / "signing.key").string()};
    words["snapshot-key"] = {"online.key", (author.config() / "signing.key").string()};
    expect_done(author.run("registry rotate", words));
    EXPECT_EQ(registry().root().version, 2u);
    expect_refused(author.run("registry sign", {{"folder", {"registry"}}}), "missing-key"); // the old key signs no snapshots any more
    expect_done(author.run("registry sign", {{"folder", {"registry"}}, {"snapshot-key", {"online.key"}}}));
    expect_readable();
}

} // namespace
} // namespace symphony::kit
