// SPDX-License-Identifier: Apache-2.0
#include "journal_rig.hpp"

namespace symphony::tracker::test {
namespace {

std::string counts(std::string_view id, std::string_view text, std::string_view more = {}, std::string_view plugin = "text") {
    return "[nodes." + std::string(id) + "]\nplugin = \"" + std::string(plugin) + "\"\noperation = \"count\"\n" +
           (text.find('.') != std::string_view::npos ? "inputs = { text = \"" : "with = { text = \"") + std::string(text) + "\" }\n" + std::string(more);
}
std::string control(std::string_view id, std::string_view operation, std::string_view more = {}) {
    return "[nodes." + std::string(id) + "]\ntype = \"control\"\noperation = \"" + std::string(operation) + "\"\n" + std::string(more);
}
std::string output(std::string_view name, std::string_view from) { return "[outputs." + std::string(name) + "]\nfrom = \"" + std::string(from) + "\"\n"; }
std::string file(const std::string& body) { return std::string(head) + body; }

TEST(Join, WaitsForAllAndGivesWhatTheyGave) {
    const std::string body = counts("a", "one") + counts("b", "two", {}, "disk") + counts("c", "three") + control("j", "join", "inputs = { z = \"a.text\", k = \"b.text\" }\nafter = [\"c\"]\n") + output("o", "j.value");
    EXPECT_EQ(run(file(body)).output("o"), "{k:two! z:one!}");
    const auto failed = run(file(counts("a", "fail") + counts("b", "two") + control("j", "join", "after = [\"a\", \"b\"]\n") + counts("after", "x", "after = [\"j\"]\n")));
    EXPECT_EQ(failed.state("j"), NodeState::upstream_failed);
    EXPECT_EQ(failed.state("after"), NodeState::upstream_failed);
}

TEST(Join, GoesOnWhenEnoughAreThere) {
    std::shared_ptr<FakeCaller> caller;
    caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (request.provider->instrument) return caller->wait_for_cancel();  // only ends because `after` cancels
        if (request.operation == "join") caller->cancel_all();
        return answer(request);
    });
    const std::string slow = "[nodes.slow]\ntype = \"instrument\"\nplugin = \"eyes\"\noperation = \"see\"\nwith = { image = 1 }\non_error = \"skip\"\n";
    const std::string after = "[nodes.after]\nplugin = \"text\"\noperation = \"join\"\ninputs = { a = \"j.value\" }\n" + output("o", "after.text");
    const auto ran = run(plan_of(file(slow + counts("a", "one") + counts("b", "two", {}, "disk") +
                                      control("j", "join", "quorum = 2\ninputs = { s = \"slow.text\", a = \"a.text\", b = \"b.text\" }\n") + after)), caller);
    EXPECT_EQ(ran.output("o"), "{a:one! b:two!}--");
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    // Without enough, it has waited for all of them.
    const auto few = run(file(counts("a", "one") + counts("b", "fail") + counts("c", "fail") + control("j", "join", "quorum = 2\nafter = [\"a\", \"b\", \"c\"]\n")));
    EXPECT_EQ(few.state("j"), NodeState::upstream_failed);
    const auto many = run(file(counts("a", "one") + counts("b", "fail") + counts("c", "two") + control("j", "join", "quorum = 2\ninputs = { a = \"a.text\", b = \"b.text\", c = \"c.text\" }\n") + output("o", "j.value")));
    EXPECT_EQ(many.output("o"), "{a:one! c:two!}");
    EXPECT_EQ(many.result.state, RunResult::State::failed) << "b has failed all the same";
}

TEST(Delay, PassesItsValueLater) {
    const auto ran = run(file(counts("a", "one") + control("d", "delay", "for = \"20ms\"\ninputs = { value = \"a.text\" }\n") + counts("b", "d.value") + output("o", "b.text") +
                              control("only", "delay", "for = \"1ms\"\n") + counts("c", "two", "after = [\"only\"]\n") + output("p", "c.text")));
    EXPECT_EQ(ran.output("o"), "one!!");
    EXPECT_EQ(ran.output("p"), "two!");
    EXPECT_GE(ran.run("d").ended_ns - ran.run("d").started_ns, 20'000'000u);
}

/// Runs and hears of what happens on the calling thread.
RunResult run_hearing(const std::shared_ptr<Plan>& plan, std::shared_ptr<StepLog> log, const std::shared_ptr<FakeCaller>& caller, const std::function<void(std::string_view node, const RunEvent&)>& on_event,
                      const std::function<bool()>& cancelled = {}) {
    RunSettings how = settings();
    how.log = std::move(log);
    return run_plan(plan, Value(), caller, how, [&](const RunEvent& event) { if (event.node != no_id) on_event(plan->workflow.node_name(event.node), event); }, cancelled);
}
std::string output_of(const Plan& plan, const RunResult& result, std::string_view name) {
    for (const auto& [index, value] : result.outputs) {
        if (plan.workflow.outputs[index].name == name) return plain(value.view());
    }
    return "(none)";
}

TEST(Delay, IsCountedFromItsBeginInWhateverPartOfTheRun) {
    const auto plan = plan_of(file(counts("a", "one") + control("d", "delay", "for = \"10m\"\ninputs = { value = \"a.text\" }\n") + output("o", "d.value")));
    const Temporary folder;
    std::atomic<std::int64_t> now{1'000'000};
    Journal::Options options;
    options.now_ms = [&] { return now.load(); };
    const auto journal = open(folder.folder(), options);
    const auto caller = std::make_shared<FakeCaller>(answer);
    bool begun = false;
    {
        const auto result = run_hearing(plan, begin(*journal, *plan), caller, [&](std::string_view node, const RunEvent& event) { begun = begun || (node == "d" && event.state == NodeState::running); }, [&] { return begun; });
        EXPECT_EQ(result.state, RunResult::State::cancelled) << "a delay ends when the run does";
    }
    now += 600'000;
    const auto result = run_hearing(plan, resume(*journal, *plan), caller, [](std::string_view, const RunEvent&) {});
    EXPECT_EQ(output_of(*plan, result, "o"), "one!");
}

const std::string asking = counts("a", "one") + control("ask", "wait", "expects = \"text\"\nafter = [\"a\"]\n") + counts("b", "ask.value") + output("o", "b.text");
Value text_value(std::string_view text) { return ValueBuilder().text(text).build(); }

TEST(Wait, GetsItsInputWhileTheRunWaits) {
    const auto plan = plan_of(file(asking));
    const Temporary folder;
    const auto journal = open(folder.folder());
    const auto log = begin(*journal, *plan);
    const auto caller = std::make_shared<FakeCaller>(answer);
    const auto result = run_hearing(plan, log, caller, [&](std::string_view node, const RunEvent& event) {
        if (node == "ask" && event.kind == RunEvent::Kind::progress) {
            EXPECT_TRUE(journal->request(log->id(), RunRequest::Kind::provide, "ask", text_value("yes")));
        }
    });
    EXPECT_EQ(result.state, RunResult::State::completed);
    EXPECT_EQ(output_of(*plan, result, "o"), "yes!");
    EXPECT_EQ(*log->close(RunState::completed), RunState::completed);
}

TEST(Wait, GetsItsInputAfterARestart) {
    const auto plan = plan_of(file(asking));
    const Temporary folder;
    const auto journal = open(folder.folder());
    const auto caller = std::make_shared<FakeCaller>(answer);
    std::string id;
    {
        const auto log = begin(*journal, *plan);
        id = log->id();
        // Until the record says that it waits; then as if the process had died.
        run_hearing(plan, log, caller, [](std::string_view, const RunEvent&) {}, [&] { return (*journal->list(1)).front().state == RunState::waiting; });
    }
    EXPECT_EQ((*journal->list(1)).front().state, RunState::waiting) << "also when nobody is at it";
    EXPECT_EQ(journal->request(id, RunRequest::Kind::pause).error().reason(), "run-not-in-progress");
    EXPECT_TRUE(journal->request(id, RunRequest::Kind::provide, "ask", text_value("later")));
    const int before = caller->calls.load();
    const auto log = resume(*journal, *plan, id);
    const auto result = run_hearing(plan, log, caller, [](std::string_view, const RunEvent&) {});
    EXPECT_EQ(output_of(*plan, result, "o"), "later!");
    EXPECT_EQ(caller->calls.load() - before, 1) << "a was done before";
    EXPECT_EQ(*log->close(RunState::completed), RunState::completed);
    EXPECT_EQ(journal->request(id, RunRequest::Kind::provide, "ask", text_value("again")).error().reason(), "run-ended");
}

/// A record of nothing, in which the inputs for all that waits are found just when the first begins to wait.
class GivingLog final : public StepLog {
public:
    explicit GivingLog(std::vector<Id> nodes) : nodes_(std::move(nodes)) {}
    const StepEnd* ended_before(Id) const noexcept override { return nullptr; }
    const StepEnd* last_end(Id) const noexcept override { return nullptr; }
    std::optional<RunResult::State> closing_before() const noexcept override { return {}; }
    const Value* answered_before(Id, std::uint32_t) const noexcept override { return nullptr; }
    std::optional<std::int64_t> begun_before_ms(Id) const noexcept override { return {}; }
    std::int64_t now_ms() const noexcept override { return 0; }
    void begun(Id) noexcept override { waits_.store(true, std::memory_order_release); }
    void status(RunStatus) noexcept override {}
    std::vector<RunRequest> requests() noexcept override {
        while (!waits_.load(std::memory_order_acquire)) std::this_thread::yield();
        std::vector<RunRequest> out;
        for (const Id node : std::exchange(nodes_, {})) {
            RunRequest& request = out.emplace_back();
            request.kind = RunRequest::Kind::provide;
            request.node = node;
            request.value = text_value("now");
        }
        return out;
    }
    void ended(Id, StepEnd) noexcept override {}
    void closing(RunResult::State, bool) noexcept override {}
    void answered(Id, std::uint32_t, const Value&, const CallNote&) noexcept override {}
    void attempted(Id, std::uint32_t, const CallNote&, const Error&) noexcept override {}
    std::uint32_t part() const noexcept override { return 1; }
    void before_effect(Id, std::uint32_t, std::function<void(Status)> then) noexcept override { then({}); }
    std::optional<Error> failure() const override { return {}; }

private:
    std::vector<Id> nodes_;
    std::atomic<bool> waits_{false};
};

TEST(Wait, GetsItsInputAlsoWhenItComesAsTheWaitBegins) {
    constexpr int waits = 400;
    std::string text;
    for (int i = 0; i < waits; ++i) text += control("ask" + std::to_string(i), "wait", "expects = \"text\"\n");
    const auto plan = plan_of(file(text));
    for (int round = 0; round < 500; ++round) {
        std::vector<Id> nodes(plan->workflow.order.begin(), plan->workflow.order.end());
        if (round % 2 != 0) std::reverse(nodes.begin(), nodes.end());
        const std::uint64_t give_up_ns = steady_now_ns() + 20'000'000'000;
        const auto result = run_hearing(plan, std::make_shared<GivingLog>(std::move(nodes)), std::make_shared<FakeCaller>(answer), [](std::string_view, const RunEvent&) {},
                                        [&] { return steady_now_ns() >= give_up_ns; });
        ASSERT_EQ(result.state, RunResult::State::completed) << "round " << round << ": an input was lost";
    }
}

TEST(Wait, HasATimeAndGoesOnWithoutInput) {
    const auto plan = plan_of(file(control("ask", "wait", "timeout = \"1ms\"\nfallback = { value = \"nobody\" }\nexpects = \"text\"\n") + counts("b", "ask.value") + output("o", "b.text")));
    const Temporary folder;
    const auto journal = open(folder.folder());
    const auto result = run_hearing(plan, begin(*journal, *plan), std::make_shared<FakeCaller>(answer), [](std::string_view, const RunEvent&) {});
    EXPECT_EQ(output_of(*plan, result, "o"), "nobody!");
    const auto failed = run(file(control("ask", "wait") + counts("b", "x", "after = [\"ask\"]\n")));
    EXPECT_EQ(failed.result.problems.at(0).error.reason(), "not-recorded");
}

TEST(Requests, PauseStepAndContinue) {
    const auto plan = plan_of(file(counts("a", "one", {}, "disk") + counts("b", "a.text") + counts("c", "b.text") + counts("d", "c.text") + output("o", "d.text")));
    const Temporary folder;
    const auto journal = open(folder.folder());
    const auto log = begin(*journal, *plan);
    std::mutex mutex;
    std::condition_variable changed;
    bool open_door = false;
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (request.provider->blocking) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return open_door; });
        }
        return answer(request);
    });
    std::map<std::string, NodeState> states;
    int looks = 0;
    const auto result = run_hearing(plan, log, caller, [&](std::string_view node, const RunEvent& event) {
        states[std::string(node)] = event.state;
        if (node == "a" && event.state == NodeState::running && event.kind == RunEvent::Kind::changed) {
            EXPECT_TRUE(journal->request(log->id(), RunRequest::Kind::pause));
        }
        if (node == "b" && event.state == NodeState::completed) {
            EXPECT_TRUE(journal->request(log->id(), RunRequest::Kind::proceed));
        }
    }, [&] {
        if ((*journal->list(1)).front().state != RunState::paused) return false;
        const std::lock_guard lock(mutex);
        open_door = true;
        changed.notify_all();
        if (states["a"] == NodeState::completed && ++looks == 4) {
            EXPECT_FALSE(states.contains("b")) << "it has not begun";
            EXPECT_TRUE(journal->request(log->id(), RunRequest::Kind::step));
        }
        EXPECT_FALSE(states.contains("c") && looks < 4);
        return false;
    });
    EXPECT_EQ(result.state, RunResult::State::completed);
    EXPECT_EQ(output_of(*plan, result, "o"), "one!!!!");
    EXPECT_EQ(looks >= 4, true);
}

TEST(Requests, ACancelFromElsewhereStopsTheRun) {
    const auto plan = plan_of(file(counts("a", "one", {}, "disk") + counts("b", "a.text")));
    const Temporary folder;
    const auto one = open(folder.folder()), other = open(folder.folder());
    const auto log = begin(*one, *plan);
    std::shared_ptr<FakeCaller> caller;
    caller = std::make_shared<FakeCaller>([&](const CallRequest&) -> Result<Value> { return caller->wait_for_cancel(); });
    const auto result = run_hearing(plan, log, caller, [&](std::string_view, const RunEvent& event) {
        if (event.state == NodeState::running && event.kind == RunEvent::Kind::changed) {
            EXPECT_TRUE(other->request(log->id(), RunRequest::Kind::cancel));
        }
    });
    EXPECT_EQ(result.state, RunResult::State::cancelled);
}

TEST(Requests, ACancelOnRecordWinsOverALateSuccess) {
    const auto plan = plan_of(file(counts("a", "one")));
    const Temporary folder;
    const auto journal = open(folder.folder());
    auto log = begin(*journal, *plan);
    const std::string id = log->id();
    run_hearing(plan, log, std::make_shared<FakeCaller>(answer), [](std::string_view, const RunEvent&) {});
    EXPECT_TRUE(journal->request(id, RunRequest::Kind::cancel));
    EXPECT_EQ(*log->close(RunState::completed), RunState::cancelled);
    EXPECT_EQ((*journal->show(id)).summary.state, RunState::cancelled);
    EXPECT_EQ(journal->request(id, RunRequest::Kind::cancel).error().reason(), "run-ended");
    log.reset();
    // One that nobody is at is cancelled at once.
    auto dead = begin(*journal, *plan);
    const std::string other = dead->id();
    dead.reset();
    EXPECT_EQ((*journal->show(other)).summary.state, RunState::interrupted);
    EXPECT_TRUE(journal->request(other, RunRequest::Kind::cancel));
    EXPECT_EQ((*journal->show(other)).summary.state, RunState::cancelled);
    EXPECT_EQ(journal->request("nobody", RunRequest::Kind::cancel).error().reason(), "no-such-run");
}

TEST(Requests, StopWhatIsHeldBackAndWhatWaits) {
    const auto plan = plan_of(file(asking + counts("x", "one", {}, "disk") + counts("y", "x.text")));
    const Temporary folder;
    const auto journal = open(folder.folder());
    const auto log = begin(*journal, *plan);
    EXPECT_TRUE(journal->request(log->id(), RunRequest::Kind::pause));
    bool paused = false;
    const auto result = run_hearing(plan, log, std::make_shared<FakeCaller>(answer), [](std::string_view, const RunEvent&) {}, [&] {
        paused = paused || (*journal->list(1)).front().state == RunState::paused;
        return paused;
    });
    EXPECT_EQ(result.state, RunResult::State::cancelled);
    EXPECT_EQ(result.abandoned, 0u);
}

TEST(Control, IsChecked) {
    const std::pair<std::string, std::string> faults[] = {
        {control("j", "join"), "missing-input"},
        {counts("a", "x") + control("j", "join", "quorum = 2\nafter = [\"a\"]\n"), "bad-value"},
        {counts("a", "x") + control("j", "join", "mode = \"all\"\nafter = [\"a\"]\n"), "unknown-key"},
        {counts("a", "x") + control("j", "join", "inputs = { a = \"a.text\" }\n") + output("o", "j.text"), "unknown-port"},
        {control("d", "delay"), "missing-key"},
        {control("d", "delay", "for = \"soon\"\n"), "bad-duration"},
        {control("d", "delay", "for = \"0s\"\n"), "bad-value"},
        {counts("a", "x") + control("d", "delay", "for = \"1s\"\ninputs = { text = \"a.text\" }\n"), "unknown-port"},
        {control("d", "delay", "for = \"1s\"\n") + counts("b", "d.value"), "unknown-port"},
        {control("d", "delay", "for = \"1s\"\nquorum = 1\n"), "unknown-key"},
        {control("w", "wait", "inputs = { a = \"w.value\" }\n"), "unknown-port"},
        {control("w", "wait", "expects = \"number\"\n") + counts("b", "w.value"), "type-mismatch"},
        {control("w", "wait", "expects = \"nothing\"\n"), "bad-type"},
        {control("w", "waits"), "unknown-operation"},
    };
    for (const auto& [body, reason] : faults) {
        SCOPED_TRACE(body);
        const auto found = read(file(body));
        EXPECT_TRUE(found.reasons().contains(reason)) << manifests::format(found.diagnostics);
    }
}

} // namespace
} // namespace symphony::tracker::test
