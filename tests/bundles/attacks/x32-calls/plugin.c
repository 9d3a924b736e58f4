/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    surface(a, "getuid of x32", syscall(0x40000000L + SYS_getuid));
    surface(a, "ptrace of x32", syscall(0x40000000L + 521, 0, 0, 0, 0));
}
ATTACK_PLUGIN
