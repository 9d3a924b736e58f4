// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <algorithm>
#include <csignal>
#include <random>

namespace symphony::sandbox::test {
namespace {

constexpr long numbers = 600;

/// One system call of each number in the sandbox. Whatever it does there, the launcher and the host are as they were: that is asked
/// after each process that the call ended.
void sweep(std::uint64_t seed, bool zeros) {
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    Rig rig;
    ASSERT_TRUE(rig.launcher);
    const pid_t launcher = rig.launcher->pid();
    const auto hosts = [] { return read_file("/proc/self/mountinfo") + read_file("/proc/sys/kernel/hostname") + read_file("/proc/self/limits"); };
    const std::string before = hosts();
    std::mt19937_64 random(seed);
    std::unique_ptr<Probe> probe;
    std::size_t answered = 0, ended = 0, waited = 0;
    std::vector<std::string> denied;
    const auto end_probe = [&] {
        if (!probe) return;
        for (const std::string& name : probe->denied()) denied.push_back(name);
        rig.launcher->kill(probe->id());
        const Death death = rig.deaths.of(probe->id());
        EXPECT_TRUE(death.how == Death::exited || death.how == Death::signalled || death.how == Death::policy || death.how == Death::killed) << death.text;
        probe.reset();
    };
    for (long number = 0; number < numbers; ++number) {
        SCOPED_TRACE(number);
        if (!probe) probe = rig.probe();
        ASSERT_TRUE(probe);
        std::string request = "call " + std::to_string(number);
        for (int i = 0; i < 6; ++i) request += " " + std::to_string(zeros ? 0 : random() >> (random() % 64));
        // A call that waits for something is as good as one that answers; it ends with its process.
        constexpr int wait_ms = 60;
        const std::string answer = probe->ask(request, wait_ms);
        if (answer.starts_with("ok ") || answer.starts_with("error ")) {
            ++answered;
            continue;
        }
        probe->is_dead() ? ++ended : ++waited;
        end_probe();
        ASSERT_EQ(rig.launcher->pid(), launcher) << "the launcher was ended";
    }
    end_probe();
    std::sort(denied.begin(), denied.end());
    denied.erase(std::unique(denied.begin(), denied.end()), denied.end());
    std::printf("%zu answered, %zu ended their process, %zu waited; %zu different calls were denied\n", answered, ended, waited, denied.size());
    EXPECT_EQ(hosts(), before);
    // Half of the numbers do not exist; of the others, most are nothing that a plugin may do.
    EXPECT_GT(answered, 500u);
    EXPECT_GT(denied.size(), 100u);
    for (const char* const grave : {"ptrace!", "mount!", "bpf!", "kexec_load!", "socket!", "unshare!", "setns!", "pivot_root!", "reboot!"}) {
        EXPECT_THAT(denied, ::testing::Contains(std::string(grave)));
    }
    for (const char* const usual : {"read", "mmap!", "futex", "exit_group"}) EXPECT_THAT(denied, ::testing::Not(::testing::Contains(std::string(usual))));
}

class Sweep : public ::testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(As, Sweep, ::testing::Values(As::root, As::nobody),
                         [](const auto& test) { return std::string(test.param == As::root ? "Root" : "Nobody"); });

TEST_P(Sweep, EveryCallWithZeros) {
    as(GetParam(), [] { sweep(0, true); });
}
TEST_P(Sweep, EveryCallWithRandomArguments) {
    as(GetParam(), [] { sweep(std::random_device{}(), false); });
}

} // namespace
} // namespace symphony::sandbox::test
