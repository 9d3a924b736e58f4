// SPDX-License-Identifier: Apache-2.0
#include "journal_rig.hpp"
#include "replay.hpp"
#include "run_memory.hpp"

namespace symphony::tracker::test {
namespace {

/// The answer of an instrument feeds pure steps, whose answers feed another instrument, element by element.
constexpr std::string_view flow = R"(
[workflow]
id = "replayed"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "start" }
[nodes.see]
type = "instrument"
plugin = "eyes"
operation = "see"
inputs = { image = "a.text" }
[nodes.b]
plugin = "text"
operation = "count"
inputs = { text = "see.text" }
[nodes.l]
plugin = "text"
operation = "list"
with = { n = 3 }
[nodes.each]
type = "instrument"
plugin = "eyes"
operation = "see"
each = "image"
on_error = "collect"
inputs = { image = "l.items" }
[nodes.end]
plugin = "text"
operation = "join"
inputs = { a = "b.text", b = "each.text", c = "each.problems" }
[outputs.all]
from = "end.text"
)";

struct Recorded {
    Temporary folder;
    std::shared_ptr<Plan> plan = plan_of(flow);
    std::shared_ptr<Journal> journal;
    std::string output;
    int number = 0;  // of an instrument's call: its answer is another each time

    Recorded() {
        journal = open(folder.folder());
        const auto log = begin(*journal, *plan, flow);
        RunSettings how = settings();
        how.log = log;
        how.workers = 1;
        how.blocking_threads = 1;
        how.memory = std::make_shared<RunMemory>(plan, RunMemory::Options());
        output = run(plan, std::make_shared<FakeCaller>([this](const CallRequest& request) { return live(request); }), how).output("all");
        EXPECT_TRUE(log->close(RunState::completed));
    }
    Result<Value> live(const CallRequest& request) {
        if (request.operation != "see") return answer(request);
        if (plain(request.input["image"]) == "item-1") return Error(Code::busy, "busy", "not this one");
        const std::string text = plain(request.input["image"]) + " seen " + std::to_string(++number);
        return ValueBuilder().map().add("text", std::string_view(text)).add("confidence", 0.5).end().build();
    }

    std::shared_ptr<Replay> replay;
    std::atomic<int> instruments{0}, others{0};
    Ran again(const std::function<std::optional<Result<Value>>(const CallRequest&)>& change) {
        const auto record = journal->record("last", true);
        EXPECT_TRUE(record) << record.error().message();
        replay = std::make_shared<Replay>(plan, *record);
        RunSettings how = settings();
        how.memory = replay;
        return run(plan, std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
                       ++(request.operation == "see" ? instruments : others);
                       if (auto changed = change(request)) return *std::move(changed);
                       return answer(request);
                   }),
                   how);
    }
};

TEST(Replay, GivesTheSameWithoutCallingWhatHasEffects) {
    Recorded r;
    const auto ran = r.again([](const CallRequest&) { return std::nullopt; });
    EXPECT_EQ(ran.output("all"), r.output);
    EXPECT_NE(r.output.find("not this one"), std::string::npos) << "the recorded failure is one again: " << r.output;
    EXPECT_EQ(r.instruments.load(), 0);
    EXPECT_EQ(r.others.load(), 4);
    EXPECT_EQ(r.replay->divergences_found(), 0u);
    EXPECT_EQ(ran.run("each").recalled, 3u);
}

TEST(Replay, NamesTheFirstNodeThatIsNotAsItWas) {
    Recorded r;
    const auto ran = r.again([](const CallRequest& request) -> std::optional<Result<Value>> {
        if (plain(request.input["text"]) != "start") return std::nullopt;
        return ValueBuilder().map().add("text", "begun!").add("total", 6).add("confidence", 0.5).end().build();
    });
    const auto found = r.replay->divergences();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(r.plan->workflow.node_name(found[0].node), "a");
    EXPECT_EQ(found[0].what, "output \"text\"");
    EXPECT_EQ(r.plan->workflow.node_name(found[1].node), "see");
    EXPECT_EQ(found[1].what, "input \"image\"");
    EXPECT_EQ(r.instruments.load(), 0) << "never called with what was not recorded";
    EXPECT_EQ(ran.state("see"), NodeState::failed);
    EXPECT_EQ(ran.result.problems.front().error.reason(), "replay-diverged");
    EXPECT_EQ(ran.state("each"), NodeState::completed);
}

TEST(Replay, NamesTheElementAndWhatWasNotRecorded) {
    Recorded r;
    r.again([](const CallRequest& request) -> std::optional<Result<Value>> {
        if (request.operation != "list") return std::nullopt;
        ValueBuilder out;
        out.map().key("items").list().text("item-0").text("item-one").text("item-2").text("item-3").end();
        return out.add("count", 3).end().build();
    });
    const auto found = r.replay->divergences();
    ASSERT_GE(found.size(), 3u);
    EXPECT_EQ(found[0].what, "output \"items\"");
    EXPECT_EQ(found[1].element, 1u);
    EXPECT_EQ(found[1].what, "input \"image\"");
    EXPECT_EQ(found[2].element, 3u);
    EXPECT_EQ(found[2].what, "call");
    EXPECT_EQ(r.instruments.load(), 0);
}

} // namespace
} // namespace symphony::tracker::test
