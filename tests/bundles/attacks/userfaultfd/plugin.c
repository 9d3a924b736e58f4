/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

static void attack(struct attack *a) {
    surface(a, "userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC));
    surface(a, "userfaultfd for user mode", syscall(SYS_userfaultfd, 1 | O_CLOEXEC));
}
ATTACK_PLUGIN
