// SPDX-License-Identifier: Apache-2.0
#include "live_tree.hpp"

#include "rig.hpp"

namespace symphony::tracker::test {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

/// n steps that wait for nobody, told of by hand.
struct Told {
    explicit Told(int steps) {
        std::string text(head);
        for (int i = 0; i < steps; ++i) text += "[nodes.n" + std::to_string(i) + "]\nplugin=\"disk\"\noperation=\"count\"\nwith={text=\"x\"}\n";
        plan = plan_of(text);
    }
    Told& running(Id node, double at_s) { return take(RunEvent::Kind::changed, node, NodeState::running, at_s); }
    Told& ended(Id node, double at_s, NodeState state = NodeState::completed) {
        ++done;
        return take(RunEvent::Kind::changed, node, state, at_s);
    }
    Told& progress(Id node, double at_s, std::uint32_t permille, std::string note) { return take(RunEvent::Kind::progress, node, NodeState::running, at_s, permille, std::move(note)); }
    Told& take(RunEvent::Kind kind, Id node, NodeState state, double at_s, std::uint32_t permille = 0, std::string note = {}) {
        tree().take({kind, node, state, 0, permille, std::move(note), done, at(at_s)});
        return *this;
    }
    LiveTree& tree() {
        if (!made) made.emplace(*plan, at(0));
        return *made;
    }
    std::string text(double at_s) { return tree().text(at(at_s)); }
    static std::uint64_t at(double seconds) { return 1000 * second + static_cast<std::uint64_t>(seconds * 1e9); }

    std::shared_ptr<Plan> plan;
    std::optional<LiveTree> made;
    std::uint32_t done = 0;
};

TEST(LiveTree, ShowsTheWholeAndWhatIsUnderWay) {
    Told told(4);
    EXPECT_EQ(told.text(0), "0/4 steps, 0:00");
    told.running(0, 0).running(1, 1).ended(0, 2).progress(1, 2, 250, "page");
    EXPECT_EQ(told.text(2.2), "1/4 steps, 0.45/s, 0:02\n└ n1           disk      25%, for 0:01  page");
    told.running(2, 3).ended(1, 3, NodeState::failed);
    EXPECT_TRUE(told.text(63).starts_with("2/4 steps, 1 failed, ")) << told.text(63);
    EXPECT_NE(told.text(63).find(", 1:03\n└ n2"), std::string::npos) << told.text(63);
    EXPECT_EQ(told.tree().permille(), 500u);
}

TEST(LiveTree, ElementsHaveARateAndATimeThatIsLeft) {
    Told told(1);
    told.running(0, 0);
    for (int i = 0; i <= 40; ++i) told.progress(0, i * 0.1, static_cast<std::uint32_t>(i * 10), "f" + std::to_string(i) + ".png (" + std::to_string(i) + "/100)");
    EXPECT_EQ(told.text(4), "0/1 steps, 0:04\n└ n0           disk      40/100, 10/s, 0:06 left  f40.png");
    EXPECT_EQ(told.tree().permille(), 400u);
}

TEST(LiveTree, IsBoundedHoweverMuchIsUnderWay) {
    Told told(500);
    for (Id node = 0; node < 500; ++node) told.running(node, 0.001 * node).progress(node, 1, 100, std::string(5000, 'x') + "\x1b[2J\n\u202E");
    const std::string text = told.text(2);
    EXPECT_LE(text.size(), LiveTree::bytes_max);
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), static_cast<std::ptrdiff_t>(LiveTree::rows_max));
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("\u202E"), std::string::npos);
    Told brief(500);
    for (Id node = 0; node < 500; ++node) brief.running(node, 0.001 * node);
    EXPECT_NE(brief.text(2).find("└ and 493 more"), std::string::npos) << brief.text(2);
}

TEST(LiveTree, FollowsARealRun) {
    const auto plan = plan_of(std::string(head) + "[nodes.a]\nplugin=\"text\"\noperation=\"list\"\nwith={n=5}\n[nodes.b]\nplugin=\"disk\"\noperation=\"count\"\ninputs={text=\"a.items\"}\neach=\"text\"\n");
    LiveTree tree(*plan, steady_now_ns());
    const auto ran = run(plan, std::make_shared<FakeCaller>(answer));
    std::size_t seen = 0;
    for (const auto& event : ran.events) {
        tree.take(event);
        if (tree.text(event.at_ns).find("/5") != std::string::npos) ++seen;
    }
    EXPECT_GT(seen, 0u) << "the elements of b are counted";
    EXPECT_EQ(tree.permille(), 1000u);
    EXPECT_EQ(tree.text(steady_now_ns()).find('\n'), std::string::npos) << "nothing is under way any more";
}

} // namespace
} // namespace symphony::tracker::test
