/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static char attributes[112];
    surface(a, "perf_event_open", syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0));
}
ATTACK_PLUGIN
