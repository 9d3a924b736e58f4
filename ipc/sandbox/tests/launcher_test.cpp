// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <csignal>
#include <filesystem>
#include <optional>
#include <random>
#include <set>

namespace symphony::sandbox::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace fs = std::filesystem;

/// The machine's processes whose parent, or parent's parent, is `root`, and itself.
std::set<pid_t> tree_of(pid_t root) {
    std::set<pid_t> tree{root};
    for (bool grown = true; grown;) {
        grown = false;
        std::error_code failed;
        for (const auto& entry : fs::directory_iterator("/proc", failed)) {
            const pid_t pid = static_cast<pid_t>(std::atol(entry.path().filename().c_str()));
            if (pid <= 0 || tree.count(pid) != 0) continue;
            const std::string stat = read_file((entry.path() / "stat").c_str());
            const auto end = stat.rfind(')');
            if (end == std::string::npos) continue;
            const pid_t parent = static_cast<pid_t>(std::atol(stat.c_str() + end + 4));
            if (tree.count(parent) != 0) grown = tree.insert(pid).second || grown;
        }
    }
    return tree;
}

std::size_t open_descriptors(pid_t pid) {
    std::error_code failed;
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", failed)) count += entry.exists() || entry.is_symlink() ? 1 : 0;
    return count;
}

/// Control groups that a launcher made for its sandboxes.
std::size_t groups_of(pid_t launcher) {
    const std::string leaf = "symphony." + std::to_string(launcher) + ".";
    std::size_t count = 0;
    std::error_code failed;
    for (auto at = fs::recursive_directory_iterator("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, failed);
         !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
        if (at->is_directory(failed) && at->path().parent_path().filename().string().starts_with(leaf)) ++count;
    }
    return count;
}

/// Waits until `done` or patience ends; for what the kernel finishes after it has told.
bool soon(const std::function<bool()>& done) {
    for (int i = 0; i < patience_ms; i += 5) {
        if (done()) return true;
        ::poll(nullptr, 0, 5);
    }
    return done();
}

bool alive(pid_t pid) { return ::kill(pid, 0) == 0; }

class LauncherAs : public ::testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(As, LauncherAs, ::testing::Values(As::root, As::nobody),
                         [](const auto& test) { return std::string(test.param == As::root ? "Root" : "Nobody"); });

TEST_P(LauncherAs, EachEndIsToldWithItsCause) {
    as(GetParam(), [] {
        Rig rig;
        const struct {
            const char* request;
            Death::How how;
            std::int64_t number;
            const char* text;
        } cases[] = {
            {"exit 7", Death::exited, 7, "exited with status 7"},
            {"exit 0", Death::exited, 0, "exited with status 0"},
            {"abort", Death::signalled, SIGABRT, "ended by signal 6 (aborted)"},
            {"crash", Death::signalled, SIGSEGV, "ended by signal 11 (segmentation fault)"},
        };
        for (const std::uint32_t off : {0u, std::uint32_t{layer_namespaces}}) {
            for (const auto& end : cases) {
                SCOPED_TRACE(std::string(end.request) + " without layers " + std::to_string(off));
                Spec spec;
                spec.tag = 4711;
                spec.layers_off = off;
                const auto probe = rig.probe(spec);
                ASSERT_TRUE(probe);
                EXPECT_FALSE(probe->is_dead());
                probe->send(end.request);
                const Death death = rig.deaths.of(probe->id());
                EXPECT_TRUE(probe->is_dead());
                EXPECT_EQ(death.how, end.how);
                EXPECT_EQ(death.number, end.number);
                EXPECT_EQ(death.text, end.text);
                EXPECT_EQ(death.tag, 4711u);
                EXPECT_EQ(death.pid, probe->started().pid);
            }
        }
    });
}

TEST_P(LauncherAs, KillEndsItAndItsInit) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        EXPECT_TRUE(soon([&] { return tree_of(rig.launcher->pid()).size() == 4; })) << "launcher, init, runner, and the next init in stock";
        EXPECT_EQ(tree_of(rig.launcher->pid()).count(probe->started().pid), 1u);
        rig.launcher->kill(probe->id());
        const Death death = rig.deaths.of(probe->id());
        EXPECT_EQ(death.how, Death::killed);
        EXPECT_TRUE(probe->is_dead());
        EXPECT_EQ(tree_of(rig.launcher->pid()).size(), 2u);
        rig.launcher->kill(probe->id());
        rig.launcher->kill(999);
    });
}

TEST_P(LauncherAs, ASignalFromOutsideIsNamed) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        ::kill(probe->started().pid, SIGKILL);
        const Death death = rig.deaths.of(probe->id());
        EXPECT_EQ(death.how, Death::signalled);
        EXPECT_EQ(death.number, SIGKILL);
    });
}

TEST_P(LauncherAs, AStoppedInitHidesNoDeath) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        for (const pid_t pid : tree_of(rig.launcher->pid())) {
            if (pid != rig.launcher->pid() && pid != probe->started().pid) ::kill(pid, SIGSTOP);
        }
        ::kill(probe->started().pid, SIGSEGV);
        EXPECT_TRUE(probe->is_dead(patience_ms));
        rig.deaths.of(probe->id());
        EXPECT_TRUE(soon([&] { return tree_of(rig.launcher->pid()).size() == 2; }));
    });
}

TEST_P(LauncherAs, AStoppedPluginIsKilledToo) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        ::kill(probe->started().pid, SIGSTOP);
        rig.launcher->kill(probe->id());
        EXPECT_EQ(rig.deaths.of(probe->id()).how, Death::killed);
    });
}

TEST_P(LauncherAs, AProcessStoppedBeforeItIsConfinedIsReplaced) {
    as(GetParam(), [] {
        Rig rig;
        // The next init in stock.
        ASSERT_TRUE(soon([&] { return tree_of(rig.launcher->pid()).size() == 2; }));
        for (const pid_t pid : tree_of(rig.launcher->pid())) {
            if (pid != rig.launcher->pid()) ::kill(pid, SIGSTOP);
        }
        Fd control;
        const auto refused = rig.try_launch({}, control);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason(), "sandbox-failed");
        EXPECT_THAT(refused.error().message(), HasSubstr("was stopped from outside"));
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        EXPECT_TRUE(soon([&] { return tree_of(rig.launcher->pid()).size() == 4; })) << "launcher, init, runner, and the next init in stock";
    });
}

TEST_P(LauncherAs, NothingIsLeftOfTwoHundredPlugins) {
    as(GetParam(), [] {
        Rig rig;
        { ASSERT_TRUE(rig.probe()); }
        // The launcher, and the next init in stock with a group in each hierarchy.
        const auto at_rest = [&] { return tree_of(rig.launcher->pid()).size() == 2 && groups_of(rig.launcher->pid()) <= 4; };
        ASSERT_TRUE(soon([&] { return rig.deaths.count() == 1 && at_rest(); }));
        // Perhaps one or two more than later: it may be about to close what the first plugin had.
        const std::size_t groups = groups_of(rig.launcher->pid());
        const std::size_t own = open_descriptors(::getpid()), theirs = open_descriptors(rig.launcher->pid());
        const std::size_t mounts = read_file("/proc/self/mountinfo").size();
        std::mt19937 random(20261124);
        constexpr std::size_t launches = 200;
        for (std::size_t i = 0; i < launches; ++i) {
            SCOPED_TRACE(i);
            const auto probe = rig.probe();
            ASSERT_TRUE(probe);
            switch (random() % 5) {
            case 0: rig.launcher->kill(probe->id()); break;
            case 1: ::kill(probe->started().pid, SIGKILL); break;
            case 2: probe->send("abort"); break;
            case 3: probe->send("exit 3"); break;
            // Its end of the channel is closed by the destructor.
            default: break;
            }
            if (i % 5 == 4) probe->ask("work");
        }
        EXPECT_TRUE(soon([&] { return rig.deaths.count() == launches + 1; })) << rig.deaths.count();
        EXPECT_TRUE(soon(at_rest)) << tree_of(rig.launcher->pid()).size() << " processes";
        EXPECT_TRUE(soon([&] { return groups_of(rig.launcher->pid()) <= groups; })) << groups_of(rig.launcher->pid()) << " were " << groups;
        EXPECT_TRUE(soon([&] { return open_descriptors(rig.launcher->pid()) <= theirs; })) << open_descriptors(rig.launcher->pid()) << " were " << theirs;
        EXPECT_EQ(open_descriptors(::getpid()), own);
        EXPECT_EQ(read_file("/proc/self/mountinfo").size(), mounts);
    });
}

TEST_P(LauncherAs, ManyAtOnceAreServedTogether) {
    as(GetParam(), [] {
        Rig rig;
        std::vector<std::thread> threads;
        std::atomic<int> good = 0;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                for (int round = 0; round < 5; ++round) {
                    const auto probe = rig.probe();
                    if (probe && probe->ask("work") == "ok") ++good;
                }
            });
        }
        for (auto& thread : threads) thread.join();
        EXPECT_EQ(good, 40);
    });
}

TEST_P(LauncherAs, AKilledLauncherTakesItsPluginsAlongAndIsStartedAnew) {
    as(GetParam(), [] {
        for (const std::uint32_t off : {0u, std::uint32_t{layer_namespaces}}) {
            SCOPED_TRACE(off);
            Rig rig;
            Spec spec;
            spec.layers_off = off;
            const auto one = rig.probe(spec), two = rig.probe(spec);
            ASSERT_TRUE(one && two);
            const pid_t old = rig.launcher->pid();
            ::kill(old, SIGKILL);
            for (const auto* probe : {one.get(), two.get()}) {
                EXPECT_EQ(rig.deaths.of(probe->id()).how, Death::launcher_died);
                EXPECT_TRUE(probe->is_dead(patience_ms));
            }
            const auto three = rig.probe(spec);
            ASSERT_TRUE(three);
            EXPECT_EQ(three->ask("work"), "ok");
            EXPECT_NE(rig.launcher->pid(), old);
            EXPECT_TRUE(soon([&] { return groups_of(old) == 0; })) << "left-over control groups are removed by the next launcher";
        }
    });
}

TEST_P(LauncherAs, NothingOutlivesAKilledHost) {
    as(GetParam(), [] {
        int told[2];
        ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
        const pid_t host = ::fork();
        ASSERT_GE(host, 0);
        if (host == 0) {
            Rig rig;
            Spec alone;
            alone.layers_off = layer_namespaces;
            const auto one = rig.probe(), two = rig.probe(alone);
            const std::array<pid_t, 3> pids{rig.launcher->pid(), one ? one->started().pid : 0, two ? two->started().pid : 0};
            if (::write(told[1], pids.data(), sizeof pids) != sizeof pids) ::_exit(1);
            ::raise(SIGKILL);
        }
        ::close(told[1]);
        std::array<pid_t, 3> pids{};
        ASSERT_EQ(::read(told[0], pids.data(), sizeof pids), static_cast<ssize_t>(sizeof pids));
        ::close(told[0]);
        ::waitpid(host, nullptr, 0);
        for (const pid_t pid : pids) {
            ASSERT_GT(pid, 0);
            EXPECT_TRUE(soon([&] { return !alive(pid) || read_file(("/proc/" + std::to_string(pid) + "/status").c_str()).find("State:\tZ") != std::string::npos; })) << pid;
        }
        EXPECT_TRUE(soon([&] { return groups_of(pids[0]) == 0; }));
    });
}

TEST_P(LauncherAs, AStoppedLauncherDoesNotHoldAKillUp) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        ::kill(rig.launcher->pid(), SIGSTOP);
        rig.launcher->kill(probe->id());
        EXPECT_TRUE(probe->is_dead(patience_ms));
        ::kill(rig.launcher->pid(), SIGCONT);
        EXPECT_EQ(rig.deaths.of(probe->id()).how, Death::killed);
    });
}

TEST_P(LauncherAs, DeathsMayBeAnsweredWithALaunch) {
    as(GetParam(), [] {
        std::unique_ptr<Launcher> launcher;
        std::atomic<int> restarts = 0;
        std::vector<Started> kept;
        std::vector<Fd> controls;
        Deaths deaths;
        const auto launch = [&] {
            int pair[2];
            EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
            controls.emplace_back(pair[0]);
            const Fd theirs(pair[1]);
            const Fd image = sealed_copy(SANDBOX_PROBE);
            Spec spec;
            spec.name = "again";
            spec.version = "1";
            spec.image_fd = image.get();
            spec.control_fd = theirs.get();
            return launcher->launch(spec);
        };
        auto started = Launcher::start({SANDBOX_PROBE_RUNNER, [&](const Death& death) {
                                            if (restarts++ < 2) {
                                                auto next = launch();
                                                ASSERT_TRUE(next) << next.error().message();
                                                launcher->kill(next->id);
                                                for (const int fd : {next->pidfd, next->output_fd, next->violations_fd}) ::close(fd);
                                            }
                                            deaths.add(death);
                                        }});
        ASSERT_TRUE(started) << started.error().message();
        launcher = std::move(*started);
        auto first = launch();
        ASSERT_TRUE(first) << first.error().message();
        launcher->kill(first->id);
        for (const int fd : {first->pidfd, first->output_fd, first->violations_fd}) ::close(fd);
        EXPECT_EQ(deaths.of(3).how, Death::killed);
        launcher.reset();
    });
}

TEST(LauncherTest, AMissingRunnerIsNamed) {
    auto started = Launcher::start({"/nowhere/symphony-runner", nullptr});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().reason(), "no-launcher");
    EXPECT_THAT(started.error().message(), HasSubstr("/nowhere/symphony-runner"));
}

TEST(LauncherTest, AProgramThatIsNoRunnerIsNamed) {
    auto started = Launcher::start({"/bin/true", nullptr});
    ASSERT_FALSE(started);
    EXPECT_THAT(started.error().message(), HasSubstr("without a greeting"));
}

TEST(LauncherTest, ASpecThatMakesNoSenseIsRefused) {
    Rig rig;
    Spec spec;
    auto started = rig.launcher->launch(spec);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code(), Code::invalid_argument);
    Fd control;
    spec.limits.memory_bytes = 1 << 20;
    started = rig.try_launch(spec, control);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().reason(), "memory-too-small");
}

TEST(LauncherTest, ANameCannotLeaveItsFolder) {
    Rig rig;
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    const Fd ours(pair[0]), theirs(pair[1]), image = sealed_copy(SANDBOX_PROBE);
    Spec spec;
    spec.name = "../../etc/x\n" + std::string(300, 'y');
    spec.version = "/..";
    spec.image_fd = image.get();
    spec.control_fd = theirs.get();
    auto started = rig.launcher->launch(spec);
    ASSERT_TRUE(started) << started.error().message();
    char text[512] = {};
    ASSERT_GT(::recv(ours.get(), text, sizeof text - 1, 0), 0);
    EXPECT_THAT(std::string(text), StartsWith("ready /plugin/_._.._etc_x_yyy"));
    for (const int fd : {started->pidfd, started->output_fd, started->violations_fd}) ::close(fd);
}

TEST(LauncherTest, ALibraryThatIsNoneIsTheLinkersToRefuse) {
    Rig rig;
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    const Fd ours(pair[0]), theirs(pair[1]), image = sealed_copy("/etc/passwd");
    Spec spec;
    spec.name = "text";
    spec.version = "1";
    spec.image_fd = image.get();
    spec.control_fd = theirs.get();
    auto started = rig.launcher->launch(spec);
    ASSERT_TRUE(started) << started.error().message();
    char text[512] = {};
    ASSERT_GT(::recv(ours.get(), text, sizeof text - 1, 0), 0);
    EXPECT_THAT(std::string(text), HasSubstr("invalid ELF header"));
    EXPECT_EQ(rig.deaths.of(started->id).number, 3);
    for (const int fd : {started->pidfd, started->output_fd, started->violations_fd}) ::close(fd);
}

} // namespace
} // namespace symphony::sandbox::test
