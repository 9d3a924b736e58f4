/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    (void)kill(getpid(), SIGSTOP);
    /* Another thread may be the one that takes the signal, and this one runs on for a moment. */
    (void)nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    stopped(a, "SIGSTOP did nothing");
}
ATTACK_PLUGIN
