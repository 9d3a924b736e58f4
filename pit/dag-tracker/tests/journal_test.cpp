// SPDX-License-Identifier: Apache-2.0
#include "journal_rig.hpp"
#include "journal_rows.hpp"
#include "memory_store.hpp"
#include "support/crash_states.hpp"
#include "support/memory_folder.hpp"
#include "support/recording_folder.hpp"

#include <symphony/sqlite_files/database.hpp>

#include <atomic>
#include <fstream>
#include <random>
#include <set>

namespace symphony::tracker::test {
namespace {

using test_support::MemoryFolder;

/// a -> b -> c, and beside it the elements of l in e; m has both.
constexpr std::string_view flow = R"(
[workflow]
id = "steps"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "start" }
[nodes.b]
plugin = "text"
operation = "count"
inputs = { text = "a.text" }
[nodes.l]
plugin = "text"
operation = "list"
with = { n = 5 }
[nodes.e]
plugin = "text"
operation = "count"
inputs = { text = "l.items" }
each = "text"
[nodes.m]
type = "control"
operation = "merge"
mode = "named"
inputs = { b = "b.text", e = "e.text" }
[outputs.all]
from = "m.value"
)";
constexpr std::string_view whole = "{b:start!! e:[item-0! item-1! item-2! item-3! item-4!]}";

Ran run_logged(const std::shared_ptr<Plan>& plan, const std::shared_ptr<FakeCaller>& caller, std::shared_ptr<StepLog> log, const std::function<bool()>& cancelled = {}) {
    RunSettings how = settings();
    how.log = std::move(log);
    return run(plan, caller, how, Value(), cancelled);
}

/// Calls by what they were asked.
struct Counting {
    std::mutex mutex;
    std::map<std::string, int> seen;
    std::string stop_at;  ///< the call of that text waits until it is cancelled
    std::atomic<bool> stopped{false};
    std::shared_ptr<FakeCaller> caller = std::make_shared<FakeCaller>([this](const CallRequest& request) -> Result<Value> {
        const std::string text = std::string(request.operation) + " " + plain(request.input.view());
        {
            const std::lock_guard lock(mutex);
            ++seen[text];
        }
        if (!stop_at.empty() && text.find(stop_at) != std::string::npos) {
            stopped = true;
            return caller->wait_for_cancel();
        }
        return answer(request);
    });
};

/// A log whose process dies: from then on nothing is recorded any more, though the run, which does not know, goes on.
class DyingLog final : public StepLog {
public:
    explicit DyingLog(std::shared_ptr<StepLog> log) : log_(std::move(log)) {}
    std::atomic<bool> dead{false};

    const StepEnd* ended_before(Id node) const noexcept override { return log_->ended_before(node); }
    const StepEnd* last_end(Id node) const noexcept override { return log_->last_end(node); }
    std::optional<RunResult::State> closing_before() const noexcept override { return log_->closing_before(); }
    const Value* answered_before(Id node, std::uint32_t element) const noexcept override { return log_->answered_before(node, element); }
    std::optional<std::int64_t> begun_before_ms(Id node) const noexcept override { return log_->begun_before_ms(node); }
    std::int64_t now_ms() const noexcept override { return log_->now_ms(); }
    void begun(Id node) noexcept override {
        if (!dead) log_->begun(node);
    }
    void status(RunStatus status) noexcept override {
        if (!dead) log_->status(status);
    }
    std::vector<RunRequest> requests() noexcept override { return dead ? std::vector<RunRequest>() : log_->requests(); }
    void ended(Id node, StepEnd end) noexcept override {
        if (!dead) log_->ended(node, std::move(end));
    }
    void closing(RunResult::State state, bool undoes) noexcept override {
        if (!dead) log_->closing(state, undoes);
    }
    void answered(Id node, std::uint32_t element, const Value& answer, const CallNote& note) noexcept override {
        if (!dead) log_->answered(node, element, answer, note);
    }
    void attempted(Id node, std::uint32_t element, const CallNote& note, const Error& why) noexcept override {
        if (!dead) log_->attempted(node, element, note, why);
    }
    std::uint32_t part() const noexcept override { return log_->part(); }
    void before_effect(Id node, std::uint32_t element, std::function<void(Status)> then) noexcept override {
        if (dead) then({});
        else log_->before_effect(node, element, std::move(then));
    }
    std::optional<Error> failure() const override { return log_->failure(); }

private:
    std::shared_ptr<StepLog> log_;
};

/// Runs until the call that is asked `at`, and dies in it.
void run_and_die(const std::shared_ptr<Plan>& plan, std::shared_ptr<StepLog> kept, std::string_view at, std::map<std::string, int>& seen) {
    const auto log = std::make_shared<DyingLog>(std::move(kept));
    std::mutex mutex;
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        const std::lock_guard lock(mutex);
        const std::string text = std::string(request.operation) + " " + plain(request.input.view());
        if (!log->dead) ++seen[text];
        if (text.find(at) != std::string::npos) log->dead = true;
        return answer(request);
    });
    run_logged(plan, caller, log);
    EXPECT_TRUE(log->dead) << "nobody called " << at;
}

TEST(Journal, ARunThatWasStoppedGoesOnWhereItWas) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    const std::string expected(whole);
    for (const std::string stop_at : {"start!", "item-0", "item-3", "list", "{text:start}"}) {
        SCOPED_TRACE(stop_at);
        const auto journal = open(folder.folder());
        Counting first, second;
        first.stop_at = stop_at;
        std::string id;
        std::set<std::string> kept;
        {
            auto log = begin(*journal, *plan);
            id = log->id();
            const auto ran = run_logged(plan, first.caller, log, [&] { return first.stopped.load(); });
            EXPECT_EQ(ran.result.state, RunResult::State::cancelled);
            // No close: as after a crash.
        }
        ASSERT_EQ((*journal->list(1)).front().state, RunState::interrupted);
        const auto log = resume(*journal, *plan, id);
        ASSERT_NE(log, nullptr);
        const auto ran = run_logged(plan, second.caller, log);
        EXPECT_EQ(ran.result.state, RunResult::State::completed);
        EXPECT_EQ(ran.output("all"), expected);
        for (const auto& [text, count] : second.seen) {
            // What the first part did and recorded is not done again; only the call that was stopped is.
            const bool again = first.seen.contains(text);
            if (again) {
                EXPECT_NE(text.find(stop_at), std::string::npos) << text << " was called again";
            }
        }
        EXPECT_TRUE(log->close(RunState::completed));
        EXPECT_EQ(journal->resume(id).error().reason(), "run-completed");
        const auto shown = journal->show(id);
        ASSERT_TRUE(shown) << shown.error().message();
        EXPECT_EQ(shown->summary.state, RunState::completed);
        EXPECT_EQ(shown->summary.parts, 2u);
        EXPECT_EQ(shown->summary.steps_done, 4u) << "the merge follows from the others";
    }
}

/// a and b are done and c fails; then b and a are undone, and the end is told.
constexpr std::string_view undone_flow = R"(
[workflow]
id = "undone"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "a" }
compensate = "undo-a"
[nodes.undo-a]
plugin = "disk"
operation = "join"
inputs = { a = "a.text" }
with = { b = "undo" }
[nodes.b]
plugin = "text"
operation = "count"
inputs = { text = "a.text" }
compensate = "undo-b"
[nodes.undo-b]
plugin = "disk"
operation = "join"
inputs = { a = "b.text" }
with = { b = "undo" }
[nodes.c]
plugin = "text"
operation = "count"
with = { text = "fail" }
after = ["b"]
[nodes.end]
plugin = "disk"
operation = "join"
inputs = { a = "b.text" }
with = { b = "end" }
finally = true
[outputs.end]
from = "end.text"
)";

TEST(Journal, AClosingThatWasInterruptedGoesOnAndIsDoneOnce) {
    const auto plan = plan_of(undone_flow);
    for (const std::string stop_at : {"{b:undo a:a!!}", "{b:undo a:a!}", "b:end"}) {
        SCOPED_TRACE(stop_at);
        const Temporary folder;
        const auto journal = open(folder.folder());
        std::map<std::string, int> first;
        Counting second;
        std::string id;
        {
            auto log = begin(*journal, *plan);
            id = log->id();
            run_and_die(plan, log, stop_at, first);
        }
        ASSERT_EQ((*journal->list(1)).front().state, RunState::interrupted);
        auto log = resume(*journal, *plan, id);
        ASSERT_NE(log, nullptr);
        const auto ran = run_logged(plan, second.caller, log);
        EXPECT_EQ(ran.result.state, RunResult::State::failed);
        EXPECT_EQ(ran.state("c"), NodeState::failed) << "as it was";
        EXPECT_EQ(ran.output("end"), "a!!end-");
        for (const auto& [text, count] : second.seen) {
            EXPECT_TRUE(text.find("undo") != std::string::npos || text.find("end") != std::string::npos) << text << " is not run when a run closes";
            EXPECT_TRUE(!first.contains(text) || text.find(stop_at) != std::string::npos) << text << " was called again";
        }
        EXPECT_TRUE(second.seen.contains("join {b:undo a:a!}") || first.contains("join {b:undo a:a!}"));
        EXPECT_TRUE(log->close(RunState::failed));
        log.reset();
        EXPECT_EQ(journal->resume(id).error().reason(), "run-undone");
    }
}

TEST(Journal, FinallyRunsAgainWhenTheRunGoesOn) {
    const auto plan = plan_of(R"(
[workflow]
id = "again"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "a" }
[nodes.b]
plugin = "disk"
operation = "count"
inputs = { text = "a.text" }
[nodes.end]
plugin = "disk"
operation = "join"
inputs = { a = "b.text" }
with = { b = "end" }
finally = true
[outputs.end]
from = "end.text"
)");
    const Temporary folder;
    const auto journal = open(folder.folder());
    std::atomic<bool> broken{true};
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (broken && plain(request.input.view()) == "{text:a!}") return Error(Code::plugin_failed, "broken", "cannot do it");
        return answer(request);
    });
    std::string id;
    {
        auto log = begin(*journal, *plan);
        id = log->id();
        EXPECT_EQ(run_logged(plan, caller, log).output("end"), "-end-");
        EXPECT_TRUE(log->close(RunState::failed));
    }
    broken = false;
    const auto log = resume(*journal, *plan, id);
    ASSERT_NE(log, nullptr);
    const auto ran = run_logged(plan, caller, log);
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_EQ(ran.output("end"), "a!!end-");
    EXPECT_TRUE(log->close(RunState::completed));
    EXPECT_EQ((*journal->show(id)).summary.steps_done, 3u);
}

TEST(Journal, AFallbackThatWasDoneIsNotDoneAgain) {
    const auto plan = plan_of(R"(
[workflow]
id = "spare"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "fail" }
fallback = "b"
[nodes.b]
plugin = "disk"
operation = "count"
with = { text = "spare" }
[nodes.c]
plugin = "disk"
operation = "count"
inputs = { text = "a.text" }
[outputs.all]
from = "c.text"
)");
    const Temporary folder;
    const auto journal = open(folder.folder());
    std::map<std::string, int> first;
    Counting second;
    run_and_die(plan, begin(*journal, *plan), "spare!", first);
    const auto log = resume(*journal, *plan);
    ASSERT_NE(log, nullptr);
    EXPECT_EQ(run_logged(plan, second.caller, log).output("all"), "spare!!");
    EXPECT_EQ(second.seen.size(), 1u) << "only what was under way";
}

TEST(Journal, FailedStepsAreRunAgainAndTheirProblemsAreOnRecord) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    const auto journal = open(folder.folder());
    const auto broken = std::make_shared<FakeCaller>([](const CallRequest& request) -> Result<Value> {
        if (plain(request.input.view()).find("item-2") != std::string::npos) return Error(Code::plugin_failed, "broken", "cannot do it", "try another");
        return answer(request);
    });
    std::string id;
    {
        auto log = begin(*journal, *plan);
        id = log->id();
        const auto ran = run_logged(plan, broken, log);
        EXPECT_EQ(ran.state("e"), NodeState::failed);
        EXPECT_TRUE(log->close(RunState::failed));
    }
    const auto shown = journal->show(id);
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->summary.state, RunState::failed);
    const auto failed = std::find_if(shown->steps.begin(), shown->steps.end(), [](const StepRow& step) { return step.node == "e"; });
    ASSERT_NE(failed, shown->steps.end());
    ASSERT_EQ(failed->problems.size(), 1u);
    EXPECT_EQ(failed->problems[0].error.reason(), "broken");
    Counting second;
    const auto ran = run_logged(plan, second.caller, resume(*journal, *plan, id));
    EXPECT_EQ(ran.output("all"), whole);
    EXPECT_FALSE(second.seen.contains("count {text:start}"));
}

TEST(Journal, TwoHostsShareItAndOneRunIsOnesOnly) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    const auto one = open(folder.folder()), other = open(folder.folder());
    auto first = begin(*one, *plan);
    auto second = begin(*other, *plan);
    EXPECT_EQ(other->resume(first->id()).error().reason(), "run-in-progress");
    EXPECT_EQ(one->remove(second->id()).error().reason(), "run-in-progress");
    EXPECT_EQ((*other->list(0)).size(), 2u);
    EXPECT_EQ((*one->list(0)).front().state, RunState::running);
    Counting calls, others;
    EXPECT_EQ(run_logged(plan, calls.caller, first).output("all"), whole);
    EXPECT_EQ(run_logged(plan, others.caller, second).output("all"), whole);
    EXPECT_TRUE(first->close(RunState::completed));
    EXPECT_TRUE(second->close(RunState::completed));
    const std::string id = first->id();
    first.reset();
    EXPECT_TRUE(other->remove(id));
    EXPECT_EQ(one->show(id).error().reason(), "no-such-run");
}

TEST(Journal, ARunThatWentOnElsewhereIsNotWrittenToAnyMore) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    const auto journal = open(folder.folder());
    auto log = begin(*journal, *plan);
    { // as if its lock had been lost: another part has begun
        const auto place = folder.folder();
        auto mount = sqlite_files::Mount::of(*place);
        ASSERT_TRUE(mount);
        auto database = sqlite_files::open_database(*mount, "runs.sqlite", true, {});
        ASSERT_TRUE(database);
        ASSERT_TRUE((*database)->execute("UPDATE runs SET part = part + 1"));
    }
    Counting calls;
    run_logged(plan, calls.caller, log);
    EXPECT_EQ(log->close(RunState::completed).error().reason(), "run-taken-over");
    ASSERT_TRUE(log->failure());
    EXPECT_EQ((*journal->show(log->id())).steps.size(), 0u);
}

TEST(Journal, OldRunsGoAndNamesMayBeShort) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    Journal::Options options;
    options.runs_max = 3;
    const auto journal = open(folder.folder(), options);
    std::vector<std::string> ids;
    for (int i = 0; i < 6; ++i) {
        auto log = begin(*journal, *plan);
        ids.push_back(log->id());
        EXPECT_TRUE(log->close(RunState::completed));
    }
    EXPECT_EQ((*journal->list(0)).size(), 4u) << "three that have ended, and the one that was begun then";
    EXPECT_EQ(journal->show(ids[0]).error().reason(), "no-such-run");
    EXPECT_EQ(journal->show("2").error().reason(), "ambiguous-run");
    EXPECT_EQ(journal->show("").error().reason(), "no-such-run");
    EXPECT_EQ((*journal->show("last")).summary.id, ids.back());
    EXPECT_EQ((*journal->show(std::string_view(ids.back()).substr(0, ids.back().size() - 1))).summary.id, ids.back());
}

TEST(Journal, WhatMayHaveAnEffectWaitsForTheDisk) {
    // Every call is noted before it is made; in every state that a power cut may leave, the journal knows of each.
    const auto plan = plan_of(R"(
[workflow]
id = "effects"
version = "1.0.0"
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "start" }
[nodes.first]
type = "instrument"
plugin = "eyes"
operation = "see"
inputs = { image = "a.text" }
[nodes.many]
plugin = "text"
operation = "list"
with = { n = 3 }
[nodes.each]
type = "instrument"
plugin = "eyes"
operation = "see"
inputs = { image = "many.items" }
each = "image"
[nodes.second]
type = "instrument"
plugin = "eyes"
operation = "see"
inputs = { image = "first.text" }
[outputs.all]
from = "second.text"
)");
    MemoryFolder disk;
    auto recording = std::make_unique<test_support::RecordingFolder>(disk);
    test_support::RecordingFolder& recorder = *recording;
    struct Borrowed final : Folder {
        explicit Borrowed(Folder& lent) : folder(lent) {}
        Folder& folder;
        Result<std::unique_ptr<sqlite_files::File>> open(std::string_view path, Mode mode) override { return folder.open(path, mode); }
        Result<std::vector<sqlite_files::Entry>> list(std::string_view path) override { return folder.list(path); }
        Status rename(std::string_view from, std::string_view to) override { return folder.rename(from, to); }
        Status remove(std::string_view path) override { return folder.remove(path); }
        Status sync_folder(std::string_view path) override { return folder.sync_folder(path); }
        std::string name() const override { return folder.name(); }
    };
    {
        const auto journal = open(std::make_unique<Borrowed>(recorder));
        auto log = begin(*journal, *plan);
        recorder.note("begun");
        const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) {
            recorder.note("call " + std::string(request.operation) + " " + plain(request.input.view()));
            return answer(request);
        });
        EXPECT_EQ(run_logged(plan, caller, log).output("all"), "start!!!");
        EXPECT_TRUE(log->close(RunState::completed));
        recorder.note("closed");
    }
    test_support::CrashOptions options;
    options.points_max = 120;
    options.samples_per_point = 2;
    const auto report = test_support::try_crash_states(recorder, options, [&](test_support::CrashState& state) -> std::string {
        const auto noted = [&](std::string_view what) { return std::find(state.notes.begin(), state.notes.end(), what) != state.notes.end(); };
        const auto opened = Journal::open(std::make_unique<Borrowed>(state.folder), {});
        if (!opened) return noted("begun") ? "cannot be opened: " + std::string(opened.error().message()) : "";
        if (!noted("begun")) return "";
        const auto shown = (*opened)->show("last");
        if (!shown) return "the run is lost: " + std::string(shown.error().message());
        if (noted("closed")) return shown->summary.state == RunState::completed ? "" : "its end is lost";
        const auto log = (*opened)->resume("last");
        if (!log) return shown->summary.state == RunState::completed ? "" : "cannot go on: " + std::string(log.error().message());
        // What a call follows from is on record when it is made.
        if (const Status attached = (*log)->attach(plan->workflow); !attached) return attached.error().message();
        constexpr Id a = 0, first = 1, many = 2;
        if (noted("call see {image:start!}") && (*log)->ended_before(a) == nullptr) return "the first was called, and what it follows from is lost";
        if (noted("call see {image:item-1}") && (*log)->ended_before(many) == nullptr) return "an element was called, and the list is lost";
        if (noted("call see {image:start!!}") && (*log)->ended_before(first) == nullptr) return "the second was called, and the first is lost";
        return "";
    });
    EXPECT_TRUE(report.good()) << report.text();
}

TEST(Journal, DamageIsFoundAndNeverRunOn) {
    const auto plan = plan_of(flow);
    const Temporary folder;
    {
        const auto journal = open(folder.folder());
        auto log = begin(*journal, *plan);
        Counting calls;
        calls.stop_at = "item-4";
        run_logged(plan, calls.caller, log, [&] { return calls.stopped.load(); });
    }
    std::ifstream file(folder.path / "runs.sqlite", std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(file)), {});
    ASSERT_FALSE(good.empty());
    std::mt19937 random(20261127);
    std::size_t refused = 0;
    for (int round = 0; round < 400; ++round) {
        std::string bad = good;
        for (int i = 0; i < 1 + round % 3; ++i) bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
        const Temporary damaged;
        std::ofstream(damaged.path / "runs.sqlite", std::ios::binary) << bad;
        const auto journal = Journal::open(damaged.folder(), {});
        if (!journal) {
            ++refused;
            EXPECT_FALSE(journal.error().reason().empty());
            continue;
        }
        auto log = (*journal)->resume("last");
        if (!log) {
            ++refused;
            EXPECT_FALSE(log.error().message().empty());
            continue;
        }
        // What it lets through is what was: the outputs are those of an undamaged run.
        const std::shared_ptr<RunLog> kept = *std::move(log);
        ASSERT_TRUE(kept->attach(plan->workflow));
        Counting calls;
        const auto ran = run_logged(plan, calls.caller, kept);
        // Or it stops when it meets the damage on its way, and says so.
        if (ran.output("all") != whole) {
            ASSERT_TRUE(kept->failure()) << "round " << round;
            ++refused;
        }
    }
    EXPECT_GT(refused, 0u);
}

TEST(Journal, HostsMayMakeItAtTheSameTime) {
    for (int round = 0; round < 25; ++round) {
        const Temporary folder;
        std::atomic<int> ready{0};
        std::vector<std::thread> hosts;
        for (int i = 0; i < 4; ++i) {
            hosts.emplace_back([&] {
                auto place = folder.folder();
                ++ready;
                while (ready.load() < 4) std::this_thread::yield();
                const auto opened = Journal::open(std::move(place), {});
                EXPECT_TRUE(opened) << opened.error().message();
                if (opened) { EXPECT_TRUE((*opened)->list(1)); }
            });
        }
        for (auto& host : hosts) host.join();
    }
}

TEST(Journal, ItsRowsAreReadFromWhereAReaderHasCome) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    const auto writer = open(folder.folder()), reader = open(folder.folder());
    const auto read_rows = [&](std::uint32_t after, std::uint32_t most, RunDetail* run = nullptr) {
        std::vector<std::uint32_t> seqs;
        auto told = reader->told("last", after, most, [&](const ToldRow& row) {
            EXPECT_FALSE(row.body.node.empty());
            seqs.push_back(row.seq);
        });
        EXPECT_TRUE(told) << told.error().message();
        if (told && run != nullptr) *run = *std::move(told);
        return seqs;
    };
    EXPECT_EQ(reader->told("last", 0, 1, [](const ToldRow&) {}).error().reason(), "no-such-run");
    const auto before = *reader->version();
    auto log = begin(*writer, *plan, flow);
    EXPECT_NE(*reader->version(), before) << "another process has written";
    const auto then = *reader->version();
    EXPECT_EQ(*reader->version(), then);
    RunDetail run;
    EXPECT_TRUE(read_rows(0, 100, &run).empty());
    EXPECT_EQ(run.summary.state, RunState::running);
    EXPECT_EQ(run.made_from.source, flow);
    Counting calls;
    run_logged(plan, calls.caller, log);
    EXPECT_TRUE(log->close(RunState::completed));
    const auto all = read_rows(0, 1000, &run);
    EXPECT_EQ(run.summary.state, RunState::completed);
    ASSERT_GT(all.size(), 6u);
    for (std::uint32_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i + 1);
    EXPECT_EQ(read_rows(2, 3), (std::vector<std::uint32_t>{3, 4, 5}));
    EXPECT_TRUE(read_rows(static_cast<std::uint32_t>(all.size()), 1000).empty());
    EXPECT_TRUE(read_rows(~std::uint32_t{0}, 1000).empty());
    { // a row that was changed is named, and what is behind it is not told
        const auto place = folder.folder();
        auto mount = sqlite_files::Mount::of(*place);
        auto database = sqlite_files::open_database(*mount, "runs.sqlite", true, {});
        EXPECT_TRUE((*database)->execute("UPDATE steps SET output = x'C3' WHERE (key & 255) = 4"));
    }
    std::uint32_t last = 0;
    const auto damaged = reader->told("last", 0, 1000, [&](const ToldRow& row) { last = row.seq; });
    EXPECT_EQ(damaged.error().reason(), "journal-corrupt");
    EXPECT_EQ(last, 3u);
}

TEST(Journal, ANewerOneAndAnotherDatabaseAreRefused) {
    const auto touch = [](const Temporary& folder, const char* sql) {
        const auto place = folder.folder();
        auto mount = sqlite_files::Mount::of(*place);
        auto database = sqlite_files::open_database(*mount, "runs.sqlite", true, {});
        EXPECT_TRUE((*database)->execute(sql));
    };
    const Temporary newer;
    open(newer.folder()).reset();
    touch(newer, "PRAGMA user_version = 7");
    EXPECT_EQ(Journal::open(newer.folder(), {}).error().reason(), "newer-journal");
    const Temporary other;
    touch(other, "CREATE TABLE songs(name TEXT)");
    EXPECT_EQ(Journal::open(other.folder(), {}).error().reason(), "journal-corrupt");
    const Temporary text;
    std::ofstream(text.path / "runs.sqlite") << std::string(5000, 'x');
    EXPECT_EQ(Journal::open(text.folder(), {}).error().reason(), "journal-corrupt");
}

/// a -> b and e, each of whose answers is as long as `size`.
Result<Value> long_answer(const CallRequest& request, std::size_t size) {
    auto done = answer(request);
    if (!done || request.operation == "list") return done;
    const std::string text = std::string((*done)["text"].as_text()) + std::string(size, '.');
    return ValueBuilder().map().add("text", std::string_view(text)).add("total", text.size()).end().build();
}

std::vector<std::pair<std::int64_t, std::int64_t>> rows_of(const Temporary& folder, const char* sql) {
    const auto place = folder.folder();
    auto mount = sqlite_files::Mount::of(*place);
    auto database = sqlite_files::open_database(*mount, "runs.sqlite", true, {});
    EXPECT_TRUE(database);
    std::vector<std::pair<std::int64_t, std::int64_t>> out;
    auto rows = (*database)->prepare(sql);
    while (rows.step()) out.emplace_back(rows.number(0), rows.number(1));
    return out;
}

TEST(Journal, LargeOutputsAreElsewhereAndReadBack) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    const auto store = std::make_shared<MemoryStore>();
    Journal::Options options;
    options.values = store;
    const auto journal = open(folder.folder(), options);
    constexpr std::size_t size = 100'000;
    std::string id, expected;
    {
        auto log = begin(*journal, *plan);
        id = log->id();
        const auto whole_run = run_logged(plan, std::make_shared<FakeCaller>([](const CallRequest& request) { return long_answer(request, size); }), nullptr);
        expected = whole_run.output("all");
        std::atomic<bool> stopped{false};
        std::shared_ptr<FakeCaller> caller;
        caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
            if (plain(request.input.view()).find("item-4") == std::string::npos) return long_answer(request, size);
            stopped = true;
            return caller->wait_for_cancel();
        });
        run_logged(plan, caller, log, [&] { return stopped.load(); });
    }
    EXPECT_GE(store->values.size(), 1u) << "which steps had answered is the scheduler's to say";
    EXPECT_EQ(store->held(), store->values.size());
    for (const auto& [bytes, unused] : rows_of(folder, "SELECT length(output), 0 FROM steps")) EXPECT_LT(bytes, 1000);
    {
        // What is kept elsewhere and is not what it was is never run on.
        for (auto& [digest, bytes] : store->values) bytes[50'000] ^= 1;
        auto log = journal->resume(id);
        ASSERT_TRUE(log);
        const Status attached = (*log)->attach(plan->workflow);
        ASSERT_FALSE(attached);
        EXPECT_EQ(attached.error().reason(), "output-damaged");
        EXPECT_NE(attached.error().message().find("step \""), std::string::npos) << attached.error().message();
        for (auto& [digest, bytes] : store->values) bytes[50'000] ^= 1;
    }
    auto log = resume(*journal, *plan, id);
    ASSERT_NE(log, nullptr);
    const auto ran = run_logged(plan, std::make_shared<FakeCaller>([](const CallRequest& request) { return long_answer(request, size); }), log);
    EXPECT_EQ(ran.output("all"), expected);
    EXPECT_TRUE(log->close(RunState::completed));
    log.reset();
    const auto record = journal->record(id, true);
    ASSERT_TRUE(record) << record.error().message();
    std::size_t large = 0;
    for (const CallRow& call : record->calls) large += call.answer && *call.answer && (*call.answer)->bytes().size() > size ? 1 : 0;
    EXPECT_EQ(large, 7u) << "a, b and the five elements of e";
    EXPECT_TRUE(journal->remove(id));
    EXPECT_EQ(store->held(), 0u) << "a run that is forgotten needs nothing";
}

TEST(Journal, WithoutAStoreLargeOutputsStayInTheirRows) {
    const Temporary folder;
    const auto plan = plan_of(flow);
    const auto store = std::make_shared<MemoryStore>();
    store->refusal = "the store is full";
    Journal::Options options;
    options.values = store;
    const auto journal = open(folder.folder(), options);
    const auto log = begin(*journal, *plan);
    const auto ran = run_logged(plan, std::make_shared<FakeCaller>([](const CallRequest& request) { return long_answer(request, 100'000); }), log);
    EXPECT_EQ(ran.result.state, RunResult::State::completed);
    EXPECT_TRUE(log->close(RunState::completed));
    EXPECT_TRUE(journal->record(log->id(), true));
    const auto too_large = begin(*journal, *plan);
    run_logged(plan, std::make_shared<FakeCaller>([](const CallRequest& request) {
                   return long_answer(request, request.input["text"].as_text() == "start" ? row_value_bytes_most : 1);
               }),
               too_large);
    const auto closed = too_large->close(RunState::completed);
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().reason(), "output-too-large");
    EXPECT_NE(closed.error().message().find("step \"a\""), std::string::npos) << closed.error().message();
    EXPECT_NE(closed.error().message().find("the store is full"), std::string::npos);
}

TEST(Journal, AnswersOfElementsAreKeptOnce) {
    const Temporary folder;
    const auto plan = plan_of(std::string(head) + R"(
[nodes.l]
plugin = "text"
operation = "list"
with = { n = 6 }
[nodes.e]
plugin = "text"
operation = "count"
on_error = "collect"
inputs = { text = "l.items" }
each = "text"
[nodes.after]
type = "instrument"
plugin = "eyes"
operation = "see"
inputs = { image = "e.text" }
[outputs.texts]
from = "e.text"
[outputs.problems]
from = "e.problems"
[outputs.items]
from = "e.items"
[outputs.seen]
from = "after.text"
)");
    constexpr std::size_t size = 5000;
    const auto with = [&](std::string_view stop_at, std::atomic<bool>& stopped, std::set<std::string>& seen) {
        return std::make_shared<FakeCaller>([&, stop_at](const CallRequest& request) -> Result<Value> {
            static std::mutex mutex;
            {
                const std::lock_guard lock(mutex);
                seen.insert(std::string(request.operation) + plain(request.input.view()).substr(0, 20));
            }
            if (!stop_at.empty() && request.operation == stop_at) {
                stopped = true;
                return Error(Code::cancelled, "cancelled");
            }
            if (plain(request.input.view()).find("item-2") != std::string::npos && request.operation == "count") return Error(Code::plugin_failed, "broken", "cannot do it", "try another");
            return long_answer(request, size);
        });
    };
    std::atomic<bool> stopped{false};
    std::set<std::string> seen, again;
    const auto journal = open(folder.folder());
    const auto uninterrupted = run_logged(plan, with("", stopped, seen), nullptr);
    std::string id;
    {
        auto log = begin(*journal, *plan);
        id = log->id();
        run_logged(plan, with("see", stopped, seen), log, [&] { return stopped.load(); });
    }
    const auto bytes = rows_of(folder, "SELECT total(length(output)), 0 FROM steps");
    EXPECT_LT(bytes.front().first, static_cast<std::int64_t>(5 * size + 3000)) << "five answers, each once";
    EXPECT_GT(bytes.front().first, static_cast<std::int64_t>(5 * size));
    const auto log = resume(*journal, *plan, id);
    ASSERT_NE(log, nullptr);
    const auto ran = run_logged(plan, with("", stopped, again), log);
    for (const std::string name : {"texts", "problems", "items", "seen"}) EXPECT_EQ(ran.output(name), uninterrupted.output(name)) << name;
    EXPECT_EQ(again.size(), 1u) << "only what was stopped";
    EXPECT_EQ(ran.run("e").problems, 1u);
    EXPECT_EQ(ran.result.problems.size(), 1u);
    EXPECT_TRUE(log->close(RunState::completed));
    const auto shown = journal->show(id);
    ASSERT_TRUE(shown);
    std::size_t ends = 0;
    for (const StepRow& step : shown->steps) {
        if (step.node != "e") continue;
        ++ends;
        EXPECT_EQ(step.state, NodeState::completed);
        EXPECT_EQ(step.calls, 6u);
        EXPECT_GT(step.output_bytes, 5 * size);
        EXPECT_EQ(step.problems.size(), 1u);
    }
    EXPECT_EQ(ends, 1u);
}

/// Journals that earlier formats left, with a run that was interrupted in `b`; journals/make_journals.py makes them.
TEST(Journal, OneOfAnEarlierFormatIsOpenedMigratedAndGoesOn) {
    for (const int version : {1, 2}) {
        SCOPED_TRACE("format " + std::to_string(version));
        const Temporary folder;
        std::filesystem::copy_file(std::string(SYMPHONY_TRACKER_DIR) + "/tests/journals/format-" + std::to_string(version) + ".sqlite", folder.path / "runs.sqlite");
        std::filesystem::permissions(folder.path / "runs.sqlite", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        const auto journal = open(folder.folder());
        ASSERT_NE(journal, nullptr);
        EXPECT_EQ(rows_of(folder, "SELECT user_version, 0 FROM pragma_user_version").front().first, 3);
        const auto shown = journal->show("last");
        ASSERT_TRUE(shown) << shown.error().message();
        EXPECT_EQ(shown->summary.state, RunState::interrupted);
        EXPECT_EQ(shown->summary.id, "20251103-070809-abc123");
        ASSERT_EQ(shown->steps.size(), 2u);
        EXPECT_EQ(shown->steps[0].state, NodeState::completed);
        EXPECT_TRUE(shown->attempts.empty()) << "nobody wrote them down then";
        const auto plan = plan_of(shown->made_from.source);
        auto log = resume(*journal, *plan);
        ASSERT_NE(log, nullptr);
        EXPECT_EQ(log->steps_kept(), 1u);
        Counting calls;
        const auto ran = run_logged(plan, calls.caller, log);
        EXPECT_EQ(ran.output("last"), "start!!!");
        EXPECT_EQ(calls.seen, (std::map<std::string, int>{{"count {text:start!}", 1}, {"count {text:start!!}", 1}}));
        EXPECT_TRUE(log->close(RunState::completed));
        log.reset();
        const auto after = journal->show("last");
        ASSERT_TRUE(after) << after.error().message();
        EXPECT_EQ(after->summary.state, RunState::completed);
        EXPECT_EQ(after->attempts.size(), 2u);
    }
}

TEST(Journal, HasARowForEachAttempt) {
    const Temporary folder;
    const auto journal = open(folder.folder());
    const auto plan = plan_of(std::string(head) + R"(
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "x" }
retry = { max = 3, backoff = "1ms", kind = "constant" }
[nodes.e]
plugin = "disk"
operation = "count"
each = "text"
with = { text = ["y", "fail"] }
on_error = "skip"
)");
    const auto log = begin(*journal, *plan);
    std::atomic<int> tries{0};
    const auto caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        if (plain(request.input["text"]) == "x" && tries.fetch_add(1) < 2) return Error(Code::busy, "busy", "not now");
        return answer(request);
    });
    EXPECT_EQ(run_logged(plan, caller, log).result.state, RunResult::State::completed);
    EXPECT_TRUE(log->close(RunState::completed));
    const auto shown = journal->show("last");
    ASSERT_TRUE(shown);
    std::vector<std::uint64_t> tokens;
    std::vector<std::string> of_a;
    std::map<std::uint32_t, std::string> of_e;
    for (const AttemptRow& row : shown->attempts) {
        tokens.push_back(row.attempt.token);
        EXPECT_GT(row.attempt.started_ms, 0);
        EXPECT_EQ(row.attempt.token >> 32, 1u) << "of the first part";
        const std::string what = std::to_string(row.attempt.number) + (row.error ? " " + std::string(row.error->reason()) : "");
        if (row.node == "a") of_a.push_back(what);
        else of_e[row.element] = what;
    }
    EXPECT_EQ(of_a, (std::vector<std::string>{"1 busy", "2 busy", "3"}));
    EXPECT_EQ(of_e, (std::map<std::uint32_t, std::string>{{0, "1"}, {1, "1 broken"}}));
    std::sort(tokens.begin(), tokens.end());
    EXPECT_EQ(std::adjacent_find(tokens.begin(), tokens.end()), tokens.end()) << "each its own";
    EXPECT_EQ(shown->steps.size(), 2u) << "attempts are no steps";
}

/// What a plugin needs to know that a call is the same one again, or one that somebody else has made anew.
TEST(Journal, CallsHaveKeysThatStayAndTokensThatRise) {
    const std::string text = std::string(head) + R"(
[nodes.a]
type = "instrument"
plugin = "eyes"
operation = "send"
with = { text = "x" }
retry = { max = 3, backoff = "1ms", kind = "constant" }
[nodes.e]
type = "instrument"
plugin = "eyes"
operation = "send"
each = "text"
with = { text = ["y", "z"] }
after = ["a"]
[nodes.own]
type = "instrument"
plugin = "eyes"
operation = "send"
with = { text = "own", idempotency_key = "mine" }
)";
    const auto plan = plan_of(text);
    const Temporary folder;
    const auto journal = open(folder.folder());
    std::mutex mutex;
    std::map<std::string, std::set<std::string>> keys;
    std::map<std::string, std::vector<std::uint64_t>> tokens;
    std::set<std::string> runs;
    const auto caller_of = [&](int fails) {
        auto left = std::make_shared<std::atomic<int>>(fails);
        return std::make_shared<FakeCaller>([&, left](const CallRequest& request) -> Result<Value> {
            const std::lock_guard lock(mutex);
            const std::string what = plain(request.input["text"]);
            keys[what].insert(plain(request.input["idempotency_key"]));
            tokens[what].push_back(request.input["fencing_token"].as_uint());
            runs.insert(plain(request.input["run_id"]));
            if (what == "x" && left->fetch_sub(1) > 0) return Error(Code::busy, "busy", "not now");
            return answer(request);
        });
    };
    RunSettings how = settings();
    auto log = begin(*journal, *plan, text);
    how.id = log->id();
    how.log = log;
    EXPECT_EQ(run(plan, caller_of(100), how).result.state, RunResult::State::failed);
    EXPECT_TRUE(log->close(RunState::failed));
    how.log = nullptr;
    log.reset();
    how.log = log = resume(*journal, *plan);
    EXPECT_EQ(run(plan, caller_of(1), how).result.state, RunResult::State::completed);
    EXPECT_EQ(tokens["x"].size(), 4u + 2u);
    EXPECT_TRUE(std::is_sorted(tokens["x"].begin(), tokens["x"].end()));
    EXPECT_EQ(std::adjacent_find(tokens["x"].begin(), tokens["x"].end()), tokens["x"].end());
    std::set<std::string> all;
    for (const auto& [what, of_call] : keys) {
        EXPECT_EQ(of_call.size(), 1u) << what << ": the same whatever the attempt and the part";
        all.insert(of_call.begin(), of_call.end());
    }
    EXPECT_EQ(all.size(), 4u);
    EXPECT_EQ(runs, std::set<std::string>{how.id});
    EXPECT_EQ(keys["own"], std::set<std::string>{"mine"}) << "what the workflow says counts";
    EXPECT_EQ(keys["x"].begin()->size(), 32u);
    how.log = nullptr;
    how.id = "another";
    keys.clear();
    EXPECT_EQ(run(plan, caller_of(0), how).result.state, RunResult::State::completed);
    EXPECT_FALSE(all.contains(*keys["x"].begin())) << "another run, another key";
}

/// a, and b behind it; both are undone, and told.
constexpr std::string_view closing_flow = R"(
[nodes.a]
plugin = "text"
operation = "count"
with = { text = "a" }
compensate = "undo"
[nodes.undo]
plugin = "disk"
operation = "count"
with = { text = "undo" }
[nodes.b]
plugin = "disk"
operation = "count"
inputs = { text = "a.text" }
[nodes.tell]
plugin = "disk"
operation = "count"
with = { text = "tell" }
finally = true
)";

TEST(Journal, WhatClosesARunAndHadNoTimeIsDoneWhenItIsResumed) {
    const Temporary folder;
    const auto journal = open(folder.folder());
    const auto plan = plan_of(std::string(head) + std::string(closing_flow));
    Counting first;
    std::atomic<bool> in_b{false};
    first.caller = std::make_shared<FakeCaller>([&](const CallRequest& request) -> Result<Value> {
        const std::string text = plain(request.input["text"]);
        if (text == "a!") in_b = true;
        return text == "a" ? answer(request) : Result<Value>(first.caller->wait_for_cancel());
    });
    // No time at all for what closes the run, and all the time that calls need to hear of it.
    RunSettings how = settings();
    how.closing_ns = 1;
    how.grace_ns = 600'000'000'000;
    auto log = begin(*journal, *plan);
    how.log = log;
    std::thread somebody([&] {
        while (!in_b) std::this_thread::yield();
        EXPECT_TRUE(journal->request("last", RunRequest::Kind::cancel));
    });
    const auto ran = run(plan, first.caller, how);
    somebody.join();
    EXPECT_EQ(ran.result.state, RunResult::State::cancelled);
    EXPECT_EQ(ran.result.abandoned, 0u);
    std::set<std::string> open_nodes;
    for (const Id n : ran.result.left_open) open_nodes.emplace(plan->workflow.node_name(n));
    EXPECT_EQ(open_nodes, (std::set<std::string>{"undo", "tell"}));
    EXPECT_TRUE(log->leave_open());
    how.log = nullptr;
    log.reset();
    EXPECT_EQ(journal->show("last")->summary.state, RunState::interrupted) << "it has not ended";
    Counting second;
    auto again = resume(*journal, *plan);
    ASSERT_NE(again, nullptr);
    const auto closed = run_logged(plan, second.caller, again);
    EXPECT_EQ(closed.result.state, RunResult::State::cancelled);
    EXPECT_TRUE(closed.result.left_open.empty());
    EXPECT_EQ(second.seen, (std::map<std::string, int>{{"count {text:undo}", 1}, {"count {text:tell}", 1}})) << "b is not gone on with";
    EXPECT_TRUE(again->close(RunState::cancelled));
    again.reset();
    EXPECT_EQ(journal->show("last")->summary.state, RunState::cancelled);
    EXPECT_EQ(journal->resume("last").error().reason(), "run-undone");
}

} // namespace
} // namespace symphony::tracker::test
