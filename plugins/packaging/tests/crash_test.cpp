// SPDX-License-Identifier: Apache-2.0
// A process that is killed, or a disk that is full, at each step of installing, updating, going back and collecting.
#include "rig.hpp"

#include <symphony/packaging/change.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <set>

#include <sys/wait.h>
#include <unistd.h>

namespace symphony::packaging {
namespace {

namespace fs = std::filesystem;
using rig::Plugin;
using rig::TempFolder;
using namespace std::chrono_literals;

const std::string key = SecretKey::generate()->public_key().text();

std::string package_of(const std::string& version) {
    Plugin plugin;
    plugin.version = version;
    plugin.library = "library of " + version;
    plugin.more = "[package]\ninclude = [\"data\"]\n";
    plugin.files = {{"data/deep/a.txt", version}, {"data/b.txt", "b"}};
    return plugin.packed().bytes;
}

const std::string first_package = package_of("1.0.0"), second_package = package_of("2.0.0");

Status install(const fs::path& folder, const std::string& package, const Disk& disk) {
    auto change = SYMPHONY_TRY(Change::begin(folder, 0ms, {}, disk));
    const auto info = SYMPHONY_TRY(change.store().add(package));
    change.profile().put({info.id(), info.version(), info.digest, "*", key, "a test", ""});
    SYMPHONY_TRY(change.commit("install " + info.version()));
    return {};
}

Status go_back(const fs::path& folder, const Disk& disk) {
    const auto change = SYMPHONY_TRY(Change::begin(folder, 0ms, {}, disk));
    return change.generations().switch_to(change.profile().previous);
}

Status tidy_up(const fs::path& folder, const Disk& disk) {
    const auto change = SYMPHONY_TRY(Change::begin(folder, 0ms, {}, disk));
    SYMPHONY_TRY(collect(change.generations(), change.store(), 1));
    return {};
}

using Work = std::function<Status(const fs::path& folder, const Disk& disk)>;

/// The version that a host would find; "" for none. Whatever it finds must be whole.
std::string found_in(const fs::path& folder) {
    const Generations generations(folder);
    const Store store(folder);
    const auto number = generations.current();
    EXPECT_TRUE(number) << number.error().message();
    const auto profile = generations.read(*number);
    EXPECT_TRUE(profile) << profile.error().message();
    const auto wrong = generations.check(*number, store);
    EXPECT_TRUE(wrong && wrong->empty()) << (wrong ? wrong->front() : wrong.error().message());
    const auto numbers = generations.numbers();
    for (const auto number_there : *numbers) EXPECT_TRUE(generations.read(number_there)) << number_there;
    const auto digests = store.digests();
    for (const auto& digest : *digests) {
        const auto damage = store.verify(digest);
        EXPECT_TRUE(damage && damage->empty()) << digest << " is in the store and not whole";
    }
    return profile->packages.empty() ? std::string() : profile->packages[0].version;
}

/// Runs in a process of its own that dies by SIGKILL before step `at`. @return Whether it came to its end before.
bool survives(const Work& work, const fs::path& folder, std::size_t at) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::size_t step = 0;
        const Disk disk([&](std::string_view, const fs::path&) -> Status {
            if (step++ == at) ::raise(SIGKILL);
            return {};
        });
        ::_exit(work(folder, disk) ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) return false;
    EXPECT_EQ(WEXITSTATUS(status), 0) << "it failed without being killed";
    return true;
}

/// @param begin  Makes what was there before. @param before, after  The versions that may be found, and nothing between.
void expect_whole_at_each_step(const Work& begin, const Work& work, const std::string& before, const std::string& after) {
    std::set<std::string> seen;
    std::size_t steps = 0;
    for (bool done = false; !done; ++steps) {
        SCOPED_TRACE("step " + std::to_string(steps));
        const TempFolder folder;
        ASSERT_TRUE(begin(folder.path(), Disk()));
        done = survives(work, folder.path(), steps);
        const auto found = found_in(folder.path());
        EXPECT_TRUE(found == before || found == after) << found;
        seen.insert(found);
        const auto again = work(folder.path(), Disk());
        ASSERT_TRUE(again || found == after) << again.error().message();
        EXPECT_EQ(found_in(folder.path()), after) << "the next try does what was asked for";
        ASSERT_LT(steps, 500u);
        if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(steps, 3u);
    EXPECT_EQ(seen, (std::set<std::string>{before, after})) << "killed early and late";
}

/// The same with a disk that is full from step `at` on.
void expect_whole_on_a_full_disk(const Work& begin, const Work& work, const std::string& before, const std::string& after) {
    bool done = false;
    for (std::size_t at = 0; !done; ++at) {
        SCOPED_TRACE("full at step " + std::to_string(at));
        const TempFolder folder;
        ASSERT_TRUE(begin(folder.path(), Disk()));
        std::size_t step = 0;
        const Disk full([&](std::string_view what, const fs::path& path) -> Status {
            const bool takes_room = what == "write-file" || what == "make-folder" || what == "link" || what == "sync-file";
            if (step++ >= at && takes_room) return disk_error("cannot write", path, ENOSPC);
            return {};
        });
        const auto status = work(folder.path(), full);
        done = static_cast<bool>(status);
        const auto found = found_in(folder.path());
        EXPECT_TRUE(found == before || found == after) << found;
        if (!status) {
            EXPECT_EQ(status.error().reason(), "disk-full") << status.error().message();
            EXPECT_FALSE(status.error().hint().empty());
            ASSERT_TRUE(work(folder.path(), Disk()));
            EXPECT_EQ(found_in(folder.path()), after);
        }
        ASSERT_LT(at, 500u);
        if (::testing::Test::HasFailure()) return;
    }
}

const Work nothing = [](const fs::path&, const Disk&) { return Status(); };
const Work first = [](const fs::path& folder, const Disk& disk) { return install(folder, first_package, disk); };
const Work second = [](const fs::path& folder, const Disk& disk) { return install(folder, second_package, disk); };
const Work both = [](const fs::path& folder, const Disk& disk) -> Status {
    SYMPHONY_TRY(install(folder, first_package, disk));
    return install(folder, second_package, disk);
};

TEST(Killed, AnInstallIsWholeOrNotThere) { expect_whole_at_each_step(nothing, first, "", "1.0.0"); }
TEST(Killed, AnUpdateIsTheOldOrTheNew) { expect_whole_at_each_step(first, second, "1.0.0", "2.0.0"); }

TEST(Killed, GoingBackIsTheNewOrTheOld) {
    const Work back = [](const fs::path& folder, const Disk& disk) { return Generations(folder).current().value_or(0) == 1 ? Status() : go_back(folder, disk); };
    expect_whole_at_each_step(both, back, "2.0.0", "1.0.0");
}

TEST(Killed, CollectingLosesNothingThatIsNeeded) {
    std::size_t steps = 0;
    for (bool done = false; !done; ++steps) {
        SCOPED_TRACE("step " + std::to_string(steps));
        const TempFolder folder;
        ASSERT_TRUE(both(folder.path(), Disk()));
        done = survives(tidy_up, folder.path(), steps);
        EXPECT_EQ(found_in(folder.path()), "2.0.0");
        ASSERT_TRUE(tidy_up(folder.path(), Disk()));
        EXPECT_EQ(found_in(folder.path()), "2.0.0");
        EXPECT_EQ(Store(folder.path()).digests()->size(), 1u);
        EXPECT_EQ(std::distance(fs::directory_iterator(folder.path() / "store"), fs::directory_iterator()), 1) << "nothing lies about";
        ASSERT_LT(steps, 500u);
        if (HasFailure()) return;
    }
    EXPECT_GT(steps, 10u);
}

TEST(FullDisk, AnInstallIsWholeOrNotThere) { expect_whole_on_a_full_disk(nothing, first, "", "1.0.0"); }
TEST(FullDisk, AnUpdateIsTheOldOrTheNew) { expect_whole_on_a_full_disk(first, second, "1.0.0", "2.0.0"); }

} // namespace
} // namespace symphony::packaging
