// SPDX-License-Identifier: Apache-2.0
#include "plugin_source.hpp"

#include "folders.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace symphony::host {
namespace {

using test::manifest;
using test::put;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A folder of plugins, looked at again after each change.
class Following : public testing::Test {
protected:
    struct Look {
        Catalog catalog;
        Resolution resolution;
    };
    void plugin(const std::string& name, const std::string& version, const std::string& rest = "") { put(root, name, manifest(name, version, rest)); }
    Look look() {
        auto catalog = Catalog::open({{root.path(), Origin::flag}}, "");
        auto resolution = resolve(catalog);
        return {std::move(catalog), std::move(resolution)};
    }
    void begin() {
        now = std::make_unique<Look>(look());
        plugins.emplace(now->catalog, now->resolution);
    }
    std::vector<Plugins::Change> follow() {
        auto next = std::make_unique<Look>(look());
        auto changes = plugins->follow(next->catalog, next->resolution);
        now = std::move(next); // the earlier one is not needed any more
        return changes;
    }
    std::string version(const std::string& name) {
        const auto index = plugins->find(name);
        if (!index) return std::string(index.error().reason());
        return plugins->entry(*index).manifest->extension.version.text();
    }

    TemporaryFolder root;
    std::unique_ptr<Look> now;
    std::optional<Plugins> plugins;
};

TEST_F(Following, NothingChangedIsNoChange) {
    plugin("a", "1.0.0");
    begin();
    EXPECT_THAT(follow(), IsEmpty());
    EXPECT_EQ(version("a"), "1.0.0");
    EXPECT_EQ(plugins->size(), 1u);
}

TEST_F(Following, ANewPluginIsFoundAtOnceAndARemovedOneNoMore) {
    plugin("a", "1.0.0");
    begin();
    const auto* entry = &plugins->entry(*plugins->find("a"));
    plugin("b", "1.0.0", "[provides]\n\"search/1\" = {}\n");
    EXPECT_THAT(follow(), IsEmpty());
    EXPECT_EQ(version("b"), "1.0.0");
    EXPECT_THAT(plugins->providers("search/1"), ElementsAre(1u));
    std::filesystem::remove_all(std::filesystem::path(root.path()) / "a");
    const auto changes = follow();
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_EQ(changes[0].now, 0u);
    EXPECT_FALSE(changes[0].next);
    EXPECT_EQ(version("a"), "unknown-plugin");
    EXPECT_EQ(entry->manifest->name(), "a") << "an entry that was given out stays";
}

TEST_F(Following, AnotherVersionIsFoundWhenItsChangeIsSettled) {
    plugin("a", "1.0.0");
    begin();
    EXPECT_EQ(version("a"), "1.0.0");
    plugin("a", "1.1.0");
    const auto changes = follow();
    ASSERT_THAT(changes, SizeIs(1));
    EXPECT_EQ(version("a"), "1.0.0") << "until it has taken its place";
    EXPECT_EQ(plugins->entry(*changes[0].next).manifest->extension.version.text(), "1.1.0");
    plugins->settle(changes[0], {});
    EXPECT_EQ(version("a"), "1.1.0");
    EXPECT_THAT(follow(), IsEmpty());
    plugin("a", "1.0.0");
    const auto back = follow();
    ASSERT_THAT(back, SizeIs(1)) << "the first one again";
    EXPECT_EQ(back[0].next, 0u);
}

TEST_F(Following, AVersionThatCouldNotTakeThePlaceIsNotTriedAgainUntilItChanges) {
    plugin("a", "1.0.0");
    begin();
    EXPECT_EQ(version("a"), "1.0.0");
    plugin("a", "1.1.0");
    auto changes = follow();
    ASSERT_THAT(changes, SizeIs(1));
    plugins->settle(changes[0], Error(Code::io, "no-luck", "it could not"));
    EXPECT_THAT(follow(), IsEmpty());
    EXPECT_EQ(version("a"), "1.0.0");
    const auto passed = plugins->passed_over(*plugins->find("a"));
    ASSERT_TRUE(passed);
    EXPECT_EQ(passed->why.reason(), "no-luck");
    EXPECT_EQ(passed->manifest_sha256, plugins->entry(*changes[0].next).manifest_sha256);
    EXPECT_NE(passed->manifest_sha256, plugins->entry(*plugins->find("a")).manifest_sha256);
    plugin("a", "1.1.0", "# another build\n");
    changes = follow();
    ASSERT_THAT(changes, SizeIs(1));
    plugins->settle(changes[0], {});
    EXPECT_EQ(version("a"), "1.1.0");
    EXPECT_FALSE(plugins->passed_over(*plugins->find("a")));
}

TEST_F(Following, WhatIsRefusedDoesNotTakeThePlaceOfWhatWorks) {
    plugin("a", "1.0.0");
    begin();
    EXPECT_EQ(version("a"), "1.0.0");
    plugin("a", "2.0.0", "[abi]\nversion = \"9.0\"\n");
    EXPECT_THAT(follow(), IsEmpty());
    EXPECT_EQ(version("a"), "1.0.0");
    EXPECT_FALSE(plugins->entry(*plugins->find("a")).refusal);
    ASSERT_TRUE(plugins->passed_over(*plugins->find("a")));
    EXPECT_EQ(plugins->passed_over(*plugins->find("a"))->why.reason(), "abi-major");
    plugin("a", "1.0.0");
    EXPECT_THAT(follow(), IsEmpty());
    EXPECT_FALSE(plugins->passed_over(*plugins->find("a"))) << "nothing newer is there any more";
}

} // namespace
} // namespace symphony::host
