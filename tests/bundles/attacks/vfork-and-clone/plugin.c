/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <linux/sched.h>

static void attack(struct attack *a) {
    static const struct {
        const char *name;
        unsigned long flags;
    } ways[] = {{"clone as a sibling", CLONE_PARENT}, {"clone untraced", CLONE_UNTRACED}, {"clone with descriptors", CLONE_FILES},
                {"clone with a file system", CLONE_FS}, {"clone with a pidfd", CLONE_PIDFD}, {"clone with io", CLONE_IO}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
        int pidfd = -1;
        const long child = syscall(SYS_clone, ways[i].flags | SIGCHLD, NULL, &pidfd, NULL, NULL);
        if (child == 0) _exit(0);
        attempt(a, ways[i].name, child);
        if (child > 0) (void)waitpid((pid_t)child, NULL, 0);
    }
    struct clone_args args = {.exit_signal = SIGCHLD};
    const long child = syscall(SYS_clone3, &args, sizeof args);
    if (child == 0) _exit(0);
    attempt(a, "clone3", child);
    args.flags = CLONE_INTO_CGROUP;
    surface(a, "clone3 into another cgroup", syscall(SYS_clone3, &args, sizeof args));
    const long fast = syscall(SYS_vfork);
    if (fast == 0) syscall(SYS_exit, 0);
    attempt(a, "vfork", fast);
}
ATTACK_PLUGIN
