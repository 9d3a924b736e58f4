// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

#include "folders.hpp"

#include <symphony/manifests/parse.hpp>
#include <symphony/value.hpp>

#include <gmock/gmock.h>

namespace symphony::host {
namespace {

using test::TemporaryFolder;
using test::write_file;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

manifests::Manifest sample() {
    const auto parsed = manifests::parse("[extension]\nid = \"org.word-count\"\nname = \"word-count\"\nversion = \"1.0.0\"\ntype = \"operator\"\n"
                                         "[configuration]\nratio = { type = \"float\", default = 0.5, min = 0.0, max = 1.0 }\n"
                                         "api_key = { type = \"string\", secret = true }\n",
                                         "manifest.toml", manifests::Strictness::load);
    EXPECT_TRUE(parsed.manifest) << manifests::format(parsed.diagnostics);
    return parsed.manifest.value_or(manifests::Manifest{});
}

class ConfigTest : public testing::Test {
protected:
    void SetUp() override {
        sources.workspace = workspace.path() / "deep/down";
        std::filesystem::create_directories(sources.workspace);
        sources.user_dir = user.path();
    }
    void expect_ratio(double value, const std::string& origin) {
        SCOPED_TRACE(origin);
        const auto effective = Config::load(sources).effective(sample());
        EXPECT_TRUE(effective.ok()) << manifests::format(effective.diagnostics);
        const auto* setting = effective.find("ratio");
        ASSERT_NE(setting, nullptr);
        ASSERT_NE(setting->value.as<double>(), nullptr);
        EXPECT_DOUBLE_EQ(*setting->value.as<double>(), value);
        EXPECT_THAT(setting->origin, HasSubstr(origin));
    }
    TemporaryFolder workspace, user;
    Config::Sources sources;
};

TEST_F(ConfigTest, ADistributionsDefaultsAreWeakerThanUsersAndWhatItLocksIsStrongerThanAll) {
    TemporaryFolder distribution;
    sources.distribution_dir = distribution.path();
    write_file(distribution.path() / "config.toml", "[plugins.word-count]\nratio = 0.1\n");
    expect_ratio(0.1, distribution / "config.toml");
    write_file(user.path() / "config.toml", "[plugins.word-count]\nratio = 0.6\n");
    expect_ratio(0.6, user / "config.toml");
    write_file(distribution.path() / "locked.toml", "[plugins.\"org.word-count\"]\nratio = 0.2\n");
    expect_ratio(0.2, distribution / "locked.toml");
    const auto told = Config::load(sources).effective(sample());
    ASSERT_EQ(told.diagnostics.size(), 1u) << manifests::format(told.diagnostics);
    EXPECT_EQ(told.diagnostics[0].reason, "locked-setting");
    EXPECT_EQ(told.diagnostics[0].severity, manifests::Severity::warning);
    EXPECT_EQ(told.diagnostics[0].line, 2u);
    sources.environment = Environment(Environment::Items{{"SYMPHONY_SET__WORD_COUNT__RATIO", "0.8"}});
    expect_ratio(0.2, distribution / "locked.toml");
    sources.flags = {"ratio=0.9"};
    sources.flag_plugin = "word-count";
    EXPECT_FALSE(Config::load(sources).effective(sample()).ok()) << "who types it now is told now";
    sources.flags = {"word-count.enabled=false"};
    write_file(distribution.path() / "locked.toml", "[plugins.word-count]\nenabled = true\n");
    EXPECT_FALSE(Config::load(sources).disabled("org.word-count", "word-count"));
}

TEST_F(ConfigTest, EachSourceIsStrongerThanTheOneBelowAndKnown) {
    expect_ratio(0.5, "default");
    write_file(user.path() / "config.toml", "[plugins.word-count]\nratio = 0.6\n");
    expect_ratio(0.6, user / "config.toml");
    write_file(workspace.path() / ".symphony/config.toml", "[plugins.\"org.word-count\"]\nratio = 0.7\n");
    expect_ratio(0.7, workspace / ".symphony/config.toml");
    sources.environment = Environment(Environment::Items{{"SYMPHONY_SET__WORD_COUNT__RATIO", "0.8"}});
    expect_ratio(0.8, "SYMPHONY_SET__WORD_COUNT__RATIO");
    sources.flags = {"org.word-count.ratio=0.9"};
    expect_ratio(0.9, "--set");
    sources.flags = {"ratio=0.95"};
    sources.flag_plugin = "org.word-count";
    expect_ratio(0.95, "--set");
}

TEST_F(ConfigTest, TellsEveryMistakeAtOnceWithItsPlaceAndNoSecret) {
    write_file(user.path() / "config.toml", "[plugins.word-count]\nratio = 7\nratoi = 1\napi_key = 12345\n");
    sources.flags = {"word-count.timeout=soon"};
    const auto effective = Config::load(sources).effective(sample());
    const auto text = manifests::format(effective.diagnostics);
    EXPECT_FALSE(effective.ok());
    EXPECT_THAT(text, AllOf(HasSubstr("config.toml:2"), HasSubstr("config.toml:3"), HasSubstr("config.toml:4"), HasSubstr("--set")));
    EXPECT_THAT(text, Not(HasSubstr("12345")));
}

TEST_F(ConfigTest, ReadsWhetherAPluginIsSwitchedOffWithoutItsManifest) {
    EXPECT_FALSE(Config::load(sources).disabled("org.word-count", "word-count"));
    write_file(user.path() / "config.toml", "[plugins.word-count]\nenabled = false\n");
    EXPECT_TRUE(Config::load(sources).disabled("org.word-count", "word-count"));
    EXPECT_FALSE(Config::load(sources).disabled("org.other", "other"));
    sources.environment = Environment(Environment::Items{{"SYMPHONY_SET__ORG_WORD_COUNT__ENABLED", "true"}});
    EXPECT_FALSE(Config::load(sources).disabled("org.word-count", "word-count"));
}

TEST_F(ConfigTest, ReportsFlagsAndFilesThatMakeNoSense) {
    sources.flags = {"nonsense", "=1", "word-count.ratio"};
    write_file(user.path() / "config.toml", "[plugins\n");
    write_file(workspace.path() / ".symphony/config.toml", "[plugin.text]\na = 1\n");
    const auto config = Config::load(sources);
    const auto text = manifests::format(config.diagnostics());
    EXPECT_THAT(text, AllOf(HasSubstr("nonsense"), HasSubstr("config.toml:1"), HasSubstr("unknown key \"plugin\"")));
    EXPECT_EQ(std::count_if(config.diagnostics().begin(), config.diagnostics().end(), [](const auto& item) { return item.file == "--set"; }), 3);
}

TEST_F(ConfigTest, ThePluginGetsValuesButNoSecrets) {
    sources.flags = {"word-count.api_key=hush", "word-count.timeout=5s"};
    const auto effective = Config::load(sources).effective(sample());
    ASSERT_TRUE(effective.ok()) << manifests::format(effective.diagnostics);
    const auto bytes = encode_for_plugin(effective);
    EXPECT_THAT(bytes, Not(HasSubstr("hush")));
    const auto value = Value::checked(Bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
    ASSERT_TRUE(value);
    EXPECT_DOUBLE_EQ(value->view()["ratio"].as_double(), 0.5);
    EXPECT_EQ(value->view()["timeout"].as_int(), 5000);
    EXPECT_FALSE(value->view().contains("api_key"));
}

TEST(Paths, MissingFoldersAreSaidOnceAndRelativeOnesIgnored) {
    const auto none = Paths::find(Environment(), "/opt/symphony/bin/symphony");
    EXPECT_EQ(none.prefix, "/opt/symphony");
    EXPECT_TRUE(none.cache.empty());
    EXPECT_EQ(none.warnings.size(), 1u);
    const auto some = Paths::find(Environment(Environment::Items{{"HOME", "/people/ann"}, {"XDG_CACHE_HOME", "relative"}, {"XDG_STATE_HOME", "/var/s"}}), "/x/y");
    EXPECT_EQ(some.cache, "/people/ann/.cache/symphony");
    EXPECT_EQ(some.state, "/var/s/symphony");
}

TEST(Paths, SearchesInTheOrderThatPeopleAreTold) {
    TemporaryFolder folder;
    const Environment environment(Environment::Items{{"HOME", "/people/ann"}, {"SYMPHONY_PLUGIN_PATH", "/one::/two"}});
    const auto paths = Paths::find(environment, "/opt/symphony/bin/symphony");
    const auto roots = plugin_roots(paths, {folder.path()}, environment, false);
    ASSERT_TRUE(roots);
    std::vector<std::string> found;
    for (const auto& root : *roots) found.push_back(root.path);
    EXPECT_THAT(found, testing::ElementsAre(folder.path().string(), "/one", "/two", "/opt/symphony/plugins",
                                            "/opt/symphony/lib/symphony/plugins", "/people/ann/.local/share/symphony/packages/current/plugins",
                                            "/people/ann/.local/share/symphony/plugins"));
    EXPECT_EQ(plugin_roots(paths, {"/nowhere/at/all"}, environment, false).error().reason(), "no-plugin-folder");
    EXPECT_EQ(plugin_roots(paths, {"/nowhere/at/all"}, environment, true)->size(), 2u);
}

} // namespace
} // namespace symphony::host
