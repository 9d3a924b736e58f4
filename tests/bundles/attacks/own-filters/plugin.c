/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <linux/filter.h>

static struct attack early;

static void try_all(struct attack *a) {
    /* One that allows all: an error in its place would come before a notification, and before our own answer. */
    static struct sock_filter quiet = {6, 0, 0, 0x7FFF0000u};
    static struct sock_fprog program = {1, &quiet};
    const struct {
        uint64_t fs, net, scoped;
    } rules = {1, 0, 0};
    static const unsigned flags[] = {0, 1, 2, 4, 8, 1 | 16, 32};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) surface(a, "a filter of its own", syscall(SYS_seccomp, 1, flags[i], &program));
    surface(a, "the old way", prctl(PR_SET_SECCOMP, 2, &program, 0, 0));
    surface(a, "strict mode", prctl(PR_SET_SECCOMP, 1, 0, 0, 0));
    surface(a, "which actions there are", syscall(SYS_seccomp, 2, 0, &(uint32_t){0x7FC00000u}));
    surface(a, "sizes of notifications", syscall(SYS_seccomp, 3, 0, &(uint64_t){0}));
    surface(a, "a ruleset", syscall(444, &rules, sizeof rules, 0));
    surface(a, "which Landlock", syscall(444, NULL, 0, 1));
    surface(a, "restricting itself", syscall(446, -1, 0));
    surface(a, "dispatching calls", prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &(char){0}));
}
__attribute__((constructor)) static void before_the_second_filter(void) {
    if (!unprotected()) try_all(&early);
}
static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    (void)self;
    if (early.escaped[0] == 0 && !unprotected()) try_all(&early);
    report(&early, call);
    return SYMPHONY_OK;
}
FAULT_PLUGIN
