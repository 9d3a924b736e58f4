/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

static void attack(struct attack *a) {
    stopped(a, "it does not come back");
    if (!unprotected()) _exit(0);
}
ATTACK_PLUGIN
