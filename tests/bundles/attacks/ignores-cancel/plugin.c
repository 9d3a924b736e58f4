/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    stopped(a, "it sleeps for ever");
    for (;;) (void)pause();
}
ATTACK_PLUGIN
