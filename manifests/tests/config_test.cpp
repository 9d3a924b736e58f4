// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/config.hpp>
#include <symphony/manifests/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace symphony::manifests {
namespace {

std::vector<ConfigKey> keys_of(const std::string& configuration) {
    const auto parsed = parse("[extension]\nname = 'a'\nversion = '1.0.0'\ntype = 'tool'\n[configuration]\n" + configuration, "m.toml", Strictness::load);
    EXPECT_TRUE(parsed.manifest) << format(parsed.diagnostics);
    return config_keys(parsed.manifest.value_or(Manifest()));
}

const char* const sample = "api_key = { type = 'string', required = true, secret = true, min = 4 }\n"
                           "temperature = { type = 'float', default = 0.7, min = 0.0, max = 2.0 }\n"
                           "depth = { type = 'integer', min = 1, max = 10 }\n"
                           "language = { type = 'string', default = 'en', choices = ['en', 'de'] }\n"
                           "patience = { type = 'duration', default = '2s', max = '1m' }\n"
                           "buffer = { type = 'size', choices = ['1KiB', '2KiB'] }\n"
                           "hosts = { type = 'list', max = 2 }\nlabels = { type = 'map', min = 1 }\n";

Setting given(std::string key, ConfigValue value, std::string origin = "project file") {
    return {std::move(key), std::move(value), std::move(origin), {}, false};
}
Setting typed(std::string key, std::string text) { return {std::move(key), std::move(text), "--set", {}, true}; }
const Setting secret = given("api_key", "s3cret-key");

void expect_value(const Setting& setting, const ConfigValue& expected) {
    SCOPED_TRACE(setting.key + " = " + to_json(setting.value));
    const auto config = check_config(keys_of(sample), {secret, setting});
    ASSERT_TRUE(config.ok()) << format(config.diagnostics);
    EXPECT_EQ(config.find(setting.key)->value, expected) << to_json(config.find(setting.key)->value);
    EXPECT_EQ(config.find(setting.key)->origin, setting.origin);
}

void expect_refused(const Setting& setting, const char* reason, const char* message) {
    SCOPED_TRACE(setting.key + " = " + to_json(setting.value));
    const auto config = check_config(keys_of(sample), {secret, setting});
    ASSERT_EQ(config.diagnostics.size(), 1u);
    EXPECT_EQ(config.diagnostics[0].reason, reason);
    EXPECT_EQ(config.diagnostics[0].file, setting.origin);
    EXPECT_THAT(config.diagnostics[0].message, testing::HasSubstr(message));
}

TEST(Config, AlwaysHasTheCommonKeys) {
    const auto config = check_config(keys_of(""), {});
    EXPECT_TRUE(config.ok());
    EXPECT_EQ(to_json(config.values()), R"({"enabled": true, "metrics_enabled": true, "retry": 0, "timeout": 0})");
    EXPECT_EQ(config.find("timeout")->origin, "default");
    EXPECT_EQ(check_config(keys_of("timeout = { type = 'duration', default = '30s' }"), {}).find("timeout")->value, Data(30'000));
}

TEST(Config, AppliesLaterSettingsOverEarlierOnes) {
    const auto config = check_config(keys_of(sample), {secret, given("depth", 2, "user file"), given("depth", 3), typed("depth", "4")});
    ASSERT_TRUE(config.ok()) << format(config.diagnostics);
    EXPECT_EQ(config.find("depth")->value, Data(4));
    EXPECT_EQ(config.find("depth")->origin, "--set");
    EXPECT_EQ(config.find("buffer")->value, Data());
    EXPECT_EQ(config.find("nothing"), nullptr);
}

TEST(Config, ReadsValuesAsTheirTypeAsks) {
    expect_value(given("temperature", 1), 1.0);
    expect_value(given("patience", "250ms"), 250);
    expect_value(given("patience", 250), 250);
    expect_value(given("buffer", "1024B"), 1024);
    expect_value(given("enabled", false), false);
    expect_value(given("hosts", Data::List{"a", 1}), Data::List{"a", 1});
    expect_value(typed("temperature", "1e-1"), 0.1);
    expect_value(typed("temperature", "1"), 1.0);
    expect_value(typed("enabled", "off"), false);
    expect_value(typed("patience", "0.5s"), 500);
    expect_value(typed("language", "de"), "de");
    expect_value(typed("hosts", "a, b"), Data::List{"a", "b"});
    expect_value(typed("hosts", "['a,b', 2]"), Data::List{"a,b", 2});
    expect_value(typed("hosts", ""), Data::List{});
    expect_value(typed("labels", "{ x = 'y', a = 1 }"), Data::Map{{"a", 1}, {"x", "y"}});
}

TEST(Config, RefusesValuesOfTheWrongKind) {
    expect_refused(given("depth", "3"), "wrong-type", "depth: expected an integer, found text \"3\"");
    expect_refused(given("depth", 3.0), "wrong-type", "found a number");
    expect_refused(given("enabled", 1), "wrong-type", "expected true or false, found an integer");
    expect_refused(given("patience", -1), "wrong-type", "a duration such as");
    expect_refused(given("patience", "5"), "wrong-type", "found text \"5\"");
    expect_refused(given("language", Data()), "wrong-type", "found nothing");
    expect_refused(typed("depth", "3.5"), "wrong-type", "found text \"3.5\"");
    expect_refused(typed("depth", "99999999999999999999"), "wrong-type", "an integer");
    expect_refused(typed("temperature", "inf"), "wrong-type", "a number");
    expect_refused(typed("enabled", "maybe"), "wrong-type", "true or false");
    expect_refused(typed("hosts", "[1"), "wrong-type", "a list");
    expect_refused(typed("labels", "x=1"), "wrong-type", "a map");
}

TEST(Config, RefusesValuesOutOfBounds) {
    expect_refused(given("temperature", 2.5), "out-of-range", "temperature: expected at most 2.0, found \"2.5\"");
    expect_refused(given("depth", 0), "out-of-range", "at least 1");
    expect_refused(given("patience", "61s"), "out-of-range", "at most \"1m\"");
    expect_refused(given("buffer", "3KiB"), "out-of-range", "\"1KiB\" or \"2KiB\"");
    expect_refused(given("language", "fr"), "out-of-range", "\"en\" or \"de\"");
    expect_refused(given("hosts", Data::List{1, 2, 3}), "out-of-range", "at most 2 items");
    expect_refused(given("labels", Data::Map{}), "out-of-range", "at least 1 entries");
    expect_refused(given("retry", 101), "out-of-range", "at most 100");
}

TEST(Config, NamesEverythingThatIsWrongAtOnce) {
    const auto config = check_config(keys_of(sample), {given("temprature", 1), given("depth", 0), typed("enabled", "x")});
    ASSERT_EQ(config.diagnostics.size(), 4u) << format(config.diagnostics);
    EXPECT_EQ(config.diagnostics[0].reason, "unknown-key");
    EXPECT_EQ(config.diagnostics[0].hint, "did you mean \"temperature\"?");
    EXPECT_EQ(config.diagnostics[3].reason, "missing-key");
    EXPECT_THAT(config.diagnostics[3].message, testing::HasSubstr("\"api_key\" is required"));
}

TEST(Config, NeverShowsASecret) {
    const auto good = check_config(keys_of(sample), {secret});
    EXPECT_THAT(to_json(good.values()), testing::HasSubstr("s3cret-key"));
    EXPECT_THAT(to_json(good.redacted()), testing::HasSubstr("\"api_key\": \"(secret)\""));
    EXPECT_TRUE(good.find("api_key")->secret);
    for (const auto& setting : {given("api_key", "abc"), given("api_key", Data::List{"abc"}), given("api_key", 777)}) {
        const auto config = check_config(keys_of(sample), {setting});
        ASSERT_EQ(config.diagnostics.size(), 1u);
        EXPECT_THAT(format(config.diagnostics), testing::Not(testing::AnyOf(testing::HasSubstr("abc"), testing::HasSubstr("777"))));
    }
}

TEST(Config, CountsCharactersAndNotBytes) {
    const auto keys = keys_of("k = { type = 'string', max = 2 }");
    EXPECT_TRUE(check_config(keys, {given("k", "éü")}).ok());
    EXPECT_FALSE(check_config(keys, {given("k", "éüx")}).ok());
}

TEST(ConfigSchema, SaysTheSameAsTheCheck) {
    const auto schema = config_schema(keys_of(sample), "text 1.0.0");
    for (const auto* part : {"\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"", "\"title\": \"text 1.0.0\"", "\"writeOnly\": true",
                             "\"minLength\": 4", "\"maximum\": 2.0", "\"maxItems\": 2", "\"minProperties\": 1", "\"default\": \"2s\"", "\"maximum\": 60000",
                             "\"additionalProperties\": false", "\"required\": [\n    \"api_key\"\n  ]"}) {
        EXPECT_THAT(schema, testing::HasSubstr(part));
    }
    EXPECT_EQ(schema, config_schema(keys_of(sample), "text 1.0.0"));
}

} // namespace
} // namespace symphony::manifests
