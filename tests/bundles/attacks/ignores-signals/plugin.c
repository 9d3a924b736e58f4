/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    for (int number = 1; number < 65; ++number) (void)signal(number, SIG_IGN);
    stopped(a, "it goes on for ever");
    volatile int forever = 1;
    while (forever) continue;
}
ATTACK_PLUGIN
