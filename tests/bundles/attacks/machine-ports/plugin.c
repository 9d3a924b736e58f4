/* SPDX-License-Identifier: Apache-2.0 */
#define ATTACK_DANGEROUS
#include "attack.h"

#include <sys/io.h>

static void attack(struct attack *a) {
    surface(a, "iopl", iopl(3));
    surface(a, "ioperm", ioperm(0x80, 1, 1));
    surface(a, "modify_ldt", syscall(SYS_modify_ldt, 0, NULL, 0));
    surface(a, "arch_prctl of a trap", syscall(SYS_arch_prctl, 0x1012, 0));
}
ATTACK_PLUGIN
