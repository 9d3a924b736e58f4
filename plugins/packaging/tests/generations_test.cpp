// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <symphony/packaging/change.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>

namespace symphony::packaging {
namespace {

namespace fs = std::filesystem;
using rig::Plugin;
using rig::TempFolder;
using namespace std::chrono_literals;

const std::string publisher_key = SecretKey::generate()->public_key().text();

class GenerationsTest : public ::testing::Test {
protected:
    Change begin() const { return *Change::begin(folder.path(), 0ms); }

    std::uint64_t install(const Plugin& plugin, const std::string& publisher = {}) {
        auto change = begin();
        const auto info = change.store().add(plugin.packed().bytes);
        EXPECT_TRUE(info) << info.error().message();
        change.profile().put({info->id(), info->version(), info->digest, "*", publisher, "a test", ""});
        const auto number = change.commit("install " + info->id());
        EXPECT_TRUE(number) << number.error().message();
        return number ? *number : 0;
    }
    std::uint64_t install_version(const std::string& version) {
        Plugin plugin;
        plugin.version = version;
        plugin.library = "library of " + version;
        return install(plugin);
    }
    /// What a host finds when it looks now.
    std::string current_version() const {
        const auto text = rig::read(folder.path() / "current/plugins/org.example.greet/manifest.toml");
        const auto at = text.find("version = \"") + 11;
        return at < 11 ? std::string() : text.substr(at, text.find('"', at) - at);
    }
    void expect_whole() const {
        const auto wrong = generations.check(*generations.current(), store);
        ASSERT_TRUE(wrong) << wrong.error().message();
        EXPECT_EQ(*wrong, std::vector<std::string>{});
    }

    TempFolder folder;
    Store store{folder.path()};
    Generations generations{folder.path()};
};

TEST_F(GenerationsTest, TheFirstOneIsNumberOne) {
    EXPECT_EQ(*generations.current(), 0u);
    EXPECT_TRUE(generations.read(0)->packages.empty());
    EXPECT_EQ(install_version("1.0.0"), 1u);
    EXPECT_EQ(*generations.current(), 1u);
    EXPECT_EQ(current_version(), "1.0.0");
    EXPECT_GT(generations.made_ms(1), 0u);
    expect_whole();
}

TEST_F(GenerationsTest, TheSwitchGoesForwardAndBack) {
    install_version("1.0.0");
    install_version("1.1.0");
    EXPECT_EQ(current_version(), "1.1.0");
    EXPECT_EQ(generations.read(2)->previous, 1u);
    ASSERT_TRUE(generations.switch_to(1));
    EXPECT_EQ(current_version(), "1.0.0");
    EXPECT_EQ(install_version("1.2.0"), 3u) << "a number is never used twice";
    EXPECT_EQ(generations.read(3)->previous, 1u);
    EXPECT_EQ(generations.switch_to(9).error().reason(), "no-generation");
    EXPECT_EQ(generations.read(9).error().reason(), "no-generation");
}

TEST_F(GenerationsTest, TrustIsForWhatAPublisherSigned) {
    Plugin other;
    other.id = "org.example.words";
    install(other);
    install({}, publisher_key);
    const auto trust = rig::read(folder.path() / "current/plugins.lock");
    const std::string library = "plugin = \"org.example.greet\"\nsha256 = \"" + sha256_of(Plugin().library) + "\"\n";
    EXPECT_NE(trust.find("[[trusted]]\n" + library), std::string::npos) << trust;
    EXPECT_NE(trust.find("[[signed]]\n" + library + "publisher = \"" + publisher_key + "\""), std::string::npos) << trust;
    EXPECT_EQ(trust.find("org.example.words"), std::string::npos) << trust;
}

TEST_F(GenerationsTest, TheLockIsMadeWithTheGeneration) {
    install_version("1.0.0");
    auto change = begin();
    EXPECT_EQ(change.lock().packages.size(), 1u);
    Lock::Package known = change.lock().packages.front();
    known.artifacts = {{"riscv64-linux-gnu", 7, sha256_of("r"), sha256_of("f")}};
    change.lock().packages = {known};
    ASSERT_TRUE(change.commit("again"));
    const auto lock = change.generations().lock(2);
    ASSERT_TRUE(lock) << lock.error().message();
    EXPECT_EQ(lock->packages.front().artifacts, known.artifacts);
    EXPECT_EQ(lock->packages.front().asked, "*");
    known.manifest = sha256_of("another manifest");
    change.lock().packages = {known};
    ASSERT_TRUE(change.commit("of another package"));
    EXPECT_TRUE(change.generations().lock(3)->packages.front().artifacts.empty()) << "not of this one";
    fs::remove(change.generations().path_of(3) / "symphony.lock");
    EXPECT_EQ(change.generations().lock(3).error().reason(), "no-lock");
    EXPECT_TRUE(change.generations().check(3, change.store())->empty()) << "older versions made none";
    rig::write(change.generations().path_of(3) / "symphony.lock", "lock = 1\n");
    EXPECT_EQ(change.generations().check(3, change.store())->size(), 1u);
}

TEST_F(GenerationsTest, CheckTellsWhatWasChangedByHand) {
    install({}, publisher_key);
    const auto at = generations.path_of(1);
    fs::remove(at / "plugins/org.example.greet");
    fs::create_symlink("/tmp", at / "plugins/org.example.greet");
    fs::create_symlink("/tmp", at / "plugins/org.example.more");
    rig::write(at / "plugins.lock", "[[trusted]]\n");
    EXPECT_EQ(generations.check(1, store)->size(), 3u);
    rig::write(at / "profile.toml", "profile = 7\n");
    EXPECT_EQ(generations.check(1, store).error().reason(), "bad-profile");
    fs::remove(folder.path() / "current");
    fs::create_symlink("/etc", folder.path() / "current");
    EXPECT_EQ(generations.current().error().reason(), "bad-current");
}

TEST_F(GenerationsTest, CollectingKeepsTheNewestAndWhatTheyNeed) {
    for (const auto* version : {"1.0.0", "1.1.0", "1.2.0", "1.3.0"}) install_version(version);
    const auto would = collect(generations, store, 2, false);
    ASSERT_TRUE(would);
    EXPECT_EQ(would->generations, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(would->packages.size(), 2u);
    EXPECT_GT(would->bytes, 0u);
    EXPECT_EQ(store.digests()->size(), 4u) << "nothing was removed yet";
    ASSERT_TRUE(collect(generations, store, 2));
    EXPECT_EQ(*generations.numbers(), (std::vector<std::uint64_t>{3, 4}));
    EXPECT_EQ(store.digests()->size(), 2u);
    expect_whole();
}

TEST_F(GenerationsTest, CollectingKeepsTheCurrentOneHoweverOld) {
    for (const auto* version : {"1.0.0", "1.1.0", "1.2.0"}) install_version(version);
    ASSERT_TRUE(generations.switch_to(1));
    ASSERT_TRUE(collect(generations, store, 0));
    EXPECT_EQ(*generations.numbers(), std::vector<std::uint64_t>{1});
    EXPECT_EQ(current_version(), "1.0.0");
}

TEST_F(GenerationsTest, CollectingKeepsWhatARunningHostUses) {
    for (const auto* version : {"1.0.0", "1.1.0", "1.2.0"}) install_version(version);
    {
        const Descriptor host(::open(generations.path_of(1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_EQ(::flock(host.get(), LOCK_SH), 0);
        const auto collected = collect(generations, store, 1);
        ASSERT_TRUE(collected);
        EXPECT_EQ(collected->in_use, std::vector<std::uint64_t>{1});
        EXPECT_EQ(*generations.numbers(), (std::vector<std::uint64_t>{1, 3}));
    }
    ASSERT_TRUE(collect(generations, store, 1));
    EXPECT_EQ(*generations.numbers(), std::vector<std::uint64_t>{3});
}

TEST_F(GenerationsTest, NothingIsCollectedWhileAProfileCannotBeRead) {
    for (const auto* version : {"1.0.0", "1.1.0"}) install_version(version);
    rig::write(generations.path_of(2) / "profile.toml", "no profile");
    const auto collected = collect(generations, store, 5);
    ASSERT_FALSE(collected);
    EXPECT_EQ(collected.error().reason(), "bad-profile");
    EXPECT_EQ(store.digests()->size(), 2u);
}

TEST(Profile, HasOneText) {
    const std::string digest(64, 'a');
    Profile profile;
    profile.action = "install \"quoted\" \\ and wörter";
    profile.previous = 4;
    profile.put({"org.b", "2.0.0-rc.1", digest, "^2.0.0-rc.1", publisher_key, "b.sympkg", "main"});
    profile.put({"org.a", "1.0.0", digest, "", "", "", ""});
    const auto read = Profile::parse(profile.text());
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, profile);
    EXPECT_EQ(read->text(), profile.text());
    EXPECT_EQ(read->packages[0].id, "org.a");
    EXPECT_TRUE(profile.remove("org.a"));
    EXPECT_FALSE(profile.remove("org.a"));
    profile.put({"org.b", "3.0.0", digest, "", "", "not \xff utf-8", ""});
    EXPECT_EQ(profile.packages.size(), 1u);
    EXPECT_TRUE(Profile::parse(profile.text())) << "whatever a file is called";
}

TEST(Profile, BadOnesHaveAReason) {
    const std::string good = "profile = 1\n[[package]]\nid = \"a\"\nversion = \"1.0.0\"\ndigest = \"" + std::string(64, 'a') + "\"\n";
    ASSERT_TRUE(Profile::parse(good));
    const auto replaced = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    for (const auto& text : {std::string("profile = 2"), std::string("= ="), std::string(), std::string("profile = 1\npackage = 3"), replaced("\"a\"", "\"../a\""), replaced("1.0.0", "one"),
                             replaced("aaaa", "AAAA"), replaced("id = \"a\"", "id = 7"), good + "publisher = \"RW\"\n", good + "asked = \"what\"\n", good + good.substr(12), good + "source = \"\\n\"\n"}) {
        const auto read = Profile::parse(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().reason(), "bad-profile");
    }
}

} // namespace
} // namespace symphony::packaging
