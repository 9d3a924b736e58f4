// SPDX-License-Identifier: Apache-2.0
#include "rig.hpp"

#include <csignal>
#include <filesystem>
#include <linux/seccomp.h>
#include <sched.h>

namespace symphony::sandbox::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class Layers : public ::testing::TestWithParam<As> {};
INSTANTIATE_TEST_SUITE_P(As, Layers, ::testing::Values(As::root, As::nobody),
                         [](const auto& test) { return std::string(test.param == As::root ? "Root" : "Nobody"); });

TEST_P(Layers, AnHonestLibraryFindsWhatItNeeds) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        EXPECT_EQ(probe->ask("work"), "ok");
        EXPECT_THAT(probe->denied(), IsEmpty());
    });
}

TEST_P(Layers, OnlyTheStandardStreamsAndTheChannelAreOpen) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        const std::string open = probe->ask("fds");
        EXPECT_THAT(open, StartsWith("0 1 2 "));
        EXPECT_EQ(std::count(open.begin(), open.end(), ' '), 3) << open;
    });
}

TEST_P(Layers, TheEnvironmentIsLanguageAndTimeZone) {
    as(GetParam(), [] {
        ::setenv("SYMPHONY_TEST_SECRET", "hunter2-is-secret", 1);
        ::setenv("LANG", "C.UTF-8", 1);
        ::setenv("TZ", "UTC", 1);
        ::setenv("LD_LIBRARY_PATH", "/nowhere-secret-path", 1);
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        EXPECT_EQ(probe->ask("env"), "LANG=C.UTF-8\nTZ=UTC\n");
        EXPECT_EQ(probe->ask("stack /nowhere-secret-pat h"), "ok") << "the launcher's environment is left in the plugin's memory";
    });
}

TEST_P(Layers, ItsFilesAreTheSystemsLibrariesAndNothingElse) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        ASSERT_EQ(probe->started().grade, Grade::full);
        EXPECT_THAT(probe->ask("open /usr/lib 0"), StartsWith("ok"));
        EXPECT_THAT(probe->ask("open /etc/ld.so.cache 0"), StartsWith("ok"));
        EXPECT_THAT(probe->ask("open /dev/null 1"), StartsWith("ok"));
        for (const char* const path : {"/etc/passwd", "/etc/shadow", "/proc/self/maps", "/proc", "/sys", "/home", "/root", "/tmp/x", "/dev/kmsg", "/dev/tty", "/run"}) {
            EXPECT_EQ(probe->ask(std::string("open ") + path + " 0"), error(ENOENT)) << path;
        }
        // The root itself is no folder that may be listed.
        EXPECT_EQ(probe->ask("open / 0"), error(EACCES));
        for (const char* const path : {"/x", "/plugin/x", "/dev/x", "/usr/x"}) {
            EXPECT_THAT(probe->ask(std::string("open ") + path + " " + std::to_string(O_CREAT | O_WRONLY)), ::testing::AnyOf(error(EROFS), error(EACCES))) << path;
        }
    });
}

/// A distribution with the probe's runner, that the user of the test owns.
std::string make_distribution() {
    char folder[] = "/tmp/symphony-sandbox-XXXXXX";
    const std::string prefix = ::mkdtemp(folder);
    ::chmod(prefix.c_str(), 0755);
    for (const char* const name : {"/bin", "/lib", "/plugins"}) ::mkdir((prefix + name).c_str(), 0755);
    const auto write = [&](const char* name, const std::string& bytes, mode_t mode) {
        const Fd file(::open((prefix + name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        EXPECT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    };
    write("/bin/symphony-runner", read_file(SANDBOX_PROBE_RUNNER), 0755);
    write("/lib/libown.so.1", "a library", 0644);
    write("/plugins/other.toml", "another plugin", 0644);
    write("/SHA256SUMS", "a seal", 0644);
    return prefix;
}

/// As each grade has it: with a root of its own, and with Landlock alone.
void expect_own_libraries(const std::string& prefix, bool there) {
    Rig rig((prefix + "/bin/symphony-runner").c_str());
    for (const std::uint32_t off : {0u, static_cast<unsigned>(layer_landlock), static_cast<unsigned>(layer_namespaces)}) {
        SCOPED_TRACE("layers off: " + std::to_string(off));
        Spec spec;
        spec.layers_off = off;
        const auto probe = rig.probe(spec);
        ASSERT_TRUE(probe);
        const auto open = [&](const std::string& path, int flags) { return probe->ask("open " + prefix + path + " " + std::to_string(flags)); };
        const bool root = (off & layer_namespaces) == 0, listed = (off & layer_landlock) != 0;
        EXPECT_THAT(open("/lib/libown.so.1", O_RDONLY), StartsWith(there ? "ok" : root ? error(ENOENT) : error(EACCES)));
        for (const char* const path : {"/SHA256SUMS", "/plugins", "/plugins/other.toml", "/bin/symphony-runner"}) EXPECT_THAT(open(path, O_RDONLY), ::testing::AnyOf(error(ENOENT), error(EACCES))) << path;
        for (const char* const path : {"", "/bin"}) { // on the way to them, and empty but for that
            if (listed) continue;
            EXPECT_THAT(open(path, O_RDONLY | O_DIRECTORY), ::testing::AnyOf(error(EACCES), error(ENOENT))) << path;
        }
        EXPECT_THAT(open("/lib/libown.so.1", O_WRONLY), ::testing::AnyOf(error(EROFS), error(EACCES), error(ENOENT)));
        EXPECT_THAT(open("/lib/new", O_WRONLY | O_CREAT), ::testing::AnyOf(error(EROFS), error(EACCES), error(ENOENT)));
    }
}

TEST_P(Layers, TheLibrariesOfADistributionAreReadableAndNothingElseOfIt) {
    as(GetParam(), [] {
        const std::string prefix = make_distribution();
        expect_own_libraries(prefix, true);
        ::chmod(prefix.c_str(), 0700);
        expect_own_libraries(prefix, ::geteuid() != 0); // root's plugins have users of their own, who cannot go there; they start all the same
        ::chmod(prefix.c_str(), 0755);
        ::chmod((prefix + "/lib").c_str(), 0775);
        expect_own_libraries(prefix, false); // its group may write to it
        ::chmod((prefix + "/lib").c_str(), 0755);
        ::rename((prefix + "/lib").c_str(), (prefix + "/aside").c_str());
        EXPECT_EQ(::symlink("aside", (prefix + "/lib").c_str()), 0);
        expect_own_libraries(prefix, false); // a link leads anywhere
        ::unlink((prefix + "/lib").c_str());
        ::rename((prefix + "/aside").c_str(), (prefix + "/lib").c_str());
        ::unlink((prefix + "/SHA256SUMS").c_str());
        expect_own_libraries(prefix, false); // nobody composed it
        std::filesystem::remove_all(prefix);
    });
}

TEST_P(Layers, ItHasNoRights) {
    as(GetParam(), [] {
        Rig rig;
        const auto one = rig.probe(), two = rig.probe();
        ASSERT_TRUE(one && two);
        const std::string first = one->ask("ids"), second = two->ask("ids");
        EXPECT_THAT(first, HasSubstr(" 2 empty 1 0")) << "process 2, empty bounding set, no new privileges, not dumpable";
        if (::geteuid() == 0) {
            EXPECT_NE(first, second) << "each has a user of its own";
        }
        EXPECT_NE(first.substr(0, 2), "0 ");
    });
}

TEST_P(Layers, WhatIsNotAllowedIsToldByTheKernelAndDenied) {
    as(GetParam(), [] {
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        EXPECT_FALSE(probe->started().forgeable);
        struct {
            long number;
            const char* name;
            std::vector<unsigned long> args;
        } const cases[] = {
            {SYS_socket, "socket!", {AF_INET, SOCK_STREAM, 0}}, {SYS_ptrace, "ptrace!", {16, 1}}, {SYS_unshare, "unshare!", {CLONE_NEWUSER}},
            {SYS_mount, "mount!", {}}, {SYS_keyctl, "keyctl!", {}}, {SYS_io_uring_setup, "io_uring_setup!", {1}},
            {SYS_userfaultfd, "userfaultfd!", {}}, {SYS_bpf, "bpf!", {}}, {SYS_memfd_create, "memfd_create", {}}, {SYS_execve, "execve", {}},
            {SYS_fork, "fork", {}}, {SYS_clone, "clone", {SIGCHLD}}, {SYS_kill, "kill", {1, 9}}, {SYS_kill, "kill", {~0ul, 9}},
            {SYS_chmod, "chmod", {}}, {SYS_link, "link", {}}, {SYS_connect, "connect", {3}}, {SYS_socketpair, "socketpair", {AF_UNIX, 1}},
            {SYS_setsockopt, "setsockopt", {3, 6, 23}}, {SYS_sendto, "sendto", {3, 0, 0, MSG_FASTOPEN}}, {SYS_ioctl, "ioctl", {0, 0x5412}},
            {SYS_prctl, "prctl", {PR_SET_DUMPABLE, 1}}, {SYS_prctl, "prctl", {PR_SET_PDEATHSIG, 0}}, {SYS_seccomp, nullptr, {1, 0, 0}},
            {SYS_personality, "personality", {0}}, {SYS_fcntl, "fcntl", {0, F_SETOWN, 1}}, {SYS_rt_sigaction, "rt_sigaction", {SIGSYS}},
            {SYS_clone, "clone", {CLONE_NEWUSER | SIGCHLD}}, {999, "syscall 999", {}},
        };
        for (const auto& attempt : cases) {
            SCOPED_TRACE(attempt.name != nullptr ? attempt.name : "seccomp");
            std::string request = "call " + std::to_string(attempt.number);
            for (const unsigned long arg : attempt.args) request += " " + std::to_string(arg);
            EXPECT_THAT(probe->ask(request), StartsWith("error "));
            if (attempt.name == nullptr) continue;
            EXPECT_THAT(probe->denied(), Contains(std::string(attempt.name)));
        }
        // Libraries ask for these and go on.
        const auto before = probe->denied().size();
        EXPECT_EQ(probe->call(SYS_clone3), error(ENOSYS));
        EXPECT_EQ(probe->call(SYS_mbind), error(ENOSYS));
        EXPECT_EQ(probe->denied().size(), before);
        EXPECT_FALSE(probe->is_dead());
    });
}

TEST_P(Layers, NoCodeIsMadeAfterLoading) {
    as(GetParam(), [] {
        Rig rig;
        const auto plain = rig.probe();
        ASSERT_TRUE(plain);
        EXPECT_EQ(plain->ask("code"), "no no no no");
        Spec spec;
        spec.jit = true;
        const auto jit = rig.probe(spec);
        ASSERT_TRUE(jit);
        EXPECT_THAT(jit->ask("code"), StartsWith("yes yes yes"));
        EXPECT_EQ(jit->started().grade, Grade::full);
        EXPECT_FALSE(jit->started().layers.at(5).active);
    });
}

TEST_P(Layers, ASocketpairNeedsTheWord) {
    as(GetParam(), [] {
        Rig rig;
        Spec spec;
        spec.may_socketpair = true;
        const auto probe = rig.probe(spec);
        ASSERT_TRUE(probe);
        // EFAULT: the kernel got as far as writing the result.
        EXPECT_EQ(probe->call(SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, 8}), error(EFAULT));
        EXPECT_EQ(probe->call(SYS_socketpair, {AF_INET, SOCK_STREAM, 0, 8}), error(EPERM));
    });
}

TEST_P(Layers, EachMayBeLeftOutByTheRunnerForTestsOnly) {
    as(GetParam(), [] {
        Rig rig;
        const struct {
            std::uint32_t off;
            Grade grade;
        } cases[] = {
            {layer_namespaces, Grade::no_namespaces}, {layer_landlock, Grade::no_landlock}, {layer_seccomp, Grade::limits},
            {layer_hygiene, Grade::limits}, {layer_identity, Grade::limits}, {layer_limits, Grade::limits}, {layer_memory, Grade::full},
            {layer_landlock | layer_namespaces, Grade::limits}, {layers_all, Grade::none},
        };
        for (const auto& [off, grade] : cases) {
            SCOPED_TRACE(off);
            Spec spec;
            spec.layers_off = off;
            const auto probe = rig.probe(spec);
            ASSERT_TRUE(probe);
            EXPECT_EQ(probe->started().grade, grade);
            for (std::size_t i = 0; i < probe->started().layers.size(); ++i) {
                EXPECT_EQ(probe->started().layers[i].active, (off & (1u << i)) == 0) << probe->started().layers[i].name;
            }
            EXPECT_EQ(probe->ask("work"), "ok");
        }
    });
}

TEST_P(Layers, LandlockAloneKeepsFilesAndSignals) {
    as(GetParam(), [] {
        Rig rig;
        Spec spec;
        spec.layers_off = layer_namespaces | layer_seccomp;
        const auto probe = rig.probe(spec);
        ASSERT_TRUE(probe);
        EXPECT_EQ(probe->ask("open /etc/passwd 0"), error(EACCES));
        EXPECT_EQ(probe->ask("open /proc/self/maps 0"), error(EACCES));
        EXPECT_THAT(probe->ask("open /usr/lib 0"), StartsWith("ok"));
        EXPECT_EQ(probe->call(SYS_kill, {static_cast<unsigned long>(::getpid()), 0}), error(EPERM));
    });
}

TEST_P(Layers, NamespacesAloneKeepFilesAndProcesses) {
    as(GetParam(), [] {
        Rig rig;
        Spec spec;
        spec.layers_off = layer_landlock | layer_seccomp;
        const auto probe = rig.probe(spec);
        ASSERT_TRUE(probe);
        EXPECT_EQ(probe->ask("open /etc/passwd 0"), error(ENOENT));
        EXPECT_EQ(probe->call(SYS_kill, {static_cast<unsigned long>(::getpid()), 0}), error(ESRCH));
        // A socket can be made, and leads nowhere.
        EXPECT_THAT(probe->call(SYS_socket, {AF_INET, SOCK_STREAM, 0}), StartsWith("ok"));
    });
}

TEST_P(Layers, AnotherSystemCallInterfaceIsDeadly) {
    as(GetParam(), [] {
#if defined(__x86_64__)
        Rig rig;
        const auto probe = rig.probe();
        ASSERT_TRUE(probe);
        constexpr long x32 = 0x40000000;
        EXPECT_EQ(probe->call(x32 + SYS_getpid), "");
        const Death death = rig.deaths.of(probe->id());
        EXPECT_EQ(death.how, Death::policy) << death.text;
#else
        GTEST_SKIP() << "only x86-64 has a second interface that a program may use";
#endif
    });
}

} // namespace
} // namespace symphony::sandbox::test
