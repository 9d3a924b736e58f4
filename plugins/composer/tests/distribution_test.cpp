// SPDX-License-Identifier: Apache-2.0
#include "distribution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace symphony::composer {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view head = "[distribution]\nname = \"acme\"\nversion = \"3.1.0\"\n";
const std::string key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

ReadDistribution read(const std::string& rest) { return read_distribution(std::string(head) + rest, "d.toml"); }

struct Wrong {
    std::string rest, reason;
    std::uint32_t line;
    std::string words; ///< of message or hint
};

void expect_wrong(const Wrong& wrong) {
    SCOPED_TRACE(wrong.rest);
    const auto made = read(wrong.rest);
    EXPECT_FALSE(made.distribution);
    ASSERT_EQ(made.diagnostics.size(), 1u) << manifests::format(made.diagnostics);
    const auto& one = made.diagnostics.front();
    EXPECT_EQ(one.reason, wrong.reason) << one.message;
    EXPECT_EQ(one.line, wrong.line) << one.message;
    EXPECT_THAT(one.message + " " + one.hint, HasSubstr(wrong.words));
}

TEST(Distribution, EveryKeyIsUnderstood) {
    const auto made = read("description = \"d\"\nmaintainer = \"A <a@example.org>\"\nlicense = \"MIT\"\nhost = \"^1.0\"\ntriples = [\"x86_64-linux-gnu\", \"aarch64-linux-gnu\"]\nworkflows = [\"w.toml\"]\n"
                           "[plugins]\n\"org.b\" = \"^1.2\"\n\"org.a\" = { version = \"~1.0\", placement = \"isolated\" }\n\"org.c\" = { path = \"../c\" }\n"
                           "[policy]\ntrust = [\"local\", \"publisher:" + key + "\"]\ndeny_capabilities = [\"process_exec\", \"network:*.example.com:443\"]\nminimum_grade = \"G2\"\nextensions = \"none\"\nallow_unsigned = true\n"
                           "forbid_startup_activation = true\nin_process = \"trusted\"\n[defaults.\"org.a\"]\nb = 1\na = \"x\"\n[locked.\"org.b\"]\nc = [1, 2]\n[output]\nformats = [\"deb\", \"tree\"]\nlibraries = \"system\"\n");
    ASSERT_TRUE(made.distribution) << manifests::format(made.diagnostics);
    const auto& d = *made.distribution;
    EXPECT_EQ(d.name + " " + d.version.text(), "acme 3.1.0");
    EXPECT_EQ(d.host.text(), "^1.0");
    EXPECT_EQ(d.triples, (std::vector<std::string>{"aarch64-linux-gnu", "x86_64-linux-gnu"}));
    ASSERT_EQ(d.plugins.size(), 3u);
    EXPECT_EQ(d.plugins[0].id, "org.a");
    EXPECT_EQ(d.plugins[0].placement, Placement::isolated);
    EXPECT_EQ(d.plugins[1].range.text(), "^1.2");
    EXPECT_EQ(d.plugins[2].path, "../c");
    EXPECT_FALSE(d.policy.trust_core) << "who names whom he trusts trusts no one else";
    EXPECT_TRUE(d.policy.trust_local);
    ASSERT_EQ(d.policy.publishers.size(), 1u);
    EXPECT_EQ(d.policy.publishers[0].text(), key);
    ASSERT_EQ(d.policy.denied.size(), 2u);
    EXPECT_EQ(d.policy.denied[0].text(), "network:*.example.com:443");
    EXPECT_EQ(d.policy.denied[1].text(), "process:*");
    EXPECT_EQ(d.policy.extensions, Extensions::none);
    EXPECT_TRUE(d.policy.allow_unsigned && d.policy.forbid_startup_activation && d.policy.only_trusted_in_process);
    ASSERT_EQ(d.presets.size(), 3u);
    EXPECT_EQ(d.presets[0].key, "a");
    EXPECT_TRUE(d.presets[2].locked);
    EXPECT_EQ(d.formats, (std::vector<Format>{Format::deb, Format::tree}));
    EXPECT_EQ(d.libraries, Libraries::system);
}

TEST(Distribution, WhatIsNotWrittenIsTheCarefulChoice) {
    const auto made = read("[plugins]\n\"org.a\" = \"*\"\n");
    ASSERT_TRUE(made.distribution);
    EXPECT_TRUE(made.distribution->policy.trust_core);
    EXPECT_FALSE(made.distribution->policy.trust_local || made.distribution->policy.allow_unsigned);
    EXPECT_EQ(made.distribution->policy.extensions, Extensions::signed_only);
    EXPECT_EQ(made.distribution->formats, std::vector<Format>{Format::tree});
}

TEST(Distribution, EachMistakeHasItsPlaceAndItsRemedy) {
    const std::string plugins = "[plugins]\n\"org.a\" = \"*\"\n";
    for (const auto& wrong : std::vector<Wrong>{
             {"", "no-plugins", 0, "[plugins]"},
             {"hosts = \"1\"\n" + plugins, "unknown-key", 4, "did you mean \"host\"?"},
             {"host = \"one\"\n" + plugins, "bad-range", 4, "host"},
             {"host = 1\n" + plugins, "wrong-type", 4, "text"},
             {"triples = [\"../x\"]\n" + plugins, "bad-value", 4, "platform"},
             {"[plugins]\n\"org.A\" = \"*\"\n", "bad-value", 5, "id"},
             {"[plugins]\n\"org.a\" = \"^x\"\n", "bad-range", 5, "org.a"},
             {"[plugins]\n\"org.a\" = 1\n", "wrong-type", 5, "range or a table"},
             {"[plugins]\n\"org.a\" = {}\n", "missing-key", 5, "neither version nor path"},
             {"[plugins]\n\"org.a\" = { path = \"x\", placemant = \"any\" }\n", "unknown-key", 5, "did you mean \"placement\"?"},
             {"[plugins]\n\"org.a\" = { path = \"x\", placement = \"isolate\" }\n", "bad-value", 5, "did you mean \"isolated\"?"},
             {plugins + "[policy]\ntrust = [\"all\"]\n", "bad-value", 7, "core, local, or publisher:KEY"},
             {plugins + "[policy]\ntrust = [\"publisher:RWx\"]\n", "bad-public-key", 7, "56 characters"},
             {plugins + "[policy]\ndeny_capabilities = [\"everything\"]\n", "bad-right", 7, "process_exec"},
             {plugins + "[policy]\nminimum_grade = \"G7\"\n", "bad-value", 7, "G7"},
             {plugins + "[policy]\nallow_unsigned = \"yes\"\n", "wrong-type", 7, "true or false"},
             {plugins + "[policy]\nextensions = \"\"\n", "bad-value", 7, "none"},
             {plugins + "[polici]\n", "unknown-key", 6, "did you mean \"policy\"?"},
             {plugins + "[output]\nformats = [\"zip\"]\n", "bad-value", 7, "tar.zst"},
             {plugins + "[defaults]\n\"org.a\" = 1\n", "wrong-type", 7, "[defaults.\"org.a\"]"},
             {plugins + "[policy\n", "bad-toml", 6, ""},
         }) {
        expect_wrong(wrong);
    }
}

TEST(Distribution, AllMistakesAreToldInTheOrderOfTheFile) {
    const auto made = read_distribution("[distribution]\nname = \"A\"\nversion = \"1\"\n[plugins]\n\"x y\" = \"*\"\n[policy]\nwhat = 1\n", "d.toml");
    ASSERT_EQ(made.diagnostics.size(), 4u) << manifests::format(made.diagnostics);
    EXPECT_EQ(made.diagnostics[0].line, 2u);
    EXPECT_EQ(made.diagnostics[1].reason, "bad-version");
    EXPECT_EQ(made.diagnostics[2].line, 5u);
    EXPECT_EQ(made.diagnostics[3].reason, "unknown-key");
}

} // namespace
} // namespace symphony::composer
