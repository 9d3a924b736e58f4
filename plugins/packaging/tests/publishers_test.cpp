// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <symphony/packaging/publishers.hpp>
#include <symphony/packaging/registries.hpp>

#include <gtest/gtest.h>

namespace symphony::packaging {
namespace {

const std::string plugin = "org.example.greet";
PublicKey a_key() { return SecretKey::generate()->public_key(); }

void expect_refused(const Result<PublicKey>& key, std::string_view reason, std::string_view words = {}) {
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().reason(), reason) << key.error().message();
    EXPECT_EQ(key.error().code(), Code::refused);
    EXPECT_NE((key.error().message() + key.error().hint()).find(words), std::string::npos) << key.error().message() << key.error().hint();
}

TEST(Publishers, AnUnknownKeyIsNamedByItsOwner) {
    Publishers publishers;
    const auto key = a_key();
    expect_refused(publishers.key_for(plugin, key.id(), {}), "unknown-publisher", "--trust-key");
    expect_refused(publishers.key_for(plugin, key.id(), a_key()), "wrong-key", text_of(key.id()));
    EXPECT_EQ(*publishers.key_for(plugin, key.id(), key), key);
    ASSERT_TRUE(publishers.pin(plugin, key));
    EXPECT_EQ(*publishers.key_for(plugin, key.id(), {}), key);
    EXPECT_EQ(*publishers.key_for("org.example.other", key.id(), {}), key) << "the same publisher's next plugin";
}

TEST(Publishers, AChangedKeyIsRefusedWithBothAndTheCommand) {
    Publishers publishers;
    const auto old_key = a_key(), new_key = a_key();
    ASSERT_TRUE(publishers.pin(plugin, old_key));
    expect_refused(publishers.key_for(plugin, new_key.id(), {}), "publisher-changed", old_key.text());
    expect_refused(publishers.key_for(plugin, new_key.id(), {}), "publisher-changed", text_of(new_key.id()));
    expect_refused(publishers.key_for(plugin, new_key.id(), new_key), "publisher-changed", "symphony packages trust " + new_key.text() + " --plugin " + plugin);
    ASSERT_TRUE(publishers.pin(plugin, new_key));
    EXPECT_EQ(*publishers.key_for(plugin, new_key.id(), {}), new_key);
    expect_refused(publishers.key_for(plugin, old_key.id(), {}), "publisher-changed");
}

TEST(Publishers, ARevokedKeyIsGoodForNothing) {
    Publishers publishers;
    const auto key = a_key();
    ASSERT_TRUE(publishers.pin(plugin, key));
    publishers.revoke(key, "it was stolen");
    expect_refused(publishers.key_for(plugin, key.id(), {}), "revoked-key", "it was stolen");
    expect_refused(publishers.key_for(plugin, key.id(), key), "revoked-key");
    expect_refused(publishers.key_for("org.example.other", key.id(), {}), "revoked-key");
    EXPECT_EQ(publishers.trust(key).error().reason(), "revoked-key");
    EXPECT_EQ(publishers.pin(plugin, key).error().reason(), "revoked-key");
}

TEST(Publishers, AreReadAsTheyWereWritten) {
    const testing::TempFolder folder;
    const auto file = folder.path() / "deep/publishers.toml";
    EXPECT_TRUE(Publishers::load(file)->all().empty());
    Publishers publishers;
    ASSERT_TRUE(publishers.trust(a_key(), "A \"friend\""));
    ASSERT_TRUE(publishers.pin(plugin, a_key()));
    ASSERT_TRUE(publishers.pin("org.example.other", publishers.pinned(plugin)->key));
    publishers.revoke(a_key(), "lost");
    ASSERT_TRUE(publishers.save(file));
    const auto read = Publishers::load(file);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->all(), publishers.all());
}

TEST(Publishers, BadOnesTrustNobody) {
    const std::string key = a_key().text();
    for (const std::string& text : {std::string("[[publisher]]\n"), std::string("[[publisher]]\nkey = \"RWx\"\n"), std::string("publisher = 1\n"), std::string("[["),
                                    "[[publisher]]\nkey = \"" + key + "\"\nplugins = \"x\"\n", "[[publisher]]\nkey = \"" + key + "\"\nplugins = [1]\n",
                                    "[[publisher]]\nkey = \"" + key + "\"\n[[publisher]]\nkey = \"" + key + "\"\n",
                                    "[[publisher]]\nkey = \"" + key + "\"\nplugins = [\"a\", \"a\"]\n"}) {
        const auto read = Publishers::parse(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().reason(), "bad-publishers");
    }
    const auto odd = Publishers::parse("[[publisher]]\nkey = \"" + key + "\"\nrevoked = \"yes\"\n");
    ASSERT_TRUE(odd);
    EXPECT_TRUE(odd->all()[0].revoked) << "what is not plainly false keeps the key out";
}

TEST(RegistryList, IsReadAsItWasWritten) {
    const testing::TempFolder folder;
    EXPECT_TRUE(RegistryList::load(folder.path() / "registries.toml")->all.empty());
    const RegistryList list{{{"main", "https://plugins.example.org/registry", {a_key(), a_key()}}, {"ours", "/srv/\"plugins\"", {a_key()}}}};
    ASSERT_TRUE(list.save(folder.path() / "registries.toml"));
    const auto read = RegistryList::load(folder.path() / "registries.toml");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, list);
    EXPECT_EQ(read->find("ours")->root_keys.size(), 1u);
}

TEST(RegistryList, BadOnesHaveAReason) {
    const std::string good = "[[registry]]\nname = \"a\"\naddress = \"/a\"\nroot_keys = [\"" + a_key().text() + "\"]\n";
    ASSERT_TRUE(RegistryList::parse(good));
    for (const std::string& text : {good + good, std::string("[[registry]]\nname = \"A b\"\n"), std::string("[[registry]]\nname = \"a\"\naddress = \"/a\"\n"),
                                    std::string("[[registry]]\nname = \"a\"\naddress = \"/a\"\nroot_keys = [\"x\"]\n"), std::string("registry = 1\n"), std::string("registry = [1]\n")}) {
        const auto read = RegistryList::parse(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().reason(), "bad-registries");
    }
}

} // namespace
} // namespace symphony::packaging
