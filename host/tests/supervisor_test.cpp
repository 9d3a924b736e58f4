// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include "supervisor.hpp"

#include <gmock/gmock.h>

#include <sys/wait.h>
#include <thread>

using namespace symphony;
using namespace symphony::host;
using namespace symphony::host::test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

Quarantine record(const std::string& id) {
    return {id, "word-count", "1.0.0", "ab12", "misuse", "broke \"rules\"\nand more", "line\n", 1, std::chrono::sys_seconds(std::chrono::seconds(1'790'000'000))};
}

/// Runs one call in a process of its own that may crash. @return What it wrote to stderr; `status` as from wait.
std::string crash(Rig& rig, std::uint32_t method, int& status, bool paranoid = false) {
    int pipe[2];
    if (::pipe(pipe) != 0) return "";
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(pipe[1], STDERR_FILENO);
        rig.options.handle_crashes = true;
        rig.options.paranoid = paranoid;
        rig.run();
        rig.call(method, "argument");
        ::_exit(0);
    }
    ::close(pipe[1]);
    std::string out;
    char text[512];
    for (ssize_t n = 0; (n = ::read(pipe[0], text, sizeof text)) > 0;) out.append(text, static_cast<std::size_t>(n));
    ::close(pipe[0]);
    ::waitpid(child, &status, 0);
    return out;
}

} // namespace

TEST(Quarantine, SurvivesWithEverythingItSays) {
    TemporaryFolder folder;
    const Supervisor one(folder.path());
    ASSERT_TRUE(one.quarantine(record("org.word-count")));
    const Supervisor other(folder.path());
    const auto found = other.find("org.word-count");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->message, "broke \"rules\"\nand more");
    EXPECT_EQ(found->digest, "ab12");
    EXPECT_EQ(found->time, record("").time);
    EXPECT_EQ(other.all().size(), 1u);
    EXPECT_THAT(refusal_of(*found).message(), HasSubstr("since 2026-09-21T"));
    EXPECT_EQ(refusal_of(*found).hint(), "to try it again: symphony doctor --release word-count");
    ASSERT_TRUE(one.quarantine(record("org.word-count")));
    EXPECT_EQ(other.find("org.word-count")->count, 2u) << "the count goes on";
    EXPECT_TRUE(other.release("org.word-count"));
    EXPECT_FALSE(one.find("org.word-count"));
    EXPECT_EQ(one.release("org.word-count").error().reason(), "not-quarantined");
}

TEST(Quarantine, TakesADamagedRecordSeriouslyAndABadNameNot) {
    TemporaryFolder folder;
    write_file(folder / "quarantine/org.x.toml", "id = [[[");
    const Supervisor supervisor(folder.path());
    EXPECT_EQ(supervisor.find("org.x")->reason, "unknown");
    EXPECT_FALSE(supervisor.find("../org.x"));
    EXPECT_TRUE(supervisor.quarantine(record("../evil")));
    EXPECT_FALSE(std::filesystem::exists(folder / "evil.toml"));
    EXPECT_FALSE(Supervisor({}).find("org.x")) << "without a state folder nothing is known";
}

TEST(Quarantine, IsWrittenByManyAtOnce) {
    TemporaryFolder folder;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            const Supervisor supervisor(folder.path());
            for (int n = 0; n < 5; ++n) {
                EXPECT_TRUE(supervisor.quarantine(record("org.word-count")));
                EXPECT_EQ(supervisor.find("org.word-count")->reason, "misuse") << "never half a record";
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path() / "quarantine"), {}), 1);
}

TEST(Quarantine, SaysWhenTheFolderCannotBeWritten) {
    TemporaryFolder folder;
    write_file(folder / "file", "");
    EXPECT_EQ(Supervisor(folder.path() / "file").quarantine(record("org.x")).error().reason(), "state-unwritable");
}

TEST(Crash, NamesPluginVersionMethodAndCallAndDiesOfItsSignal) {
    Rig rig;
    rig.add("probe");
    int status = 0;
    EXPECT_THAT(crash(rig, 10, status), StartsWith("error: plugin \"probe\" 1.2.3 crashed (SIGSEGV at 0x10 in method 10 of operator/1, call "));
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGSEGV);
    EXPECT_THAT(crash(rig, 21, status), StartsWith("error: plugin \"probe\" 1.2.3 crashed (SIGABRT in method 21 of operator/1, call "));
    EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

TEST(Crash, IsToldOfThreadsOfTheirOwnAndOfStacksThatEnd) {
    Rig rig;
    rig.add("probe");
    int status = 0;
    EXPECT_THAT(crash(rig, 23, status), StartsWith("error: plugin \"probe\" 1.2.3 crashed (SIGSEGV at 0x10 in a thread of its own)"));
    EXPECT_THAT(crash(rig, 25, status), HasSubstr(" in method 25 of operator/1"));
    EXPECT_EQ(WTERMSIG(status), SIGSEGV);
}

TEST(Crash, WarnsTwiceAndQuarantinesTheThirdTime) {
    Rig rig;
    rig.add("probe");
    int status = 0;
    for (int i = 0; i < 2; ++i) crash(rig, 10, status);
    rig.run();
    EXPECT_EQ(rig.call(1, "x"), "x") << "two crashes are a warning";
    EXPECT_TRUE(rig.happened(Event::Kind::crashed, "crashed"));
    rig.end();
    crash(rig, 10, status);
    rig.run();
    EXPECT_THAT(rig.call(1, "x"), StartsWith("[quarantined]"));
    EXPECT_THAT(rig.call(1, "x"), HasSubstr("crashed 3 times in ten minutes"));
    EXPECT_TRUE(Supervisor(rig.options.state_dir).recent_crashes(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())).empty());
}

TEST(Crash, LeavesNothingBehindAfterACleanEnd) {
    Rig rig;
    rig.add("probe");
    rig.options.handle_crashes = true;
    rig.run();
    EXPECT_EQ(rig.call(1, "x"), "x");
    EXPECT_FALSE(std::filesystem::is_empty(rig.options.state_dir / "crashes"));
    rig.end();
    EXPECT_TRUE(std::filesystem::is_empty(rig.options.state_dir / "crashes"));
}

TEST(Paranoid, CatchesTheWriterOfABorrowedBuffer) {
    Rig rig;
    rig.add("probe");
    int status = 0;
    EXPECT_EQ(crash(rig, 11, status), "") << "without it nobody sees";
    EXPECT_THAT(crash(rig, 11, status, true), HasSubstr("[writes-borrowed]"));
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(crash(rig, 1, status, true), "");
    EXPECT_TRUE(WIFEXITED(status));
}
