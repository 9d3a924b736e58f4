/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    (void)kill(getpid(), SIGSTOP);
    stopped(a, "SIGSTOP did nothing");
}
ATTACK_PLUGIN
