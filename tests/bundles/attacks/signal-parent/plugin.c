/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const pid_t parent = getppid();
    if (parent > 1) attempt(a, "parent", kill(parent, 0));
    else stopped(a, "parent is %d", (int)parent);
    const pid_t group = getpgrp();
    if (group != getpid() && group > 1) attempt(a, "a group that is not ours", killpg(group, 0));
    if (getsid(0) != getpid() && getsid(0) > 1) attempt(a, "a session that is not ours", kill(getsid(0), 0));
    attempt(a, "host", fact_number(a, "host") > 1 ? kill(fact_number(a, "host"), 0) : (errno = ESRCH, -1));
}
ATTACK_PLUGIN
