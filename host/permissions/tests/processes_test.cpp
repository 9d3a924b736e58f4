// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <spawn.h>
#include <sys/wait.h>

extern char** environ; // NOLINT: POSIX names it so

namespace symphony::permissions {
namespace {

using namespace test;

pid_t start(const std::filesystem::path& folder, const char* what, const char* argument = "") {
    const std::string state = folder.string();
    const char* words[] = {SYMPHONY_PERMISSIONS_CHILD, state.c_str(), what, argument, nullptr};
    pid_t child = -1;
    EXPECT_EQ(::posix_spawn(&child, words[0], nullptr, nullptr, const_cast<char* const*>(words), environ), 0);
    return child;
}

int finish(pid_t child) {
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST(Processes, AppendToOneChain) {
    const Folder folder;
    std::vector<pid_t> children;
    for (int i = 0; i < 3; ++i) children.push_back(start(folder, "append", "100"));
    for (const auto child : children) EXPECT_EQ(finish(child), 0);
    const Audit audit({folder, 64, 1000, {}});
    const auto verified = audit.verify();
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->damage, Verification::Damage::none) << verified->text;
    EXPECT_EQ(verified->rows, 300);
}

TEST(Processes, ShareAGrantThatIsForOneUse) {
    for (int round = 0; round < 3; ++round) {
        const Folder folder;
        const Subject plugin = subject("file_access = [\"read:workspace\"]\nnetwork_access = [\"a.example\"]");
        Permissions permissions(options(folder));
        ASSERT_TRUE(permissions.grant(plugin, right("read:workspace"), Scope::once));
        std::vector<pid_t> children;
        for (int i = 0; i < 4; ++i) children.push_back(start(folder, "check", "read:workspace/a"));
        int allowed = 0;
        for (const auto child : children) allowed += finish(child) == 0;
        EXPECT_EQ(allowed, 1);
    }
}

TEST(Processes, HearOfEachOthersGrants) {
    const Folder folder;
    const Subject plugin = subject("file_access = [\"read:workspace\"]\nnetwork_access = [\"a.example\"]");
    Permissions::Options made;
    made.state_dir = folder;
    Permissions permissions(std::move(made));
    std::mutex mutex;
    std::condition_variable changed;
    int told = 0;
    std::chrono::steady_clock::time_point when;
    const auto id = permissions.on_change([&] {
        const std::lock_guard lock(mutex);
        ++told;
        when = std::chrono::steady_clock::now();
        changed.notify_all();
    });
    const auto wait_for = [&](int count) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, std::chrono::seconds(20), [&] { return told >= count; });
    };
    EXPECT_FALSE(permissions.check(plugin, right("network:a.example:443")).allowed);
    EXPECT_EQ(finish(start(folder, "grant", "network:a.example")), 0);
    ASSERT_TRUE(wait_for(1));
    EXPECT_TRUE(permissions.check(plugin, right("network:a.example:443")).allowed);
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(finish(start(folder, "revoke")), 0);
    ASSERT_TRUE(wait_for(2));
    EXPECT_FALSE(permissions.check(plugin, right("network:a.example:443")).allowed);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(when - begun).count();
    RecordProperty("revoked_after_ms_with_the_process_that_did", static_cast<int>(ms));
    permissions.remove_on_change(id);
}

TEST(Processes, EndAGrantWhenItsTimeHasCome) {
    const Folder folder;
    const Subject plugin = subject("network_access = [\"a.example\"]");
    Permissions::Options made;
    made.state_dir = folder;
    Permissions permissions(std::move(made));
    std::mutex mutex;
    std::condition_variable changed;
    int told = 0;
    permissions.on_change([&] {
        const std::lock_guard lock(mutex);
        ++told;
        changed.notify_all();
    });
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    ASSERT_TRUE(permissions.grant(plugin, right("network:a.example"), Scope::until, now + 300));
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return told >= 2; })) << "nobody was told that it ended";
    lock.unlock();
    EXPECT_FALSE(permissions.check(plugin, right("network:a.example:443")).allowed);
}

} // namespace
} // namespace symphony::permissions
