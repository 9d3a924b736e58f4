/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    const long child = mortal_child();
    if (child == 0) {
        (void)setsid();
        if (mortal_child() == 0) {
            (void)setsid();
            (void)prctl(PR_SET_NAME, "left-behind");
            for (;;) pause();
        }
        _exit(0);
    }
    if (child < 0) stopped(a, "fork %s", errno_name(errno));
    else stopped(a, "forked; the harness looks for who is left");
}
ATTACK_PLUGIN
