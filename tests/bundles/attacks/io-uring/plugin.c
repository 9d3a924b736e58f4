/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    static char parameters[256];
    surface(a, "io_uring_setup", syscall(425, 1, parameters));
    surface(a, "io_uring_enter", syscall(426, -1, 0, 0, 0, NULL, 0));
    surface(a, "io_uring_register", syscall(427, -1, 0, NULL, 0));
}
ATTACK_PLUGIN
