// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "machine.hpp"

#include <symphony/packaging/publish.hpp>

#include <chrono>

namespace symphony::packages::rig {

using packaging::RegistryFolder;
using packaging::UnixTime;
using Words = Machine::Words;

// Made once: keys cost more than the rest of a test.
inline const SecretKey& root() {
    static const SecretKey key = *SecretKey::generate();
    return key;
}
inline const SecretKey& online() {
    static const SecretKey key = *SecretKey::generate();
    return key;
}
inline const SecretKey& publisher() {
    static const SecretKey key = *SecretKey::generate();
    return key;
}
inline const SecretKey& stranger() {
    static const SecretKey key = *SecretKey::generate();
    return key;
}

/// A registry in a folder, with root key, snapshot and publishers.
class RegistryCase : public ::testing::Test {
protected:
    void SetUp() override {
        packaging::RegistryRoot keys;
        keys.registry = "main";
        keys.expires = now() + 86'400;
        keys.root = {1, {root().public_key()}};
        keys.snapshot = {1, {online().public_key()}};
        const auto made = RegistryFolder::create(folder(), {"main", "A registry"}, keys, {&root()}, signing());
        ASSERT_TRUE(made) << made.error().message();
    }
    static UnixTime now() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }
    static RegistryFolder::Signing signing() { return {{&online()}, now(), now() + 86'400}; }
    std::filesystem::path folder() const { return machine.work() / "registry"; }

    void publish(const std::string& id, const std::string& version, const std::string& more = {}, const SecretKey& key = publisher()) const {
        Plugin plugin;
        plugin.id = id;
        plugin.version = version;
        plugin.library = "library of " + id + " " + version;
        plugin.more = more;
        const auto packed = plugin.packed();
        auto registry = *RegistryFolder::open(folder());
        const auto done = registry.publish({packed.bytes, key.sign(packed.bytes, packed.info.claim().comment())->text(), key.public_key(), false}, signing());
        ASSERT_TRUE(done) << done.error().message();
    }
    void add_registry() const { expect_done(machine.run("packages registry add", {{"name", {"main"}}, {"address", {"registry"}}, {"root-key", {root().public_key().text()}}})); }
    Done install(const std::string& what, Words words = {}) const {
        words["what"] = {what};
        return machine.run("install", words);
    }
    void expect_versions(const std::string& greet, const std::string& words) const {
        EXPECT_EQ(machine.version_of("org.example.greet"), greet);
        EXPECT_EQ(machine.version_of("org.example.words"), words);
    }

    Machine machine;
    const std::string needs_words = "[dependencies]\n\"org.example.words\" = \"^1.0\"\n";
};

} // namespace symphony::packages::rig
