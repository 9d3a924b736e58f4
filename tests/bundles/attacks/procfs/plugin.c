/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static const char *const names[] = {"/proc", "/proc/self", "/proc/self/maps", "/proc/self/mem", "/proc/1/root/etc/shadow",
                                        "/proc/1/environ", "/proc/1/cwd", "/proc/thread-self/fd", "/proc/sys/kernel/core_pattern",
                                        "/proc/sysrq-trigger", "/proc/kcore", "/proc/kallsyms", "/proc/net/tcp", "/proc/version",
                                        "/proc/cmdline", "/proc/mounts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) attempt_fd(a, names[i], open(names[i], O_RDONLY | O_CLOEXEC));
    char name[64];
    (void)snprintf(name, sizeof name, "/proc/%s/mem", fact(a, "victim"));
    attempt_fd(a, "memory of the victim", open(name, O_RDWR));
    (void)snprintf(name, sizeof name, "/proc/%d/environ", (int)getppid());
    attempt_fd(a, "environment of the parent", open(name, O_RDONLY));
}
ATTACK_PLUGIN
