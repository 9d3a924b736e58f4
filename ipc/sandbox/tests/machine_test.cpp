// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"
#include "rig.hpp"

#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/resource.h>

namespace symphony::sandbox::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const LayerState& layer(const std::vector<LayerState>& layers, std::string_view name) {
    for (const LayerState& state : layers) {
        if (state.name == name) return state;
    }
    ADD_FAILURE() << "no layer " << name;
    return layers.front();
}

/// Makes a system call fail in this process and its children, as an old kernel or a container does.
void without(std::initializer_list<std::pair<const char*, int>> calls, std::initializer_list<scmp_arg_cmp> when = {}) {
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (const auto& [name, error_number] : calls) {
        ASSERT_EQ(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error_number)), seccomp_syscall_resolve_name(name),
                                         static_cast<unsigned>(when.size()), when.begin()), 0);
    }
    ASSERT_EQ(seccomp_load(filter), 0);
    seccomp_release(filter);
}
/// As a container's filter: clone3 is unknown, clone may make no user namespace.
void without_namespaces() {
    without({{"clone3", ENOSYS}});
    without({{"clone", EPERM}}, {SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER)});
}
void without_landlock(int error_number = EOPNOTSUPP) { without({{"landlock_create_ruleset", error_number}}); }
/// Another filter of this process already has somebody who listens.
void without_notification() {
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    ASSERT_EQ(seccomp_rule_add(filter, SCMP_ACT_NOTIFY, 998, 0), 0);
    ASSERT_EQ(seccomp_load(filter), 0);
    const int listener = seccomp_notify_fd(filter);
    ::fcntl(listener, F_SETFD, FD_CLOEXEC);
}

class MachineAs : public ::testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(As, MachineAs, ::testing::Values(As::root, As::nobody),
                         [](const auto& test) { return std::string(test.param == As::root ? "Root" : "Nobody"); });

/// What the launcher says, what the host's own look says, and what a launch gives are the same.
void expect_grade(Grade grade) {
    Rig rig;
    ASSERT_TRUE(rig.launcher);
    EXPECT_EQ(Machine::probe().grade, grade);
    EXPECT_EQ(rig.launcher->machine().grade, grade);
    Spec spec;
    spec.minimum = Grade::none;
    const auto probe = rig.probe(spec);
    ASSERT_TRUE(probe);
    EXPECT_EQ(probe->started().grade, grade);
    EXPECT_EQ(probe->ask("work"), "ok");
}

/// The launch is refused, and the error says what to do.
void expect_refused(Grade minimum, const char* names, const char* remedy) {
    Rig rig;
    ASSERT_TRUE(rig.launcher);
    Spec spec;
    spec.minimum = minimum;
    Fd control;
    auto started = rig.try_launch(spec, control);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code(), Code::refused);
    EXPECT_EQ(started.error().reason(), "grade-too-low");
    EXPECT_THAT(started.error().message(), HasSubstr("plugin \"probe\" 1.2.3"));
    EXPECT_THAT(started.error().message(), HasSubstr(names));
    EXPECT_THAT(started.error().hint(), HasSubstr(remedy));
}

TEST_P(MachineAs, WithEverythingIsG4) {
    as(GetParam(), [] { expect_grade(Grade::full); });
}

TEST_P(MachineAs, WithoutUserNamespacesIsG3) {
    as(GetParam(), [] {
        without_namespaces();
        expect_grade(Grade::no_namespaces);
        expect_refused(Grade::full, "L1 namespaces is missing", "container");
        const Machine machine = Machine::probe();
        EXPECT_FALSE(layer(machine.layers, "L1 namespaces").active);
        EXPECT_THAT(layer(machine.layers, "L1 namespaces").remedy, Not(IsEmpty()));
    });
}

TEST_P(MachineAs, WithoutUserNamespacesFilesAreStillClosed) {
    as(GetParam(), [] {
        without_namespaces();
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        EXPECT_EQ(probe->ask("open /etc/passwd 0"), error(EACCES));
        EXPECT_EQ(probe->ask("open /proc/self/mem 0"), error(EACCES));
        EXPECT_EQ(probe->ask("threads 4"), "4");
        if (::geteuid() == 0) {
            EXPECT_THAT(probe->ask("ids"), ::testing::StartsWith("1879")) << "a user of its own";
        }
        probe->call(SYS_kill, {static_cast<unsigned long>(::getppid()), 0});
        EXPECT_THAT(probe->denied(), ::testing::Contains(std::string("kill")));
    });
}

TEST_P(MachineAs, WithoutLandlockIsG2AndRefusedByDefault) {
    as(GetParam(), [] {
        without_landlock();
        expect_grade(Grade::no_landlock);
        expect_refused(Grade::no_namespaces, "L3 Landlock is missing: Landlock is in this kernel but not switched on", "lsm=");
    });
}

TEST_P(MachineAs, AnOldKernelIsTold) {
    as(GetParam(), [] {
        without_landlock(ENOSYS);
        expect_refused(Grade::no_namespaces, "offers no Landlock", "5.13");
    });
}

TEST_P(MachineAs, WithNeitherNothingConfinesFiles) {
    as(GetParam(), [] {
        without_landlock();
        without_namespaces();
        expect_grade(Grade::limits);
        expect_refused(Grade::no_landlock, "L1 namespaces is missing", "");
    });
}

TEST_P(MachineAs, WithoutNotificationTheRunnerTells) {
    as(GetParam(), [] {
        without_notification();
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        EXPECT_TRUE(probe->started().forgeable);
        EXPECT_EQ(probe->started().grade, Grade::full);
        EXPECT_THAT(layer(probe->started().layers, "L4 seccomp").why_not, HasSubstr("forged"));
        EXPECT_EQ(probe->call(SYS_ptrace, {16, 1}), error(EPERM));
        EXPECT_EQ(probe->call(SYS_memfd_create), error(EPERM));
        EXPECT_EQ(probe->ask("work"), "ok");
        for (int i = 0; i < patience_ms && probe->denied().size() < 2; i += 5) ::poll(nullptr, 0, 5);
        EXPECT_THAT(probe->denied(), ::testing::ElementsAre("ptrace!", "memfd_create"));
    });
}

TEST(MachineTest, WithoutControlGroupsTheWatcherLimits) {
    as(As::root, [] {
        ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
        ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        ASSERT_EQ(::mount("none", "/sys/fs/cgroup", "tmpfs", 0, nullptr), 0);
        Rig rig;
        EXPECT_EQ(rig.launcher->machine().limits_backend, "rlimits and watcher");
        EXPECT_THAT(layer(rig.launcher->machine().layers, "L5 limits").why_not, HasSubstr("watched"));
        Spec spec;
        spec.limits.memory_bytes = 64 << 20;
        const auto probe = rig.probe(spec);
        ASSERT_TRUE(probe);
        EXPECT_EQ(probe->started().grade, Grade::full);
        probe->send("alloc 200 slow");
        EXPECT_EQ(rig.deaths.of(probe->id()).how, Death::out_of_memory);
    });
}

TEST(MachineTest, SwitchedOffNamespacesNameTheSwitch) {
    as(As::root, [] {
        if (has_tsan) GTEST_SKIP() << "a process with more than one thread gets no user namespace";
        // In a user namespace of its own, so that the machine's setting stays.
        ASSERT_EQ(::unshare(CLONE_NEWUSER), 0);
        ASSERT_EQ(map_identity(::getpid(), {0, 0, 0, 0, false}).error, 0);
        const Fd setting(::open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC));
        if (!setting.open() || ::write(setting.get(), "0", 1) != 1) GTEST_SKIP() << "the setting of a user namespace cannot be written here";
        const Machine machine = Machine::probe();
        EXPECT_THAT(layer(machine.layers, "L1 namespaces").why_not, HasSubstr("user.max_user_namespaces is 0"));
        EXPECT_THAT(layer(machine.layers, "L1 namespaces").remedy, HasSubstr("sysctl"));
        // The only user there is root.
        EXPECT_EQ(machine.grade, Grade::limits);
        EXPECT_THAT(layer(machine.layers, "L2 identity").why_not, HasSubstr("would run as root"));
        expect_refused(Grade::no_namespaces, "L2 identity is missing", "plain user");
    });
}

TEST(MachineTest, GradesFollowFromWhatIsActive) {
    const std::uint32_t all = layers_all;
    EXPECT_EQ(grade_of(all), Grade::full);
    EXPECT_EQ(grade_of(all & ~layer_memory), Grade::full);
    EXPECT_EQ(grade_of(all & ~layer_namespaces), Grade::no_namespaces);
    EXPECT_EQ(grade_of(all & ~layer_landlock), Grade::no_landlock);
    EXPECT_EQ(grade_of(all & ~layer_seccomp), Grade::limits);
    EXPECT_EQ(grade_of(all & ~layer_identity), Grade::limits);
    EXPECT_EQ(grade_of(layer_limits), Grade::limits);
    EXPECT_EQ(grade_of(0), Grade::none);
}

} // namespace
} // namespace symphony::sandbox::test
