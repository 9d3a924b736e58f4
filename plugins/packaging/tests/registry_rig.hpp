// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rig.hpp"

#include <symphony/packaging/publish.hpp>
#include <symphony/packaging/registry.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace symphony::packaging::rig {

/// Hands out a folder as if it were far away, counts, and can be told to lie.
class FarFetch final : public Fetch {
public:
    explicit FarFetch(fs::path folder) : folder_(std::move(folder)) {}
    Result<std::string> get(std::string_view path, std::uint64_t bytes_max) override {
        ++count;
        if (const auto lie = lies.find(std::string(path)); lie != lies.end()) return lie->second;
        return folder_.get(path, bytes_max);
    }
    bool is_local() const noexcept override { return false; }
    std::string where() const override { return "https://registry.test"; }

    int count = 0;
    std::map<std::string, std::string> lies;

private:
    FolderFetch folder_;
};

/// A registry in a folder with all its keys, and a reader's folders.
class RegistryTest : public ::testing::Test {
protected:
    static constexpr UnixTime now = 1'800'000'000;
    static constexpr UnixTime day = 86'400;

    RegistryTest() {
        root_.registry = "main";
        root_.expires = now + 365 * day;
        root_.root = {2, {root_a_.public_key(), root_b_.public_key(), root_c_.public_key()}};
        root_.snapshot = {1, {online_.public_key()}};
        std::sort(root_.root.keys.begin(), root_.root.keys.end());
        const auto made = RegistryFolder::create(folder(), {"main", "The main registry"}, root_, {&root_a_, &root_b_}, signing());
        EXPECT_TRUE(made) << made.error().message();
    }

    fs::path folder() const { return temporary_.path() / "registry"; }
    RegistryFolder::Signing signing(UnixTime at = now) const { return {{&online_}, at, at + 14 * day}; }
    RegistryFolder opened() const {
        auto result = RegistryFolder::open(folder());
        EXPECT_TRUE(result) << result.error().message();
        return *std::move(result);
    }

    RegistryFolder::Submission submission(const Plugin& plugin, const SecretKey& key) const { return submission(plugin.packed(), key); }
    static RegistryFolder::Submission submission(const Packed& packed, const SecretKey& key) {
        return {packed.bytes, key.sign(packed.bytes, packed.info.claim().comment())->text(), key.public_key(), false};
    }
    Result<RegistryFolder::Published> publish(const Plugin& plugin, const SecretKey& key) { return opened().publish(submission(plugin, key), signing()); }
    void published(const Plugin& plugin) {
        const auto done = publish(plugin, publisher_);
        ASSERT_TRUE(done) << done.error().message();
    }
    static Plugin plugin(const std::string& id, const std::string& version, const std::string& more = {}) {
        Plugin out;
        out.id = id;
        out.version = version;
        out.more = more;
        out.library = "library of " + id + " " + version;
        return out;
    }

    RegistryOptions options(UnixTime at = now) const {
        RegistryOptions out;
        out.root_keys = {root_a_.public_key()};
        out.state = temporary_.path() / "state";
        out.cache = temporary_.path() / "cache";
        out.now = at;
        return out;
    }
    Result<Registry> read(Fetch& fetch, UnixTime at = now) const { return Registry::open(fetch, options(at)); }
    Registry good(Fetch& fetch) const {
        auto result = read(fetch);
        EXPECT_TRUE(result) << result.error().message();
        return *std::move(result);
    }
    std::string refused(Fetch& fetch, UnixTime at = now) const {
        const auto result = read(fetch, at);
        if (!result) message_ = result.error().message();
        return result ? "" : std::string(result.error().reason());
    }
    template <class Value>
    static std::string reason(const Result<Value>& result) {
        return result ? "" : std::string(result.error().reason());
    }

    testing::TempFolder temporary_;
    SecretKey root_a_ = *SecretKey::generate(), root_b_ = *SecretKey::generate(), root_c_ = *SecretKey::generate();
    SecretKey online_ = *SecretKey::generate(), publisher_ = *SecretKey::generate(), other_ = *SecretKey::generate();
    RegistryRoot root_;
    mutable std::string message_;
};

} // namespace symphony::packaging::rig
