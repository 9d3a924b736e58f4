// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/diagnostic.hpp>
#include <symphony/manifests/parse.hpp>

#include <gtest/gtest.h>

namespace symphony::manifests {
namespace {

TEST(Diagnostic, FormatsAsCompilersDo) {
    Diagnostic diagnostic{Severity::error, "unknown-key", "unknown key \"nmae\"", "did you mean \"name\"?", "a/manifest.toml", 3, 1};
    EXPECT_EQ(format(diagnostic), "a/manifest.toml:3:1: error: unknown key \"nmae\" [unknown-key]");
    diagnostic.line = 0;
    diagnostic.severity = Severity::warning;
    EXPECT_EQ(format(diagnostic), "a/manifest.toml: warning: unknown key \"nmae\" [unknown-key]");
    EXPECT_EQ(format(std::vector{diagnostic}),
              "a/manifest.toml: warning: unknown key \"nmae\" [unknown-key]\nhint: did you mean \"name\"?\n");
    EXPECT_FALSE(has_errors({diagnostic}));
}

TEST(Nearest, FindsWhatWasMeant) {
    const std::vector<std::string_view> known{"version", "name", "type", "priority", "min"};
    EXPECT_EQ(nearest("vresion", known), "version");
    EXPECT_EQ(nearest("nmae", known), "name");
    EXPECT_EQ(nearest("prio", known), "");
    EXPECT_EQ(nearest("mim", known), "min");
    EXPECT_EQ(nearest("versions", known), "version");
    EXPECT_EQ(nearest("", known), "");
    EXPECT_EQ(nearest(std::string(1000, 'x'), known), "");
}

} // namespace
} // namespace symphony::manifests
