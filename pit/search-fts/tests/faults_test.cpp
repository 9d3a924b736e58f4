// SPDX-License-Identifier: Apache-2.0
// Whatever happens to the disk or to the process, the index is what one of its commits left, with that commit's watermark, and no older
// one than was acknowledged.
#include "feed_model.hpp"
#include "index.hpp"

#include "support/crash_states.hpp"
#include "support/faulty_folder.hpp"
#include "support/kill_loop.hpp"
#include "support/recording_folder.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>
#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <cstdlib>

using namespace symphony;
using namespace symphony::search;
using namespace symphony::test_support;
using sqlite_files::Folder;
using sqlite_files::PosixFolder;

namespace {

bool is_full() {
    const char* wish = std::getenv("SYMPHONY_FAULTS");
    return wish != nullptr && std::string_view(wish) == "full";
}

/// The index as its feeder sees it.
class Feeding {
public:
    explicit Feeding(Folder& folder) : storage_(*Storage::in(folder, "index.db")), index_(*storage_, {}) {}
    Status index(const std::vector<ports::Document>& documents) { return index_.index(documents); }
    Status remove(const std::vector<std::string>& ids) { return index_.remove(ids); }
    Status commit(std::string_view feed, std::uint64_t watermark) { return index_.commit(feed, watermark); }
    Status clear() { return index_.clear(); }
    Result<ports::IndexStatus> status() { return index_.status(); }
    Result<ports::Hits> search(const ports::Query& query) { return index_.search(query, [] { return false; }); }

private:
    std::unique_ptr<Storage> storage_;
    Index index_;
};

std::string check_index(Folder& folder, std::uint64_t acknowledged) {
    Feeding index(folder);
    return check_left(index, acknowledged).problem;
}

/// A fault may be told as what it is and as nothing else: damage it is not.
std::string check_error(const Error& error) {
    if (error.code() == Code::io || error.reason() == "index-full") return {};
    return "a wrong error: " + std::string(error.reason()) + ": " + error.message();
}

std::unique_ptr<MemoryFolder> made_index(std::uint64_t steps) {
    auto folder = std::make_unique<MemoryFolder>();
    Feeding index(*folder);
    const Status done = work(index, 1, steps, [](const std::string&) {});
    EXPECT_TRUE(done) << done.error().message();
    return folder;
}

} // namespace

TEST(SearchFaults, IsWhatACommitLeftWhateverAPowerCutLeaves) {
    RecordingFolder folder;
    for (std::uint64_t session = 0; session < 3; ++session) {
        Feeding index(folder);
        const Status done = work(index, 1 + session * 4, 4, [&](const std::string& line) { folder.note(line); });
        ASSERT_TRUE(done) << done.error().message();
    }
    const CrashOptions options{.seed = 3, .samples_per_point = 3, .points_max = is_full() ? 0u : 25u};
    const CrashReport report = try_crash_states(folder, options, [](CrashState& state) { return check_index(state.folder, last_told(state.notes)); });
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_GT(report.states, 100u) << report.text();
}

TEST(SearchFaults, IsWhatACommitLeftWhicheverCallFails) {
    const auto begin = made_index(6);
    for (const FaultKind kind : {FaultKind::io, FaultKind::disk_full, FaultKind::sync}) {
        for (const bool sticky : {false, true}) {
            SCOPED_TRACE(std::string(name_of(kind)) + (sticky ? ", sticky" : ""));
            const FaultReport report = try_fault_at_every_call(kind, sticky, *begin, [](FaultyFolder& folder) {
                std::uint64_t told = 6;
                std::string problem;
                {
                    Feeding index(folder);
                    const Status done = work(index, 7, 3, [&](const std::string& line) { told = last_told({line}); });
                    if (!done) problem = check_error(done.error());
                }
                folder.heal();
                return problem.empty() ? check_index(folder, told) : problem;
            });
            EXPECT_TRUE(report.good()) << report.text();
        }
    }
}

TEST(SearchFaults, GoesOnWhenTheFaultHasPassed) {
    // The disk was full or failed for a moment: a feeder that tries again, with the same open index, succeeds.
    const auto begin = made_index(6);
    for (const FaultKind kind : {FaultKind::io, FaultKind::disk_full, FaultKind::sync}) {
        SCOPED_TRACE(name_of(kind));
        const FaultReport report = try_fault_at_every_call(kind, false, *begin, [](FaultyFolder& folder) -> std::string {
            Feeding index(folder);
            for (std::uint64_t step = 7; step < 10; ++step) {
                Status done = do_step(index, step);
                if (!done && folder.fired()) done = do_step(index, step);
                if (!done) return "step " + std::to_string(step) + ", tried again: " + done.error().message();
            }
            return compare(index, after(9), 9);
        });
        EXPECT_TRUE(report.good()) << report.text();
    }
}

TEST(SearchFaults, TrustsNothingThatAFailedSyncLeft) {
    // What the disk did not take is still read, until the power goes. Whoever goes on behind it loses what it says next.
    const auto begin = made_index(2);
    std::size_t states = 0;
    for (std::uint64_t nth = 1; nth < 200; nth += is_full() ? 1 : 3) {
        RecordingFolder folder(*begin);
        folder.note("step 2");
        folder.fail_sync(nth);
        {
            Feeding index(folder);
            for (std::uint64_t step = 3; step < 9; ++step) {
                for (int tries = 0; tries < 2; ++tries) {
                    const Status done = work(index, step, 1, [&](const std::string& line) { folder.note(line); });
                    if (done) break;
                    EXPECT_EQ(check_error(done.error()), "");
                    EXPECT_EQ(tries, 0) << done.error().message();
                }
            }
        }
        const CrashOptions options{.seed = nth, .samples_per_point = 1, .points_max = is_full() ? 0u : 6u};
        const CrashReport report = try_crash_states(folder, options, [](CrashState& state) { return check_index(state.folder, last_told(state.notes)); });
        EXPECT_TRUE(report.good()) << "sync " << nth << " fails: " << report.text();
        states += report.states;
        if (!folder.sync_failed() || HasFailure()) break;
    }
    EXPECT_GT(states, 50u);
}

TEST(SearchFaults, SurvivesBeingKilledInTheMidstOfItsWork) {
    const symphony::testing::TempFolder top;
    std::uint64_t done = 0;
    const Worker worker = [&](int ledger) {
        const auto folder = *PosixFolder::open(top.path());
        Feeding index(*folder);
        return work(index, done + 1, UINT32_MAX, [&](const std::string& line) { acknowledge(ledger, line); }) ? 0 : 1;
    };
    const KillOptions options{.seed = 5, .rounds = kill_rounds(10), .lines_max = 30, .delay_us_max = 5000};
    const KillReport report = run_kill_loop(worker, options, [&](const std::vector<std::string>& ledger, std::size_t) -> std::string {
        const auto folder = *PosixFolder::open(top.path());
        done = last_told(ledger);
        Feeding index(*folder);
        const Left left = check_left(index, done);
        done = left.step; // the check went on with it
        return left.problem;
    });
    EXPECT_TRUE(report.good()) << report.text();
}
