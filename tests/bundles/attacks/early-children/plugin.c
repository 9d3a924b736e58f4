/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <linux/sched.h>
#include <spawn.h>

static struct attack early;

static void ended(long child) {
    if (child > 0) (void)waitpid((pid_t)child, NULL, 0);
}
__attribute__((constructor)) static void before_the_second_filter(void) {
    struct attack *const a = &early;
    if (unprotected()) return;
    const long forked = fork();
    if (forked == 0) _exit(0);
    ended(attempt(a, "fork", forked));
    const long raw = syscall(SYS_fork);
    if (raw == 0) _exit(0);
    ended(attempt(a, "the system call fork", raw));
    struct clone_args args = {.exit_signal = 0};
    const long third = syscall(SYS_clone3, &args, sizeof args);
    if (third == 0) _exit(0);
    ended(attempt(a, "clone3", third));
    pid_t spawned = -1;
    char *const words[] = {"true", NULL};
    errno = posix_spawn(&spawned, "/usr/bin/true", NULL, NULL, words, words + 1);
    ended(attempt(a, "posix_spawn", errno == 0 ? spawned : -1));
    const long shared = syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL);
    if (shared == 0) syscall(SYS_exit, 0);
    ended(attempt(a, "a child that shares its memory", shared));
}
EARLY_ATTACK_PLUGIN
