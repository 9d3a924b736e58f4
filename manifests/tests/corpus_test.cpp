// SPDX-License-Identifier: Apache-2.0
#include "../fuzz/properties.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace symphony::manifests {
namespace {

namespace fs = std::filesystem;

template <class F>
std::size_t replay(const fs::path& folder, F property) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        SCOPED_TRACE(file.filename().string());
        std::ifstream in(file, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        property(text);
    }
    return files.size();
}

// The corpus itself is replayed by the fuzzers' own entries in ctest.
TEST(Properties, HoldForTheExamples) { EXPECT_GE(replay(SYMPHONY_MANIFESTS_DIR "/examples", fuzz::try_manifest), 3u); }

TEST(Properties, HoldForTheTextsThatAbortTomlPlusPlus) {
    // Of toml-test: single-open-bracket, bare-invalid-character-01, dot, dotdot, no-close-04.
    for (const auto* text : {"[", "[name&bad]\n", "[.]", "[..]", "[closing-bracket.missing\u00f6\nblaa=2\n"}) {
        SCOPED_TRACE(text);
        fuzz::try_manifest(text);
        const auto parsed = parse(text, "m.toml", Strictness::load);
        ASSERT_EQ(parsed.diagnostics.size(), 1u);
        EXPECT_EQ(parsed.diagnostics[0].reason, "toml-syntax");
    }
}

} // namespace
} // namespace symphony::manifests
