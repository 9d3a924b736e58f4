/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static char attributes[128];
    surface(a, "bpf", syscall(SYS_bpf, 0, attributes, sizeof attributes));
    surface(a, "bpf program", syscall(SYS_bpf, 5, attributes, sizeof attributes));
}
ATTACK_PLUGIN
