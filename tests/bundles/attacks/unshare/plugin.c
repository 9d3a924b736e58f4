/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sched.h>

static void attack(struct attack *a) {
    static const int flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) surface(a, "unshare", unshare(flags[i]));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; ++i) {
        const long child = syscall(SYS_clone, flags[i] | SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) _exit(0);
        attempt(a, "clone into a namespace", child);
    }
}
ATTACK_PLUGIN
