// SPDX-License-Identifier: Apache-2.0
#include "support/kill_loop.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>
#include "toy_store.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

using namespace symphony;
using namespace symphony::test_support;

namespace {

class KillLoopTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "symphony-kill-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        top_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(top_); }

    /// Puts things until it is killed. A writer that says it first is the planted fault.
    Worker writer(bool says_it_first) {
        return [this, says_it_first](int ledger) {
            const auto folder = *sqlite_files::PosixFolder::open(top_);
            const auto things = folder->list("things");
            for (std::size_t i = things ? things->size() : 0;; ++i) {
                const std::string id = std::to_string(::getpid()) + "-" + std::to_string(i);
                if (says_it_first && !acknowledge(ledger, id)) return 0;
                if (!toy_put(*folder, id, toy_text(id))) return 1;
                if (!says_it_first && !acknowledge(ledger, id)) return 0;
            }
        };
    }
    std::string check(const std::vector<std::string>& ledger) {
        const auto folder = *sqlite_files::PosixFolder::open(top_);
        for (const std::string& id : ledger) {
            if (std::string problem = toy_check(*folder, id); !problem.empty()) return problem;
        }
        return "";
    }
    std::filesystem::path top_;
};

} // namespace

TEST_F(KillLoopTest, FindsNothingInACorrectWriter) {
    const KillReport report = run_kill_loop(writer(false), {.rounds = kill_rounds(8), .lines_max = 8}, [&](const auto& ledger, std::size_t) { return check(ledger); });
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_EQ(report.killed, report.rounds) << report.text();
    EXPECT_GE(report.ledger.size(), static_cast<std::size_t>(report.rounds));
}

TEST_F(KillLoopTest, FindsAWriterThatAcknowledgesTooEarly) {
    // Many short rounds: each kill has its own chance to fall between the word and the deed.
    const KillOptions options{.rounds = 400, .lines_max = 1, .delay_us_max = 0};
    const KillReport report = run_kill_loop(writer(true), options, [&](const auto& ledger, std::size_t) { return check(ledger); });
    EXPECT_FALSE(report.good()) << report.text();
}

TEST_F(KillLoopTest, NamesAWorkerThatFailsByItself) {
    const auto nothing = [](const auto&, std::size_t) { return std::string(); };
    const KillReport fails = run_kill_loop([](int) { return 3; }, {.rounds = 1}, nothing);
    EXPECT_NE(fails.text().find("failed with status 3"), std::string::npos) << fails.text();
    const KillReport dies = run_kill_loop([](int) { return ::raise(SIGTERM); }, {.rounds = 1}, nothing);
    EXPECT_NE(dies.text().find("died of signal 15"), std::string::npos) << dies.text();
    const KillReport silent = run_kill_loop([](int) { return ::pause(); }, {.rounds = 1, .wait_ms_max = 20}, nothing);
    EXPECT_NE(silent.text().find("said nothing"), std::string::npos) << silent.text();
}

TEST_F(KillLoopTest, RunsPrograms) {
    const Worker shell = program({"/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo $i >&$SYMPHONY_LEDGER; done"});
    const KillReport report = run_kill_loop(shell, {.rounds = 2}, [](const std::vector<std::string>& ledger, std::size_t before) {
        return ledger.size() > before && ledger[before] == "1" ? std::string() : std::string("the first line is missing");
    });
    EXPECT_TRUE(report.good()) << report.text();
}
