// SPDX-License-Identifier: Apache-2.0
#include <symphony/manifests/schema.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace symphony::manifests {
namespace {

TEST(ManifestSchema, IsTheFileInTheTree) {
    std::ifstream in(SYMPHONY_MANIFESTS_DIR "/schema/manifest.schema.json", std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    // To renew it: manifests_schema > manifests/schema/manifest.schema.json
    EXPECT_EQ(file, manifest_schema());
}

TEST(ManifestSchema, KnowsEverySection) {
    const auto schema = manifest_schema();
    for (const auto* section : {"extension", "abi", "provides", "operation", "requires", "dependencies", "capabilities", "resources", "configuration",
                                "activation", "command", "package", "artifact"}) {
        EXPECT_THAT(schema, testing::HasSubstr("\n    \"" + std::string(section) + "\": {"));
    }
}

} // namespace
} // namespace symphony::manifests
