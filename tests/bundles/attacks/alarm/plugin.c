/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sys/time.h>

static void attack(struct attack *a) {
    struct itimerval soon = {{0, 0}, {0, 50000}};
    (void)signal(SIGALRM, SIG_DFL);
    attempt(a, "alarm", setitimer(ITIMER_REAL, &soon, NULL) == 0 ? -1 : -1);
    (void)sleep(5);
    escaped(a, "no timer and no end");
}
ATTACK_PLUGIN
