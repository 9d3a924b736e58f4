// SPDX-License-Identifier: Apache-2.0
// Every provider of search/1 that is built, as a host runs it, when it is killed, when the power goes, and when the disk is full or fails:
// what is there afterwards is what a commit left, or says that it is damaged and can be made anew. SYMPHONY_KILL_ROUNDS=500 and
// SYMPHONY_FAULTS=full make it long.
#include "provider.hpp"

#include "feed_model.hpp"

#include "support/fuse_mount.hpp"
#include "support/kill_loop.hpp"

#include <symphony/testing.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

using namespace symphony;
using namespace symphony::search;
using namespace symphony::test_support;
using symphony::search_tests::Provider;

namespace {

std::unique_ptr<Provider> start(const std::string& plugin, const std::filesystem::path& folder) {
    auto provider = Provider::start(plugin, folder);
    if (!provider) std::fprintf(stderr, "%s: %s\n", plugin.c_str(), provider.error().message().c_str());
    return provider ? std::move(*provider) : nullptr;
}

/// Runs `look` in a process of its own, because it starts threads and a worker is a fork. @return What it says, or how it ended.
std::string in_a_process(const std::function<std::string()>& look) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        const std::string said = look();
        for (std::size_t at = 0; at < said.size();) {
            const ssize_t n = ::write(ends[1], said.data() + at, said.size() - at);
            if (n <= 0) break;
            at += static_cast<std::size_t>(n);
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], bytes, sizeof bytes)) != 0;) {
        if (n > 0) said.append(bytes, static_cast<std::size_t>(n));
        else if (errno != EINTR) break;
    }
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? said : "the process that looks died: " + std::to_string(status);
}

/// Looks at what a crash left. @param step  What was acknowledged; then where the check went on to.
/// @param rebuilt  Counts those that said that they are damaged.
std::string check(const std::string& plugin, const std::filesystem::path& folder, std::uint64_t& step, std::size_t& rebuilt) {
    const std::string said = in_a_process([&]() -> std::string {
        const auto provider = start(plugin, folder);
        if (!provider) return "cannot be started";
        const Left left = check_left(*provider, step, true);
        return (left.rebuilt ? "r" : "i") + std::to_string(left.step) + " " + left.problem;
    });
    const std::size_t blank = said.find(' ');
    if (blank == std::string::npos) return said;
    rebuilt += said[0] == 'r' ? 1 : 0;
    step = std::stoull(said.substr(1, blank - 1));
    return said.substr(blank + 1);
}

class SearchCrash : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (!std::filesystem::exists(std::filesystem::path(SYMPHONY_SEARCH_PLUGINS) / plugin_ / "manifest.toml")) GTEST_SKIP() << plugin_ << " is not built here";
    }
    Worker worker(const std::filesystem::path& folder) {
        return [this, folder](int ledger) {
            const auto provider = start(plugin_, folder);
            if (!provider) return 1;
            const Status done = work(*provider, step_ + 1, UINT32_MAX, [&](const std::string& line) { acknowledge(ledger, line); });
            std::fprintf(stderr, "%s\n", done ? "" : done.error().message().c_str());
            return 2;
        };
    }

    const std::string plugin_ = GetParam();
    std::uint64_t step_ = 0; ///< acknowledged
    std::size_t rebuilt_ = 0;
};

INSTANTIATE_TEST_SUITE_P(All, SearchCrash, ::testing::Values("search-fts", "search-tantivy"),
                         [](const auto& test) { return std::string(std::string_view(test.param).substr(std::string_view("search-").size())); });

} // namespace

TEST_P(SearchCrash, SurvivesBeingKilledInTheMidstOfItsWork) {
    const symphony::testing::TempFolder folder;
    const KillOptions options{.seed = 11, .rounds = kill_rounds(6), .lines_max = 12, .delay_us_max = 20'000};
    const KillReport report = run_kill_loop(worker(folder.path()), options, [&](const std::vector<std::string>& ledger, std::size_t) {
        step_ = std::max(step_, last_told(ledger));
        return check(plugin_, folder.path(), step_, rebuilt_);
    });
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_EQ(rebuilt_, 0u) << "a kill damages nothing";
}

TEST_P(SearchCrash, IsWhatACommitLeftWhenThePowerGoes) {
    auto mount = ForgetfulMount::start();
    if (!mount && mount.error().code() == Code::unsupported) GTEST_SKIP() << mount.error().message();
    ASSERT_TRUE(mount) << mount.error().message();
    const KillOptions options{.seed = 12, .rounds = kill_rounds(6), .lines_max = 12, .delay_us_max = 20'000};
    const KillReport report = run_kill_loop(worker((*mount)->path()), options, [&](const std::vector<std::string>& ledger, std::size_t) -> std::string {
        step_ = std::max(step_, last_told(ledger));
        if (const Status forgot = (*mount)->command("forget"); !forgot) return forgot.error().message();
        return check(plugin_, (*mount)->path(), step_, rebuilt_);
    });
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_EQ(rebuilt_, 0u) << "what was acknowledged was on the disk";
}

TEST_P(SearchCrash, SaysThatTheDiskIsFullOrFailsAndGoesOnBehindIt) {
    auto mount = ForgetfulMount::start();
    if (!mount && mount.error().code() == Code::unsupported) GTEST_SKIP() << mount.error().message();
    ASSERT_TRUE(mount) << mount.error().message();
    std::vector<std::string> rules;
    const char* wish = std::getenv("SYMPHONY_FAULTS");
    const bool is_full = wish != nullptr && std::string_view(wish) == "full";
    for (const char* nth : {"1", "4", "9", "2", "3", "5", "7", "12", "16", "25"}) {
        if (!is_full && rules.size() >= 18) break;
        for (const char* rule : {"write NTH ENOSPC *", "fsync NTH EIO *", "write NTH EIO *", "create NTH ENOSPC *", "rename NTH EIO *", "fsyncdir NTH EIO *"}) {
            std::string text = std::string("fail ") + rule;
            rules.push_back(text.replace(text.find("NTH"), 3, nth));
        }
    }
    std::size_t refusals = 0;
    for (const std::string& rule : rules) {
        SCOPED_TRACE(rule);
        const std::string said = in_a_process([&]() -> std::string {
            const auto provider = start(plugin_, (*mount)->path());
            if (!provider || !provider->status()) return "cannot be started";
            if (!(*mount)->command(rule)) return "no such rule";
            std::uint64_t step = step_;
            bool refused = false;
            for (; step < step_ + 4 && !refused; ++step) {
                const Status done = do_step(*provider, step + 1);
                if (done) continue;
                refused = true;
                if (done.error().reason() != "index-full" && done.error().code() != Code::io) return "a wrong error: " + std::string(done.error().reason()) + ": " + done.error().message();
                if (!(*mount)->command("well")) return "no such rule";
                // The disk is well again, and the feeder tries again.
                if (const Status again = do_step(*provider, step + 1); !again) return "tried again: " + std::string(again.error().reason()) + ": " + again.error().message();
            }
            static_cast<void>((*mount)->command("well"));
            if (const std::string problem = compare(*provider, after(step), step); !problem.empty()) return problem;
            return (refused ? "ok refused " : "ok ") + std::to_string(step);
        });
        ASSERT_EQ(said.substr(0, 2), "ok") << said;
        refusals += said.find("refused") != std::string::npos ? 1 : 0;
        step_ = std::stoull(said.substr(said.rfind(' ')));
        ASSERT_TRUE((*mount)->command("forget"));
        ASSERT_EQ(check(plugin_, (*mount)->path(), step_, rebuilt_), "");
    }
    EXPECT_GT(refusals, rules.size() / 4);
    EXPECT_EQ(rebuilt_, 0u);
}
