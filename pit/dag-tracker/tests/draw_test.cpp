// SPDX-License-Identifier: Apache-2.0
#include "draw.hpp"

#include "rig.hpp"

#include <fstream>
#include <sstream>

namespace symphony::tracker::test {
namespace {

constexpr std::string_view sample = R"(
[workflow]
id = "drawn"
name = "A <drawn> & \"quoted\" workflow"
version = "1.0.0"
[inputs.folder]
type = "text"
[nodes.list]
plugin = "text"
operation = "count"
inputs = { text = "$inputs.folder" }
[nodes.pick]
type = "control"
operation = "branch"
inputs = { value = "list.text" }
[nodes.see]
type = "instrument"
plugin = "eyes"
operation = "see"
inputs = { image = { from = "pick.value", when = "size(value) > 10" } }
[nodes.many]
plugin = "disk"
operation = "count"
with = { text = ["a", "b"] }
each = "text"
after = ["list"]
[nodes.all]
type = "control"
operation = "merge"
inputs = { a = "see.text", b = "list.text" }
[outputs.text]
from = "all.value"
file = "all.txt"
)";

/// Set SYMPHONY_RENEW_GOLDEN to write the picture anew, then look at it.
TEST(Draw, IsAsItWas) {
    const std::string path = SYMPHONY_TRACKER_DIR "/tests/drawn.svg";
    const std::string drawn = draw(plan_of(sample)->workflow);
    if (std::getenv("SYMPHONY_RENEW_GOLDEN") != nullptr) std::ofstream(path) << drawn;
    std::ifstream file(path);
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(drawn, golden.str());
}

TEST(Draw, EscapesNames) {
    const std::string drawn = draw(plan_of(sample)->workflow);
    EXPECT_EQ(drawn.find("<drawn>"), std::string::npos);
    EXPECT_NE(drawn.find("A &lt;drawn&gt; &amp; &quot;quoted&quot; workflow"), std::string::npos);
}

TEST(Draw, DrawsCyclesToo) {
    const auto out = read("[workflow]\nid=\"w\"\nversion=\"1.0.0\"\n[nodes.a]\nplugin=\"text\"\noperation=\"join\"\ninputs={a=\"b.text\"}\n[nodes.b]\nplugin=\"text\"\noperation=\"join\"\ninputs={a=\"a.text\"}\n");
    ASSERT_NE(out.plan, nullptr);
    EXPECT_NE(draw(out.plan->workflow).find("</svg>"), std::string::npos);
}

TEST(Draw, TakesLargeWorkflows) {
    std::string text(head);
    for (int i = 0; i < 5000; ++i) text += "[nodes.n" + std::to_string(i) + "]\nplugin=\"text\"\noperation=\"join\"\n" + (i == 0 ? "" : "inputs={a=\"n" + std::to_string(i - 1) + ".text\", b=\"n0.text\"}\n");
    EXPECT_NE(draw(plan_of(text)->workflow).find("</svg>"), std::string::npos);
}

} // namespace
} // namespace symphony::tracker::test
