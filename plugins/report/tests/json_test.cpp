// SPDX-License-Identifier: Apache-2.0
#include "inputs.hpp"

namespace report {
namespace {

nlohmann::json json_of(std::string_view json) { return nlohmann::json::parse(test::survey(json)["json"].as_text()); }

TEST(Json, HasEverything) {
    const auto json = json_of(test::small);
    EXPECT_EQ(json["format"], 1);
    EXPECT_EQ(json["summary"]["files"], 5);
    EXPECT_EQ(json["summary"]["matches"], 1);
    EXPECT_EQ(json["summary"]["errors"], 1);
    EXPECT_EQ(json["summary"]["notes"], 1);
    EXPECT_EQ(json["summary"]["words"], 7);
    EXPECT_EQ(json["files"][1]["outcome"], "recognised");
    EXPECT_EQ(json["files"][2]["outcome"], "image-broken");
    EXPECT_EQ(json["pages"][0]["words"][4]["confidence"], 41.6);
    EXPECT_EQ(json["pages"][0]["text"], "The host\n\nloads a plugln");
    EXPECT_EQ(json["terms"][0]["count"], 40);
    EXPECT_EQ(json["patterns"][0]["matches"][0]["length"], 6);
    EXPECT_EQ(json["patterns"][1]["pattern"], "sousaphone");
    EXPECT_EQ(json["problems"][0]["step"], "recognise");
    EXPECT_EQ(json["problems"][0]["remedy"], "scan it again");
    EXPECT_EQ(json["skipped"]["excluded_folders"], 2);
    EXPECT_EQ(json["timings"][0]["name"], "walk");
}

TEST(Json, LeavesNothingOut) {
    nlohmann::json input;
    for (int i = 0; i < 2000; ++i) input["files"].push_back({{"path", std::to_string(i)}});
    EXPECT_EQ(json_of(input.dump())["files"].size(), 2000u);
}

} // namespace
} // namespace report
