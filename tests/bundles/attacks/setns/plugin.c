/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

#include <sched.h>

static void attack(struct attack *a) {
    surface(a, "setns", setns(-1, 0));
    surface(a, "setns of the first descriptor", setns(0, CLONE_NEWUSER));
}
ATTACK_PLUGIN
