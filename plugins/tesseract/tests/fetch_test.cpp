// SPDX-License-Identifier: Apache-2.0
#include "fetch.hpp"

#include <gtest/gtest.h>

namespace tess {
namespace {

TEST(Fetch, ReadsPathsAsTheyAreShown) {
    EXPECT_EQ(raw_path("a/b c.png"), "a/b c.png");
    EXPECT_EQ(raw_path("bad-\\xFF\\x0a.png"), "bad-\xFF\n.png");
    EXPECT_EQ(raw_path("back\\slash"), "back\\slash");
    EXPECT_EQ(raw_path("cut\\xF"), "cut\\xF");
    EXPECT_EQ(raw_path("\\x5Cx41"), "\\x41");
    EXPECT_EQ(raw_path("caf\u00e9"), "caf\u00e9");
}

TEST(Fetch, NeedsAGrant) {
    const auto input = symphony::ValueBuilder().map().add("path", "a.png").end().build();
    const auto bytes = fetch_image(symphony::Host(), input);
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code(), symphony::Code::not_granted);
}

TEST(Fetch, DescribesAModelInALine) {
    EXPECT_EQ(describe({"eng", 4'113'088, 0, 0}), "4.1 MB on disk");
    EXPECT_EQ(describe({"eng", 4'113'088, 9, 1}), "4.1 MB on disk, 1 engine");
    EXPECT_EQ(describe({"eng+deu", 0, 9, 2}), "several languages, 2 engines");
}

} // namespace
} // namespace tess
