// SPDX-License-Identifier: Apache-2.0
#include "run.hpp"

namespace {

void expect_merged(std::string_view values, std::string_view merged, std::string_view mode = "deep") {
    SCOPED_TRACE(values);
    const std::string input = R"({"values":)" + std::string(values) + R"(,"mode":")" + std::string(mode) + R"("})";
    expect_output("merge", input, R"({"value":)" + std::string(merged) + "}");
}

TEST(Merge, GoesDeepAndLetsTheLastWin) {
    expect_merged("[]", "{}");
    expect_merged(R"([{"a":1,"b":{"x":1,"y":[1,2]}},{"b":{"y":[3],"z":0}},{"a":2}])", R"({"a":2,"b":{"x":1,"y":[3],"z":0}})");
    expect_merged(R"([{"a":{"b":1}},{"a":2},{"a":{"c":3}}])", R"({"a":{"c":3}})");
    expect_merged(R"([{"a":1},{"a":null}])", R"({"a":null})");
}

// The cases of RFC 7396, appendix A, whose target and patch are maps.
TEST(Merge, PatchesAsRfc7396Says) {
    expect_merged(R"([{"a":"b"},{"a":"c"}])", R"({"a":"c"})", "patch");
    expect_merged(R"([{"a":"b"},{"b":"c"}])", R"({"a":"b","b":"c"})", "patch");
    expect_merged(R"([{"a":"b"},{"a":null}])", "{}", "patch");
    expect_merged(R"([{"a":"b","b":"c"},{"a":null}])", R"({"b":"c"})", "patch");
    expect_merged(R"([{"a":["b"]},{"a":"c"}])", R"({"a":"c"})", "patch");
    expect_merged(R"([{"a":"c"},{"a":["b"]}])", R"({"a":["b"]})", "patch");
    expect_merged(R"([{"a":{"b":"c"}},{"a":{"b":"d","c":null}}])", R"({"a":{"b":"d"}})", "patch");
    expect_merged(R"([{"a":[{"b":"c"}]},{"a":[1]}])", R"({"a":[1]})", "patch");
    expect_merged(R"([{"e":null},{"a":1}])", R"({"e":null,"a":1})", "patch");
    expect_merged(R"([{},{"a":{"bb":{"ccc":null}}}])", R"({"a":{"bb":{}}})", "patch");
}

TEST(Merge, RefusesWrongInputsByName) {
    expect_refused("merge", R"({"values":[{},3]})", "wrong-kind", R"(merge: input "values": item 1 is integer, not map)");
    expect_refused("merge", R"({"values":{}})", "wrong-kind", R"(merge: input "values" is map, not list)");
    expect_refused("merge", R"({"values":[],"mode":"shallow"})", "bad-choice", R"(merge: input "mode" is "shallow", not deep or patch)");
}

} // namespace
