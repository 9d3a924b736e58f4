// SPDX-License-Identifier: Apache-2.0
#include "policy.hpp"

#include <symphony/sandbox/violations.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <sys/syscall.h>

namespace symphony::sandbox {
namespace {

std::vector<sock_filter> usual(const sock_fprog* second = nullptr) {
    return policy::compile({.otherwise = policy::Otherwise::notify, .jit = false, .may_socketpair = false, .second = second});
}

TEST(Policy, EveryProgramCompilesAndIsSmallEnoughForTheKernel) {
    const sock_fprog second{};
    for (const bool jit : {false, true}) {
        for (const bool pair : {false, true}) {
            for (const auto otherwise : {policy::Otherwise::notify, policy::Otherwise::trap}) {
                const auto program = policy::compile({.otherwise = otherwise, .jit = jit, .may_socketpair = pair, .second = &second});
                EXPECT_GT(program.size(), 100u);
                EXPECT_LE(program.size(), 4096u);
            }
        }
    }
    EXPECT_FALSE(policy::compile_second().empty());
    EXPECT_FALSE(policy::compile_init().empty());
}

TEST(Policy, ItsOwnProcessIsPutInEverywhere) {
    auto program = usual();
    const auto count = [&](std::uint32_t value) {
        return std::count_if(program.begin(), program.end(), [&](const sock_filter& step) { return BPF_CLASS(step.code) == BPF_JMP && step.k == value; });
    };
    constexpr pid_t own = 3'999'999;
    const auto before = count(own);
    policy::set_own_pid(program, own);
    // Calls may share the comparison.
    EXPECT_GT(count(own), before);
}

TEST(Policy, CallsHaveNames) {
    EXPECT_EQ(policy::name_of(SYS_ptrace), "ptrace");
    EXPECT_EQ(policy::name_of(449), "futex_waitv");
    EXPECT_EQ(policy::name_of(9999), "syscall 9999");
    EXPECT_TRUE(policy::is_grave("socket"));
    EXPECT_TRUE(policy::is_grave("io_uring_setup"));
    EXPECT_FALSE(policy::is_grave("execve"));
    EXPECT_FALSE(policy::is_grave("clone"));
}

TEST(Policy, ErrorsAreThoseThatLibrariesExpect) {
    EXPECT_EQ(policy::usual_error("ioctl"), ENOTTY);
    EXPECT_EQ(policy::usual_error("setsockopt"), ENOPROTOOPT);
    EXPECT_EQ(policy::usual_error("getsockopt"), ENOPROTOOPT);
    EXPECT_EQ(policy::usual_error("syscall 700"), ENOSYS);
    EXPECT_EQ(policy::usual_error("ptrace"), EPERM);
}

TEST(Policy, AViolationReadsLikeACall) {
    Violation violation;
    violation.name = "ptrace";
    violation.args = {16, 1, 0, 0xFFFF'FFFF'FFFF'FFFFull, 4096, 4095};
    EXPECT_EQ(violation.text(), "ptrace(16, 1, 0, 0xffffffffffffffff, 0x1000, 4095)");
}

} // namespace
} // namespace symphony::sandbox
