/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    surface(a, "add_key", syscall(SYS_add_key, "user", "symphony-attack", "x", 1, -1));
    surface(a, "request_key", syscall(SYS_request_key, "user", "symphony-attack", NULL, 0));
    surface(a, "keyctl", syscall(SYS_keyctl, 0, -3, 0));
}
ATTACK_PLUGIN
