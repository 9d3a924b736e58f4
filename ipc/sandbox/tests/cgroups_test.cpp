// SPDX-License-Identifier: Apache-2.0
#include "cgroups.hpp"
#include "process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

namespace symphony::sandbox {
namespace {

namespace fs = std::filesystem;

/// Folders with the files that the kernel would make, to see what is written to them.
class Tree : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "symphony-cgroups-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        root_ = name;
    }
    void TearDown() override { fs::remove_all(root_); }
    void file(const fs::path& path, const std::string& text = "") {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    std::string text(const fs::path& path) { return read_file((root_ / path).c_str()); }
    fs::path root_;
};

TEST_F(Tree, HybridFoldersAreFoundFromWhatTheKernelSays) {
    const auto folders = Cgroups::find("9:name=systemd:/\n8:pids:/a\n4:memory:/a/b c\n2:cpu,cpuacct:/a\n0::/u\n",
                                       "31 25 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
                                       "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
                                       "33 25 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                                       "34 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
                                       "35 25 0:31 / /proc rw - proc proc rw\n");
    EXPECT_EQ(folders.v1_memory, "/sys/fs/cgroup/memory/a/b c");
    EXPECT_EQ(folders.v1_cpu, "/sys/fs/cgroup/cpu,cpuacct/a");
    EXPECT_EQ(folders.v1_pids, "/sys/fs/cgroup/pids/a");
    EXPECT_EQ(folders.v2, "/sys/fs/cgroup/unified/u");
}

TEST_F(Tree, AContainersPartOfAHierarchyIsFound) {
    const auto folders = Cgroups::find("0::/docker/abc/x\n", "34 25 0:30 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    EXPECT_EQ(folders.v2, "/sys/fs/cgroup/x");
    EXPECT_TRUE(folders.v1_memory.empty());
}

/// The kernel makes a group's files with its folder; here they are laid out first, where the launcher's folder will be.
class V2 : public Tree {
protected:
    void SetUp() override {
        Tree::SetUp();
        const std::string own = "user/symphony." + std::to_string(::getpid()) + "." + std::to_string(start_time(::getpid()));
        file("user/cgroup.procs");
        file("user/cgroup.controllers", "cpu memory pids\n");
        file("user/cgroup.subtree_control", "memory pids cpu\n");
        file("user/scope/cgroup.procs");
        file("user/scope/cgroup.controllers", "");
        file(own + "/cgroup.subtree_control");
        box_ = own + "/7";
        for (const char* const name : {"memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max", "cgroup.procs", "cgroup.kill"}) file(box_ / name);
        file(box_ / "memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\n");
        own_ = own;
    }
    fs::path own_, box_;
};

TEST_F(V2, LimitsAreWrittenWhereTheKernelReadsThem) {
    Cgroups groups({.v1_memory = {}, .v1_cpu = {}, .v1_pids = {}, .v2 = root_ / "user/scope"}, ::getpid());
    ASSERT_EQ(groups.backend(), "cgroup v2") << groups.why_not();
    EXPECT_TRUE(groups.memory() && groups.cpu() && groups.threads());
    EXPECT_EQ(text(own_ / "cgroup.subtree_control"), "+memory +pids +cpu");
    Limits limits;
    limits.memory_bytes = 64 << 20;
    limits.cpu_percent = 150;
    ASSERT_EQ(groups.make(7), 0);
    ASSERT_EQ(groups.limit(7, limits, 13), 0);
    EXPECT_EQ(text(box_ / "memory.max"), "67108864");
    EXPECT_EQ(text(box_ / "memory.swap.max"), "0");
    EXPECT_EQ(text(box_ / "memory.oom.group"), "1");
    EXPECT_EQ(text(box_ / "cpu.max"), "30000 20000");
    EXPECT_EQ(text(box_ / "pids.max"), "13");
    EXPECT_EQ(groups.enter(7, 4711), 0);
    EXPECT_EQ(text(box_ / "cgroup.procs"), "4711");
    EXPECT_EQ(groups.oom_kills(7), 3u);
    groups.kill(7);
    EXPECT_EQ(text(box_ / "cgroup.kill"), "1");
}

TEST_F(Tree, WithoutAnyTheReasonIsTold) {
    EXPECT_EQ(Cgroups({}, ::getpid()).why_not(), "no control groups are mounted");
    file("memory/cgroup.procs");
    const Cgroups groups({.v1_memory = root_ / "absent", .v1_cpu = {}, .v1_pids = {}, .v2 = {}}, ::getpid());
    EXPECT_EQ(groups.backend(), "");
    EXPECT_EQ(groups.why_not(), "no control group that this user may write to");
}

TEST_F(Tree, WhoIsLeftOfADeadLauncherIsEnded) {
    const pid_t left = ::fork();
    if (left == 0) {
        for (;;) ::pause();
    }
    file("memory/symphony.999999999.5/3/cgroup.procs", std::to_string(left) + "\n");
    EXPECT_FALSE(Cgroups::remove_stale({.v1_memory = root_ / "memory", .v1_cpu = {}, .v1_pids = {}, .v2 = {}}));
    int status = 0;
    ASSERT_EQ(::waitpid(left, &status, 0), left);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(Tree, WhatIsOfALauncherInAnotherNamespaceIsLeftAlone) {
    const pid_t its = ::fork();
    if (its == 0) {
        for (;;) ::pause();
    }
    // We are that launcher, under a number that is not ours here.
    file("memory/symphony.999999999." + std::to_string(start_time(::getpid())) + "/3/cgroup.procs", std::to_string(its) + "\n");
    EXPECT_TRUE(Cgroups::remove_stale({.v1_memory = root_ / "memory", .v1_cpu = {}, .v1_pids = {}, .v2 = {}}));
    EXPECT_EQ(::waitpid(its, nullptr, WNOHANG), 0) << "it lives";
    ::kill(its, SIGKILL);
    ::waitpid(its, nullptr, 0);
}

TEST_F(Tree, LeftoversOfDeadLaunchersAreRemovedAndTheLivingOnesStay) {
    const std::string living = "symphony." + std::to_string(::getppid()) + "." + std::to_string(start_time(::getppid()));
    // The number is alive, but it is another process by now.
    const std::string reused = "symphony." + std::to_string(::getppid()) + ".1";
    for (const std::string& leaf : {living, reused, std::string("symphony.999999999.5")}) fs::create_directories(root_ / "memory" / leaf / "3");
    fs::create_directories(root_ / "memory/somebody");
    fs::create_directories(root_ / "memory/symphony.notes");
    EXPECT_TRUE(Cgroups::remove_stale({.v1_memory = root_ / "memory", .v1_cpu = {}, .v1_pids = {}, .v2 = {}}));
    EXPECT_TRUE(fs::exists(root_ / "memory" / living / "3"));
    EXPECT_FALSE(fs::exists(root_ / "memory" / reused));
    EXPECT_FALSE(fs::exists(root_ / "memory/symphony.999999999.5"));
    EXPECT_TRUE(fs::exists(root_ / "memory/somebody"));
    EXPECT_TRUE(fs::exists(root_ / "memory/symphony.notes"));
}

} // namespace
} // namespace symphony::sandbox
