// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/models.hpp>

#include <gtest/gtest.h>

using namespace symphony;
using namespace symphony::brokers;

TEST(Models, AreRefusedUntilThereIsAPool) {
    const Models models("plugin \"infer\"", [](const manifests::Right& right) -> Status {
        if (right.text() == "model:gpt-4") return {};
        return Error(Code::not_granted, "not-granted", "no right to " + right.text());
    });
    const auto list = models.list();
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->is_list());
    EXPECT_EQ(list->size(), 0U);
    const auto granted = models.open("gpt-4", "weights");
    ASSERT_FALSE(granted);
    EXPECT_EQ(granted.error().code(), Code::unsupported);
    EXPECT_EQ(granted.error().reason(), "no-pool");
    EXPECT_NE(granted.error().hint().find("pool/1"), std::string::npos);
    EXPECT_EQ(models.open("llama", "weights").error().reason(), "not-granted");
}
